//! The records of deliveries, in the history table, as their app sees them.

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::types::KeysAndAttributes;
use jiff::Timestamp;
use storehook_aws::{
    history::{DeliveryItem, HistoryTable},
    table::{self, TableError},
};
use storehook_domain::{delivery::id::DeliveryId, history::record::DeliveryRecord};

use crate::http::caller::Caller;

/// The history's deliveries.
#[derive(Clone)]
pub(crate) struct DeliveryStore {
    pub(crate) table: HistoryTable,
}

/// How many deliveries one call reads (`BatchGetItem`).
const READ_LIMIT: usize = 100;

/// How long keys that DynamoDB left unread wait before each further try.
const BACKOFFS: [Duration; 4] = [
    Duration::from_millis(20),
    Duration::from_millis(50),
    Duration::from_millis(200),
    Duration::from_millis(800),
];

impl DeliveryStore {
    /// Loads the caller's delivery with this id.
    pub(crate) async fn load(
        &self,
        caller: &Caller,
        id: &DeliveryId,
        now: Timestamp,
    ) -> Result<Option<DeliveryRecord>, TableError> {
        let record = self.table.load(id).await?;
        Ok(record.filter(|record| is_visible(record, caller, now)))
    }

    /// Loads the caller's deliveries with these ids, in their order. Missing deliveries are left
    /// out, and so are those of others.
    pub(crate) async fn load_all(
        &self,
        caller: &Caller,
        ids: &[DeliveryId],
        now: Timestamp,
    ) -> Result<Vec<DeliveryRecord>, TableError> {
        let mut found = HashMap::new();
        for chunk in ids.chunks(READ_LIMIT) {
            let keys = chunk.iter().map(DeliveryItem::key_of).collect();
            for item in self.read_all(keys).await? {
                // A malformed record must not hide all the others.
                match table::from_item::<DeliveryItem>(item) {
                    Ok(DeliveryItem { record, .. }) => _ = found.insert(record.envelope.id.clone(), record),
                    Err(error) => {
                        tracing::error!(error = storehook_aws::causes(&error), "malformed delivery record")
                    }
                }
            }
        }
        let found = ids.iter().filter_map(|id| found.remove(id));
        Ok(found.filter(|record| is_visible(record, caller, now)).collect())
    }

    /// Reads items. DynamoDB leaves keys unread when a response grows too large or the table is
    /// throttled; those are asked for again.
    async fn read_all(&self, mut keys: Vec<table::Item>) -> Result<Vec<table::Item>, TableError> {
        let mut items = Vec::new();
        let mut backoffs = BACKOFFS.iter();
        while !keys.is_empty() {
            let asked = keys.len();
            let wanted = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build()?;
            let output =
                self.table.client.batch_get_item().request_items(&self.table.name, wanted).send().await?;
            items.extend(output.responses.unwrap_or_default().remove(&self.table.name).unwrap_or_default());
            let unread = output.unprocessed_keys.unwrap_or_default().remove(&self.table.name);
            keys = unread.map_or_else(Vec::new, |unread| unread.keys);
            if keys.len() == asked {
                match backoffs.next() {
                    Some(wait) => tokio::time::sleep(*wait).await,
                    None => return Err(TableError::Unread),
                }
            }
        }
        Ok(items)
    }
}

/// Whether the caller may see a delivery: one of its own that has not expired. DynamoDB deletes
/// expired items late (TTL, "within a few days").
fn is_visible(record: &DeliveryRecord, caller: &Caller, now: Timestamp) -> bool {
    record.envelope.shop == caller.shop && record.envelope.app == caller.app && record.is_kept(now)
}
