//! Webhooks that a test puts into the registry, to have many without registering each.

use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use aws_sdk_dynamodb::types::{PutRequest, WriteRequest};
use storehook_aws::{registry::WebhookItem, table::to_item};
use storehook_domain::webhook::{Webhook, WebhookId, WebhookKey};

use crate::{installed::Installed, stack::Stack};

/// How many items one call writes.
const BATCH: usize = 25;

/// The next id. The API counts from 1, and never comes here.
static NEXT: AtomicU64 = AtomicU64::new(1 << 40);

impl Stack {
    /// Puts so many webhooks on a topic into the registry. `address_of` gives each its address, by
    /// its number from 0.
    pub async fn have_webhooks(
        &self,
        installed: &Installed,
        topic: &str,
        count: usize,
        address_of: impl Fn(usize) -> String,
    ) -> Result<()> {
        let client = aws_sdk_dynamodb::Client::new(&self.sdk());
        let now = storehook_aws::now();
        let puts = (0..count).map(|number| {
            let id = WebhookId::new(NEXT.fetch_add(1, Ordering::Relaxed));
            let key = WebhookKey { id, shop: installed.shop.clone(), app: installed.app.clone() };
            let address = serde_json::from_value(address_of(number).into())?;
            let webhook = Webhook::new(key, topic.parse()?, address, now);
            let put = PutRequest::builder().set_item(Some(to_item(WebhookItem::of(webhook))?)).build()?;
            Ok(WriteRequest::builder().put_request(put).build())
        });
        let puts = puts.collect::<Result<Vec<_>>>()?;
        for some in puts.chunks(BATCH) {
            client.batch_write_item().request_items(self.resource("registry"), some.to_vec()).send().await?;
        }
        Ok(())
    }
}
