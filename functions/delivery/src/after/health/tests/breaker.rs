//! Tests of opening and closing a breaker, and of marking a slow webhook.

use storehook_domain::{delivery::lane::Lane, job::recovery::Recovery};

use super::*;

fn made(response: Value) -> Reply {
    Reply::Made(response)
}

fn put() -> Reply {
    made(json!({"ShardId": "s", "SequenceNumber": "1"}))
}

/// A run of so many attempts that began so long ago, as an update returns it.
fn counted(attempts: u64, seconds: i64) -> Result<Reply, Box<dyn std::error::Error>> {
    let run = FailureRun { since: NOW - jiff::SignedDuration::from_secs(seconds), attempts };
    Ok(made(json!({"Attributes": json_of_item(&run_item(3, run)?)})))
}

#[tokio::test]
async fn the_hundredth_failure_in_a_minute_opens_the_breaker_and_tells_the_app() -> TestResult {
    let sent = made(json!({"MessageId": "m", "MD5OfMessageBody": "d"}));
    let nothing = || made(json!({}));
    let replies = [counted(100, 60)?, nothing(), nothing(), sent, nothing(), put()];
    let calls = calls_of(failed(500), replies).await?;
    assert_eq!(
        operations(&calls),
        ["UpdateItem", "PutItem", "UpdateItem", "SendMessage", "UpdateItem", "PutRecord"]
    );
    assert_eq!(calls[1].1["Item"]["pk"]["S"], "RECOVERIES", "it is listed before it begins");
    let recovery = &calls[2].1["ExpressionAttributeValues"][":recovery"]["M"];
    assert!(recovery["phase"]["M"]["open"].is_object(), "{recovery}");
    assert_eq!(calls[3].1["DelaySeconds"], 60, "the first probe comes after a minute");
    assert_eq!(calls[4].1["ExpressionAttributeValues"][":lane"]["S"], "slow");
    Ok(())
}

#[tokio::test]
async fn fewer_failures_open_nothing() -> TestResult {
    for (attempts, seconds) in [(99, 3_600), (100, 59), (999, 1)] {
        let calls = calls_of(failed(500), [counted(attempts, seconds)?]).await?;
        assert_eq!(operations(&calls), ["UpdateItem"], "{attempts} in {seconds} s");
    }
    Ok(())
}

/// Many attempts may see the hundredth failure at the same moment.
#[tokio::test]
async fn a_breaker_that_another_attempt_has_opened_is_opened_once() -> TestResult {
    let run = FailureRun { since: NOW, attempts: 100 };
    let rules = dependencies_at("http://127.0.0.1:1", "30")?.health.recovery;
    let open = Recovery::opened(&run, None, NOW + jiff::SignedDuration::from_secs(1), &rules);
    let found = HealthItem::of(&target()?.webhook.key(), 3, Some(run), Some(open));
    let found = table::to_item(found)?;
    let replies = [counted(1_000, 0)?, made(json!({})), Reply::Refused(found)];
    let calls = calls_of(failed(500), replies).await?;
    assert_eq!(operations(&calls), ["UpdateItem", "PutItem", "UpdateItem"]);
    Ok(())
}

#[tokio::test]
async fn a_breaker_whose_opening_got_no_response_is_open_once_and_told() -> TestResult {
    let run = FailureRun { since: NOW - jiff::SignedDuration::from_secs(60), attempts: 100 };
    let rules = dependencies_at("http://127.0.0.1:1", "30")?.health.recovery;
    let opened = Recovery::opened(&run, None, NOW, &rules);
    let own = table::to_item(HealthItem::of(&target()?.webhook.key(), 3, Some(run), Some(opened)))?;
    let nothing = || made(json!({}));
    let sent = made(json!({"MessageId": "m", "MD5OfMessageBody": "d"}));
    let replies = [counted(100, 60)?, nothing(), Reply::Lost, Reply::Refused(own), sent, nothing(), put()];
    let calls = calls_of(failed(500), replies).await?;
    let last = ["SendMessage", "UpdateItem", "PutRecord"];
    assert_eq!(operations(&calls)[4..], last, "{:?}", operations(&calls));
    Ok(())
}

#[tokio::test]
async fn a_success_closes_the_breaker_ends_the_run_and_tells_the_app() -> TestResult {
    let run = FailureRun { since: NOW, attempts: 100 };
    let rules = dependencies_at("http://127.0.0.1:1", "30")?.health.recovery;
    let open = Recovery::opened(&run, None, NOW, &rules);
    for outcome in [Outcome::Delivered, Outcome::Delayed(Duration::from_secs(60))] {
        let health = HealthItem::of(&target()?.webhook.key(), 3, Some(run), Some(open.clone()));
        let target = Target { health, ..target()? };
        let sent = made(json!({"MessageId": "m", "MD5OfMessageBody": "d"}));
        let ends = made(json!({}));
        let (recorded, calls) =
            record_for(target, "30", outcome, [made(json!({})), sent, put(), ends]).await?;
        recorded?;
        assert_eq!(operations(&calls)[..3], ["UpdateItem", "SendMessage", "PutRecord"]);
        let update = calls[0].1["UpdateExpression"].as_str().unwrap_or_default();
        assert!(update.ends_with("REMOVE expires_at, since, attempts, warned, waiting"), "{update}");
        assert_eq!(calls[1].1["DelaySeconds"], 0, "the catch-up begins at once");
    }
    Ok(())
}

/// Ten attempts of two seconds each, in one execution environment.
#[tokio::test]
async fn a_slow_webhook_is_marked_once_in_ten_attempts() -> TestResult {
    let aws = storehook_aws::stand_in::StandIn::start().await?;
    let health = dependencies_at(aws.url(), "30")?.health;
    let target = target()?;
    for _ in 0..19 {
        health.judge(&target, Duration::from_secs(2), NOW).await?;
    }
    let [mark] = &aws.calls("UpdateItem")[..] else { return Err("one mark".into()) };
    assert_eq!(mark["Key"]["sk"]["S"], "WEBHOOK#00000000000000000007");
    let condition = mark["ConditionExpression"].as_str().unwrap_or_default();
    assert!(condition.contains("lane_since <= :before"), "{condition}");
    assert_eq!(mark["ExpressionAttributeValues"][":before"]["N"], "-600", "ten minutes ago");

    let slow = Target { lane: Lane::Slow, ..target };
    for _ in 0..20 {
        health.judge(&slow, Duration::from_millis(100), NOW).await?;
    }
    let lanes: Vec<_> = aws
        .calls("UpdateItem")
        .into_iter()
        .map(|call| call["ExpressionAttributeValues"][":lane"]["S"].clone())
        .collect();
    assert!(lanes.len() >= 2 && lanes[1..].iter().all(|lane| lane == "fast"), "{lanes:?}");

    // Nothing is written that DynamoDB would refuse.
    let recent = Target { lane_since: Some(NOW.as_second() - 599), ..slow };
    for _ in 0..20 {
        health.judge(&recent, Duration::from_millis(100), NOW).await?;
    }
    assert_eq!(aws.calls("UpdateItem").len(), lanes.len());
    Ok(())
}
