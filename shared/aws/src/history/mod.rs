//! The history table: the shapes of its items.
//!
//! | item | `pk` | `sk` |
//! |---|---|---|
//! | delivery | `DELIVERY#<delivery id>` | `DELIVERY` |
//! | payload | `EVENT#<shop>#<event id>` | `<payload digest>#<part>` |
//! | payload of a held delivery | `DELIVERY#<delivery id>` | `<payload digest>#<part>` |
//!
//! A delivery is found by its id, and the index [`DELIVERIES_INDEX`] lists a webhook's
//! deliveries by when they were first queued. Both spread: no two deliveries share a partition of
//! the table, and a webhook has [`LIST_SHARDS`] partitions of the index, by the hash of the event's
//! id, because one takes no more than 1,000 writes a second (DynamoDB, "partition throughput").
//! The index changes when a delivery's state does, and not with every attempt.
//!
//! A payload is compressed, and kept once for all the webhooks that hear of its event. Only one of
//! more than [`PART_LIMIT`] bytes has more than one part. It is kept under its digest as well as
//! its event's id, because nothing keeps two senders from giving two events the same id. One of a delivery that is
//! held is kept with that delivery as well: its message ends, and the event's own copy may expire before.

mod payloads;
mod store;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use storehook_domain::{
    delivery::id::DeliveryId,
    event::id::EventId,
    history::{query::DeliveryPosition, record::DeliveryRecord, state::DeliveryState},
    webhook::WebhookId,
};

use crate::table::{Item, key};

pub use payloads::{PART_LIMIT, PayloadItem, PayloadOwner, PayloadQuery, WriteError, put_payloads};
pub use store::{HISTORY_TIME, HistoryTable, Write};

/// The index of deliveries by webhook: `webhook_shard` (see [`list_shards`]), then `position`; with
/// `state`, `latency_ms` and `expires_at`.
pub const DELIVERIES_INDEX: &str = "deliveries";

/// Over how many partitions of the index a webhook's deliveries are spread.
pub const LIST_SHARDS: u8 = 4;

/// A delivery's item.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DeliveryItem {
    pk: String,
    sk: String,
    webhook_shard: String,
    position: String,
    /// The delivery's record.
    #[serde(flatten)]
    pub record: DeliveryRecord,
}

impl DeliveryItem {
    /// The item of a delivery.
    pub fn of(record: DeliveryRecord) -> Self {
        let DeliveryId { webhook_id, event_id } = &record.envelope.id;
        let shard = Sha256::digest(event_id.as_str().as_bytes())[0] % LIST_SHARDS;
        Self {
            pk: partition_of(&record.envelope.id),
            sk: SORT_KEY.to_owned(),
            webhook_shard: shard_of(*webhook_id, shard),
            position: DeliveryPosition::of(record.created_at, event_id).as_key().to_owned(),
            record,
        }
    }

    /// The key of a delivery's item.
    pub fn key_of(id: &DeliveryId) -> Item {
        key(&partition_of(id), SORT_KEY)
    }
}

/// What the index knows of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct IndexedDelivery {
    /// Its place among those of its webhook.
    pub position: String,
    /// Its state.
    pub state: DeliveryState,
    /// How long the attempt took that delivered it.
    #[serde(default)]
    pub latency_ms: Option<u64>,
    /// When it is forgotten, in seconds since the Unix epoch.
    pub expires_at: i64,
}

/// The partitions of the index that hold a webhook's deliveries.
pub fn list_shards(webhook_id: WebhookId) -> impl Iterator<Item = String> {
    (0..LIST_SHARDS).map(move |shard| shard_of(webhook_id, shard))
}

const SORT_KEY: &str = "DELIVERY";

fn partition_of(id: &DeliveryId) -> String {
    format!("DELIVERY#{id}")
}

fn shard_of(webhook_id: WebhookId, shard: u8) -> String {
    format!("WEBHOOK#{webhook_id}#{shard}")
}

/// The partition of an event's payloads.
fn event_partition(shop: &storehook_domain::installation::shop::ShopDomain, event_id: &EventId) -> String {
    format!("EVENT#{shop}#{event_id}")
}

#[cfg(test)]
mod tests;
