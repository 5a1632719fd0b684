//! The delivery function against a stand-in for DynamoDB and SQS, over the wire: what becomes of
//! each kind of message, how long it is hidden, and what is kept of it.

mod failing;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::stand_in::{Seen, Table, deliver_all, deliver_with, delivery};

type TestResult = Result<(), Box<dyn std::error::Error>>;

#[tokio::test]
async fn each_message_of_a_batch_ends_by_itself() -> TestResult {
    let messages = [
        ("delivered", delivery(7, 0)),
        ("failed", delivery(8, 0)),
        ("paused", delivery(9, 0)),
        ("unread", delivery(10, 0)),
        ("deleted", delivery(11, 0)),
        ("duplicate", delivery(12, 0)),
        ("malformed", "no delivery".to_owned()),
        ("before", delivery(14, 200_000)),
        ("failed-retry", delivery(8, 500)),
        ("failed-last-retry", delivery(8, 172_400)),
    ];
    let Seen { failed, hidden, sent, kept, .. } = deliver_all(&messages).await?;
    assert!(sent.is_empty(), "no failure is sent anywhere");
    let expected = ["before", "failed", "failed-last-retry", "failed-retry", "malformed", "unread"];
    assert_eq!(failed, expected);
    // The wait to the next age of the table, with up to a tenth of jitter, less the time that the
    // test took.
    for (handle, seconds, queue) in [
        ("failed", 1..=11, "https://sqs/delivery"),
        ("unread", 1..=11, "https://sqs/delivery"),
        ("malformed", 0..=0, "https://sqs/delivery"),
        ("before", 0..=0, "https://sqs/delivery"),
        ("failed-retry", 800..=946, "https://sqs/retry"),
        ("failed-last-retry", 1_300..=1_400, "https://sqs/retry"),
    ] {
        let (hidden_for, in_queue) = hidden.get(handle).ok_or(handle)?;
        assert!(seconds.contains(hidden_for), "{handle}: {hidden_for} s");
        assert_eq!(in_queue, queue, "{handle}");
    }
    assert_eq!(hidden.len(), 6, "what is done is not hidden");
    assert_eq!(kept.get("9").map(String::as_str), Some("held"));
    assert_eq!(kept.get("11").map(String::as_str), Some("cancelled"));
    assert_eq!(kept.get("12"), None, "a duplicate says nothing new");
    assert_eq!(kept.get("10"), None, "without the webhook there is no attempt");
    Ok(())
}

/// A delay uses up no receive: until 48 hours are over, a copy is sent in the group of its installation.
/// These wait for 90 s, so they wait in the slow lane.
#[tokio::test]
async fn a_delay_sends_a_copy_until_48_hours_are_over() -> TestResult {
    let messages = [
        ("fresh", delivery(13, 0)),
        ("slow-retry", delivery(13, 100_000)),
        ("last-retry", delivery(13, 172_750)),
    ];
    let Seen { failed, hidden, sent, .. } = deliver_all(&messages).await?;
    assert_eq!(failed, ["last-retry"]);
    assert_eq!(hidden.keys().collect::<Vec<_>>(), ["last-retry"]);
    for (id, body) in &messages[..2] {
        let is_its = |copy: &&Value| {
            let message = copy["MessageBody"].as_str().unwrap_or_default();
            message.contains(&format!("\"first_message_id\":\"{id}\""))
        };
        let copy = sent.iter().find(is_its).ok_or(*id)?;
        assert_eq!((&copy["DelaySeconds"], &copy["MessageGroupId"]), (&json!(90), &json!("a.example/demo")));
        assert_eq!(copy["QueueUrl"], "https://sqs/retry", "{id}");
        let mut expected: Value = serde_json::from_str(body)?;
        expected["delay"] = json!({"first_message_id": id, "number": 1});
        expected["lane"] = json!("slow");
        let sent: Value = serde_json::from_str(copy["MessageBody"].as_str().unwrap_or_default())?;
        assert_eq!(sent, expected, "{id}");
    }
    assert_eq!(sent.len(), 2);
    Ok(())
}

