//! The history, as this function reads it and begins new series in it.

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::{
    Client,
    operation::put_item::PutItemError,
    types::{KeysAndAttributes, ReturnValuesOnConditionCheckFailure},
};
use jiff::Timestamp;
use storehook_aws::{
    Retention,
    history::{DeliveryItem, PayloadItem, PayloadQuery, WriteError, put_payloads},
    table::{self, TableError, number},
};
use storehook_domain::{Delivery, DeliveryHistory, DeliveryId, PayloadDigest};

use crate::admission::Caller;

/// The history table.
#[derive(Clone)]
pub(crate) struct DeliveryStore {
    pub(crate) client: Client,
    pub(crate) table: String,
    pub(crate) retention: Retention,
}

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
    ) -> Result<Option<DeliveryHistory>, TableError> {
        let get = self.client.get_item().table_name(&self.table).set_key(Some(DeliveryItem::key_of(id)));
        let item = get.consistent_read(true).send().await?.item;
        let history = item.map(table::from_item::<DeliveryItem>).transpose()?.map(|item| item.history);
        Ok(history.filter(|history| is_shown(history, caller, now)))
    }

    /// The caller's deliveries of these ids, in their order. Those that are not there, or not the caller's,
    /// are left out.
    pub(crate) async fn of_ids(
        &self,
        caller: &Caller,
        ids: &[DeliveryId],
        now: Timestamp,
    ) -> Result<Vec<DeliveryHistory>, TableError> {
        let mut found = HashMap::new();
        for some in ids.chunks(READ_LIMIT) {
            let keys = some.iter().map(DeliveryItem::key_of).collect();
            for item in self.read_all(keys).await? {
                let history = table::from_item::<DeliveryItem>(item)?.history;
                found.insert(history.id.clone(), history);
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
            let answer = self.client.batch_get_item().request_items(&self.table, wanted).send().await?;
            items.extend(answer.responses.unwrap_or_default().remove(&self.table).unwrap_or_default());
            let unread = answer.unprocessed_keys.unwrap_or_default().remove(&self.table);
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

    /// The payload of a delivery's event; `None` where it is not kept, or not any more.
    pub(crate) async fn payload(
        &self,
        history: &DeliveryHistory,
        now: Timestamp,
    ) -> Result<Option<String>, TableError> {
        let Some(digest) = &history.payload_digest else { return Ok(None) };
        let query = PayloadQuery { shop: &history.shop, event_id: &history.id.event_id, digest };
        query.read(&self.client, &self.table, now).await
    }

    /// Keeps the payload of a delivery that is about to be sent. Returns what it is kept under, if it is.
    pub(crate) async fn keep_payload(
        &self,
        delivery: &Delivery<'_>,
        now: Timestamp,
    ) -> Result<Option<PayloadDigest>, WriteError> {
        let Some(kept_for) = self.retention.payloads() else { return Ok(None) };
        let digest = delivery.payload().digest();
        let item = PayloadItem {
            shop: &delivery.shop,
            event_id: &delivery.event_id,
            digest: &digest,
            payload: &delivery.payload().in_message(),
            expires_at: now.as_second() + kept_for.as_secs(),
        };
        put_payloads(&self.client, &self.table, &[item]).await?;
        Ok(Some(digest))
    }

    /// Writes a history over the version before it. Returns whether that was still there.
    pub(crate) async fn put(
        &self,
        history: &DeliveryHistory,
        before: Option<u64>,
    ) -> Result<bool, TableError> {
        let item = table::to_item(DeliveryItem::of(history.clone()))?;
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::None);
        let put = match before {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(version) => put
                .condition_expression("version = :version")
                .expression_attribute_values(":version", number(version)),
        };
        match put.send().await {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(false),
                _ => Err(error.into()),
            },
        }
    }
}

/// An app sees its own deliveries on its own shop, and none that is forgotten: DynamoDB takes its time to
/// delete those (TTL, "within a few days").
fn is_shown(history: &DeliveryHistory, caller: &Caller, now: Timestamp) -> bool {
    history.shop == caller.shop && history.app == caller.app && history.expires_at > now.as_second()
}
