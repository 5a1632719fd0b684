//! What became of an event at each webhook: the rows of an explanation, from what was read.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;
use storehook_aws::registry::WebhookItem;
use storehook_domain::{
    event::{id::EventId, topic::Topic},
    explanation::fate::{Fate, KnownEvent},
    history::{attempt::AttemptRecord, record::DeliveryRecord},
    installation::{app::AppId, shop::ShopDomain},
    webhook::{Webhook, WebhookId},
};

use super::{outcome::Outcome, queues::Found, stuck::Stuck};
use crate::webhook_now::{OTHER_PAYLOAD, WebhookNow, why_of};

/// What became of an event at a webhook.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Row {
    pub(super) webhook_id: WebhookId,
    pub(super) shop: ShopDomain,
    pub(super) app: AppId,
    /// What the webhook subscribes to; null if it is deleted.
    pub(super) subscription: Option<String>,
    pub(super) address: Option<String>,
    /// The status of the webhook, `uninstalled` or `deleted`.
    pub(super) status: &'static str,
    pub(super) outcome: Outcome,
    pub(super) why: String,
    pub(super) delivery: Option<String>,
    pub(super) queued_at: Option<Timestamp>,
    pub(super) attempt_count: u64,
    /// The latest attempts, the oldest first.
    pub(super) attempts: Vec<Attempt>,
}

/// A POST.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Attempt {
    pub(super) run: String,
    pub(super) number: u64,
    pub(super) at: Timestamp,
    pub(super) status: Option<u16>,
    pub(super) code: Option<String>,
    pub(super) error: Option<String>,
    pub(super) latency_ms: u64,
    pub(super) address: String,
}

/// Why a delivery is a dead letter of which the history knows nothing.
const NEVER_RECORDED: &str = "Its message is among the dead letters, and no attempt is recorded: it was received in \
     vain, or its record has expired.";

/// What was read.
pub(super) struct Read {
    /// The webhooks that might have heard of the event.
    pub(super) webhooks: BTreeMap<WebhookId, WebhookItem>,
    /// Those that have deliveries of it, as they are now.
    pub(super) now: BTreeMap<WebhookId, WebhookNow>,
    /// The deliveries of the event, by webhook.
    pub(super) records: BTreeMap<WebhookId, Vec<DeliveryRecord>>,
}

impl Read {
    /// What is known of the event in each shop. Two shops may use an id for different events.
    pub(super) fn known(&self, event: &EventId) -> BTreeMap<ShopDomain, KnownEvent> {
        let all = || self.records.values().flatten();
        let shops: BTreeSet<_> = all().map(|record| &record.envelope.shop).collect();
        let known =
            |shop: &ShopDomain| KnownEvent::of(event, all().filter(|record| record.envelope.shop == *shop));
        shops.into_iter().map(|shop| (shop.clone(), known(shop))).collect()
    }

    /// A row for each delivery, and for each webhook of these shops that has none. Those with deliveries
    /// come first.
    pub(super) fn rows(&self, event: &EventId, shops: &BTreeSet<ShopDomain>) -> Vec<Row> {
        let known = self.known(event);
        let unknown = KnownEvent::default();
        let mut rows = Vec::new();
        for record in self.records.values().flatten() {
            let row = self.of_record(record);
            let duplicate = record.has_other_payload.then(|| Row {
                outcome: Outcome::Duplicate,
                why: OTHER_PAYLOAD.to_owned(),
                attempt_count: 0,
                attempts: Vec::new(),
                ..row.clone()
            });
            rows.extend([row].into_iter().chain(duplicate));
        }
        for (id, item) in &self.webhooks {
            if self.records.contains_key(id) || !shops.contains(&item.webhook.shop) {
                continue;
            }
            let known = known.get(&item.webhook.shop).unwrap_or(&unknown);
            rows.push(without_delivery(item, &known.fate_at(&item.webhook, Vec::new())));
        }
        rows
    }

