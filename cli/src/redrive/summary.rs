//! What a redrive did.

use std::collections::BTreeMap;

use jiff::Timestamp;
use storehook_domain::{
    delivery::message::DeliveryMessage,
    installation::{app::AppId, shop::ShopDomain},
    webhook::WebhookId,
};

use crate::drain::taken::End;

/// What a redrive did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Whether it only counted.
    pub is_dry_run: bool,
    /// Why it ended.
    pub end: End,
    /// The wanted dead letters, by webhook.
    pub found: BTreeMap<WebhookId, Found>,
    /// How many of them were sent again.
    pub redriven: usize,
    /// How many of them it failed to send.
    pub unsent: usize,
    /// How many were sent, but are still in the dead-letter queue.
    pub undeleted: usize,
    /// The reason that SQS gave for one of them.
    pub refusal: Option<String>,
    /// How many received messages stay in the dead-letter queue.
    pub left: usize,
    /// How many dead letters belong to webhooks that were not named.
    pub of_other_webhooks: usize,
    /// How many dead letters were queued after the redrive began.
    pub later: usize,
    /// The SQS ids of messages that are no deliveries.
    pub no_deliveries: Vec<String>,
    /// Roughly how many messages were already hidden when the redrive began, because somebody else
    /// had received them.
    pub hidden: u64,
    /// If messages that stay may still be hidden: why.
    pub unshown: Option<String>,
}

/// A webhook's dead letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The webhook's shop.
    pub shop: ShopDomain,
    /// The webhook's app.
    pub app: AppId,
    /// How many they are.
    pub count: usize,
    /// When the oldest of them was queued.
    pub oldest: Timestamp,
}

impl Summary {
    /// How many dead letters were wanted.
    pub fn found(&self) -> usize {
        self.found.values().map(|found| found.count).sum()
    }

    /// Counts a wanted dead letter.
    pub(super) fn find(&mut self, delivery: &DeliveryMessage<'_>) {
        let found = self.found.entry(delivery.envelope.id.webhook_id).or_insert_with(|| Found {
            shop: delivery.envelope.shop.clone(),
            app: delivery.envelope.app.clone(),
            count: 0,
            oldest: delivery.enqueued_at,
        });
        found.count += 1;
        found.oldest = found.oldest.min(delivery.enqueued_at);
    }
}
