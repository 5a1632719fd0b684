//! Queries of a table or an index.
//!
//! A page ends after `Limit` entries or about 1 MB, and the filter applies to the page ("Paginating
//! table query results", Amazon DynamoDB Developer Guide).

use serde_json::{Value, json};

use super::{
    DynamoDb,
    expression::syntax::{Comparator, Condition, Operand, Subject},
    items::table_of,
    table::{IndexSchema, Key, KeySchema},
    value::{Item, KeyPart},
};
use crate::refusal::Refusal;

const PAGE_BYTES: usize = 1_000_000;

impl DynamoDb {
    pub(super) fn query(&mut self, call: &Value, now: i64) -> Result<Value, Refusal> {
        self.reads += 1;
        let (names, values) = (&call["ExpressionAttributeNames"], &call["ExpressionAttributeValues"]);
        let name = table_of(call);
        let schema = &self.table(name)?.schema;
        let (table_keys, index) = (schema.keys.clone(), position_of(&schema.indexes, call)?);
        let index_schema = index.map(|index| schema.indexes[index].clone());
        let keys = index_schema.as_ref().map_or(&table_keys, |index| &index.keys).clone();
        let condition = self.condition(call["KeyConditionExpression"].as_str().unwrap_or_default())?;
        let filter = call["FilterExpression"].as_str().map(|filter| self.condition(filter)).transpose()?;
        let nothing = Item::new();
        let partition =
            partition_of(&condition, &keys.partition, &Subject { item: &nothing, names, values })?;
        let limit = call["Limit"].as_u64().map_or(usize::MAX, |limit| limit as usize);
        let after = call["ExclusiveStartKey"].as_object().map(|start| {
            let entry = keys.of(start).zip(table_keys.of(start));
            entry.ok_or_else(|| Refusal::invalid("the start of a page lacks a key"))
        });
        let after = after.transpose()?;
        let is_forward = call["ScanIndexForward"] != false;
        let mut entries = self.table(name)?.partition(index, &partition);
        if !is_forward {
            entries.reverse();
        }
        let is_after = |entry: &(Key, Key)| match &after {
            Some(after) if is_forward => entry > after,
            Some(after) => entry < after,
            None => true,
        };
        let (mut found, mut looked_at, mut bytes, mut last) = (Vec::new(), 0, 0, None);
        for (_, key) in entries.iter().filter(|entry| is_after(entry)) {
            let Some(item) = self.table(name)?.get(key, now) else { continue };
            if !condition.is_met(&Subject { item: &item, names, values })? {
                continue;
            }
            if looked_at == limit || bytes > PAGE_BYTES {
                return Ok(page(found, looked_at, last));
            }
            looked_at += 1;
            last = Some(start_of(&item, &keys, &table_keys));
            let item = projected(item, index_schema.as_ref(), &table_keys);
            bytes += item.values().map(|value| value.to_string().len()).sum::<usize>();
            let passes = match &filter {
                Some(filter) => filter.is_met(&Subject { item: &item, names, values })?,
                None => true,
            };
            if passes {
                found.push(Value::Object(item));
            }
        }
        // DynamoDB names the end of a page that is full, even if nothing follows.
        Ok(page(found, looked_at, last.filter(|_| looked_at == limit)))
    }
}

fn page(items: Vec<Value>, looked_at: usize, last: Option<Value>) -> Value {
    let mut page = json!({"Count": items.len(), "ScannedCount": looked_at, "Items": items});
    if let Some(last) = last {
        page["LastEvaluatedKey"] = last;
    }
    page
}

fn position_of(indexes: &[IndexSchema], call: &Value) -> Result<Option<usize>, Refusal> {
    let Some(name) = call["IndexName"].as_str() else { return Ok(None) };
    let position = indexes.iter().position(|index| index.name == name);
    position.map(Some).ok_or_else(|| Refusal::invalid(format!("there is no index {name}")))
}

/// The value that a key condition wants the partition key to have.
fn partition_of(condition: &Condition, name: &str, subject: &Subject<'_>) -> Result<KeyPart, Refusal> {
    match condition {
        Condition::And(left, right) => {
            partition_of(left, name, subject).or_else(|_| partition_of(right, name, subject))
        }
        Condition::Compare(Operand::Path(path), Comparator::Equal, value)
            if path.len() == 1 && subject.name(&path[0])? == name =>
        {
            let value = subject.value(value)?;
            value.as_deref().and_then(KeyPart::of).ok_or_else(|| Refusal::invalid("a key has another type"))
        }
        _ => Err(Refusal::invalid("a key condition names no partition")),
    }
}

fn start_of(item: &Item, keys: &KeySchema, table_keys: &KeySchema) -> Value {
    let names = [&keys.partition, &keys.sort, &table_keys.partition, &table_keys.sort];
    names.into_iter().filter_map(|name| Some((name.clone(), item.get(name)?.clone()))).collect()
}

/// What an entry of an index holds of an item.
fn projected(item: Item, index: Option<&IndexSchema>, table_keys: &KeySchema) -> Item {
    let Some(IndexSchema { keys, attributes: Some(attributes), .. }) = index else { return item };
    let is_key = |name: &String| {
        [&keys.partition, &keys.sort, &table_keys.partition, &table_keys.sort].contains(&name)
    };
    item.into_iter().filter(|(name, _)| is_key(name) || attributes.contains(name)).collect()
}
