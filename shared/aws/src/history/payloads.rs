//! Payloads, compressed, each once for its event.

use aws_sdk_dynamodb::{
    Client,
    primitives::Blob,
    types::{AttributeValue, PutRequest, WriteRequest},
};
use jiff::Timestamp;
use storehook_domain::{
    delivery::id::DeliveryId,
    event::id::EventId,
    installation::shop::ShopDomain,
    payload::{digest::PayloadDigest, limits::PAYLOAD_LIMIT},
};

use super::{event_partition, partition_of};
use crate::{
    backoff,
    table::{Item, TableError, number, text},
};

/// The most bytes of a compressed payload that one item holds: DynamoDB's 400 KB (Amazon DynamoDB quotas)
/// with room for keys and names.
pub const PART_LIMIT: usize = 390_000;

/// How hard zstd tries: its own default. Higher levels cost more time than they save of a unit.
const LEVEL: i32 = 3;

/// Whose payload it is: it is kept beside its owner, and for as long.
#[derive(Debug, Clone, Copy)]
pub enum PayloadOwner<'a> {
    /// The event's, for all its deliveries.
    Event(&'a ShopDomain, &'a EventId),
    /// A single delivery's. Nobody else writes there.
    Delivery(&'a DeliveryId),
}

impl PayloadOwner<'_> {
    fn partition(self) -> String {
        match self {
            Self::Event(shop, event_id) => event_partition(shop, event_id),
            Self::Delivery(id) => partition_of(id),
        }
    }
}

/// A payload to keep.
pub struct PayloadItem<'a> {
    /// Whose it is.
    pub owner: PayloadOwner<'a>,
    /// Its digest, a part of its key.
    pub digest: &'a PayloadDigest,
    /// The payload, as messages hold it.
    pub payload: &'a str,
    /// When it is forgotten, in seconds since the Unix epoch.
    pub expires_at: i64,
}

/// A payload to load.
pub struct PayloadQuery<'a> {
    /// Whose it is.
    pub owner: PayloadOwner<'a>,
    /// Its digest, a part of its key.
    pub digest: &'a PayloadDigest,
}

/// Why payloads were not written, all or some.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The call failed.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The payload could not be compressed.
    #[error("a payload could not be compressed")]
    Compression(#[from] std::io::Error),
    /// DynamoDB left some unwritten, again and again.
    #[error("DynamoDB left {0} items unwritten")]
    Unwritten(usize),
}

impl PayloadItem<'_> {
    /// Its items: one, or as many as it takes.
    pub fn parts(&self) -> std::io::Result<Vec<Item>> {
        let compressed = zstd::bulk::compress(self.payload.as_bytes(), LEVEL)?;
        let count = compressed.len().div_ceil(PART_LIMIT).max(1);
        let parts = compressed.chunks(PART_LIMIT).zip(0_u32..).map(|(bytes, part)| {
            Item::from([
                ("pk".to_owned(), text(self.owner.partition())),
                ("sk".to_owned(), text(format!("{}#{part}", self.digest))),
                ("payload".to_owned(), AttributeValue::B(Blob::new(bytes))),
                ("parts".to_owned(), number(count as u64)),
                ("expires_at".to_owned(), number(self.expires_at)),
            ])
        });
        Ok(parts.collect())
    }
}

/// How often items are written again that DynamoDB left unwritten.
const FURTHER_TRIES: usize = 3;

/// How many items one call writes (`BatchWriteItem`).
const BATCH_LIMIT: usize = 25;

/// Writes payloads. One that is there already is written over by the same.
pub async fn put_payloads(
    client: &Client,
    table: &str,
    payloads: &[PayloadItem<'_>],
) -> Result<(), WriteError> {
    let mut items = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for payload in payloads {
        // One call must not write an item twice, and a shop may have published the same event twice.
        if seen.insert((payload.owner.partition(), payload.digest.as_str())) {
            items.extend(payload.parts()?);
        }
    }
    for batch in items.chunks(BATCH_LIMIT) {
        let writes = batch.iter().map(|item| {
            let put = PutRequest::builder().set_item(Some(item.clone())).build();
            put.map(|put| WriteRequest::builder().put_request(put).build())
        });
        let writes = writes.collect::<Result<Vec<_>, _>>().map_err(TableError::from)?;
        put_batch(client, table, writes).await?;
    }
    Ok(())
}

async fn put_batch(client: &Client, table: &str, mut writes: Vec<WriteRequest>) -> Result<(), WriteError> {
    let mut waits = backoff(FURTHER_TRIES);
    loop {
        let call = client.batch_write_item().request_items(table, writes);
        let response = call.send().await.map_err(TableError::from)?;
        writes = response.unprocessed_items.unwrap_or_default().remove(table).unwrap_or_default();
        if writes.is_empty() {
            return Ok(());
        }
        match waits.next() {
            Some(wait) => tokio::time::sleep(wait).await,
            None => return Err(WriteError::Unwritten(writes.len())),
        }
    }
}

impl PayloadQuery<'_> {
    /// Loads the payload; `None` where it is not kept, or not any more.
    pub async fn load(
        &self,
        client: &Client,
        table: &str,
        now: Timestamp,
    ) -> Result<Option<String>, TableError> {
        let parts = client
            .query()
            .table_name(table)
            // It may have been written a moment ago, and whoever finds nothing gives up.
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND begins_with(sk, :digest)")
            .expression_attribute_values(":pk", text(self.owner.partition()))
            .expression_attribute_values(":digest", text(format!("{}#", self.digest)));
        let mut found = parts.into_paginator().items().send();
        let mut items = Vec::new();
        while let Some(item) = found.next().await {
            items.push(item?);
        }
        Ok(whole(&items, now))
    }
}

/// The payload of these parts, if they are all there and none has expired.
pub(super) fn whole(items: &[Item], now: Timestamp) -> Option<String> {
    let whole_number = |item: &Item, name: &str| item.get(name)?.as_n().ok()?.parse::<i64>().ok();
    let wanted = whole_number(items.first()?, "parts")?;
    if i64::try_from(items.len()).ok()? != wanted {
        return None;
    }
    let mut compressed = Vec::new();
    for item in items {
        if whole_number(item, "expires_at")? <= now.as_second() {
            return None;
        }
        compressed.extend_from_slice(item.get("payload")?.as_b().ok()?.as_ref());
    }
    // No payload is larger, so nothing that is unfolds to more.
    let payload = zstd::bulk::decompress(&compressed, PAYLOAD_LIMIT).ok()?;
    String::from_utf8(payload).ok()
}
