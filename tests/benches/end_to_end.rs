//! How long an event takes from the publisher to the endpoint, on the local stack, and how much of
//! that is the emulator's own.
//!
//! The loop is open: event N is due at N / rate, whether the events before it have arrived or not, and
//! its time counts from then. So a stack that stalls shows in all events that were due meanwhile
//! ("coordinated omission" would hide it). Polls of the local stack are not those of AWS:
//! docs/benchmarks.md has a model of these.
//!
//! The floor is measured afterwards, with nothing else running: a record is put onto a stream and read
//! from it, a message is sent to a queue and received, and a function is invoked twice with nothing to
//! do. An event needs all of this, one after the other.
//!
//! `cargo run --release -- local` in one terminal, `cargo bench -p storehook-tests --bench end_to_end`
//! in another.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context as _, Result, ensure};
use aws_sdk_kinesis::{primitives::Blob, types::ShardIteratorType};
use axum::http::StatusCode;
use serde_json::json;
use storehook_tests::{
    Installed, Receiver, Stack,
    bench::{Arguments, Report, percentile_ms, rounded},
    record,
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

/// How many events are due a second.
const RATE: u32 = 10;

/// How long all of them may take to arrive, once the last one was due.
const PATIENCE: Duration = Duration::from_secs(120);

/// How often each part of the floor is measured.
const FLOOR_TIMES: usize = 30;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::read();
    let stack = Stack::running()?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    installed.api.create_webhook("orders/create", &receiver.url).await?;
    let mut report = Report::of("end_to_end");
    let mut times = measure(&stack, &installed, &receiver, arguments.count_or(300)).await?;
    let mut floor = floor(&stack).await?;
    for (row, times) in [("event to first POST", &mut times), ("the emulator's floor", &mut floor)] {
        report.add(json!({
            "what": row, "events": times.len(), "rate": RATE,
            "p50 ms": rounded(percentile_ms(times, 50), 1), "p99 ms": rounded(percentile_ms(times, 99), 1),
        }))?;
    }
    let mut difference =
        |percent| rounded(percentile_ms(&mut times, percent) - percentile_ms(&mut floor, percent), 1);
    let (p50, p99) = (difference(50), difference(99));
    report.add(json!({
        "what": "the difference", "events": times.len(), "rate": RATE,
        "p50 ms": p50, "p99 ms": p99,
    }))?;
    report.write()
}

/// Publishes so many events, each when it is due. Returns the times from then to their POSTs.
async fn measure(
    stack: &Stack,
    installed: &Installed,
    receiver: &Receiver,
    count: usize,
) -> Result<Vec<Duration>> {
    let (began, now) = (Instant::now() + Duration::from_secs(1), storehook_aws::now());
    let due = |number: usize| Duration::from_secs(1) * number as u32 / RATE;
    let mut publishers = JoinSet::new();
    let mut due_at = BTreeMap::new();
    for number in 0..count {
        let id = format!("end-to-end-{number}");
        due_at.insert(id.clone(), now + jiff::SignedDuration::from_secs(1) + due(number));
        let (stack, record) = (stack.clone(), record(&installed.shop, "orders/create", &id, "{}"));
        publishers.spawn(async move {
            sleep_until(began + due(number)).await;
            stack.publish([record]).await
        });
    }
    while let Some(published) = publishers.join_next().await {
        published??;
    }
    let last = Instant::now();
    while receiver.so_far().len() < count && last.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let mut first: BTreeMap<String, jiff::Timestamp> = BTreeMap::new();
    for arrived in receiver.so_far() {
        first.entry(arrived.header("x-spiffy-stores-event-id").to_owned()).or_insert(arrived.at);
    }
    ensure!(first.len() == count, "{} of {count} events arrived", first.len());
    let times = first.iter().filter_map(|(id, at)| Some(at.duration_since(*due_at.get(id)?).unsigned_abs()));
    Ok(times.collect())
}

/// The times of what an event needs of the emulator.
async fn floor(stack: &Stack) -> Result<Vec<Duration>> {
    let sdk = stack.sdk();
    let (kinesis, sqs) = (aws_sdk_kinesis::Client::new(&sdk), aws_sdk_sqs::Client::new(&sdk));
    let name = format!("floor-{}", storehook_aws::now().as_millisecond());
    kinesis.create_stream().stream_name(&name).shard_count(1).send().await?;
    let shards = kinesis.list_shards().stream_name(&name).send().await?;
    let shard = shards.shards().first().context("no shard")?.shard_id().to_owned();
    let queue = sqs.create_queue().queue_name(&name).send().await?.queue_url.context("no queue")?;
    let iterator = kinesis.get_shard_iterator().stream_name(&name).shard_id(shard);
    let iterator = iterator.shard_iterator_type(ShardIteratorType::TrimHorizon).send().await?;
    let mut iterator = iterator.shard_iterator.context("no iterator")?;
    let mut times = Vec::new();
    for _ in 0..FLOOR_TIMES {
        let began = Instant::now();
        kinesis.put_record().stream_name(&name).partition_key("a").data(Blob::new(&b"{}"[..])).send().await?;
        let read = kinesis.get_records().shard_iterator(&iterator).send().await?;
        ensure!(!read.records().is_empty(), "the record is not there");
        iterator = read.next_shard_iterator.context("the shard has ended")?;
        sqs.send_message().queue_url(&queue).message_body("{}").send().await?;
        let received = sqs.receive_message().queue_url(&queue).wait_time_seconds(1).send().await?;
        ensure!(!received.messages().is_empty(), "the message is not there");
        for _ in 0..2 {
            stack.invoke("delivery", &json!({"Records": []})).await?;
        }
        times.push(began.elapsed());
    }
    kinesis.delete_stream().stream_name(&name).send().await?;
    sqs.delete_queue().queue_url(&queue).send().await?;
    Ok(times)
}
