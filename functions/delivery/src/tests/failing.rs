//! Webhooks whose endpoints fail: what is held, what is attempted all the same, and what closes a
//! breaker.

use super::*;

/// A delivery in another run than the event's own.
fn in_run(webhook_id: u64, run: &str) -> Result<String, serde_json::Error> {
    let mut message: Value = serde_json::from_str(&delivery(webhook_id, 0))?;
    message["run"] = json!(run);
    Ok(message.to_string())
}

/// The jobs that were queued.
fn jobs(seen: &Seen) -> Vec<Value> {
    let sent = seen.sent.iter().filter(|call| call["QueueUrl"] == "https://sqs/jobs");
    sent.filter_map(|call| serde_json::from_str(call["MessageBody"].as_str()?).ok()).collect()
}

#[tokio::test]
async fn deliveries_are_held_while_the_breaker_is_open() -> TestResult {
    let seen = deliver_all(&[("m", delivery(18, 0)), ("m-retry", delivery(17, 500))]).await?;
    assert!(seen.failed.is_empty() && seen.hidden.is_empty(), "nothing stays in a queue");
    for webhook in ["17", "18"] {
        assert_eq!(seen.kept.get(webhook).map(String::as_str), Some("held"));
        assert_eq!(seen.attempts_of(webhook), 0, "no POST is made");
    }
    assert!(jobs(&seen).is_empty(), "the recovery goes on by itself");
    Ok(())
}

#[tokio::test]
async fn without_a_history_nothing_is_held() -> TestResult {
    let seen = deliver_with(&[("m", delivery(17, 0))], "0", Table::Works).await?;
    assert_eq!(seen.failed, ["m"], "it is retried");
    Ok(())
}

/// Its message must not end.
#[tokio::test]
async fn a_delivery_that_cannot_be_held_stays_in_its_queue() -> TestResult {
    let seen = deliver_with(&[("m", delivery(18, 0))], "30", Table::Refuses).await?;
    assert_eq!(seen.failed, ["m"]);
    Ok(())
}

#[tokio::test]
async fn a_probe_that_arrives_closes_the_breaker_and_begins_the_catch_up() -> TestResult {
    let seen = deliver_all(&[("m-retry", in_run(18, "probe:1-4")?)]).await?;
    assert!(seen.failed.is_empty());
    assert_eq!(seen.kept.get("18").map(String::as_str), Some("delivered"));
    let [job] = &jobs(&seen)[..] else { return Err(format!("{:?}", seen.sent).into()) };
    assert_eq!((&job["recovery"]["number"], &job["recovery"]["opening"]), (&json!(4), &json!("1")));
    assert_eq!(seen.writes.get("UpdateItem"), Some(&1), "{:?}", seen.writes);
    Ok(())
}

#[tokio::test]
async fn a_probe_that_fails_is_held_again_at_once() -> TestResult {
    let seen = deliver_all(&[("m-retry", in_run(17, "probe:1-4")?)]).await?;
    assert!(seen.failed.is_empty() && seen.hidden.is_empty(), "its message has ended");
    assert_eq!(seen.kept.get("17").map(String::as_str), Some("held"));
    assert_eq!(seen.attempts_of("17"), 1);
    Ok(())
}

/// Somebody waits for the result, or the app would never hear of it.
#[tokio::test]
async fn what_is_asked_for_by_hand_is_attempted_while_the_breaker_is_open() -> TestResult {
    let mut test: Value = serde_json::from_str(&delivery(17, 0))?;
    test["envelope"]["test"] = json!(true);
    let mut uninstalled: Value = serde_json::from_str(&delivery(17, 1))?;
    uninstalled["envelope"]["topic"] = json!("app/uninstalled");
    for message in [test.to_string(), uninstalled.to_string(), in_run(17, "redeliver:a")?] {
        let seen = deliver_all(&[("m", message.clone())]).await?;
        assert_eq!((seen.attempts_of("17"), &seen.failed[..]), (1, &["m".to_owned()][..]), "{message}");
    }
    for run in ["replay:a", "redrive:a", "catch-up:1"] {
        let seen = deliver_all(&[("m", in_run(17, run)?)]).await?;
        assert_eq!((seen.attempts_of("17"), seen.failed.len()), (0, 0), "{run}");
    }
    Ok(())
}

#[tokio::test]
async fn a_failure_beyond_the_waiting_limit_is_held_and_begins_a_recovery() -> TestResult {
    let seen = deliver_all(&[("m", delivery(19, 0))]).await?;
    assert!(seen.failed.is_empty() && seen.hidden.is_empty(), "it takes no place in a queue");
    assert_eq!(seen.kept.get("19").map(String::as_str), Some("held"));
    assert_eq!(seen.attempts_of("19"), 1, "it was attempted");
    let [job] = &jobs(&seen)[..] else { return Err(format!("{:?}", seen.sent).into()) };
    assert_eq!(job["recovery"]["webhook_id"], 19);
    Ok(())
}

#[tokio::test]
async fn a_receive_starts_a_recovery_again_whose_step_was_lost() -> TestResult {
    let seen = deliver_all(&[("m", delivery(20, 0))]).await?;
    assert_eq!(seen.kept.get("20").map(String::as_str), Some("held"));
    let [job] = &jobs(&seen)[..] else { return Err(format!("{:?}", seen.sent).into()) };
    assert_eq!(job["recovery"]["number"], 4);
    Ok(())
}
