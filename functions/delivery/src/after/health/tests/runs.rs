//! Tests of failure runs: what ends one, what counts, and when it disables the webhook.

use storehook_domain::{delivery::request::UnbuildableRequest, job::recovery::Recovery};

use super::*;

fn run_of(attempts: u64, days: i64) -> FailureRun {
    FailureRun { since: NOW - jiff::SignedDuration::from_hours(24 * days), attempts }
}

#[tokio::test]
async fn a_success_ends_the_failure_run_and_writes_nothing_without_one() -> TestResult {
    assert!(calls_of(Outcome::Delivered, []).await?.is_empty());
    let made = Reply::Made(json!({}));
    let calls = record_in_run((3, run_of(5, 0)), Outcome::Delivered, [made]).await?;
    let [(operation, call)] = &calls[..] else { return Err(format!("{calls:?}").into()) };
    assert_eq!(operation, "UpdateItem");
    assert_eq!(call["UpdateExpression"], "ADD waiting :waiting REMOVE since, attempts, warned");
    assert_eq!(call["Key"]["sk"], json!({"S": "FAILURES#00000000000000000007"}));
    Ok(())
}

/// A busy webhook that fails would otherwise write the same item thousands of times.
#[tokio::test]
async fn attempts_are_counted_up_to_the_required_number() -> TestResult {
    for (version, attempts, is_counted) in [(3, 19, true), (3, 20, false), (3, 21, false), (2, 20, true)] {
        let added = json_of_item(&run_item(3, run_of(20, 0))?);
        let reply = Reply::Made(json!({"Attributes": added}));
        let calls = record_in_run((version, run_of(attempts, 0)), failed(500), [reply]).await?;
        assert_eq!(
            operations(&calls),
            vec!["UpdateItem"; usize::from(is_counted)],
            "{attempts} at {version}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_webhook_that_failed_for_five_days_is_disabled_and_its_app_told_why() -> TestResult {
    for (days, is_disabled) in [(3, false), (5, true)] {
        let made = || Reply::Made(json!({"ShardId": "s", "SequenceNumber": "1"}));
        let calls = record_in_run((3, run_of(20, days)), failed(500), [made(), made()]).await?;
        if !is_disabled {
            assert!(calls.is_empty(), "{calls:?}");
            continue;
        }
        assert_eq!(operations(&calls), ["UpdateItem", "PutRecord"]);
        assert_eq!(calls[0].1["ExpressionAttributeValues"][":status"], json!({"S": "disabled"}));
        assert_eq!(calls[1].1["PartitionKey"], "a.example/7");
    }
    Ok(())
}

/// A delay is no failure, and the endpoint saw nothing of a request that was never sent.
#[tokio::test]
async fn delays_and_requests_that_were_never_sent_change_nothing() -> TestResult {
    let not_built = FailedAttempt::NotBuilt(UnbuildableRequest::Header("x".to_owned()));
    let not_built = Outcome::Failed { reason: not_built, retry_after: None };
    for outcome in [not_built, Outcome::Delayed(Duration::from_secs(60))] {
        assert!(calls_of(outcome, []).await?.is_empty());
    }
    Ok(())
}

/// Deliveries are held then, and nobody else knows that they must come back.
#[tokio::test]
async fn the_item_of_a_webhook_that_recovers_does_not_expire() -> TestResult {
    let run = FailureRun { since: NOW, attempts: 100 };
    let rules = RecoveryRules { waiting_limit: 2_000, most_per_second: 100, time_scale: 1.0 };
    let recovery = Recovery::opened(&run, None, NOW, &rules);
    for (recovery, is_added, expires) in
        [(None, true, true), (Some(recovery.clone()), true, false), (Some(recovery), false, false)]
    {
        let target = target()?;
        let health = HealthItem::of(&target.webhook.key(), 3, Some(run), recovery);
        let attributes = json!({"since": {"S": NOW.to_string()}, "attempts": {"N": "101"}, "pk": {"S": "p"}, "sk": {"S": "s"}});
        let added = if is_added {
            Reply::Made(json!({"Attributes": attributes}))
        } else {
            Reply::Refused(Item::new())
        };
        let replies = [added, Reply::Made(json!({}))];
        let (_, calls) = record_for(Target { health, ..target }, "30", failed(500), replies).await?;
        let counts = calls.iter().filter(|(operation, _)| operation == "UpdateItem").take(if is_added {
            1
        } else {
            2
        });
        for (_, count) in counts {
            let sets = count["UpdateExpression"]
                .as_str()
                .is_some_and(|set| set.contains("expires_at = :expires_at"));
            assert_eq!(
                (sets, count["ExpressionAttributeValues"][":expires_at"].is_object()),
                (expires, expires)
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_run_whose_begin_got_no_response_has_begun_once() -> TestResult {
    let own = Reply::Refused(run_item(3, FailureRun { since: NOW, attempts: 1 })?);
    let calls = calls_of(failed(500), [Reply::Refused(Item::new()), Reply::Lost, own]).await?;
    assert_eq!(operations(&calls), ["UpdateItem"; 3]);
    Ok(())
}

#[tokio::test]
async fn an_attempt_is_added_to_a_run_that_another_one_has_just_begun() -> TestResult {
    let run = FailureRun { since: NOW + jiff::SignedDuration::from_nanos(1), attempts: 1 };
    let item = run_item(3, run)?;
    let added = json_of_item(&item);
    let replies =
        [Reply::Refused(Item::new()), Reply::Refused(item), Reply::Made(json!({"Attributes": added}))];
    assert_eq!(operations(&calls_of(failed(500), replies).await?), ["UpdateItem"; 3]);
    Ok(())
}

#[tokio::test]
async fn a_run_of_a_later_version_stays_as_it_is() -> TestResult {
    let later = run_item(4, FailureRun { since: NOW, attempts: 9 })?;
    let replies = [Reply::Refused(later.clone()), Reply::Refused(later)];
    assert_eq!(operations(&calls_of(failed(500), replies).await?), ["UpdateItem"; 2]);
    Ok(())
}
