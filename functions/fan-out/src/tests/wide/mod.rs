//! An event of 20,000 webhooks, where each call of SQS takes a second. The clock is virtual.

mod world;

use std::{collections::BTreeMap, time::Duration};

use jiff::ToSpan as _;
use serde_json::{Value, json};
use storehook_domain::payload::{Payload, digest::PayloadDigest};

use self::world::{Queued, Seen, Shared, WEBHOOKS, world, world_of};
use super::{TestResult, batch_of, virtual_time};
use crate::{BatchResponse, Dependencies, RESERVE, Times, handle, jobs::fan_out::ENDING};

/// How long the function may work: its timeout in the template.
const TIMEOUT: i64 = 60;

fn times() -> Times {
    Times::begin(virtual_time::now, virtual_time::now() + TIMEOUT.seconds())
}

/// The jobs that are queued since the last look.
fn take_jobs(seen: &Shared) -> Vec<Queued> {
    std::mem::take(&mut seen.lock().unwrap().jobs)
}

/// Hands over the record, and returns the jobs that are queued then. Jobs send to all webhooks.
async fn first_step(
    seen: &Shared,
    dependencies: &Dependencies,
    payload: &str,
) -> Result<Vec<Queued>, Box<dyn std::error::Error>> {
    let record = format!(
        r#"{{"shop": "wide.example", "topic": "orders/create", "event_id": "e1", "payload": {payload}}}"#
    );
    let (times, sent) = (times(), seen.lock().unwrap().messages.len());
    let BatchResponse::Events(response) = handle(dependencies, batch_of(&[record])?, times).await else {
        return Err("it is a batch of events".into());
    };
    assert!(response.batch_item_failures.is_empty(), "the shard moves on");
    assert!(!times.are_up());
    assert_eq!(seen.lock().unwrap().messages.len(), sent, "the jobs send to all webhooks");
    Ok(take_jobs(seen))
}

/// Hands over a job, as a message with this id.
async fn work_off(dependencies: &Dependencies, job: &Queued, id: &str, times: Times) -> TestResult {
    let message = json!({"messageId": id, "receiptHandle": "r", "body": job.body, "attributes": {}});
    let batch = serde_json::from_value(json!({"Records": [message]}))?;
    let response = serde_json::to_value(handle(dependencies, batch, times).await)?;
    assert_eq!(response, json!({"batchItemFailures": []}));
    Ok(())
}

/// Whether every webhook has got one message.
fn each_got_one(seen: &Seen) {
    assert!(seen.messages.keys().copied().eq(1..=seen.webhooks), "every webhook gets a message");
    assert!(seen.messages.values().all(|count| *count == 1), "and none gets two");
}

/// Fans an event with this payload out to so many webhooks, by so many jobs, and looks at what each webhook got.
fn fan_out(webhooks: u64, payload: &str, jobs: usize) -> TestResult {
    let digest = PayloadDigest::of(Payload::parse(payload)?).as_str().to_owned();
    virtual_time::run(async {
        let (seen, dependencies) = world_of(webhooks)?;
        let queued = first_step(&seen, &dependencies, payload).await?;
        assert_eq!(queued.len(), jobs);
        for job in &queued {
            assert_eq!(job.group, "wide.example");
            let times = times();
            work_off(&dependencies, job, "m-1", times).await?;
            assert!(!times.are_up(), "a share takes less than its time");
        }
        let seen = seen.lock().unwrap();
        each_got_one(&seen);
        assert_eq!(seen.digests, BTreeMap::from([(digest, webhooks as usize)]));
        // The record's invocation finds all webhooks, and each job only those of its share.
        assert_eq!((seen.found, seen.calls["Query"]), (2 * webhooks as usize, 1 + jobs));
        assert_eq!(seen.calls["BatchWriteItem"], 1, "the payload is kept once");
        Ok(())
    })
}

/// With a small payload, each call carries ten messages. With 1 MB it would carry one, and a debug
/// build needs half an hour for 20 GB of them; the test below does that. What decides is the same:
/// a share has as many calls as its time allows, whatever they carry.
#[test]
fn every_one_of_20_000_webhooks_gets_one_message_in_steps_of_bounded_time() -> TestResult {
    fan_out(WEBHOOKS, "{}", 13)
}

