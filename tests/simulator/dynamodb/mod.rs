//! A stand-in for DynamoDB: tables and indexes in memory, and the calls that Storehook makes.
//!
//! Reads and writes are atomic, and indexes follow at once. As [`faults`](crate::faults), batches are
//! done in part, and transactions meet others. What the stand-in does not know it refuses.

mod batch;
mod expression;
mod items;
mod query;
mod table;
#[cfg(test)]
mod tests;
mod value;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

pub(crate) use self::table::{IndexSchema, KeySchema, TableSchema};
use self::{
    expression::{
        parser,
        syntax::{Change, Condition, Shared},
    },
    table::Table,
    value::Item,
};
use crate::{faults::Faults, refusal::Refusal};

/// DynamoDB: its tables, and how much they were used.
#[derive(Default)]
pub(crate) struct DynamoDb {
    tables: BTreeMap<String, Table>,
    conditions: BTreeMap<String, Shared<Condition>>,
    updates: BTreeMap<String, Shared<Vec<Change>>>,
    pub(crate) faults: Faults,
    /// Items that were looked up, each query counting as one.
    pub(crate) reads: u64,
    /// Items that were written or deleted, whether the condition was met or not.
    pub(crate) writes: u64,
}

impl DynamoDb {
    /// Makes a table.
    pub(crate) fn create(&mut self, name: &str, schema: TableSchema) {
        self.tables.insert(name.to_owned(), Table::new(schema));
    }

    /// Puts an item, before a simulation begins.
    pub(crate) fn put(&mut self, table: &str, item: &Value) -> Result<(), Refusal> {
        let item = item.as_object().ok_or_else(|| Refusal::invalid("no item"))?;
        self.table(table)?.put(item)
    }

    /// Removes an item, as somebody else.
    pub(crate) fn remove(&mut self, table: &str, item: &Value) -> Result<(), Refusal> {
        let item = item.as_object().ok_or_else(|| Refusal::invalid("no item"))?;
        let table = self.table(table)?;
        let key = table.key_of(item)?;
        table.remove(&key);
        Ok(())
    }

    /// Takes out the items of a table that have expired.
    pub(crate) fn expired(&mut self, table: &str, now: Timestamp) -> Vec<Item> {
        self.table(table).map(|table| table.expire(now.as_second())).unwrap_or_default()
    }

    /// How many items a table has.
    pub(crate) fn count(&self, table: &str) -> usize {
        self.tables.get(table).map_or(0, Table::len)
    }

    /// Every item of a table.
    pub(crate) fn items(&self, table: &str) -> impl Iterator<Item = Item> {
        self.tables.get(table).into_iter().flat_map(Table::items)
    }

    /// Responds as DynamoDB.
    pub(crate) fn respond(
        &mut self,
        operation: &str,
        call: &Value,
        now: Timestamp,
    ) -> Result<Value, Refusal> {
        let now = now.as_second();
        match operation {
            "GetItem" => self.get_item(call, now),
            "PutItem" => self.put_item(call, now),
            "UpdateItem" => self.update_item(call, now),
            "DeleteItem" => self.delete_item(call, now),
            "Query" => self.query(call, now),
            "BatchGetItem" => self.batch_get_item(call, now),
            "BatchWriteItem" => self.batch_write_item(call),
            "TransactWriteItems" => self.transact_write_items(call, now),
            _ => Err(Refusal::invalid(format!("the stand-in does not know {operation}"))),
        }
    }

    fn table(&mut self, name: &str) -> Result<&mut Table, Refusal> {
        self.tables.get_mut(name).ok_or_else(|| Refusal("ResourceNotFoundException", Value::default()))
    }

    fn condition(&mut self, expression: &str) -> Result<Shared<Condition>, Refusal> {
        if let Some(known) = self.conditions.get(expression) {
            return Ok(known.clone());
        }
        let parsed = Shared::new(parser::condition(expression)?);
        self.conditions.insert(expression.to_owned(), parsed.clone());
        Ok(parsed)
    }

    fn update(&mut self, expression: &str) -> Result<Shared<Vec<Change>>, Refusal> {
        if let Some(known) = self.updates.get(expression) {
            return Ok(known.clone());
        }
        let parsed = Shared::new(parser::update(expression)?);
        self.updates.insert(expression.to_owned(), parsed.clone());
        Ok(parsed)
    }
}