    /// The shop of a webhook; `None` if it is deleted.
    pub(super) fn shop_of(&self, webhook: Option<WebhookId>) -> Option<ShopDomain> {
        Some(self.webhooks.get(&webhook?)?.webhook.shop.clone())
    }

    /// Settles the fates that nobody knows by what lies in the queues and in the bucket.
    pub(super) fn settle(&self, rows: &mut [Row], found: &Found) {
        for row in rows.iter_mut().filter(|row| row.outcome.is_open()) {
            let Some(item) = self.webhooks.get(&row.webhook_id) else { continue };
            let letter = found.dead_letters.iter().find(|letter| letter.webhook_id == row.webhook_id);
            let matches = |topic: &Topic| item.webhook.topic.matches(topic);
            let concerns = |stuck: &&Stuck| stuck.concerns(row.webhook_id, &row.shop, matches);
            let (rejected, given_up) =
                (found.rejected.iter().find(concerns), found.given_up.iter().find(concerns));
            if let Some(letter) = letter {
                row.outcome = Outcome::Dead;
                row.delivery = Some(letter.delivery.clone());
                row.why = NEVER_RECORDED.to_owned();
            } else if let Some(rejected) = rejected {
                row.outcome = Outcome::Rejected;
                row.why = format!("It was rejected: {}.", rejected.reason.trim_end_matches('.'));
            } else if let Some(given_up) = given_up {
                row.outcome = Outcome::GivenUp;
                row.why = format!("Its fan-out failed, and Lambda gave it up: {}.", given_up.reason);
            }
        }
    }

    fn of_record(&self, record: &DeliveryRecord) -> Row {
        let id = record.envelope.id.webhook_id;
        let webhook = self.webhooks.get(&id);
        Row {
            webhook_id: id,
            shop: record.envelope.shop.clone(),
            app: record.envelope.app.clone(),
            subscription: webhook.map(|item| item.webhook.topic.as_str().to_owned()),
            address: webhook.map(|item| item.webhook.address.as_str().to_owned()),
            status: webhook.map_or("deleted", status),
            outcome: Outcome::of(record.state),
            why: why_of(record, self.now.get(&id)),
            delivery: Some(record.envelope.id.to_string()),
            queued_at: Some(record.created_at),
            attempt_count: record.attempt_count,
            attempts: record.attempts.iter().map(attempt).collect(),
        }
    }
}

fn status(item: &WebhookItem) -> &'static str {
    if item.is_subscribed() { item.webhook.status.as_str() } else { "uninstalled" }
}

fn without_delivery(item: &WebhookItem, fate: &Fate) -> Row {
    let Webhook { id, shop, app, topic, address, .. } = &item.webhook;
    let outcome = match fate {
        Fate::NotSubscribed | Fate::TestOfAnother | Fate::OfAnotherApp => Outcome::Filtered,
        Fate::CreatedLater => Outcome::NotSubscribedThen,
        Fate::Deliveries(_) | Fate::NoRecord | Fate::Unknown => Outcome::Unknown,
    };
    Row {
        webhook_id: *id,
        shop: shop.clone(),
        app: app.clone(),
        subscription: Some(topic.as_str().to_owned()),
        address: Some(address.as_str().to_owned()),
        status: status(item),
        outcome,
        why: fate.reason().unwrap_or_default().to_owned(),
        delivery: None,
        queued_at: None,
        attempt_count: 0,
        attempts: Vec::new(),
    }
}

fn attempt(attempt: &AttemptRecord) -> Attempt {
    Attempt {
        run: attempt.run.to_string(),
        number: attempt.number,
        at: attempt.at,
        status: attempt.status,
        code: attempt.code.clone(),
        error: attempt.error.clone(),
        latency_ms: attempt.latency_ms,
        address: attempt.address.clone(),
    }
}

#[cfg(test)]
mod tests;
