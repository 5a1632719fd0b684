//! Deliveries, as their app sees them.

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::types::KeysAndAttributes;
use jiff::Timestamp;
use storehook_aws::{
    history::{DeliveryItem, HistoryTable},
    table::{self, TableError},
};
use storehook_domain::{delivery::id::DeliveryId, history::record::DeliveryRecord};

use crate::admission::Caller;

/// The history table, as the caller sees it.
#[derive(Clone)]
pub(crate) struct DeliveryStore(pub(crate) HistoryTable);

/// How many deliveries one call reads (`BatchGetItem`).
const READ_LIMIT: usize = 100;

/// How long what DynamoDB leaves unread waits before each further try.
const BACKOFFS: [Duration; 4] = [
    Duration::from_millis(20),
    Duration::from_millis(50),
    Duration::from_millis(200),
    Duration::from_millis(800),
];

impl DeliveryStore {
    /// The caller's delivery of that id, or `None`.
    pub(crate) async fn get(
        &self,
        caller: &Caller,
        id: &DeliveryId,
        now: Timestamp,
    ) -> Result<Option<DeliveryRecord>, TableError> {
        let history = self.0.load(id).await?;
        Ok(history.filter(|history| is_shown(history, caller, now)))
    }

    /// The caller's deliveries of these ids, in their order. Those that are not there, or not the caller's,
    /// are left out.
    pub(crate) async fn of_ids(
        &self,
        caller: &Caller,
        ids: &[DeliveryId],
        now: Timestamp,
    ) -> Result<Vec<DeliveryRecord>, TableError> {
        let mut found = HashMap::new();
        for some in ids.chunks(READ_LIMIT) {
            let keys = some.iter().map(DeliveryItem::key_of).collect();
            for item in self.read_all(keys).await? {
                // One that does not read must not hide all the others.
                match table::from_item::<DeliveryItem>(item) {
                    Ok(DeliveryItem { record, .. }) => _ = found.insert(record.envelope.id.clone(), record),
                    Err(error) => {
                        tracing::error!(error = storehook_aws::causes(&error), "delivery does not read")
                    }
                }
            }
        }
        let found = ids.iter().filter_map(|id| found.remove(id));
        Ok(found.filter(|history| is_shown(history, caller, now)).collect())
    }

    /// What DynamoDB leaves unread, because it is too much for one answer or it is throttled, is asked for again.
    async fn read_all(&self, mut keys: Vec<table::Item>) -> Result<Vec<table::Item>, TableError> {
        let mut items = Vec::new();
        let mut backoffs = BACKOFFS.iter();
        while !keys.is_empty() {
            let asked = keys.len();
            let wanted = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build()?;
            let answer = self.0.client.batch_get_item().request_items(&self.0.name, wanted).send().await?;
            items.extend(answer.responses.unwrap_or_default().remove(&self.0.name).unwrap_or_default());
            let unread = answer.unprocessed_keys.unwrap_or_default().remove(&self.0.name);
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

/// An app sees its own deliveries on its own shop, and none that is forgotten: DynamoDB takes its time to
/// delete those (TTL, "within a few days").
fn is_shown(history: &DeliveryRecord, caller: &Caller, now: Timestamp) -> bool {
    history.envelope.shop == caller.shop && history.envelope.app == caller.app && history.is_kept(now)
}
