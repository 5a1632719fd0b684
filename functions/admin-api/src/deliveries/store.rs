//! The records of deliveries, in the history table, as their app sees them.

use std::cmp::Reverse;

use jiff::Timestamp;
use storehook_aws::{history::HistoryTable, table::TableError};
use storehook_domain::{
    delivery::id::DeliveryId, event::id::EventId, history::record::DeliveryRecord, webhook::WebhookId,
};

use crate::http::caller::Caller;

/// The history's deliveries.
#[derive(Clone)]
pub(crate) struct DeliveryStore {
    pub(crate) table: HistoryTable,
}

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
        let found = self.table.load_all(ids).await?.into_iter();
        let found = found.filter(|record| is_visible(record, caller, now));
        Ok(found.map(|record| record.as_of(now)).collect())
    }

    /// Loads a webhook's deliveries of this event id, the newest first.
    pub(crate) async fn load_of_event(
        &self,
        caller: &Caller,
        webhook_id: WebhookId,
        event_id: &EventId,
        now: Timestamp,
    ) -> Result<Vec<DeliveryRecord>, TableError> {
        let found = self.table.load_of_event(webhook_id, event_id).await?.into_iter();
        let found = found.filter(|record| is_visible(record, caller, now));
        let mut records: Vec<_> = found.map(|record| record.as_of(now)).collect();
        records.sort_by_key(|record| Reverse(record.created_at));
        Ok(records)
    }
}

/// Whether the caller may see a delivery: it must be the caller's own and not expired. DynamoDB
/// deletes expired items late (TTL, "within a few days").
fn is_visible(record: &DeliveryRecord, caller: &Caller, now: Timestamp) -> bool {
    record.envelope.shop == caller.shop && record.envelope.app == caller.app && record.is_kept(now)
}
