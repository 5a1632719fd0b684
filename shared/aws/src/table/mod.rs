//! DynamoDB: items, conditional writes and errors.
//!
//! The SDK retries calls that failed as a whole, with throttled calls among them. Two things are
//! left to callers:
//!
//! * A *conflict*: somebody else wrote first, so the condition of a write refused it.
//!   [`conditional`] tells a conflict from a failed call, and [`change`] repeats a change that met
//!   one, after a random wait. No other code matches on DynamoDB's errors.
//! * *Unprocessed* entries of a batch; see [`backoff()`](crate::backoff()).
//!
//! A conflict can be with one's own write. If the response to a write is lost, the SDK sends the
//! write again; the second one finds the first and is refused. Whoever must know compares
//! [`Conflict::item`] with what it wrote, which must hold something that nobody else writes.
//! Transactions need none of this: DynamoDB knows a repeated one by its `ClientRequestToken` for 10
//! minutes and answers that it was made. The SDK sets a new token for each call, and the same one
//! when it sends the call again (`TransactWriteItems`, Amazon DynamoDB API Reference).
//!
//! An item has at most 400 KB, names and values together ("Quotas in Amazon DynamoDB"). DynamoDB
//! refuses a write of a larger one with a `ValidationException`; [`size_of`] counts as it does.

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::{
    error::{BuildError, SdkError},
    operation::query::builders::QueryFluentBuilder,
    types::{AttributeValue, Select},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::backoff::waits_after_conflict;

/// An item of a table, as in DynamoDB's API.
pub type Item = HashMap<String, AttributeValue>;

/// Why the use of a table failed.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// DynamoDB could not be reached or refused the call.
    #[error("the call of DynamoDB failed")]
    Call(#[source] Box<aws_sdk_dynamodb::Error>),
    /// It left a key unread at each try, or took too long.
    #[error("DynamoDB left a key unread")]
    Unread,
    /// An item of the table is malformed.
    #[error("an item of a table is malformed")]
    Item(#[from] serde_dynamo::Error),
}

impl<E, R> From<SdkError<E, R>> for TableError
where
    aws_sdk_dynamodb::Error: From<SdkError<E, R>>,
{
    fn from(error: SdkError<E, R>) -> Self {
        Self::Call(Box::new(aws_sdk_dynamodb::Error::from(error)))
    }
}

impl From<BuildError> for TableError {
    fn from(error: BuildError) -> Self {
        Self::Call(Box::new(error.into()))
    }
}

/// A write was refused: somebody else wrote first.
#[derive(Debug, Clone, PartialEq)]
pub struct Conflict {
    /// The item that is there now, if the call asked for it.
    pub item: Option<Item>,
    /// Whether a transaction over the item is under way (`TransactionConflictException`). The
    /// condition was then not even looked at.
    pub is_in_transaction: bool,
}

/// Tells a conflict from a failed call.
///
/// # Errors
///
/// The call failed.
pub fn conditional<T, E, R>(result: Result<T, SdkError<E, R>>) -> Result<Result<T, Conflict>, TableError>
where
    aws_sdk_dynamodb::Error: From<SdkError<E, R>>,
{
    match result.map_err(aws_sdk_dynamodb::Error::from) {
        Ok(output) => Ok(Ok(output)),
        Err(aws_sdk_dynamodb::Error::ConditionalCheckFailedException(refused)) => {
            Ok(Err(Conflict { item: refused.item, is_in_transaction: false }))
        }
        Err(aws_sdk_dynamodb::Error::TransactionConflictException(_)) => {
            Ok(Err(Conflict { item: None, is_in_transaction: true }))
        }
        Err(error) => Err(TableError::Call(Box::new(error))),
    }
}

/// Others wrote first, at each try of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("others wrote first at each try")]
pub struct Contended;

/// Makes a change: `attempt` reads, decides and writes on a condition. It returns `None` at a
/// conflict and is then called again, after a wait: up to 10 times, with waits of less than 4
/// seconds together.
///
/// It takes no `AsyncFnMut`, because Rust cannot tell yet that such a future is `Send`, as the
/// handlers of a server must be.
///
/// # Errors
///
/// `attempt` failed, or met a conflict at each try.
pub async fn change<T, E, F>(attempt: impl FnMut() -> F) -> Result<T, E>
where
    E: From<Contended>,
    F: Future<Output = Result<Option<T>, E>>,
{
    change_after(waits_after_conflict(fastrand::f64), tokio::time::sleep, attempt).await
}

/// Makes a change, with these waits between the tries.
async fn change_after<T, E, F, S>(
    mut waits: impl Iterator<Item = Duration>,
    mut sleep: impl FnMut(Duration) -> S,
    mut attempt: impl FnMut() -> F,
) -> Result<T, E>
where
    E: From<Contended>,
    F: Future<Output = Result<Option<T>, E>>,
    S: Future<Output = ()>,
{
    loop {
        if let Some(done) = attempt().await? {
            return Ok(done);
        }
        sleep(waits.next().ok_or(Contended)?).await;
    }
}

/// A string value.
pub fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// A number value, for a whole number.
pub fn number(value: impl Into<i128>) -> AttributeValue {
    AttributeValue::N(value.into().to_string())
}

/// Converts a value to an item.
///
/// # Errors
///
/// The value is nothing that an item can hold.
pub fn to_item<T: Serialize>(value: T) -> Result<Item, TableError> {
    Ok(serde_dynamo::to_item(value)?)
}

/// Converts a value to a value of an item.
///
/// # Errors
///
/// The value is nothing that an item can hold.
pub fn to_value<T: Serialize>(value: T) -> Result<AttributeValue, TableError> {
    Ok(serde_dynamo::to_attribute_value(value)?)
}

/// Converts an item to a value.
///
/// # Errors
///
/// The item is malformed.
pub fn from_item<T: DeserializeOwned>(item: Item) -> Result<T, TableError> {
    Ok(serde_dynamo::from_item(item)?)
}

/// Converts an item of many to a value. A malformed one must not hide all the others: the log tells
/// what is malformed, and it is left out.
pub fn readable<T: DeserializeOwned>(item: Item, what: &str) -> Option<T> {
    from_item(item)
        .inspect_err(|error| tracing::error!(error = crate::causes(error), "malformed {what}"))
        .ok()
}

/// Counts the items of a query. DynamoDB does the counting, page by page.
///
/// # Errors
///
/// A call failed.
pub async fn count(query: QueryFluentBuilder) -> Result<u64, TableError> {
    let (mut pages, mut count) = (query.select(Select::Count).into_paginator().send(), 0);
    while let Some(page) = pages.next().await {
        count += u64::try_from(page?.count).unwrap_or_default();
    }
    Ok(count)
}

/// The key of an item.
pub fn key_of(item: &Item) -> Item {
    ["pk", "sk"].into_iter().filter_map(|name| Some((name.to_owned(), item.get(name)?.clone()))).collect()
}

/// The key of an item as text: `pk` and `sk`.
pub type KeyText = (String, String);

/// The key of an item as text, which identifies it in its table.
pub fn key_text_of(item: &Item) -> KeyText {
    let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default();
    (text("pk"), text("sk"))
}

/// The size of an item in bytes, as DynamoDB counts it for charges and for the limit of 400 KB
/// ("DynamoDB item sizes and formats").
pub fn size_of(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + size_of_value(value)).sum()
}

fn size_of_value(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(digits) => digits.len() / 2 + 2,
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        AttributeValue::L(values) => 3 + values.iter().map(|value| 1 + size_of_value(value)).sum::<usize>(),
        AttributeValue::M(members) => {
            let members = members.iter().map(|(name, value)| 1 + name.len() + size_of_value(value));
            3 + members.sum::<usize>()
        }
        _ => 1,
    }
}

/// A key of the registry or of the history.
pub(crate) fn key(pk: &str, sk: &str) -> Item {
    [("pk", pk), ("sk", sk)].map(|(name, value)| (name.to_owned(), text(value))).into_iter().collect()
}

#[cfg(test)]
mod tests;