#[test]
#[ignore = "takes a minute: cargo test -p fan-out --lib 100_000 -- --ignored"]
fn every_one_of_100_000_webhooks_gets_one_message_in_steps_of_bounded_time() -> TestResult {
    fan_out(100_000, "{}", 63)
}

/// Each step has the time for 7 of its 20 seconds.
#[test]
fn a_share_that_runs_out_of_time_goes_on_where_it_stopped() -> TestResult {
    virtual_time::run(async {
        let (seen, dependencies) = world()?;
        let mut jobs = first_step(&seen, &dependencies, "{}").await?;
        let mut steps = 0;
        while let Some(job) = jobs.pop() {
            let time = RESERVE + ENDING + Duration::from_secs(6);
            let times = Times::begin(virtual_time::now, virtual_time::now() + time);
            work_off(&dependencies, &job, &format!("m-{steps}"), times).await?;
            let queued = take_jobs(&seen);
            assert!(queued.iter().all(|job| job.pause == json!(0)), "time is up, and SQS takes everything");
            jobs.extend(queued);
            steps += 1;
        }
        // 12 shares of 1,600 webhooks take three steps each, and the one of the last 800 takes two.
        assert_eq!(steps, 12 * 3 + 2);
        each_got_one(&seen.lock().unwrap());
        Ok(())
    })
}

/// The batches that are under way with the failed one are sent as well, and nothing is sent twice.
/// Whatever comes again sends nothing either.
#[test]
fn a_share_goes_on_after_a_batch_that_sqs_did_not_take() -> TestResult {
    virtual_time::run(async {
        let (seen, dependencies) = world()?;
        let jobs = first_step(&seen, &dependencies, "{}").await?;
        let [share, ..] = &jobs[..] else { return Err("a share".into()) };
        seen.lock().unwrap().fails = Some(805);
        work_off(&dependencies, share, "m-1", times()).await?;
        let queued = take_jobs(&seen);
        let [rest] = &queued[..] else { return Err("one job for the rest".into()) };
        let job: Value = serde_json::from_str(&rest.body)?;
        assert_eq!((&rest.group[..], &rest.pause), ("wide.example", &json!(10)));
        assert_eq!(
            (&job["fan_out"]["range"], &job["fan_out"]["number"]),
            (&json!({"from": 1, "to": 1600}), &json!(2))
        );
        // The batch of 801 to 810 failed, beside seven others at most.
        let [before, beside] = &job["fan_out"]["done"].as_array().ok_or("done")?[..] else {
            return Err("what is before and beside it is done".into());
        };
        assert_eq!((before, &beside["from"]), (&json!({"from": 1, "to": 800}), &json!(811)));
        assert!(beside["to"].as_u64().is_some_and(|last| last <= 880), "{beside}");

        // The same message queues the next step once more, which ends as soon as it is done.
        work_off(&dependencies, share, "m-1", times()).await?;
        work_off(&dependencies, share, "m-2", times()).await?;
        assert_eq!(seen.lock().unwrap().jobs.iter().map(|job| &job.body).collect::<Vec<_>>(), [&rest.body]);
        for id in ["m-3", "m-3", "m-4"] {
            work_off(&dependencies, rest, id, times()).await?;
        }
        work_off(&dependencies, share, "m-1", times()).await?;
        let seen = seen.lock().unwrap();
        assert_eq!(seen.jobs.len(), 1, "no step follows the last one");
        assert!(seen.messages.keys().copied().eq(1..=1_600), "every webhook of the share gets a message");
        assert!(seen.messages.values().all(|count| *count == 1), "and none gets two");
        Ok(())
    })
}

/// The record's invocation died, so Lambda hands the record over again.
#[test]
fn a_record_that_comes_again_has_the_same_shares() -> TestResult {
    virtual_time::run(async {
        let (seen, dependencies) = world()?;
        for id in ["m-1", "m-2"] {
            for job in first_step(&seen, &dependencies, "{}").await? {
                work_off(&dependencies, &job, id, times()).await?;
            }
        }
        each_got_one(&seen.lock().unwrap());
        Ok(())
    })
}

/// `cargo test --release -p fan-out --lib -- --ignored`
#[test]
#[ignore = "makes 20 GB of messages, which takes minutes in the release profile"]
fn every_one_of_20_000_webhooks_gets_one_message_of_1_mb() -> TestResult {
    fan_out(WEBHOOKS, &json!({"note": "x".repeat(1_000_000)}).to_string(), 125)
}
