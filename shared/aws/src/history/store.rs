//! The history table, for programs that record deliveries or send them again.
//!
//! A record is written on the condition that nobody has changed it since it was read: its `version`
//! must still be the same. A slow table must not hold up deliveries, so callers wait at most
//! [`HISTORY_TIME`].

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use aws_sdk_dynamodb::Client;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use storehook_domain::{
    delivery::{envelope::Envelope, id::DeliveryId, message::DeliveryMessage},
    event::id::EventId,
    history::record::DeliveryRecord,
    payload::{
        digest::PayloadDigest,
        page::{self, PageId},
    },
    webhook::WebhookId,
};

use super::{
    deliveries::{DeliveryItem, SORT_KEY, partition_of},
    payload_pages,
    payloads::{PayloadItem, PayloadOwner, PayloadQuery, WriteError, put_payloads},
};
use crate::{
    batch_get::{BATCH_GET_LIMIT, batch_get},
    direct::Direct,
    retention::Retention,
    table::{self, Item, TableError},
};

/// How long a caller waits for the history.
pub const HISTORY_TIME: Duration = Duration::from_secs(2);

/// How many payloads are read at the same time.
const READS_AT_ONCE: usize = 10;

/// How often keys are asked for again that DynamoDB left unread.
const FURTHER_TRIES: usize = 4;

/// The history table, and how long its items are kept.
#[derive(Clone)]
pub struct HistoryTable {
    /// Its client.
    pub client: Client,
    /// Its direct calls, for a function that makes many.
    pub direct: Option<Direct>,
    /// Its name.
    pub name: String,
    /// How long its items are kept.
    pub retention: Retention,
}

/// The result of writing a record.
#[derive(Debug)]
pub enum Write {
    /// It was written.
    Made,
    /// Somebody else wrote first. It holds the record that is there now, unless that has expired.
    Conflict(Option<Box<DeliveryRecord>>),
}

/// A page's id and its text, if it is kept.
type Page<'a> = (&'a PageId, Option<String>);

impl HistoryTable {
    /// Whether deliveries are recorded. The operator may have switched the history off.
    pub fn is_on(&self) -> bool {
        self.retention.deliveries().is_some()
    }

    /// Loads a delivery's record, strongly consistent.
    ///
    /// # Errors
    ///
    /// The call failed, or the item is malformed.
    pub async fn load(&self, id: &DeliveryId) -> Result<Option<DeliveryRecord>, TableError> {
        let get = self.client.get_item().table_name(&self.name).set_key(Some(DeliveryItem::key_of(id)));
        let item = get.consistent_read(true).send().await?.item;
        Ok(item.map(table::from_item::<DeliveryItem>).transpose()?.map(|item| item.record))
    }

    /// Loads the records of these deliveries, strongly consistent and in their order. Missing ones
    /// are left out.
    ///
    /// # Errors
    ///
    /// A call failed, or DynamoDB left a key unread.
    pub async fn load_all(&self, ids: &[DeliveryId]) -> Result<Vec<DeliveryRecord>, TableError> {
        let mut found = HashMap::new();
        for chunk in ids.chunks(BATCH_GET_LIMIT) {
            let keys = chunk.iter().map(DeliveryItem::key_of).collect();
            let keys = HashMap::from([(self.name.clone(), keys)]);
            let batch = batch_get(&self.client, self.direct.as_ref(), keys, FURTHER_TRIES).await?;
            if !batch.unread.is_empty() {
                return Err(TableError::Unread);
            }
            for item in batch.items.into_values().flatten() {
                found.extend(record_of(item).map(|record| (record.envelope.id.clone(), record)));
            }
        }
        Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
    }

    /// Loads the records of a webhook's deliveries of this event id, strongly consistent, by one
    /// query: one page of the table, which holds more than there are topics and apps.
    ///
    /// # Errors
    ///
    /// The call failed.
    pub async fn load_of_event(
        &self,
        webhook_id: WebhookId,
        event_id: &EventId,
    ) -> Result<Vec<DeliveryRecord>, TableError> {
        let query = self
            .client
            .query()
            .table_name(&self.name)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND begins_with(sk, :sk)")
            .expression_attribute_values(":pk", table::text(partition_of(webhook_id, event_id)))
            .expression_attribute_values(":sk", table::text(SORT_KEY));
        let items = query.send().await?.items.unwrap_or_default();
        Ok(items.into_iter().filter_map(record_of).collect())
    }

