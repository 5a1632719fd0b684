//! The history table: its items, and how they are written and read.
//!
//! The history keeps a record of each delivery, the payload of each event with subscribers, and how far each
//! replay is.
//!
//! | item | `pk` | `sk` |
//! |---|---|---|
//! | delivery | `DELIVERY#<delivery id>` | `DELIVERY` |
//! | payload | `EVENT#<shop>#<event id>` | `<payload digest>#<part>` |
//! | payload of a held delivery | `DELIVERY#<delivery id>` | `<payload digest>#<part>` |
//! | replay | `REPLAY#<webhook id>` | `<replay id>` |
//!
//! The table finds a delivery by its id. The index [`DELIVERIES_INDEX`] lists a webhook's
//! deliveries in the order in which they were first queued. It changes with a delivery's state, and
//! not with every attempt.
//!
//! A partition takes at most 1,000 write units a second, and DynamoDB throttles a busier one ("Best
//! practices for designing and using partition keys effectively in DynamoDB"). So writes are
//! spread: each delivery has a partition of the table, and a webhook has [`LIST_SHARDS`] partitions
//! of the index, by the hash of the event's id. Throttling of an index throttles the table's
//! writes, too.
//!
//! A payload is compressed and kept once, for all webhooks that subscribe to its event. If it has
//! more than [`PART_LIMIT`] bytes, it has several parts. Its key has its digest beside the event's
//! id, because two senders can give two events the same id. The payload of a held delivery is kept
//! with that delivery as well: its message has ended, and the event's own copy may expire first.

mod payloads;
mod replays;
mod scan;
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
pub use replays::ReplayItem;
pub use scan::{Direction, Found, Scan, ScanStep};
pub use store::{HISTORY_TIME, HistoryTable, Write};

/// The index of deliveries by webhook: `webhook_shard` (see [`list_shards`]), then `position`. It
/// holds `state`, `latency_ms` and `expires_at` as well.
pub const DELIVERIES_INDEX: &str = "deliveries";

/// The number of index partitions that a webhook's deliveries are spread over.
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

/// A delivery in the index.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct IndexedDelivery {
    /// Its position in the order of its webhook's deliveries.
    pub position: String,
    /// Its state.
    pub state: DeliveryState,
    /// How long the successful attempt took, if there was one.
    #[serde(default)]
    pub latency_ms: Option<u64>,
    /// When it expires, in seconds since the Unix epoch.
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
