//! A stand-in for AWS over the wire, for the unit tests of the functions.
//!
//! It keeps no state: reads of keys find the items that a test has put there, and every other call
//! gets the next reply that the test has for its operation. Where it has none, the call is made and
//! returns nothing. A test looks at the calls that the function made, and at what it [`logged`].

mod in_process;
mod lines;

use std::{
    collections::{HashMap, VecDeque},
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use aws_sdk_dynamodb::types::AttributeValue;
use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use crate::{
    Environment,
    table::{self, Item, TableError},
};

pub use in_process::{InProcess, Reply};
pub use lines::logged;

/// DynamoDB, SQS and Kinesis, as a test wants them.
#[derive(Clone)]
pub struct StandIn {
    url: String,
    world: Arc<Mutex<World>>,
}

#[derive(Default)]
struct World {
    items: Vec<Value>,
    replies: HashMap<String, VecDeque<(StatusCode, Value)>>,
    calls: Vec<(String, Value)>,
}

impl StandIn {
    /// Starts a stand-in. It ends with the test's runtime.
    ///
    /// # Errors
    ///
    /// There is no port for it.
    pub async fn start() -> io::Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let (url, world) = (format!("http://{}", listener.local_addr()?), Arc::default());
        let router = Router::new().fallback(post(respond)).with_state(Arc::clone(&world));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { url, world })
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// An environment with these settings in which AWS is the stand-in.
    pub fn environment(&self, settings: &[(&str, &str)]) -> Environment {
        let aws = [
            ("AWS_ACCESS_KEY_ID", "a"),
            ("AWS_SECRET_ACCESS_KEY", "b"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ENDPOINT_URL", &self.url),
        ];
        aws.iter().chain(settings).copied().collect()
    }

    /// Puts an item into the table that will be read, in the place of one with its key.
    ///
    /// # Errors
    ///
    /// The value is nothing that an item can hold.
    pub fn put(&self, item: impl Serialize) -> Result<(), TableError> {
        self.put_json(json_of(item)?);
        Ok(())
    }

    /// The same for an item that is DynamoDB's JSON.
    pub fn put_json(&self, item: Value) {
        let mut world = self.world();
        world.items.retain(|known| !is_of(&item, known));
        world.items.push(item);
    }

    /// The item with this sort key.
    pub fn item(&self, sort_key: &str) -> Option<Value> {
        self.world().items.iter().find(|item| item["sk"]["S"] == sort_key).cloned()
    }

    /// Takes away every item whose sort key begins so.
    pub fn take(&self, sort_key: &str) {
        let starts = |item: &Value| item["sk"]["S"].as_str().is_some_and(|sk| sk.starts_with(sort_key));
        self.world().items.retain(|item| !starts(item));
    }

    /// Replies to the next call of an operation that has no reply yet.
    pub fn reply(&self, operation: &str, response: Value) {
        self.reply_with(operation, StatusCode::OK, response);
    }

    /// Refuses the next call of an operation: its condition failed, because the item is this one.
    pub fn refuse(&self, operation: &str, item: Value) {
        let error = json!({"__type": "ConditionalCheckFailedException", "Item": item});
        self.reply_with(operation, StatusCode::BAD_REQUEST, error);
    }

    /// Cancels the next transaction, for these reasons.
    pub fn cancel(&self, reasons: &[&str]) {
        let reasons: Vec<_> = reasons.iter().map(|code| json!({"Code": code})).collect();
        let error = json!({"__type": "TransactionCanceledException", "CancellationReasons": reasons});
        self.reply_with("TransactWriteItems", StatusCode::BAD_REQUEST, error);
    }

    /// The calls of an operation so far.
    pub fn calls(&self, operation: &str) -> Vec<Value> {
        let world = self.world();
        world.calls.iter().filter(|(name, _)| name == operation).map(|(_, call)| call.clone()).collect()
    }

    /// Replies to the next call of an operation that has no reply yet, with this status.
    pub fn reply_with(&self, operation: &str, status: StatusCode, response: Value) {
        self.world().replies.entry(operation.to_owned()).or_default().push_back((status, response));
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn respond(
    State(world): State<Arc<Mutex<World>>>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, Json<Value>) {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
    let call: Value = serde_json::from_slice(&body).unwrap_or_default();
    let mut world = world.lock().unwrap_or_else(PoisonError::into_inner);
    world.calls.push((operation.clone(), call.clone()));
    if let Some((status, response)) = world.replies.get_mut(&operation).and_then(VecDeque::pop_front) {
        return (status, Json(response));
    }
    (StatusCode::OK, Json(world.respond(&operation, &call)))
}

impl World {
    fn respond(&self, operation: &str, call: &Value) -> Value {
        let find = |key: &Value| self.items.iter().find(|item| is_of(item, key)).cloned();
        let each = |list: &Value, response: fn(&Value) -> Value| -> Value {
            list.as_array().into_iter().flatten().map(response).collect()
        };
        match operation {
            "GetItem" => find(&call["Key"]).map_or(json!({}), |item| json!({"Item": item})),
            "BatchGetItem" => {
                let tables = call["RequestItems"].as_object().into_iter().flatten();
                let found = |keys: &Value| -> Value {
                    keys.as_array().into_iter().flatten().filter_map(find).collect()
                };
                let tables = tables.map(|(table, wanted)| (table.clone(), found(&wanted["Keys"])));
                json!({"Responses": tables.collect::<Map<_, _>>()})
            }
            "SendMessage" => json!({"MessageId": "m", "MD5OfMessageBody": "d"}),
            "SendMessageBatch" => {
                let sent =
                    |entry: &Value| json!({"Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": "d"});
                json!({"Successful": each(&call["Entries"], sent), "Failed": []})
            }
            "PutRecords" => {
                json!({"Records": each(&call["Records"], |_| json!({"ShardId": "s", "SequenceNumber": "1"}))})
            }
            _ => json!({}),
        }
    }
}

/// Whether an item has the same key as another one.
fn is_of(item: &Value, other: &Value) -> bool {
    item["pk"] == other["pk"] && item["sk"] == other["sk"]
}

/// A value as an item, in DynamoDB's JSON.
///
/// # Errors
///
/// The value is nothing that an item can hold.
pub fn json_of(item: impl Serialize) -> Result<Value, TableError> {
    Ok(json_of_item(table::to_item(item)?))
}

/// An item in DynamoDB's JSON.
pub fn json_of_item(item: Item) -> Value {
    item.into_iter().map(|(name, value)| (name, json_of_value(value))).collect()
}

/// The value of an item in DynamoDB's JSON, if it is one of this type.
pub fn from_json<T: DeserializeOwned>(item: &Value) -> Option<T> {
    let item: serde_dynamo::Item = serde_json::from_value(item.clone()).ok()?;
    serde_dynamo::from_item(item).ok()
}

fn json_of_value(value: AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!({"S": text}),
        AttributeValue::N(digits) => json!({"N": digits}),
        AttributeValue::B(bytes) => json!({"B": STANDARD.encode(bytes)}),
        AttributeValue::Bool(is_true) => json!({"BOOL": is_true}),
        AttributeValue::L(values) => json!({"L": values.into_iter().map(json_of_value).collect::<Value>()}),
        AttributeValue::M(members) => json!({"M": json_of_item(members)}),
        _ => json!({"NULL": true}),
    }
}