#[tokio::test]
async fn a_message_without_an_id_fails_and_is_not_deleted() -> TestResult {
    let seen = deliver_all(&[("", "no delivery".to_owned())]).await?;
    assert_eq!(seen.failed, [""]);
    Ok(())
}

/// One message for each kind of end, each of another webhook.
#[tokio::test]
async fn the_history_shows_how_each_delivery_ended() -> TestResult {
    for (message, id, state) in [
        (delivery(7, 0), "7", Some("delivered")),
        (delivery(8, 0), "8", Some("retrying")),
        (delivery(8, 172_400), "8", Some("dead")),
        (delivery(8, 200_000), "8", Some("dead")),
        (delivery(7, 200_000), "7", Some("delivered")),
        (delivery(14, 200_000), "14", Some("delivered")),
        (delivery(15, 0), "15", Some("retrying")),
        (delivery(9, 0), "9", Some("held")),
        (delivery(11, 0), "11", Some("cancelled")),
        (delivery(12, 0), "12", None),
        (delivery(13, 0), "13", Some("pending")),
    ] {
        let seen = deliver_all(&[("m", message)]).await?;
        assert_eq!(seen.kept.get(id).map(String::as_str), state, "{id}");
    }
    Ok(())
}

#[tokio::test]
async fn with_the_history_off_nothing_is_written() -> TestResult {
    let messages = [
        ("delivered", delivery(7, 0)),
        ("paused", delivery(9, 0)),
        ("deleted", delivery(11, 0)),
        ("exhausted-again-retry", delivery(7, 200_000)),
        ("delayed", delivery(13, 0)),
    ];
    let seen = deliver_with(&messages, "0", Table::Works).await?;
    assert_eq!(seen.failed, ["exhausted-again-retry"]);
    assert_eq!(seen.writes, BTreeMap::new());
    // Each failure is one write to the registry, which counts it for the webhook.
    let seen = deliver_with(&[("failed", delivery(8, 0))], "0", Table::Works).await?;
    assert_eq!(seen.writes, BTreeMap::from([("UpdateItem".to_owned(), 1)]));
    assert!(seen.kept.is_empty());
    Ok(())
}

/// A batch may bring a run twice. No record can tell its messages apart yet.
#[tokio::test]
async fn copies_in_one_batch_wait_for_the_record_of_the_first() -> TestResult {
    let body = delivery(7, 0);
    let seen = deliver_all(&[("first", body.clone()), ("copy", body.clone()), ("copy-2", body)]).await?;
    assert_eq!(seen.failed, ["copy", "copy-2"]);
    let hidden: Vec<_> =
        seen.hidden.iter().map(|(handle, (seconds, _))| (handle.as_str(), *seconds)).collect();
    assert_eq!(hidden, [("copy", 40), ("copy-2", 40)]);
    assert_eq!(seen.writes, BTreeMap::from([("PutItem".to_owned(), 1)]), "one attempt was recorded");
    Ok(())
}

#[tokio::test]
async fn an_attempt_is_one_write() -> TestResult {
    let seen = deliver_all(&[("delivered", delivery(7, 0))]).await?;
    assert_eq!(seen.writes, BTreeMap::from([("PutItem".to_owned(), 1)]));
    Ok(())
}

/// If the history can be neither read nor written, nothing is lost or delayed. Only a delivery that
/// must be held comes again.
#[tokio::test]
async fn a_broken_history_holds_nothing_up() -> TestResult {
    let messages = [
        ("delivered", delivery(7, 0)),
        ("failed", delivery(8, 0)),
        ("paused", delivery(9, 0)),
        ("deleted", delivery(11, 0)),
    ];
    let seen = deliver_with(&messages, "30", Table::Refuses).await?;
    assert_eq!(seen.failed, ["failed", "paused"]);
    for handle in ["failed", "paused"] {
        let (seconds, _) = seen.hidden.get(handle).ok_or(handle)?;
        assert!((1..=11).contains(seconds), "{handle}: {seconds} s");
    }
    Ok(())
}

