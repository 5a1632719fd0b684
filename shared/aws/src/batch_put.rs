//! Writing many items in one call, and again what DynamoDB leaves unwritten.
//!
//! `BatchWriteItem` takes up to 25 items and 16 MB, each item once. What is throttled comes back as
//! unprocessed items, which is no error to the SDK: it does not write them again by itself (Amazon
//! DynamoDB API Reference, "BatchWriteItem").

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    types::{PutRequest, WriteRequest},
};
use serde::{Deserialize, Serialize};

use crate::{
    backoff::backoff,
    direct::Direct,
    table::{Item, TableError},
};

/// How many items one call writes.
pub(crate) const BATCH_PUT_LIMIT: usize = 25;

/// Writes items to a table, at most [`BATCH_PUT_LIMIT`] with different keys. Writes what is left
/// unwritten again, after a wait, `tries` times. Returns how many items are left then.
///
/// # Errors
///
/// A call failed. Some items may have been written.
pub(crate) async fn batch_put(
    client: &Client,
    direct: Option<&Direct>,
    table: &str,
    items: impl Iterator<Item = Item>,
    tries: usize,
) -> Result<usize, TableError> {
    let mut writes: Vec<_> = items.map(|item| Write { put_request: Put { item: item.into() } }).collect();
    let mut waits = backoff(tries);
    loop {
        let directly = match direct {
            Some(direct) => put_directly(direct, table, &writes).await,
            None => None,
        };
        writes = match directly {
            Some(unwritten) => unwritten,
            None => Box::pin(put_by_sdk(client, table, writes)).await?,
        };
        match waits.next() {
            Some(wait) if !writes.is_empty() => tokio::time::sleep(wait).await,
            _ => return Ok(writes.len()),
        }
    }
}

/// Makes the call directly, and returns what is left unwritten. `None` if it was not made, or is unclear.
async fn put_directly(direct: &Direct, table: &str, writes: &[Write]) -> Option<Vec<Write>> {
    let call = Request { request_items: HashMap::from([(table, writes)]) };
    let mut response: Response = direct.read("BatchWriteItem", &call).await?;
    Some(response.unprocessed_items.remove(table).unwrap_or_default())
}

/// The same call by the SDK.
async fn put_by_sdk(client: &Client, table: &str, writes: Vec<Write>) -> Result<Vec<Write>, TableError> {
    let writes = writes.into_iter().map(|write| {
        let put = PutRequest::builder().set_item(Some(write.put_request.item.into())).build()?;
        Ok(WriteRequest::builder().put_request(put).build())
    });
    let writes = writes.collect::<Result<Vec<_>, TableError>>()?;
    let response = client.batch_write_item().request_items(table, writes).send().await?;
    let unwritten = response.unprocessed_items.unwrap_or_default().remove(table).unwrap_or_default();
    let write =
        |write: WriteRequest| Some(Write { put_request: Put { item: write.put_request?.item.into() } });
    Ok(unwritten.into_iter().filter_map(write).collect())
}

/// The direct call ("BatchWriteItem", Amazon DynamoDB API Reference).
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Request<'a> {
    request_items: HashMap<&'a str, &'a [Write]>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Write {
    put_request: Put,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Put {
    item: serde_dynamo::Item,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Response {
    #[serde(default)]
    unprocessed_items: HashMap<String, Vec<Write>>,
}
