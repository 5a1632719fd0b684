//! Payloads, compressed and split into items.
//!
//! An item has at most 400 KB ("Quotas in Amazon DynamoDB"), so a large payload has several parts.
//! [`put_payloads`] names each item once, because `BatchWriteItem` refuses a call that names one twice.
//!
//! Expired items can still be read until DynamoDB deletes them, so reads check `expires_at`.

use std::collections::HashSet;

use aws_sdk_dynamodb::{Client, primitives::Blob, types::AttributeValue};
use jiff::Timestamp;
use storehook_domain::{
    delivery::id::DeliveryId,
    event::id::EventId,
    installation::shop::ShopDomain,
    payload::{digest::PayloadDigest, limits::PAYLOAD_LIMIT},
};

use super::deliveries::partition_of;
use crate::{
    batch_put::{BATCH_PUT_LIMIT, batch_put},
    direct::Direct,
    table::{Item, TableError, key_text_of, number, text},
};

/// The most bytes of a compressed payload in one item: DynamoDB's 400 KB, less room for keys and
/// names.
pub const PART_LIMIT: usize = 390_000;

/// The level of zstd's compression, its default. Higher levels take more time and hardly save a
/// write unit.
pub(super) const LEVEL: i32 = 3;

/// The owner of a payload. The payload is stored beside its owner.
#[derive(Debug, Clone, Copy)]
pub enum PayloadOwner<'a> {
    /// The event's, for all its deliveries.
    Event(&'a ShopDomain, &'a EventId),
    /// A single delivery's, for a held delivery.
    Delivery(&'a DeliveryId),
}

impl PayloadOwner<'_> {
    fn partition(self) -> String {
        match self {
            Self::Event(shop, event_id) => format!("EVENT#{shop}#{event_id}"),
            Self::Delivery(id) => partition_of(id.webhook_id, &id.event_id),
        }
    }
}

/// A payload to write.
pub struct PayloadItem<'a> {
    /// Its owner.
    pub owner: PayloadOwner<'a>,
    /// Its digest, a part of its key.
    pub digest: &'a PayloadDigest,
    /// The payload, as in messages.
    pub payload: &'a str,
    /// When it expires, in seconds since the Unix epoch.
    pub expires_at: i64,
}

/// A payload to load.
pub struct PayloadQuery<'a> {
    /// Its owner.
    pub owner: PayloadOwner<'a>,
    /// Its digest, a part of its key.
    pub digest: &'a PayloadDigest,
}

/// Why some or all payloads were not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The call failed.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The payload could not be compressed.
    #[error("a payload could not be compressed")]
    Compression(#[from] std::io::Error),
    /// DynamoDB left this number of items unwritten, at each try.
    #[error("DynamoDB left {0} items unwritten")]
    Unwritten(usize),
}

impl PayloadItem<'_> {
    /// Its items: one for each part.
    ///
    /// # Errors
    ///
    /// The payload could not be compressed.
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

/// How often unwritten items are written again.
const FURTHER_TRIES: usize = 3;

/// Writes items of payloads and pages. An item that is there already is replaced by the same bytes.
///
/// # Errors
///
/// A call failed, or DynamoDB left items unwritten at each try. Some items may have been written.
pub async fn put_payloads(
    client: &Client,
    direct: Option<&Direct>,
    table: &str,
    items: &[Item],
) -> Result<(), WriteError> {
    // A call must not name an item twice, and a shop may have published an event twice.
    let mut seen = HashSet::new();
    let items: Vec<_> = items.iter().filter(|item| seen.insert(key_text_of(item))).collect();
    for batch in items.chunks(BATCH_PUT_LIMIT) {
        let items = batch.iter().map(|item| (*item).clone());
        let unwritten = batch_put(client, direct, table, items, FURTHER_TRIES).await?;
        if unwritten > 0 {
            return Err(WriteError::Unwritten(unwritten));
        }
    }
    Ok(())
}

impl PayloadQuery<'_> {
    /// Loads the payload; `None` if it is not kept, or has expired.
    ///
    /// # Errors
    ///
    /// A call failed.
    pub async fn load(
        &self,
        client: &Client,
        table: &str,
        now: Timestamp,
    ) -> Result<Option<String>, TableError> {
        let parts = client
            .query()
            .table_name(table)
            // The read is consistent: the payload may be a moment old, and callers that find
            // nothing give up.
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

/// An item that has not expired.
pub(super) fn unexpired(item: &Item, now: Timestamp) -> Option<&Item> {
    (whole_number(item, "expires_at")? > now.as_second()).then_some(item)
}

fn whole_number(item: &Item, name: &str) -> Option<i64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

/// Joins the parts of a payload, if all are there and none has expired.
pub(super) fn whole(items: &[Item], now: Timestamp) -> Option<String> {
    let wanted = whole_number(items.first()?, "parts")?;
    if i64::try_from(items.len()).ok()? != wanted {
        return None;
    }
    let mut compressed = Vec::new();
    for item in items {
        compressed.extend_from_slice(unexpired(item, now)?.get("payload")?.as_b().ok()?.as_ref());
    }
    // No payload is larger, so this also bounds the memory that a malformed item can take.
    let payload = zstd::bulk::decompress(&compressed, PAYLOAD_LIMIT).ok()?;
    String::from_utf8(payload).ok()
}
