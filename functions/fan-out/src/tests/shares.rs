//! Tests of events that are shared out, against the stand-in.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    TestResult, batch_of, names, record,
    stand_in::{Aws, Reply, WIDE, world},
    times,
};
use crate::{Batch, Dependencies, handle};

/// The response to a job, and to a batch of records.
async fn respond(dependencies: &Dependencies, batch: Batch) -> Result<Value, serde_json::Error> {
    serde_json::to_value(handle(dependencies, batch, times(60)).await)
}

fn job(body: &str) -> Result<Batch, serde_json::Error> {
    let message = json!({"messageId": "m-1", "receiptHandle": "r", "body": body, "attributes": {}});
    serde_json::from_value(json!({"Records": [message]}))
}

/// A job for the first 160 webhooks of a shop.
fn share_of(shop: &str) -> Result<Batch, serde_json::Error> {
    let record = record(shop, 1);
    job(&format!(r#"{{"fan_out":{{"id":"i","record":{record},"range":{{"from":1,"to":160}},"number":1}}}}"#))
}

fn queued(aws: &Aws) -> Vec<String> {
    aws.queued.lock().unwrap().clone()
}

/// Nothing of it is queued, so nothing of it is queued twice when it comes again.
#[tokio::test]
async fn an_event_that_cannot_be_shared_out_in_time_comes_again_whole() -> TestResult {
    let (aws, dependencies) = world(|_| Reply::Take).await?;
    let batch = batch_of(&[record("shop", 0), record("wide", 1), record("shop", 2)])?;
    let response = handle(&dependencies, batch, times(0)).await;
    assert_eq!(serde_json::to_value(response)?["batchItemFailures"][0]["itemIdentifier"], "0");
    assert!(aws.jobs.lock().unwrap().is_empty());
    assert!(aws.webhooks.lock().unwrap().is_empty());
    Ok(())
}

#[tokio::test]
async fn an_event_of_very_many_webhooks_is_shared_out() -> TestResult {
    let (aws, dependencies) = world(|_| Reply::Take).await?;
    let batch = batch_of(&[record("wide", 0), record("shop", 1)])?;
    assert_eq!(respond(&dependencies, batch).await?, json!({"batchItemFailures": []}));
    let jobs = aws.jobs.lock().unwrap().clone();
    assert_eq!((aws.webhooks.lock().unwrap().len(), jobs.len()), (1, 3), "jobs send to all of them");
    for body in jobs {
        assert_eq!(respond(&dependencies, job(&body)?).await?, json!({"batchItemFailures": []}));
    }
    let mut webhooks = aws.webhooks.lock().unwrap().clone();
    webhooks.sort_unstable();
    // The shop `shop` has the webhook 7.
    let mut expected: Vec<_> = (1..=WIDE as u64).chain([7]).collect();
    expected.sort_unstable();
    assert!(webhooks == expected, "{} messages", webhooks.len());
    let queued: BTreeSet<_> = aws.queued.lock().unwrap().iter().cloned().collect();
    assert_eq!(queued, names([0, 1]).into_iter().collect());
    Ok(())
}

#[tokio::test]
async fn an_event_whose_job_sqs_did_not_take_comes_again() -> TestResult {
    let (aws, dependencies) = world(|event| if event == "e1" { Reply::Fail } else { Reply::Take }).await?;
    let batch = batch_of(&[record("shop", 0), record("wide", 1), record("shop", 2)])?;
    let response = respond(&dependencies, batch).await?;
    assert_eq!(response, json!({"batchItemFailures": [{"itemIdentifier": "1"}]}));
    assert_eq!(queued(&aws), names([0]));
    Ok(())
}

#[tokio::test]
async fn an_event_whose_job_sqs_refuses_for_good_is_rejected_and_blocks_nothing() -> TestResult {
    let (aws, dependencies) = world(|event| if event == "e1" { Reply::Refuse } else { Reply::Take }).await?;
    let batch = batch_of(&[record("shop", 0), record("wide", 1), record("wide", 2), record("shop", 3)])?;
    assert_eq!(respond(&dependencies, batch).await?, json!({"batchItemFailures": []}));
    assert_eq!(queued(&aws), names([0, 3]));
    assert_eq!(aws.jobs.lock().unwrap().len(), 3, "the jobs of the other wide event are queued");
    let rejected = aws.rejected.lock().unwrap().clone();
    assert_eq!(rejected.len(), 1);
    assert_eq!(
        (&rejected[0]["sequence_number"], &rejected[0]["record"]),
        (&json!("1"), &json!(record("wide", 1)))
    );
    Ok(())
}

#[tokio::test]
async fn a_share_that_cannot_be_sent_comes_again() -> TestResult {
    let failed = json!({"batchItemFailures": [{"itemIdentifier": "m-1"}]});
    let (aws, dependencies) = world(|_| Reply::Fail).await?;
    assert_eq!(respond(&dependencies, share_of("wide")?).await?, failed, "SQS takes nothing");
    let (denied, dependencies) = world(|_| Reply::Take).await?;
    assert_eq!(respond(&dependencies, share_of("denied")?).await?, failed, "the webhooks cannot be read");
    for aws in [aws, denied] {
        assert!(queued(&aws).is_empty() && aws.rejected.lock().unwrap().is_empty());
    }
    Ok(())
}

#[tokio::test]
async fn the_webhooks_whose_messages_sqs_refuses_for_good_are_rejected_with_the_reason() -> TestResult {
    let (aws, dependencies) = world(|_| Reply::Take).await?;
    *aws.refused.lock().unwrap() = [7, 8, 120].into();
    assert_eq!(respond(&dependencies, share_of("wide")?).await?, json!({"batchItemFailures": []}));
    let mut rejected = aws.rejected.lock().unwrap().clone();
    rejected.sort_by_key(|job| job["fan_out"]["range"]["from"].as_u64());
    let ranges: Vec<_> = rejected.iter().map(|job| &job["fan_out"]["range"]).collect();
    assert_eq!(ranges, [&json!({"from": 7, "to": 8}), &json!({"from": 120, "to": 120})]);
    for share in &rejected {
        assert_eq!(share["fan_out"]["record"]["event_id"], "e1");
        assert_eq!(share["fan_out"]["reason"], "SQS refused the message's content");
    }
    assert!(aws.jobs.lock().unwrap().is_empty(), "the share is done");
    assert_eq!(queued(&aws).len(), 157);

    // The operator sends one of them again, although its share is done.
    aws.refused.lock().unwrap().clear();
    let body = rejected[0].to_string();
    assert_eq!(respond(&dependencies, job(&body)?).await?, json!({"batchItemFailures": []}));
    assert_eq!(queued(&aws).len(), 159);
    Ok(())
}

/// A step that comes again rejects again, so it rejects only if it is noted then.
#[tokio::test]
async fn a_step_that_sends_nothing_rejects_nothing() -> TestResult {
    let (aws, dependencies) = world(|_| Reply::Take).await?;
    *aws.refused.lock().unwrap() = [7].into();
    handle(&dependencies, share_of("wide")?, times(20)).await;
    assert!(aws.rejected.lock().unwrap().is_empty() && queued(&aws).is_empty());
    Ok(())
}

/// The stand-in's function has 60 seconds, as on AWS.
#[tokio::test]
async fn a_share_begins_no_batch_that_leaves_no_time_to_note_it() -> TestResult {
    // A batch, rejecting, noting and queueing: four calls with all their retries.
    for (seconds_left, sent) in [(60, 160), (30, 160), (26, 0), (24, 0)] {
        let (aws, dependencies) = world(|_| Reply::Take).await?;
        handle(&dependencies, share_of("wide")?, times(seconds_left)).await;
        assert_eq!(queued(&aws).len(), sent, "{seconds_left} s");
    }
    Ok(())
}

/// Its shares hold the webhooks of that app alone. They are on `*`, which is no operational topic.
#[tokio::test]
async fn an_event_that_names_an_app_is_shared_out_unless_it_ends_the_app() -> TestResult {
    for (topic, webhooks, jobs, is_sent) in [
        ("orders/create", 3_200, 0, true),
        ("orders/create", 3_202, 2, true),
        ("webhooks/disabled", 3_202, 0, false),
        ("app/uninstalled", 3_202, 0, true),
    ] {
        let (aws, dependencies) = world(|_| Reply::Take).await?;
        let record = record(&format!("apps-{webhooks}"), 0).replace("orders/create", topic);
        let batch = batch_of(&[record.replacen('{', r#"{"app": "demo", "#, 1)])?;
        assert_eq!(respond(&dependencies, batch).await?, json!({"batchItemFailures": []}), "{topic}");
        let queued = aws.jobs.lock().unwrap().clone();
        assert_eq!(queued.len(), jobs, "{topic} to {webhooks}");
        for body in queued {
            assert_eq!(respond(&dependencies, job(&body)?).await?, json!({"batchItemFailures": []}));
        }
        let mut sent = aws.webhooks.lock().unwrap().clone();
        sent.sort_unstable();
        let last = if is_sent { webhooks } else { 0 };
        assert!(sent.into_iter().eq((2..=last).step_by(2)), "{topic} to {webhooks}");
    }
    Ok(())
}

/// A share has up to 1,600 webhooks. An event whose webhooks are one share is not shared out.
#[tokio::test]
async fn an_event_is_shared_out_from_two_shares_on() -> TestResult {
    // The payload counts once, and not for each byte of what is around it.
    let payload = "x".repeat(1_000);
    for (webhooks, jobs) in [(200, 0), (1_600, 0), (1_601, 2), (3_200, 2), (3_201, 3)] {
        let (aws, dependencies) = world(|_| Reply::Take).await?;
        let record =
            record(&format!("wide-{webhooks}"), 0).replace("{}", &format!(r#"{{"a": "{payload}"}}"#));
        handle(&dependencies, batch_of(&[record])?, times(60)).await;
        let sent = if jobs == 0 { webhooks } else { 0 };
        assert_eq!((aws.jobs.lock().unwrap().len(), aws.webhooks.lock().unwrap().len()), (jobs, sent));
    }
    Ok(())
}
