//! Deliveries: the items of their records, and their entries in the index.

use serde::{Deserialize, Serialize, Serializer, ser::Error as _};
use sha2::{Digest as _, Sha256};
use storehook_domain::{
    delivery::id::DeliveryId,
    event::id::EventId,
    history::{held_for::HeldFor, query::DeliveryPosition, record::DeliveryRecord, state::DeliveryState},
    webhook::WebhookId,
};

use super::packed::{Packed, PackedError};
use crate::table::{Item, key};

/// The index of deliveries by webhook: `webhook_shard` (see [`list_shards`]), then `position`. It
/// holds `state`, `held_for`, `latency_ms` and `expires_at` as well.
pub const DELIVERIES_INDEX: &str = "deliveries";

/// The number of index partitions that a webhook's deliveries are spread over.
pub const LIST_SHARDS: u8 = 4;

/// A delivery's item.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "StoredItem")]
pub struct DeliveryItem {
    /// The delivery's record.
    pub record: DeliveryRecord,
}

/// The attributes of an item: its key, what the index and the conditions of writes need, and the
/// record as a whole.
#[derive(Serialize)]
struct Attributes<'a> {
    pk: &'a str,
    sk: &'a str,
    webhook_shard: &'a str,
    position: &'a str,
    state: DeliveryState,
    #[serde(skip_serializing_if = "Option::is_none")]
    held_for: Option<HeldFor>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latency_ms: Option<u64>,
    expires_at: i64,
    version: u64,
    record: Packed,
}

/// An item as it is read: with a packed record, or as of before records were packed, with the
/// record's members as attributes.
#[derive(Deserialize)]
#[serde(untagged)]
enum StoredItem {
    Packed { record: Packed },
    Plain(Box<DeliveryRecord>),
}

impl TryFrom<StoredItem> for DeliveryItem {
    type Error = PackedError;

    fn try_from(item: StoredItem) -> Result<Self, PackedError> {
        let record = match item {
            StoredItem::Packed { record } => record.record()?,
            StoredItem::Plain(record) => *record,
        };
        Ok(Self { record })
    }
}

impl Serialize for DeliveryItem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Packing(&self.record).serialize(serializer)
    }
}

/// A record as its item.
pub(super) struct Packing<'a>(pub(super) &'a DeliveryRecord);

impl Serialize for Packing<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(record) = self;
        let DeliveryId { webhook_id, event_id, .. } = &record.envelope.id;
        let shard = Sha256::digest(event_id.as_str().as_bytes())[0] % LIST_SHARDS;
        let position = DeliveryPosition::of(record.created_at, &record.envelope.id);
        let attributes = Attributes {
            pk: &partition_of(*webhook_id, event_id),
            sk: &sort_key_of(&record.envelope.id),
            webhook_shard: &shard_of(*webhook_id, shard),
            position: position.as_key(),
            state: record.state,
            held_for: record.held_for,
            latency_ms: record.latency_ms,
            expires_at: record.expires_at,
            version: record.version,
            record: Packed::of(record).map_err(S::Error::custom)?,
        };
        attributes.serialize(serializer)
    }
}

impl DeliveryItem {
    /// The item of a delivery.
    pub fn of(record: DeliveryRecord) -> Self {
        Self { record }
    }

    /// The key of a delivery's item.
    pub fn key_of(id: &DeliveryId) -> Item {
        key(&partition_of(id.webhook_id, &id.event_id), &sort_key_of(id))
    }
}

/// A delivery in the index.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct IndexedDelivery {
    /// Its position in the order of its webhook's deliveries.
    pub position: String,
    /// Its state.
    pub state: DeliveryState,
    /// Why it is held, if it is.
    #[serde(default)]
    pub held_for: Option<HeldFor>,
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

/// What the sort key of a delivery's item begins with.
pub(super) const SORT_KEY: &str = "DELIVERY";

/// One partition holds all deliveries of an event id to a webhook, so one query finds them.
pub(super) fn partition_of(webhook_id: WebhookId, event_id: &EventId) -> String {
    format!("DELIVERY#{webhook_id}-{event_id}")
}

fn sort_key_of(id: &DeliveryId) -> String {
    match id.distinction {
        Some(distinction) => format!("{SORT_KEY}#{distinction}"),
        None => SORT_KEY.to_owned(),
    }
}

fn shard_of(webhook_id: WebhookId, shard: u8) -> String {
    format!("WEBHOOK#{webhook_id}#{shard}")
}
