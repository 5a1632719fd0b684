//! Pages of payloads, each one item.
//!
//! A page has at most [`PAGE_LIMIT`] bytes before compression, so it fits an item whatever it holds.

use aws_sdk_dynamodb::{Client, primitives::Blob, types::AttributeValue};
use jiff::Timestamp;
use storehook_domain::payload::page::{self, PAGE_LIMIT, PageId};

use super::payloads::{LEVEL, unexpired};
use crate::table::{Item, TableError, key, number};

/// The sort key of a page's item. Nothing else is in its partition.
const SORT_KEY: &str = "PAGE";

/// A page to write.
pub struct PageItem<'a> {
    /// Its id.
    pub id: &'a PageId,
    /// Its payloads, as in messages.
    pub payloads: &'a [&'a str],
    /// When it expires, in seconds since the Unix epoch.
    pub expires_at: i64,
}

impl PageItem<'_> {
    /// The page as an item.
    ///
    /// # Errors
    ///
    /// The page could not be compressed.
    pub fn item(&self) -> std::io::Result<Item> {
        let text = page::text(self.payloads.iter().copied());
        let compressed = zstd::bulk::compress(text.as_bytes(), LEVEL)?;
        let mut item = key_of(self.id);
        item.insert("payloads".to_owned(), AttributeValue::B(Blob::new(compressed)));
        item.insert("expires_at".to_owned(), number(self.expires_at));
        Ok(item)
    }
}

/// Loads the text of a page; `None` if it is not kept, or has expired.
pub(super) async fn load(
    client: &Client,
    table: &str,
    id: &PageId,
    now: Timestamp,
) -> Result<Option<String>, TableError> {
    let get = client.get_item().table_name(table).set_key(Some(key_of(id)));
    // The read is consistent: the page may be a moment old, and callers that find nothing give up.
    let item = get.consistent_read(true).send().await?.item;
    Ok(item.as_ref().and_then(|item| text_of(item, now)))
}

/// The text of a page's item, if it is well formed and has not expired.
pub(super) fn text_of(item: &Item, now: Timestamp) -> Option<String> {
    let compressed = unexpired(item, now)?.get("payloads")?.as_b().ok()?;
    // No page is larger, so this also bounds the memory that a malformed item can take.
    let text = zstd::bulk::decompress(compressed.as_ref(), PAGE_LIMIT).ok()?;
    String::from_utf8(text).ok()
}

fn key_of(id: &PageId) -> Item {
    key(&format!("PAGE#{id}"), SORT_KEY)
}
