//! An event of 20,000 webhooks, where each call of SQS takes a second. The clock is virtual.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::FutureExt as _;
use jiff::ToSpan as _;
use serde_json::{Value, json};
use storehook_domain::payload::{Payload, digest::PayloadDigest};

use super::{TestResult, batch_of, stand_in::dependencies_in, virtual_time};
use crate::{BatchResponse, Dependencies, RESERVE, Times, handle};

/// How many webhooks the shop has.
const WEBHOOKS: u64 = 20_000;

/// How long the function may work: its timeout in the template.
const TIMEOUT: i64 = 60;

/// What AWS got.
#[derive(Default)]
struct Seen {
    /// The group and the body of each job.
    jobs: Vec<(String, String)>,
    /// How many messages each webhook got.
    messages: BTreeMap<u64, usize>,
    /// The payload digests of the messages.
    digests: BTreeMap<String, usize>,
    /// How many calls of each operation were made.
    calls: BTreeMap<String, usize>,
    /// How many webhooks the queries found.
    found: usize,
}

type Shared = Arc<Mutex<Seen>>;

fn world() -> Result<(Shared, Dependencies), Box<dyn std::error::Error>> {
    let seen = Shared::default();
    let aws = seen.clone();
    let respond = move |operation: String, call: Value| {
        let aws = aws.clone();
        async move {
            if operation.starts_with("Send") {
                virtual_time::sleep(Duration::from_secs(1)).await;
            }
            aws.lock().unwrap().respond(operation, &call)
        }
        .boxed()
    };
    Ok((seen, dependencies_in(virtual_time::InProcess(Arc::new(respond)))?))
}

impl Seen {
    fn respond(&mut self, operation: String, call: &Value) -> Value {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let response = match operation.as_str() {
            "Query" => {
                let id = |name: &str| call["ExpressionAttributeValues"][name]["N"].as_str()?.parse().ok();
                let (from, to) =
                    (id(":from").unwrap_or(1).max(1), id(":to").unwrap_or(WEBHOOKS).min(WEBHOOKS));
                self.found += (to - from + 1) as usize;
                json!({"Items": (from..=to).map(webhook).collect::<Value>()})
            }
            "SendMessage" => {
                self.jobs.push((text(&call["MessageGroupId"]), text(&call["MessageBody"])));
                json!({"MessageId": "m"})
            }
            "SendMessageBatch" => {
                let entries = call["Entries"].as_array().into_iter().flatten();
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

    /// Takes a message. Only its beginning is read, which is the envelope.
    fn take(&mut self, body: &str) {
        let field = |name: &str| {
            let (_, rest) = body.split_once(&format!("\"{name}\":\""))?;
            rest.split('"').next()
        };
        let webhook = field("id").and_then(|id| id.strip_suffix("-e1")?.parse().ok());
        *self.messages.entry(webhook.unwrap_or_default()).or_default() += 1;
        *self.digests.entry(field("payload_digest").unwrap_or_default().to_owned()).or_default() += 1;
    }
}

fn webhook(id: u64) -> Value {
    json!({"id": {"N": id.to_string()}, "app": {"S": "demo"},
           "subscription": {"S": "SHOP#wide.example#TOPIC#orders/create"}})
}

fn times() -> Times {
    Times::begin(virtual_time::now, virtual_time::now() + TIMEOUT.seconds())
}

/// Hands over the record, and returns the jobs that are queued then.
async fn first_step(
    seen: &Shared,
    dependencies: &Dependencies,
    payload: &str,
) -> Result<Vec<(String, String)>, Box<dyn std::error::Error>> {
    let record = format!(
        r#"{{"shop": "wide.example", "topic": "orders/create", "event_id": "e1", "payload": {payload}}}"#
    );
    let times = times();
    let BatchResponse::Events(response) = handle(dependencies, batch_of(&[record])?, times).await else {
        return Err("it is a batch of events".into());
    };
    assert!(response.batch_item_failures.is_empty(), "the shard moves on");
    assert!(!times.are_up());
    let mut seen = seen.lock().unwrap();
    assert!(seen.messages.is_empty(), "the jobs send to all webhooks");
    Ok(std::mem::take(&mut seen.jobs))
}

/// Hands over a job.
async fn work_off(dependencies: &Dependencies, job: &str, times: Times) -> TestResult {
    let message = json!({"messageId": "m-1", "receiptHandle": "r", "body": job, "attributes": {}});
    let batch = serde_json::from_value(json!({"Records": [message]}))?;
    let response = serde_json::to_value(handle(dependencies, batch, times).await)?;
    assert_eq!(response, json!({"batchItemFailures": []}));
    Ok(())
}

/// Whether every webhook has got one message.
fn each_got_one(seen: &Seen) {
    assert!(seen.messages.keys().copied().eq(1..=WEBHOOKS), "every webhook gets a message");
    assert!(seen.messages.values().all(|count| *count == 1), "and none gets two");
}

/// Fans an event with this payload out, by so many jobs, and looks at what each webhook got.
fn fan_out(payload: &str, jobs: usize) -> TestResult {
    let digest = PayloadDigest::of(Payload::parse(payload)?).as_str().to_owned();
    virtual_time::run(async {
        let (seen, dependencies) = world()?;
        let queued = first_step(&seen, &dependencies, payload).await?;
        assert_eq!(queued.len(), jobs);
        for (group, job) in &queued {
            assert_eq!(group, "wide.example");
            let times = times();
            work_off(&dependencies, job, times).await?;
            assert!(!times.are_up(), "a share takes less than its time");
        }
        let seen = seen.lock().unwrap();
        each_got_one(&seen);
        assert_eq!(seen.digests, BTreeMap::from([(digest, WEBHOOKS as usize)]));
        // The record's invocation finds all webhooks, and each job only those of its share.
        assert_eq!((seen.found, seen.calls["Query"]), (2 * WEBHOOKS as usize, 1 + jobs));
        assert_eq!(seen.calls["BatchWriteItem"], 1, "the payload is kept once");
        Ok(())
    })
}

/// With a small payload, each call carries ten messages. With 1 MB it would carry one, and a debug
/// build needs half an hour for 20 GB of them; the test below does that. What decides is the same:
/// a share has as many calls as its time allows, whatever they carry.
#[test]
fn every_one_of_20_000_webhooks_gets_one_message_in_steps_of_bounded_time() -> TestResult {
    fan_out("{}", 13)
}

/// Each step has the time for 7 of its 20 seconds.
#[test]
fn a_share_that_runs_out_of_time_goes_on_where_it_stopped() -> TestResult {
    virtual_time::run(async {
        let (seen, dependencies) = world()?;
        let mut jobs = first_step(&seen, &dependencies, "{}").await?;
        let mut steps = 0;
        while let Some((_, job)) = jobs.pop() {
            let times =
                Times::begin(virtual_time::now, virtual_time::now() + RESERVE + Duration::from_secs(6));
            work_off(&dependencies, &job, times).await?;
            jobs.append(&mut seen.lock().unwrap().jobs);
            steps += 1;
        }
        // 12 shares of 1,600 webhooks take three steps each, and the one of the last 800 takes two.
        assert_eq!(steps, 12 * 3 + 2);
        each_got_one(&seen.lock().unwrap());
        Ok(())
    })
}

/// `cargo test --release -p fan-out --lib -- --ignored`
#[test]
#[ignore = "makes 20 GB of messages, which takes minutes in the release profile"]
fn every_one_of_20_000_webhooks_gets_one_message_of_1_mb() -> TestResult {
    fan_out(&json!({"note": "x".repeat(1_000_000)}).to_string(), 125)
}
