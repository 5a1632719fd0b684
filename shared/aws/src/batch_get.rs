//! Reading many items in one call, and asking again for what DynamoDB leaves unread.
//!
//! `BatchGetItem` takes 100 keys, each once, and responds with 16 MB at most. What is over that, or
//! throttled, comes back as unprocessed keys, which is no error to the SDK: it does not ask again
//! by itself (Amazon DynamoDB API Reference, "BatchGetItem").

use std::collections::HashMap;

use aws_sdk_dynamodb::{Client, types::KeysAndAttributes};

use crate::{
    backoff::backoff,
    table::{Item, TableError},
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
    keys: HashMap<String, Vec<Item>>,
    tries: usize,
) -> Result<BatchGet, TableError> {
    let mut batch = BatchGet { items: HashMap::new(), unread: keys };
    batch.unread.retain(|_, keys| !keys.is_empty());
    let mut waits = backoff(tries);
    while !batch.unread.is_empty() {
        let asked = count(&batch.unread);
        let wanted = std::mem::take(&mut batch.unread).into_iter().map(|(table, keys)| {
            let keys = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true);
            Ok((table, keys.build()?))
        });
        let wanted = wanted.collect::<Result<HashMap<_, _>, TableError>>()?;
        let response = client.batch_get_item().set_request_items(Some(wanted)).send().await?;
        for (table, items) in response.responses.unwrap_or_default() {
            batch.items.entry(table).or_default().extend(items);
        }
        let unread = response.unprocessed_keys.unwrap_or_default().into_iter();
        batch.unread = unread.map(|(table, unread)| (table, unread.keys)).collect();
        if count(&batch.unread) == asked {
            match waits.next() {
                Some(wait) => tokio::time::sleep(wait).await,
                None => break,
            }
        }
    }
    Ok(batch)
}

fn count(keys: &HashMap<String, Vec<Item>>) -> usize {
    keys.values().map(Vec::len).sum()
}
