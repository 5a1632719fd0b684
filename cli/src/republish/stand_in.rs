//! A stand-in for SQS, Kinesis and S3 on the wire: the rejected queue, the bucket, the stream, the
//! jobs queue, and faults.

use std::{
    collections::BTreeMap,
    future::pending,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Result;
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::Notify};

use crate::stack::{connection::Connection, local_stack::local_sdk};

/// When, in a call, a republishing is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// Before its effect.
    Before,
    /// Between the effect and the response.
    After,
}

/// The stand-in.
#[derive(Clone)]
pub(super) struct StandIn {
    /// How to reach it.
    pub(super) connection: Connection,
    /// Notified at the moment when the republishing is killed.
    pub(super) killed: Arc<Notify>,
    state: Arc<Mutex<Aws>>,
}

/// What is where.
#[derive(Debug, Default, Clone)]
pub(super) struct Aws {
    /// This operation fails each time.
    pub(super) broken: Option<&'static str>,
    /// The call at which the republishing is killed.
    pub(super) killed_at: Option<(usize, Moment)>,
    /// The calls that were made.
    pub(super) calls: Vec<String>,
    /// The messages of the rejected queue, by their ids, and whether each is hidden.
    pub(super) messages: BTreeMap<String, (String, bool)>,
    /// The objects of the bucket, by their keys.
    pub(super) objects: BTreeMap<String, String>,
    /// Keys that are listed besides, as if somebody had deleted their objects since.
    pub(super) listed_besides: Vec<String>,
    /// The records on the stream.
    pub(super) records: Vec<String>,
    /// The messages of the jobs queue.
    pub(super) jobs: Vec<String>,
}

impl StandIn {
    /// AWS with these messages, whose ids are `m-0` and so on, and these objects.
    pub(super) async fn with(messages: &[String], objects: &[String]) -> Result<Self> {
        let named = |texts: &[String], name: &str| -> Vec<(String, String)> {
            texts.iter().enumerate().map(|(index, text)| (format!("{name}{index}"), text.clone())).collect()
        };
        let messages = named(messages, "m-").into_iter().map(|(id, body)| (id, (body, false)));
        let aws = Aws {
            messages: messages.collect(),
            objects: named(objects, "aws/lambda/").into_iter().collect(),
            ..Aws::default()
        };
        let (state, killed) = (Arc::new(Mutex::new(aws)), Arc::new(Notify::new()));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let router = Router::new().fallback(respond).with_state((Arc::clone(&state), Arc::clone(&killed)));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { connection: Connection::new(local_sdk(&url), "s"), killed, state })
    }

    /// Looks at what is where, or changes it.
    pub(super) fn aws<T>(&self, act: impl FnOnce(&mut Aws) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Ends all faults, and shows hidden messages as if their time were over.
    pub(super) fn heal(&self) {
        self.aws(|aws| {
            (aws.broken, aws.killed_at) = (None, None);
            aws.calls.clear();
            aws.messages.values_mut().for_each(|(_, is_hidden)| *is_hidden = false);
        });
    }
}

async fn respond(
    State((state, killed)): State<(Arc<Mutex<Aws>>, Arc<Notify>)>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    let (operation, input) = match target.and_then(|target| target.rsplit('.').next()) {
        Some(operation) => (operation.to_owned(), serde_json::from_slice(&body).unwrap_or_default()),
        // S3 tells its operations by the method and the path: `/bucket` and `/bucket/key`.
        None => {
            let key = uri.path().trim_start_matches('/').split_once('/').map_or("", |(_, key)| key);
            let operation =
                if key.is_empty() { "ListObjectsV2".to_owned() } else { format!("{method} object") };
            (operation, json!(key))
        }
    };
    let response = state.lock().unwrap_or_else(PoisonError::into_inner).call(&operation, &input);
    match response {
        Some(response) => response,
        None => {
            killed.notify_one();
            pending().await
        }
    }
}

impl Aws {
    /// Makes a call. There is no response if the republishing is killed at it.
    fn call(&mut self, operation: &str, input: &Value) -> Option<(StatusCode, String)> {
        let killed = self.killed_at.filter(|(call, _)| *call == self.calls.len()).map(|(_, moment)| moment);
        self.calls.push(operation.to_owned());
        if killed == Some(Moment::Before) {
            return None;
        }
        if self.broken == Some(operation) {
            let error = json!({"__type": "AccessDeniedException", "message": "no"});
            return Some((StatusCode::BAD_REQUEST, error.to_string()));
        }
        if operation == "GET object" && !self.objects.contains_key(input.as_str().unwrap_or_default()) {
            return Some((StatusCode::NOT_FOUND, "<Error><Code>NoSuchKey</Code></Error>".to_owned()));
        }
        let response = self.effect(operation, input);
        (killed != Some(Moment::After)).then_some((StatusCode::OK, response))
    }

    fn effect(&mut self, operation: &str, input: &Value) -> String {
        let entries = input["Entries"].as_array().cloned().unwrap_or_default();
        let done = json!({"Successful": entries.iter().map(|entry| json!({"Id": entry["Id"]})).collect::<Vec<_>>(), "Failed": []});
        let handle = |entry: &Value| entry["ReceiptHandle"].as_str().unwrap_or_default().to_owned();
        match operation {
            "GetQueueUrl" => {
                json!({"QueueUrl": format!("http://sqs/{}", input["QueueName"].as_str().unwrap_or_default())})
            }
            "GetQueueAttributes" => {
                json!({"Attributes": {"ApproximateNumberOfMessages": self.messages.len().to_string()}})
            }
            "ReceiveMessage" => {
                let visible = self.messages.iter_mut().filter(|(_, (_, is_hidden))| !is_hidden).take(10);
                let messages = visible.map(|(id, (body, is_hidden))| {
                    *is_hidden = true;
                    json!({"MessageId": id, "ReceiptHandle": id, "Body": body})
                });
                json!({"Messages": messages.collect::<Vec<_>>()})
            }
            "DeleteMessageBatch" => {
                entries.iter().for_each(|entry| drop(self.messages.remove(&handle(entry))));
                done
            }
            "ChangeMessageVisibilityBatch" => {
                for entry in &entries {
                    if let Some((_, is_hidden)) = self.messages.get_mut(&handle(entry)) {
                        *is_hidden = false;
                    }
                }
                done
            }
            "SendMessage" => {
                self.jobs.push(input["MessageBody"].as_str().unwrap_or_default().to_owned());
                json!({"MessageId": "x"})
            }
            "PutRecords" => {
                let records = input["Records"].as_array().cloned().unwrap_or_default();
                let results = records.iter().map(|record| {
                    let data =
                        STANDARD.decode(record["Data"].as_str().unwrap_or_default()).unwrap_or_default();
                    self.records.push(String::from_utf8_lossy(&data).into_owned());
                    json!({"SequenceNumber": "1", "ShardId": "s"})
                });
                json!({"Records": results.collect::<Vec<_>>(), "FailedRecordCount": 0})
            }
            "ListObjectsV2" => {
                let keys = self.objects.keys().chain(&self.listed_besides);
                let keys = keys.map(|key| format!("<Contents><Key>{key}</Key></Contents>"));
                return format!("<ListBucketResult>{}</ListBucketResult>", keys.collect::<String>());
            }
            "GET object" => {
                return self.objects.get(input.as_str().unwrap_or_default()).cloned().unwrap_or_default();
            }
            "DELETE object" => {
                self.objects.remove(input.as_str().unwrap_or_default());
                return String::new();
            }
            _ => json!({}),
        }
        .to_string()
    }
}