/// The same if the history never responds while the registry does.
#[tokio::test]
async fn a_hanging_history_holds_nothing_up() -> TestResult {
    let messages = [("delivered", delivery(7, 0)), ("failed", delivery(8, 0)), ("deleted", delivery(11, 0))];
    let seen = deliver_with(&messages, "30", Table::IsSilent).await?;
    assert_eq!(seen.failed, ["failed"]);
    assert!(seen.kept.is_empty());
    Ok(())
}

/// A message of a run that a redelivery began.
fn redelivery(webhook_id: u64) -> String {
    delivery(webhook_id, 0).replace("\"payload\"", "\"run\":\"redeliver:x\",\"payload\"")
}

#[tokio::test]
async fn a_redelivery_of_a_delivered_delivery_is_attempted() -> TestResult {
    let seen = deliver_all(&[("redelivery", redelivery(12))]).await?;
    assert_eq!(seen.failed, [""; 0]);
    assert_eq!(seen.kept.get("12").map(String::as_str), Some("delivered"));
    assert_eq!(seen.attempts_of("12"), 1, "it was attempted");
    let seen = deliver_all(&[("duplicate", delivery(12, 0))]).await?;
    assert_eq!((seen.failed.len(), seen.kept.len()), (0, 0), "a message of the event's own run is not");
    Ok(())
}

/// The holder of a dead run goes to the dead letters. A dead letter that somebody moved back by
/// hand gets one attempt, and goes back if that fails.
#[tokio::test]
async fn a_dead_letter_that_was_moved_by_hand_gets_one_attempt() -> TestResult {
    let seen = deliver_all(&[("before", delivery(14, 0))]).await?;
    assert_eq!((seen.failed, seen.kept.len()), (vec!["before".to_owned()], 0));
    let seen = deliver_all(&[("moved", delivery(14, 0))]).await?;
    assert_eq!(seen.kept.get("14").map(String::as_str), Some("delivered"));
    Ok(())
}

/// A late delivery is not dead: if no record says that the last attempt was made, it is made.
#[tokio::test]
async fn a_late_delivery_gets_its_last_attempt() -> TestResult {
    for (handle, history_days, is_attempted) in
        [("late-again-retry", "30", true), ("late", "0", true), ("late-again-retry", "0", false)]
    {
        let seen = deliver_with(&[(handle, delivery(7, 200_000))], history_days, Table::Works).await?;
        assert_eq!(seen.failed.is_empty(), is_attempted, "{handle} {history_days}");
    }
    Ok(())
}

/// The fast lane hides a message no longer than the table says. The record holds the attempt back.
#[tokio::test]
async fn a_long_retry_after_hides_a_fast_message_only_for_the_wait_of_the_table() -> TestResult {
    let seen = deliver_all(&[("fast", delivery(15, 0)), ("slow-retry", delivery(15, 60))]).await?;
    for (handle, seconds) in [("fast", 1..=11), ("slow-retry", 3_590..=3_961)] {
        let (hidden_for, _) = seen.hidden.get(handle).ok_or(handle)?;
        assert!(seconds.contains(hidden_for), "{handle}: {hidden_for} s");
    }
    Ok(())
}

/// A batch is one read, each item once.
#[tokio::test]
async fn a_batch_is_loaded_by_one_call() -> TestResult {
    for count in [1, 10] {
        let handles: Vec<_> = (0..count).map(|number| format!("m{number}")).collect();
        let messages: Vec<_> = handles.iter().map(|handle| (handle.as_str(), delivery(7, 0))).collect();
        let seen = deliver_all(&messages).await?;
        let [read] = &seen.reads[..] else { return Err(format!("{} reads", seen.reads.len()).into()) };
        let keys = |table: &str| read[table]["Keys"].as_array().map_or(0, Vec::len);
        assert_eq!(
            (keys("registry"), keys("history")),
            (3, 1),
            "one webhook, its installation and failure run"
        );
    }
    Ok(())
}
