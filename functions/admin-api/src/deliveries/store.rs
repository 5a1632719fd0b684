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
    /// Whether deliveries are recorded: the operator may have switched the history off.
    pub(crate) fn is_recorded(&self) -> bool {
        self.table.is_on()
    }

    /// Loads the caller's delivery with this id.
    pub(crate) async fn load(
        &self,
        caller: &Caller,
        id: &DeliveryId,
        now: Timestamp,
    ) -> Result<Option<DeliveryRecord>, TableError> {
        let record = self.table.load(id).await?;
        Ok(record.and_then(|record| record.seen_by(&caller.shop, &caller.app, now)))
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
        Ok(found.filter_map(|record| record.seen_by(&caller.shop, &caller.app, now)).collect())
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
        let found = found.filter_map(|record| record.seen_by(&caller.shop, &caller.app, now));
        let mut records: Vec<_> = found.collect();
        records.sort_by_key(|record| Reverse(record.created_at));
        Ok(records)
    }
}
