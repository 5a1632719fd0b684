//! The records of deliveries, in the history table, as their app sees them.

use std::collections::HashMap;

use jiff::Timestamp;
use storehook_aws::{
    batch_get::{BATCH_GET_LIMIT, batch_get},
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

/// How often keys that DynamoDB left unread are read again.
const FURTHER_TRIES: usize = 4;

impl DeliveryStore {
    /// Loads the caller's delivery with this id.
    pub(crate) async fn load(
        &self,
        caller: &Caller,
        id: &DeliveryId,
        now: Timestamp,
    ) -> Result<Option<DeliveryRecord>, TableError> {
        let record = self.table.load(id).await?;
        Ok(record.filter(|record| is_visible(record, caller, now)).map(|record| record.as_of(now)))
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
        for chunk in ids.chunks(BATCH_GET_LIMIT) {
            let keys = chunk.iter().map(DeliveryItem::key_of).collect();
            let keys = HashMap::from([(self.table.name.clone(), keys)]);
            let batch = batch_get(&self.table.client, keys, FURTHER_TRIES).await?;
            if !batch.unread.is_empty() {
                return Err(TableError::Unread);
            }
            for item in batch.items.into_values().flatten() {
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
        let found = found.filter(|record| is_visible(record, caller, now));
        Ok(found.map(|record| record.as_of(now)).collect())
    }
}

/// Whether the caller may see a delivery: it must be the caller's own and not expired. DynamoDB
/// deletes expired items late (TTL, "within a few days").
fn is_visible(record: &DeliveryRecord, caller: &Caller, now: Timestamp) -> bool {
    record.envelope.shop == caller.shop && record.envelope.app == caller.app && record.is_kept(now)
}
