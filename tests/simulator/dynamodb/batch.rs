//! The calls for many items.

use serde_json::{Map, Value, json};

use super::{
    DynamoDb,
    items::{item_of, table_of},
    table::Key,
    value::Item,
};
use crate::{faults::Fault, refusal::Refusal};

/// The most items of one call ("Quotas in Amazon DynamoDB").
const GET_LIMIT: usize = 100;
const WRITE_LIMIT: usize = 25;
const TRANSACTION_LIMIT: usize = 100;

/// A write of a transaction whose condition is met.
enum Write {
    Put(String, Item),
    Remove(String, Key),
    Check,
}

fn at_most(limit: usize, count: usize) -> Result<(), Refusal> {
    (1..=limit).contains(&count).then_some(()).ok_or_else(|| Refusal::invalid(format!("{count} items")))
}

impl DynamoDb {
    pub(super) fn batch_get_item(&mut self, call: &Value, now: i64) -> Result<Value, Refusal> {
        let tables = item_of(&call["RequestItems"])?;
        let keys_of = |wanted: &Value| wanted["Keys"].as_array().cloned().unwrap_or_default();
        at_most(GET_LIMIT, tables.values().map(|wanted| keys_of(wanted).len()).sum())?;
        let (mut responses, mut unprocessed) = (Map::new(), Map::new());
        for (name, wanted) in tables {
            let (mut found, mut undone) = (Vec::new(), Vec::new());
            for key in keys_of(wanted) {
                if self.faults.happens(Fault::Unprocessed) {
                    undone.push(key);
                    continue;
                }
                self.reads += 1;
                let table = self.table(name)?;
                let key = table.key_of(item_of(&key)?)?;
                found.extend(table.get(&key, now).map(Value::Object));
            }
            responses.insert(name.clone(), found.into());
            if !undone.is_empty() {
                unprocessed.insert(name.clone(), json!({"Keys": undone, "ConsistentRead": true}));
            }
        }
        Ok(json!({"Responses": responses, "UnprocessedKeys": unprocessed}))
    }

    pub(super) fn batch_write_item(&mut self, call: &Value) -> Result<Value, Refusal> {
        let tables = item_of(&call["RequestItems"])?;
        let writes_of = |writes: &Value| writes.as_array().cloned().unwrap_or_default();
        at_most(WRITE_LIMIT, tables.values().map(|writes| writes_of(writes).len()).sum())?;
        let mut unprocessed = Map::new();
        for (name, writes) in tables {
            let mut undone = Vec::new();
            for write in writes_of(writes) {
                if self.faults.happens(Fault::Unprocessed) {
                    undone.push(write);
                    continue;
                }
                self.writes += 1;
                let table = self.table(name)?;
                if let Some(put) = write.get("PutRequest") {
                    table.put(item_of(&put["Item"])?)?;
                } else {
                    let key = table.key_of(item_of(&write["DeleteRequest"]["Key"])?)?;
                    table.remove(&key);
                }
            }
            if !undone.is_empty() {
                unprocessed.insert(name.clone(), undone.into());
            }
        }
        Ok(json!({"UnprocessedItems": unprocessed}))
    }

    /// Checks all conditions before anything is written.
    pub(super) fn transact_write_items(&mut self, call: &Value, now: i64) -> Result<Value, Refusal> {
        let entries = call["TransactItems"].as_array().cloned().unwrap_or_default();
        at_most(TRANSACTION_LIMIT, entries.len())?;
        if self.faults.happens(Fault::TransactionConflict) {
            let reasons: Vec<_> = entries.iter().map(|_| json!({"Code": "TransactionConflict"})).collect();
            return Err(Refusal("TransactionCanceledException", json!({"CancellationReasons": reasons})));
        }
        let (mut writes, mut reasons, mut is_refused) = (Vec::new(), Vec::new(), false);
        for entry in &entries {
            self.writes += 1;
            match self.transacted(entry, now) {
                Ok(write) => {
                    writes.push(write);
                    reasons.push(json!({"Code": "None"}));
                }
                Err(Refusal("ConditionalCheckFailedException", body)) => {
                    is_refused = true;
                    reasons.push(json!({"Code": "ConditionalCheckFailed", "Item": body["Item"]}));
                }
                Err(refusal) => return Err(refusal),
            }
        }
        if is_refused {
            return Err(Refusal("TransactionCanceledException", json!({"CancellationReasons": reasons})));
        }
        for write in writes {
            match write {
                Write::Put(table, item) => self.table(&table)?.put(&item)?,
                Write::Remove(table, key) => self.table(&table)?.remove(&key),
                Write::Check => {}
            }
        }
        Ok(json!({}))
    }

    fn transacted(&mut self, entry: &Value, now: i64) -> Result<Write, Refusal> {
        let (kind, call) = item_of(entry)?.iter().next().ok_or_else(|| Refusal::invalid("no write"))?;
        let table = table_of(call).to_owned();
        match kind.as_str() {
            "Put" => {
                let item = item_of(&call["Item"])?;
                self.checked(call, item, now)?;
                Ok(Write::Put(table, item.clone()))
            }
            "Update" => Ok(Write::Put(table, self.after_update(call, now)?.1)),
            "Delete" => Ok(Write::Remove(table, self.checked(call, item_of(&call["Key"])?, now)?.0)),
            "ConditionCheck" => {
                self.checked(call, item_of(&call["Key"])?, now)?;
                Ok(Write::Check)
            }
            _ => Err(Refusal::invalid(format!("a transaction cannot {kind}"))),
        }
    }
}
