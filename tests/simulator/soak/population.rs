//! Installing tenants, publishing their events, and what befalls them in the middle.

use std::sync::Mutex;

use anyhow::{Result, anyhow};
use serde_json::Value;
use storehook_aws::{
    registry::{InstallationItem, WebhookItem},
    stand_in::json_of,
};
use storehook_domain::{
    event::pushed::event_record,
    installation::{
        Installation, Scope, app::AppId, secret::SharedSecret, shop::ShopDomain, token::TokenHash,
    },
    webhook::{Status, Webhook, WebhookId, WebhookKey, whole_second},
};

use super::{
    receipts::{Key, Receipts, Subscriber},
    tenants::{Kind, Tenant},
};
use crate::{
    clock,
    faults::{Fault, Faults, subjects_of},
};

const TOPIC: &str = "orders/create";

/// The payload of an event.
pub(super) fn payload_of(event: u32) -> String {
    format!(r#"{{"id":{event},"total_price":"199.00","email":"bob@customer.example"}}"#)
}

/// The number of the webhook whose address this is.
pub(super) fn host_webhook(address: &str) -> Option<u32> {
    address.strip_prefix("https://w")?.split_once('.')?.0.parse().ok()
}

/// A record that is to be put onto the stream.
#[derive(Debug, Clone)]
pub struct Published {
    /// Its partition key.
    pub partition_key: String,
    /// The record.
    pub record: String,
}

/// What is to be changed for a tenant.
#[derive(Debug, Default)]
pub struct Change {
    /// Items to put into the registry.
    pub put: Vec<Value>,
    /// Items to delete from it.
    pub delete: Vec<Value>,
    /// What the store publishes, a second later: the clocks of a store and of whoever installs may
    /// differ.
    pub publish: Option<Published>,
}

impl Tenant {
    fn shop(&self) -> Result<ShopDomain> {
        Ok(format!("t{}.example", self.number).parse()?)
    }

    fn app() -> Result<AppId> {
        Ok("soaked".parse()?)
    }

    fn webhook(&self, number: u32) -> Result<Webhook> {
        let key = WebhookKey { id: WebhookId::new(number.into()), shop: self.shop()?, app: Self::app()? };
        let address = match &self.url {
            Some(url) => format!("{url}/w{number}"),
            None => format!("https://w{number}.example/"),
        };
        let address = serde_json::from_value(address.into())?;
        let topic = if self.kind == Kind::Pattern { "orders/*" } else { TOPIC };
        let webhook = Webhook::new(key, topic.parse()?, address, whole_second(clock::now()));
        Ok(Webhook { protocol: self.kind.protocol(), ..webhook })
    }

    /// Puts the tenant into the receipts. Returns its items for the registry.
    pub fn install(&self, receipts: &mut Receipts) -> Result<Vec<Value>> {
        let installation = Installation {
            shop: self.shop()?,
            app: Self::app()?,
            store_id: "00000000-0000-4000-8000-000000000000".to_owned(),
            time_zone: "Etc/UTC".to_owned(),
            scopes: vec![Scope::Webhooks, Scope::EventsPush],
            secrets: vec![SharedSecret::parse(&self.secret)?.into()],
            uninstalled_at: None,
        };
        let token = TokenHash::of(&format!("token of {}", self.number));
        let item = InstallationItem::of(installation, &token, whole_second(clock::now()));
        let mut items = vec![json_of(item)?];
        for number in &self.webhooks {
            items.push(json_of(WebhookItem::of(self.webhook(*number)?))?);
            receipts.subscribers.insert(*number, Subscriber::new(&self.secret, self.kind.is_healthy()));
        }
        Ok(items)
    }

    /// Notes that an event is published to each of its webhooks. Returns its records: two, if a fault
    /// wants so.
    pub fn publish(&self, event: u32, faults: &Faults, receipts: &Mutex<Receipts>) -> Result<Vec<Published>> {
        let (shop, app) = (self.shop()?, Self::app()?);
        let pushed_by = (self.kind == Kind::Pushed).then_some(&app);
        let id = format!("e{event}").parse()?;
        let record = event_record(&shop, TOPIC, &id, clock::now(), pushed_by, &payload_of(event));
        let mut receipts = receipts.lock().map_err(|_| anyhow!("a receipt was not noted"))?;
        for webhook in &self.webhooks {
            receipts.published(Key { webhook: *webhook, event });
        }
        let times = 1 + usize::from(faults.happens(Fault::PublishedTwice));
        if times > 1 {
            faults.touch(&subjects_of(&record), &[Fault::PublishedTwice]);
        }
        Ok(vec![Published { partition_key: format!("{shop}/{event}"), record }; times])
    }

    /// The items of its webhooks.
    pub(super) fn webhook_items(&self) -> Result<Vec<Value>> {
        self.webhooks.iter().map(|number| Ok(json_of(WebhookItem::of(self.webhook(*number)?))?)).collect()
    }

    /// What befalls the tenant in the middle, if anything does. Its webhooks count as gone from now on.
    pub fn change(&self, receipts: &Mutex<Receipts>) -> Result<Change> {
        let mut change = Change::default();
        if self.kind == Kind::Paused {
            for number in &self.webhooks {
                let webhook = self.webhook(*number)?;
                let paused = Webhook { status: Status::Paused, version: webhook.version + 1, ..webhook };
                change.put.push(json_of(WebhookItem::of(paused))?);
            }
        }
        if self.kind == Kind::Deleted {
            change.delete = self.webhook_items()?;
        }
        if self.kind == Kind::Uninstalled {
            // The store tells of it as of everything else.
            let record = event_record(
                &self.shop()?,
                "app/uninstalled",
                &"uninstalled".parse()?,
                clock::now(),
                None,
                "{}",
            );
            let record = record.replacen('{', r#"{"app":"soaked","#, 1);
            change.publish = Some(Published { partition_key: format!("{}/0", self.shop()?), record });
        }
        if self.kind.ends() {
            let mut receipts = receipts.lock().map_err(|_| anyhow!("a receipt was not noted"))?;
            for number in &self.webhooks {
                if let Some(subscriber) = receipts.subscribers.get_mut(number) {
                    subscriber.is_gone = true;
                }
            }
        }
        Ok(change)
    }
}
