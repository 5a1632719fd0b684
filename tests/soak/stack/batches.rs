//! Calls for many items of which a part fails.

use anyhow::Result;
use serde_json::{Map, Value, json};
use storehook_aws::direct::Service;
use storehook_simulator::faults::{Fault, Faults};

use super::emulator::Emulator;

/// How much later a message may come, in seconds.
const LATE: f64 = 10.0;

/// A batch of which a part is made.
pub(super) struct Part {
    service: Service,
    operation: &'static str,
    /// The calls that are made, one after the other; the response to the last one counts.
    calls: Vec<Value>,
    /// What is said of the rest, by its name in the response.
    rest: Map<String, Value>,
}

impl Part {
    /// Makes it, and returns the response to the whole.
    ///
    /// # Errors
    ///
    /// Nobody knows whether it was made.
    pub(super) async fn make(self, emulator: &Emulator) -> Result<Value> {
        let mut response = json!({});
        for call in self.calls {
            response = emulator.call(self.service, self.operation, &call).await?;
        }
        for (name, more) in self.rest {
            match (&mut response[name], more) {
                (Value::Array(known), Value::Array(more)) => known.extend(more),
                (Value::Object(known), Value::Object(more)) => known.extend(more),
                (known, more) => *known = more,
            }
        }
        Ok(response)
    }
}

fn list(value: &mut Value) -> Vec<Value> {
    match value.take() {
        Value::Array(values) => values,
        _ => Vec::new(),
    }
}

/// What becomes of the messages of a batch. `None` if all are sent, each once and in time.
pub(super) fn sent(faults: &Faults, mut call: Value) -> Option<Part> {
    let is_delivery = call["QueueUrl"].as_str().is_some_and(|url| url.ends_with("-delivery"));
    let entries = list(&mut call["Entries"]);
    let (mut taken, mut copies, mut failed, mut lost) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut is_changed = false;
    for mut entry in entries {
        let id = entry["Id"].clone();
        if faults.happens(Fault::Untaken) {
            failed.push(json!({"Id": id, "Code": "InternalError", "SenderFault": false}));
            continue;
        }
        if is_delivery && faults.happens(Fault::DeliveryLost) {
            lost.push(json!({"Id": id, "MessageId": "lost", "MD5OfMessageBody": "d"}));
            continue;
        }
        if faults.happens(Fault::Late) {
            let wait = entry["DelaySeconds"].as_f64().unwrap_or_default() + LATE * faults.part();
            entry["DelaySeconds"] = json!(wait.ceil() as u64);
            is_changed = true;
        }
        if faults.happens(Fault::SentTwice) {
            copies.push(entry.clone());
        }
        taken.push(entry);
    }
    is_changed |= !(failed.is_empty() && lost.is_empty() && copies.is_empty());
    let batches = [copies, taken].into_iter().filter(|entries| !entries.is_empty());
    let with = |entries: Vec<Value>| {
        let mut call = call.clone();
        call["Entries"] = entries.into();
        call
    };
    let calls = batches.map(with).collect();
    let rest = [("Successful".to_owned(), lost.into()), ("Failed".to_owned(), failed.into())];
    let (service, operation) = (Service::Sqs, "SendMessageBatch");
    is_changed.then(|| Part { service, operation, calls, rest: rest.into_iter().collect() })
}

/// What becomes of the writes of a batch. `None` if all are made.
pub(super) fn unwritten(faults: &Faults, mut call: Value) -> Option<Part> {
    let Value::Object(tables) = call["RequestItems"].take() else { return None };
    let (mut made, mut undone) = (Map::new(), Map::new());
    for (table, mut writes) in tables {
        let is_undone = |_: &Value| faults.happens(Fault::Unprocessed);
        let (left, done): (Vec<_>, Vec<_>) = list(&mut writes).into_iter().partition(is_undone);
        for (writes, to) in [(left, &mut undone), (done, &mut made)] {
            if !writes.is_empty() {
                to.insert(table.clone(), writes.into());
            }
        }
    }
    let is_changed = !undone.is_empty();
    let has_more = !made.is_empty();
    call["RequestItems"] = made.into();
    let calls = if has_more { vec![call] } else { Vec::new() };
    let rest = Map::from_iter([("UnprocessedItems".to_owned(), undone.into())]);
    let (service, operation) = (Service::DynamoDb, "BatchWriteItem");
    is_changed.then_some(Part { service, operation, calls, rest })
}

/// Leaves keys of a batch unread that was read. Returns whether it did.
pub(super) fn leave_unread(faults: &Faults, call: &Value, response: &mut Value) -> bool {
    let mut is_changed = false;
    for (table, wanted) in call["RequestItems"].as_object().into_iter().flatten() {
        let keys = wanted["Keys"].as_array().into_iter().flatten();
        let undone: Vec<_> = keys.filter(|_| faults.happens(Fault::Unprocessed)).cloned().collect();
        if undone.is_empty() {
            continue;
        }
        is_changed = true;
        let is_undone = |item: &Value| {
            undone.iter().any(|key| ["pk", "sk"].into_iter().all(|name| key[name] == item[name]))
        };
        if let Some(items) = response["Responses"][table].as_array_mut() {
            items.retain(|item| !is_undone(item));
        }
        let unread = &mut response["UnprocessedKeys"][table];
        if unread.is_null() {
            *unread = wanted.clone();
            unread["Keys"] = undone.into();
        } else if let Some(keys) = unread["Keys"].as_array_mut() {
            keys.extend(undone);
        }
    }
    is_changed
}
