//! A stand-in for SQS on the wire: a dead-letter queue, a delivery queue, and faults.

use std::{
    future::pending,
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Result;
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use serde_json::{Value, json};
use storehook_domain::delivery::message::DeliveryMessage;
use tokio::{net::TcpListener, sync::Notify};

use super::queues::Queues;
use crate::stack::{connection::Connection, local_stack::local_sdk};

/// What goes wrong.
#[derive(Debug, Clone, Default)]
pub(super) struct Faults {
    /// Deliveries with this text are refused, each by itself.
    pub(super) refused: Option<&'static str>,
    /// Deliveries with this text are dropped, and the response does not mention them.
    pub(super) unmentioned: Option<&'static str>,
    /// This operation fails as a whole at these calls, counted from 0.
    pub(super) broken: Option<(&'static str, Range<usize>)>,
    /// The redrive is killed at this call: before the effect, or between the effect and the
    /// response.
    pub(super) killed_at: Option<(usize, Moment)>,
    /// A receive hides nothing.
    pub(super) is_forgetful: bool,
}

/// When, in a call, a redrive is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    Before,
    After,
}

/// The stand-in.
#[derive(Clone)]
pub(super) struct StandIn {
    pub(super) queues: Queues,
    /// Notified at the moment when the redrive is killed.
    pub(super) killed: Arc<Notify>,
    state: Arc<Mutex<Sqs>>,
}

#[derive(Debug, Default)]
struct Sqs {
    faults: Faults,
    calls: Vec<String>,
    dead: Vec<Letter>,
    delivered: Vec<Value>,
}

#[derive(Debug, Clone)]
struct Letter {
    id: String,
    body: String,
    is_hidden: bool,
}

/// The body of a dead letter.
pub(super) fn dead_letter(webhook_id: u64, event_id: &str, enqueued_at: &str) -> String {
    json!({
        "envelope": {
            "id": format!("{webhook_id}-{event_id}"), "shop": "a.example", "app": "demo",
            "topic": "orders/create", "triggered_at": "2026-11-01T15:00:00Z",
        },
        "enqueued_at": enqueued_at, "payload": {"id": 7},
    })
    .to_string()
}

impl StandIn {
    /// SQS with these dead letters, whose ids are `m-0` and so on.
    pub(super) async fn with(bodies: &[String], faults: Faults) -> Result<Self> {
        let letter = |(index, body): (usize, &String)| Letter {
            id: format!("m-{index}"),
            body: body.clone(),
            is_hidden: false,
        };
        let dead = bodies.iter().enumerate().map(letter).collect();
        let state = Arc::new(Mutex::new(Sqs { faults, dead, ..Sqs::default() }));
        let killed = Arc::new(Notify::new());
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let router = Router::new().fallback(respond).with_state((Arc::clone(&state), Arc::clone(&killed)));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let connection = Connection::new(local_sdk(&url), "s");
        let queues = Queues::of(&connection).await?;
        Ok(Self { queues, killed, state })
    }

    /// Replaces the faults, and shows hidden messages as if their time were over.
    pub(super) fn heal(&self, faults: Faults) {
        self.with_state(|sqs| {
            sqs.faults = faults;
            sqs.calls.clear();
            sqs.dead.iter_mut().for_each(|letter| letter.is_hidden = false);
        });
    }

    /// The ids of the dead letters, and whether each is hidden.
    pub(super) fn dead(&self) -> Vec<(String, bool)> {
        self.with_state(|sqs| sqs.dead.iter().map(|letter| (letter.id.clone(), letter.is_hidden)).collect())
    }

    /// The entries that the delivery queue took: the group, the delivery's id and the run.
    pub(super) fn delivered(&self) -> Result<Vec<(String, String, String)>> {
        let delivered = self.with_state(|sqs| sqs.delivered.clone());
        let delivered = delivered.into_iter().map(|entry| {
            let delivery =
                DeliveryMessage::parse(entry["MessageBody"].as_str().unwrap_or_default().as_bytes())?;
            let group = entry["MessageGroupId"].as_str().unwrap_or_default().to_owned();
            Ok((group, delivery.envelope.id.to_string(), delivery.run.to_string()))
        });
        delivered.collect()
    }

    /// The calls that were made.
    pub(super) fn calls(&self) -> Vec<String> {
        self.with_state(|sqs| sqs.calls.clone())
    }

    fn with_state<T>(&self, act: impl FnOnce(&mut Sqs) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn respond(
    State((state, killed)): State<(Arc<Mutex<Sqs>>, Arc<Notify>)>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
    let input: Value = serde_json::from_slice(&body).unwrap_or_default();
    let response = state.lock().unwrap_or_else(PoisonError::into_inner).call(&operation, &input);
    match response {
        Some(response) => response,
        None => {
            killed.notify_one();
            pending().await
        }
    }
}

impl Sqs {
    /// Makes a call. There is no response if the redrive is killed at it.
    fn call(&mut self, operation: &str, input: &Value) -> Option<(StatusCode, String)> {
        let killed = self.faults.killed_at.filter(|(call, _)| *call == self.calls.len());
        self.calls.push(operation.to_owned());
        let moment = killed.map(|(_, moment)| moment);
        if moment == Some(Moment::Before) {
            return None;
        }
        let before = self.calls.iter().filter(|call| *call == operation).count() - 1;
        let broken = self.faults.broken.as_ref();
        if broken.is_some_and(|(broken, times)| *broken == operation && times.contains(&before)) {
            let error = json!({"__type": "com.amazonaws.sqs#UnsupportedOperation", "message": "broken"});
            return Some((StatusCode::BAD_REQUEST, error.to_string()));
        }
        let entries = input["Entries"].as_array().cloned().unwrap_or_default();
        let response = match operation {
            "GetQueueUrl" => json!({"QueueUrl": format!("http://sqs/{}", text(&input["QueueName"]))}),
            "GetQueueAttributes" => {
                let hidden = self.dead.iter().filter(|letter| letter.is_hidden).count();
                let visible = (self.dead.len() - hidden).to_string();
                json!({"Attributes": {
                    "ApproximateNumberOfMessages": visible,
                    "ApproximateNumberOfMessagesNotVisible": hidden.to_string(),
                }})
            }
            "ReceiveMessage" => self.receive(),
            "SendMessageBatch" => self.send(entries),
            "DeleteMessageBatch" => {
                self.dead.retain(|letter| !entries.iter().any(|entry| entry["ReceiptHandle"] == letter.id));
                done(&entries)
            }
            "ChangeMessageVisibilityBatch" => {
                for letter in &mut self.dead {
                    letter.is_hidden &= !entries.iter().any(|entry| entry["ReceiptHandle"] == letter.id);
                }
                done(&entries)
            }
            _ => json!({}),
        };
        (moment != Some(Moment::After)).then(|| (StatusCode::OK, response.to_string()))
    }

    fn receive(&mut self) -> Value {
        let is_forgetful = self.faults.is_forgetful;
        let visible = self.dead.iter_mut().filter(|letter| !letter.is_hidden).take(10);
        let messages = visible.map(|letter| {
            letter.is_hidden = !is_forgetful;
            json!({"MessageId": letter.id, "ReceiptHandle": letter.id, "Body": letter.body})
        });
        json!({ "Messages": messages.collect::<Vec<_>>() })
    }

    fn send(&mut self, entries: Vec<Value>) -> Value {
        let holds = |entry: &Value, what: Option<&str>| {
            what.is_some_and(|what| text(&entry["MessageBody"]).contains(what))
        };
        let Faults { refused, unmentioned, .. } = self.faults;
        let (failed, rest): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| holds(entry, refused));
        let (_, sent): (Vec<_>, Vec<_>) = rest.into_iter().partition(|entry| holds(entry, unmentioned));
        let failed = failed.into_iter().map(
            |entry| json!({"Id": entry["Id"], "Code": "InternalError", "Message": "no", "SenderFault": false}),
        );
        let successful = sent
            .iter()
            .map(|entry| json!({"Id": entry["Id"], "MessageId": "x", "MD5OfMessageBody": "x"}))
            .collect::<Vec<_>>();
        let response = json!({"Successful": successful, "Failed": failed.collect::<Vec<_>>()});
        self.delivered.extend(sent);
        response
    }
}

fn done(entries: &[Value]) -> Value {
    let entries: Vec<_> = entries.iter().map(|entry| json!({"Id": entry["Id"]})).collect();
    json!({"Successful": entries, "Failed": []})
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
