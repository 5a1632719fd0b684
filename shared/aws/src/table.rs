//! DynamoDB's items, and what goes wrong with tables.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    error::{BuildError, SdkError},
    types::AttributeValue,
};
use serde::{Serialize, de::DeserializeOwned};

/// An item as DynamoDB's API has it.
pub type Item = HashMap<String, AttributeValue>;

/// Why a table could not be used.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// DynamoDB could not be reached or refused the call.
    #[error("the call of DynamoDB failed")]
    Call(#[source] Box<aws_sdk_dynamodb::Error>),
    /// It left a key unread, each time that it was asked, or took too long.
    #[error("DynamoDB left a key unread")]
    Unread,
    /// An item is malformed.
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

/// A conditional write that its condition refused: somebody else wrote first.
#[derive(Debug, Clone, PartialEq)]
pub struct Conflict {
    /// The item that is there, where the call asked for it.
    pub item: Option<Item>,
}

/// Tells a write that its condition refused from a call that failed.
///
/// The SDK makes a call again whose response did not come. The second call then finds the work of the first
/// and is refused: whoever must know the difference compares [`Conflict::item`] with what it wrote.
pub fn conditional<T, E, R>(result: Result<T, SdkError<E, R>>) -> Result<Result<T, Conflict>, TableError>
where
    aws_sdk_dynamodb::Error: From<SdkError<E, R>>,
{
    match result.map_err(aws_sdk_dynamodb::Error::from) {
        Ok(output) => Ok(Ok(output)),
        Err(aws_sdk_dynamodb::Error::ConditionalCheckFailedException(refused)) => {
            Ok(Err(Conflict { item: refused.item }))
        }
        Err(error) => Err(TableError::Call(Box::new(error))),
    }
}

/// Others wrote first, each time that a change was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("others wrote first, again and again")]
pub struct Contended;

/// How often a change is tried that others come before.
const CHANGE_TRIES: usize = 5;

/// Makes a change that reads, decides and writes on a condition; again where it met a conflict (`None`).
pub async fn change<T, E: From<Contended>>(
    mut attempt: impl AsyncFnMut() -> Result<Option<T>, E>,
) -> Result<T, E> {
    for _ in 0..CHANGE_TRIES {
        if let Some(done) = attempt().await? {
            return Ok(done);
        }
    }
    Err(Contended.into())
}

/// A text, as DynamoDB's API has it.
pub fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// A whole number, as DynamoDB's API has it.
pub fn number(value: impl Into<i128>) -> AttributeValue {
    AttributeValue::N(value.into().to_string())
}

/// Writes an item.
pub fn to_item<T: Serialize>(value: T) -> Result<Item, TableError> {
    Ok(serde_dynamo::to_item(value)?)
}

/// Writes a value of an item.
pub fn to_value<T: Serialize>(value: T) -> Result<AttributeValue, TableError> {
    Ok(serde_dynamo::to_attribute_value(value)?)
}

/// Reads an item.
pub fn from_item<T: DeserializeOwned>(item: Item) -> Result<T, TableError> {
    Ok(serde_dynamo::from_item(item)?)
}

/// The key of an item that was read.
pub fn key_of(item: &Item) -> Item {
    ["pk", "sk"].into_iter().filter_map(|name| Some((name.to_owned(), item.get(name)?.clone()))).collect()
}

/// How large DynamoDB holds an item to be, in bytes: what is charged, and what must not be over 400 KB ("DynamoDB
/// item sizes and formats").
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

pub(crate) fn key(pk: &str, sk: &str) -> Item {
    [("pk", pk), ("sk", sk)].map(|(name, value)| (name.to_owned(), text(value))).into_iter().collect()
}
