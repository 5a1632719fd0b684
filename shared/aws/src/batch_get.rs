//! Reading many items in one call, and asking again for what DynamoDB leaves unread.
//!
//! `BatchGetItem` takes 100 keys, each once, and responds with 16 MB at most. What is over that, or
//! throttled, comes back as unprocessed keys, which is no error to the SDK: it does not ask again
//! by itself (Amazon DynamoDB API Reference, "BatchGetItem").

use std::collections::HashMap;

use aws_sdk_dynamodb::{Client, types::KeysAndAttributes};
use serde::{Deserialize, Serialize};

use crate::{
    backoff::backoff,
    direct::Direct,
    table::{Item, KeyText, TableError, key_text_of},
};

/// How many keys one call takes.
pub const BATCH_GET_LIMIT: usize = 100;

/// What a read of many items came to, by table.
#[derive(Debug, Default)]
pub struct BatchGet {
    /// The items that are there.
    pub items: HashMap<String, Vec<Item>>,
    /// The keys that DynamoDB left unread, each time that it was asked.
    pub unread: HashMap<String, Vec<Item>>,
}

/// Reads items, strongly consistent; at most [`BATCH_GET_LIMIT`] different keys, by table. Asks for
/// what is left unread again: at once where DynamoDB has read something, else after a wait, `tries`
/// times.
///
/// # Errors
///
/// Where a call fails.
pub async fn batch_get(
    client: &Client,
    direct: Option<&Direct>,
    keys: HashMap<String, Vec<Item>>,
    tries: usize,
) -> Result<BatchGet, TableError> {
    let mut batch = BatchGet { items: HashMap::new(), unread: keys };
    batch.unread.retain(|_, keys| !keys.is_empty());
    let mut waits = backoff(tries);
    while !batch.unread.is_empty() {
        let asked = count(&batch.unread);
        let wanted = std::mem::take(&mut batch.unread);
        let directly = match direct {
            Some(direct) => read_directly(direct, &wanted).await,
            None => None,
        };
        let read = match directly {
            Some(read) => read,
            None => Box::pin(read_by_sdk(client, wanted)).await?,
        };
        for (table, items) in read.items {
            batch.items.entry(table).or_default().extend(items);
        }
        batch.unread = read.unread;
        if count(&batch.unread) == asked {
            match waits.next() {
                Some(wait) => tokio::time::sleep(wait).await,
                None => break,
            }
        }
    }
    Ok(batch)
}

/// Makes the call directly. `None` if it was not made, or is unclear.
async fn read_directly(direct: &Direct, wanted: &HashMap<String, Vec<Item>>) -> Option<BatchGet> {
    let wanted = wanted.iter().map(|(table, keys)| {
        let keys = keys.iter().map(|key| key_text_of(key).into()).collect();
        (table.as_str(), WantedKeys { keys, consistent_read: true })
    });
    let response: Response =
        direct.read("BatchGetItem", &Request { request_items: wanted.collect() }).await?;
    let items = |items: Vec<serde_dynamo::Item>| items.into_iter().map(Item::from).collect();
    Some(BatchGet {
        items: response.responses.into_iter().map(|(table, found)| (table, items(found))).collect(),
        unread: response
            .unprocessed_keys
            .into_iter()
            .map(|(table, left)| (table, items(left.keys)))
            .collect(),
    })
}

/// The same call by the SDK.
async fn read_by_sdk(client: &Client, wanted: HashMap<String, Vec<Item>>) -> Result<BatchGet, TableError> {
    let wanted = wanted.into_iter().map(|(table, keys)| {
        let keys = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true);
        Ok((table, keys.build()?))
    });
    let wanted = wanted.collect::<Result<HashMap<_, _>, TableError>>()?;
    let response = client.batch_get_item().set_request_items(Some(wanted)).send().await?;
    let unread = response.unprocessed_keys.unwrap_or_default().into_iter();
    Ok(BatchGet {
        items: response.responses.unwrap_or_default(),
        unread: unread.map(|(table, unread)| (table, unread.keys)).collect(),
    })
}

/// The direct call ("BatchGetItem", Amazon DynamoDB API Reference).
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Request<'a> {
    request_items: HashMap<&'a str, WantedKeys>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct WantedKeys {
    keys: Vec<Key>,
    consistent_read: bool,
}

/// The key of an item.
#[derive(Serialize)]
struct Key {
    pk: Text,
    sk: Text,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Text {
    s: String,
}

impl From<KeyText> for Key {
    fn from((pk, sk): KeyText) -> Self {
        Self { pk: Text { s: pk }, sk: Text { s: sk } }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Response {
    #[serde(default)]
    responses: HashMap<String, Vec<serde_dynamo::Item>>,
    #[serde(default)]
    unprocessed_keys: HashMap<String, LeftKeys>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LeftKeys {
    keys: Vec<serde_dynamo::Item>,
}

fn count(keys: &HashMap<String, Vec<Item>>) -> usize {
    keys.values().map(Vec::len).sum()
}
