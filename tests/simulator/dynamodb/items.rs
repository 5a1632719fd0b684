//! The calls for one item.

use serde_json::{Value, json};

use super::{
    DynamoDb,
    expression::{syntax::Subject, update::updated},
    table::Key,
    value::Item,
};
use crate::refusal::Refusal;

/// The table that a call names.
pub(super) fn table_of(call: &Value) -> &str {
    call["TableName"].as_str().unwrap_or_default()
}

/// A member of a call that is an item or a key.
pub(super) fn item_of(value: &Value) -> Result<&Item, Refusal> {
    value.as_object().ok_or_else(|| Refusal::invalid("an item or a key is missing"))
}

impl DynamoDb {
    pub(super) fn get_item(&mut self, call: &Value, now: i64) -> Result<Value, Refusal> {
        self.reads += 1;
        let table = self.table(table_of(call))?;
        let key = table.key_of(item_of(&call["Key"])?)?;
        Ok(table.get(&key, now).map_or(json!({}), |item| json!({"Item": item})))
    }

    pub(super) fn put_item(&mut self, call: &Value, now: i64) -> Result<Value, Refusal> {
        self.writes += 1;
        let item = item_of(&call["Item"])?;
        let (_, before) = self.checked(call, item, now)?;
        self.table(table_of(call))?.put(item)?;
        Ok(returned(call, before, None))
    }

    pub(super) fn delete_item(&mut self, call: &Value, now: i64) -> Result<Value, Refusal> {
        self.writes += 1;
        let (key, before) = self.checked(call, item_of(&call["Key"])?, now)?;
        self.table(table_of(call))?.remove(&key);
        Ok(returned(call, before, None))
    }

    pub(super) fn update_item(&mut self, call: &Value, now: i64) -> Result<Value, Refusal> {
        self.writes += 1;
        let (before, after) = self.after_update(call, now)?;
        self.table(table_of(call))?.put(&after)?;
        Ok(returned(call, before, Some(after)))
    }

    /// The item before an update and after it, if the condition is met.
    pub(super) fn after_update(&mut self, call: &Value, now: i64) -> Result<(Option<Item>, Item), Refusal> {
        let key = item_of(&call["Key"])?;
        let (_, before) = self.checked(call, key, now)?;
        let changes = self.update(call["UpdateExpression"].as_str().unwrap_or_default())?;
        let item = before.as_ref().unwrap_or(key);
        let (names, values) = (&call["ExpressionAttributeNames"], &call["ExpressionAttributeValues"]);
        let after = updated(&changes, &Subject { item, names, values })?;
        Ok((before, after))
    }

    /// The key of an item and the item that is there, if the call's condition allows the write.
    pub(super) fn checked(
        &mut self,
        call: &Value,
        item: &Item,
        now: i64,
    ) -> Result<(Key, Option<Item>), Refusal> {
        let table = self.table(table_of(call))?;
        let key = table.key_of(item)?;
        let found = table.get(&key, now);
        if let Some(expression) = call["ConditionExpression"].as_str() {
            let condition = self.condition(expression)?;
            let nothing = Item::new();
            let (names, values) = (&call["ExpressionAttributeNames"], &call["ExpressionAttributeValues"]);
            let item = found.as_ref().unwrap_or(&nothing);
            if !condition.is_met(&Subject { item, names, values })? {
                let shows = call["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD";
                let mut body = json!({"message": "The conditional request failed"});
                if let Some(found) = found.filter(|_| shows) {
                    body["Item"] = found.into();
                }
                return Err(Refusal("ConditionalCheckFailedException", body));
            }
        }
        Ok((key, found))
    }
}

/// What a write returns, by `ReturnValues`. For the values of updated attributes alone, it returns the
/// whole item.
fn returned(call: &Value, before: Option<Item>, after: Option<Item>) -> Value {
    let item = match call["ReturnValues"].as_str() {
        Some("ALL_OLD" | "UPDATED_OLD") => before,
        Some("ALL_NEW" | "UPDATED_NEW") => after,
        _ => None,
    };
    item.map_or(json!({}), |item| json!({"Attributes": item}))
}
