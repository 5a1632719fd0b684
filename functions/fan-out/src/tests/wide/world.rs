//! AWS for a shop of very many webhooks: it counts what each of them gets, and keeps what is noted.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::FutureExt as _;
use serde_json::{Value, json};
use storehook_aws::stand_in::InProcess;

use crate::{
    Dependencies,
    tests::{stand_in::dependencies_in, virtual_time},
};

/// How many webhooks the shop has, unless a test says otherwise.
pub(super) const WEBHOOKS: u64 = 20_000;

/// What AWS got.
#[derive(Default)]
pub(super) struct Seen {
    /// How many webhooks the shop has.
    pub(super) webhooks: u64,
    /// Each job.
    pub(super) jobs: Vec<Queued>,
    /// What is noted, by its key.
    pub(super) items: BTreeMap<String, Value>,
    /// The first batch with this webhook is not taken: neither directly nor from the SDK.
    pub(super) fails: Option<u64>,
    has_failed: bool,
    /// How many messages each webhook got.
    pub(super) messages: BTreeMap<u64, usize>,
    /// The payload digests of the messages.
    pub(super) digests: BTreeMap<String, usize>,
    /// How many calls of each operation were made.
    pub(super) calls: BTreeMap<String, usize>,
    /// How many webhooks the queries found.
    pub(super) found: usize,
}

/// A job in its queue.
pub(super) struct Queued {
    pub(super) group: String,
    pub(super) body: String,
    pub(super) pause: Value,
}

pub(super) type Shared = Arc<Mutex<Seen>>;

pub(super) fn world() -> Result<(Shared, Dependencies), Box<dyn std::error::Error>> {
    world_of(WEBHOOKS)
}

/// AWS for a shop of so many webhooks.
pub(super) fn world_of(webhooks: u64) -> Result<(Shared, Dependencies), Box<dyn std::error::Error>> {
    let seen = Shared::new(Mutex::new(Seen { webhooks, ..Seen::default() }));
    let aws = seen.clone();
    let respond = move |target: String, call: Value| {
        let aws = aws.clone();
        async move {
            let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
            if operation.starts_with("Send") {
                virtual_time::sleep(Duration::from_secs(1)).await;
            }
            aws.lock().unwrap().respond(operation, &call).into()
        }
        .boxed()
    };
    Ok((seen, dependencies_in(InProcess(Arc::new(respond)))?))
}

impl Seen {
    fn respond(&mut self, operation: String, call: &Value) -> Value {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let response = match operation.as_str() {
            "Query" => {
                let id = |name: &str| call["ExpressionAttributeValues"][name]["N"].as_str()?.parse().ok();
                let (from, to) =
                    (id(":from").unwrap_or(1).max(1), id(":to").unwrap_or(self.webhooks).min(self.webhooks));
                self.found += (to - from + 1) as usize;
                json!({"Items": (from..=to).map(webhook).collect::<Value>()})
            }
            "SendMessage" => {
                let (group, body) = (text(&call["MessageGroupId"]), text(&call["MessageBody"]));
                self.jobs.push(Queued { group, body, pause: call["DelaySeconds"].clone() });
                json!({"MessageId": "m"})
            }
            "GetItem" => match self.items.get(&key_of(&call["Key"])) {
                Some(item) => json!({"Item": item}),
                None => json!({}),
            },
            "PutItem" => {
                self.items.insert(key_of(&call["Item"]), call["Item"].clone());
                json!({})
            }
            "SendMessageBatch" => {
                let entries = call["Entries"].as_array().into_iter().flatten();
                let mut webhooks =
                    entries.clone().filter_map(|entry| webhook_of(entry["MessageBody"].as_str()?));
                if webhooks.any(|id| self.fails == Some(id)) {
                    if std::mem::replace(&mut self.has_failed, true) {
                        self.fails = None;
                    }
                    return json!({"__type": "com.amazonaws.sqs#AccessDenied"});
                }
                let taken = entries.map(|entry| {
                    self.take(entry["MessageBody"].as_str().unwrap_or_default());
                    json!({"Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": "d"})
                });
                json!({"Successful": taken.collect::<Value>(), "Failed": []})
            }
            _ => json!({}),
        };
        *self.calls.entry(operation).or_default() += 1;
        response
    }

    fn take(&mut self, body: &str) {
        *self.messages.entry(webhook_of(body).unwrap_or_default()).or_default() += 1;
        let digest = field_of(body, "payload_digest").unwrap_or_default();
        *self.digests.entry(digest.to_owned()).or_default() += 1;
    }
}

fn key_of(item: &Value) -> String {
    format!("{} {}", item["pk"], item["sk"])
}

/// A text of a message. Only its beginning is read, which is the envelope.
fn field_of<'a>(body: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = body.split_once(&format!("\"{name}\":\""))?;
    rest.split('"').next()
}

/// The webhook that a message is for.
fn webhook_of(body: &str) -> Option<u64> {
    field_of(body, "id")?.strip_suffix("-e1")?.parse().ok()
}

fn webhook(id: u64) -> Value {
    json!({"id": {"N": id.to_string()}, "app": {"S": "demo"},
           "subscription": {"S": "SHOP#wide.example#TOPIC#orders/create"}})
}
