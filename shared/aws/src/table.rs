//! DynamoDB's items, and what goes wrong with tables.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    error::{BuildError, SdkError},
    types::AttributeValue,
};
use serde::{Serialize, de::DeserializeOwned};

/// An item as DynamoDB's API has it.
pub type Item = HashMap<String, AttributeValue>;

/// Why a table did not answer, or not sensibly.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// DynamoDB could not be reached or refused the call.
    #[error("DynamoDB did not do as asked")]
    Call(#[source] Box<aws_sdk_dynamodb::Error>),
    /// It left keys unread, again and again.
    #[error("DynamoDB left a key unread")]
    Unread,
    /// An item does not hold what it should.
    #[error("an item of a table does not read")]
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