    /// Writes a message's payload with this owner, to keep it for `kept_for`. Returns the digest.
    ///
    /// # Errors
    ///
    /// The payload was not written.
    pub async fn keep_payload(
        &self,
        message: &DeliveryMessage<'_>,
        owner: PayloadOwner<'_>,
        kept_for: SignedDuration,
        now: Timestamp,
    ) -> Result<PayloadDigest, WriteError> {
        let digest = PayloadDigest::of(message.payload());
        let item = PayloadItem {
            owner,
            digest: &digest,
            payload: &message.payload().in_message(),
            expires_at: now.as_second() + kept_for.as_secs(),
        };
        put_payloads(&self.client, self.direct.as_ref(), &self.name, &item.parts()?).await?;
        Ok(digest)
    }

    /// Loads the payload of a delivery; `None` if it is not kept, or has expired.
    ///
    /// # Errors
    ///
    /// A call failed.
    pub async fn load_payload(
        &self,
        record: &DeliveryRecord,
        now: Timestamp,
    ) -> Result<Option<String>, TableError> {
        Ok(self.load_payloads(std::slice::from_ref(record), now).await?.pop().flatten())
    }

    /// Loads the payloads of deliveries, in their order: `None` for one that is not kept, or has
    /// expired. A page that several of them need is read once.
    ///
    /// # Errors
    ///
    /// A call failed.
    pub async fn load_payloads(
        &self,
        records: &[DeliveryRecord],
        now: Timestamp,
    ) -> Result<Vec<Option<String>>, TableError> {
        let ids: HashSet<_> =
            records.iter().filter_map(|record| record.envelope.payload_page.as_ref()).collect();
        let reads: Vec<_> = ids.into_iter().map(|id| self.load_payload_page(id, now)).collect();
        let pages = stream::iter(reads).buffer_unordered(READS_AT_ONCE).try_collect().await?;
        let reads: Vec<_> = records.iter().map(|record| self.find_payload(record, &pages, now)).collect();
        stream::iter(reads).buffered(READS_AT_ONCE).try_collect().await
    }

    async fn load_payload_page<'a>(&self, id: &'a PageId, now: Timestamp) -> Result<Page<'a>, TableError> {
        Ok((id, payload_pages::load(&self.client, &self.name, id, now).await?))
    }

    /// Finds a payload on one of these pages, or loads it if it is kept by itself.
    async fn find_payload(
        &self,
        record: &DeliveryRecord,
        pages: &HashMap<&PageId, Option<String>>,
        now: Timestamp,
    ) -> Result<Option<String>, TableError> {
        let Envelope { payload_digest, payload_page, .. } = &record.envelope;
        let Some(digest) = payload_digest else { return Ok(None) };
        let page = payload_page.as_ref().and_then(|id| pages.get(id)?.as_deref());
        match page.and_then(|page| page::find(page, digest)) {
            Some(payload) => Ok(Some(payload.to_owned())),
            None => self.load_single(record, digest, now).await,
        }
    }

    /// Loads a payload that is kept by itself: the event's, or the held delivery's own.
    async fn load_single(
        &self,
        record: &DeliveryRecord,
        digest: &PayloadDigest,
        now: Timestamp,
    ) -> Result<Option<String>, TableError> {
        let Envelope { id, shop, .. } = &record.envelope;
        for owner in [PayloadOwner::Event(shop, &id.event_id), PayloadOwner::Delivery(id)] {
            let query = PayloadQuery { owner, digest };
            if let Some(payload) = query.load(&self.client, &self.name, now).await? {
                return Ok(Some(payload));
            }
        }
        Ok(None)
    }
}

/// An item's record.
fn record_of(item: Item) -> Option<DeliveryRecord> {
    table::readable::<DeliveryItem>(item, "delivery record").map(|item| item.record)
}
