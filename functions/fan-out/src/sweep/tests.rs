//! Tests of the sweep, on a stand-in for AWS.

use jiff::SignedDuration;
use serde_json::{Value, json};
use storehook_aws::{
    metrics::Metric,
    registry::{HealthItem, ListedRecovery, WebhookItem},
    stand_in::{StandIn, json_of},
};
use storehook_domain::{
    job::recovery::{Recovery, RecoveryRules},
    webhook::{Webhook, WebhookId, WebhookKey, health::failure_run::FailureRun},
};

use crate::{Batch, Times, handle, tests::stand_in::dependencies_of};

type TestResult = Result<(), Box<dyn std::error::Error>>;

const RULES: RecoveryRules = RecoveryRules { waiting_limit: 2_000, most_per_second: 100, time_scale: 1.0 };

fn webhook() -> Result<WebhookKey, Box<dyn std::error::Error>> {
    Ok(WebhookKey { id: WebhookId::new(7), shop: "a.example".parse()?, app: "demo".parse()? })
}

/// Sweeps a list with one recovery: when it was listed, and when its breaker opened, if it did.
async fn swept(
    listed: SignedDuration,
    opened: Option<SignedDuration>,
) -> Result<(StandIn, Value), Box<dyn std::error::Error>> {
    let now = storehook_aws::now();
    let aws = StandIn::start().await?;
    let entry = ListedRecovery { webhook: webhook()?, listed_at: now - listed };
    aws.reply("Query", json!({"Items": [json_of(entry)?]}));
    let key = webhook()?;
    let item = opened.map(|opened| {
        let run = FailureRun { since: now - opened, attempts: 100 };
        let recovery = Recovery::opened(&run, None, now - opened, &RULES);
        json_of(HealthItem::of(&key, 1, Some(run), Some(recovery)))
    });
    aws.reply("GetItem", item.transpose()?.map_or(json!({}), |item| json!({"Item": item})));
    let times = Times { now, deadline: now + SignedDuration::from_secs(60), clock: storehook_aws::now };
    let batch: Batch = serde_json::from_value(json!({"sweep": "recoveries"}))?;
    let response = serde_json::to_value(handle(&dependencies_of(&aws)?, batch, times).await)?;
    Ok((aws, response))
}

#[tokio::test]
async fn a_recovery_whose_step_was_lost_is_started_again() -> TestResult {
    let minutes = SignedDuration::from_mins;
    for (opened, is_restarted) in [(minutes(1), false), (minutes(2), true), (minutes(600), true)] {
        let (aws, response) = swept(opened, Some(opened)).await?;
        let restarted = u64::from(is_restarted);
        assert_eq!(response, json!({"recoveries": 1, "restarted": restarted, "failed": 0}), "{opened:?}");
        assert_eq!(aws.calls("UpdateItem").len(), usize::from(is_restarted));
        let sent = aws.calls("SendMessage");
        assert_eq!(sent.len(), usize::from(is_restarted));
        let job =
            sent.first().and_then(|call| serde_json::from_str::<Value>(call["MessageBody"].as_str()?).ok());
        assert!(job.is_none_or(|job| job["recovery"]["number"] == 1 && job["recovery"]["webhook_id"] == 7));
    }
    Ok(())
}

/// A recovery that catches up has no open breaker.
#[tokio::test]
async fn open_breakers_are_counted() -> TestResult {
    let now = storehook_aws::now();
    let run = FailureRun { since: now, attempts: 100 };
    let open = Recovery::opened(&run, None, now, &RULES);
    for (recovery, are_open) in [(open.clone(), 1), (open.closed(now).ok_or("it was open")?, 0)] {
        let aws = StandIn::start().await?;
        let entry = ListedRecovery { webhook: webhook()?, listed_at: now };
        aws.reply("Query", json!({"Items": [json_of(entry)?]}));
        let item = HealthItem::of(&webhook()?, 1, None, Some(recovery));
        aws.reply("GetItem", json!({"Item": json_of(item)?}));
        let dependencies = dependencies_of(&aws)?;
        let times = Times { now, deadline: now + SignedDuration::from_secs(60), clock: storehook_aws::now };
        handle(&dependencies, serde_json::from_value(json!({"sweep": "recoveries"}))?, times).await;
        assert_eq!(dependencies.meter.take().counted(Metric::BreakersOpen), are_open);
    }
    Ok(())
}

/// It is written before its recovery.
#[tokio::test]
async fn an_entry_without_a_recovery_is_forgotten_after_ten_minutes() -> TestResult {
    for (listed, forgotten) in [(9, 0), (10, 1)] {
        let (aws, response) = swept(SignedDuration::from_mins(listed), None).await?;
        assert_eq!(response, json!({"recoveries": 1, "restarted": 0, "failed": 0}));
        assert_eq!(aws.calls("DeleteItem").len(), forgotten, "{listed} minutes");
    }
    Ok(())
}

#[tokio::test]
async fn a_sweep_that_another_one_is_ahead_of_queues_nothing() -> TestResult {
    let now = storehook_aws::now();
    let aws = StandIn::start().await?;
    aws.reply("Query", json!({"Items": [json_of(ListedRecovery { webhook: webhook()?, listed_at: now })?]}));
    let run = FailureRun { since: now - SignedDuration::from_mins(5), attempts: 100 };
    let recovery = Recovery::opened(&run, None, run.since, &RULES);
    let item = HealthItem::of(&webhook()?, 1, Some(run), Some(recovery));
    aws.reply("GetItem", json!({"Item": json_of(item)?}));
    aws.refuse("UpdateItem", Value::Null);
    let times = Times { now, deadline: now + SignedDuration::from_secs(60), clock: storehook_aws::now };
    let batch: Batch = serde_json::from_value(json!({"sweep": "recoveries"}))?;
    let response = serde_json::to_value(handle(&dependencies_of(&aws)?, batch, times).await)?;
    assert_eq!(response["restarted"], 0);
    assert!(aws.calls("SendMessage").is_empty());
    Ok(())
}

/// The API resumes it with its webhook, but may fail in between.
#[tokio::test]
async fn a_recovery_without_a_next_step_goes_on_with_its_webhook_and_ends_with_it() -> TestResult {
    for (status, restarted, deleted) in
        [(Some("active"), 1, 0), (Some("paused"), 0, 0), (Some("disabled"), 0, 0), (None, 0, 1)]
    {
        let now = storehook_aws::now();
        let aws = StandIn::start().await?;
        let entry = ListedRecovery { webhook: webhook()?, listed_at: now };
        aws.reply("Query", json!({"Items": [json_of(entry)?]}));
        let run = FailureRun { since: now - SignedDuration::from_hours(60), attempts: 100 };
        let parked = Recovery { due_at: None, ..Recovery::opened(&run, None, run.since, &RULES) };
        let item = HealthItem::of(&webhook()?, 1, Some(run), Some(parked));
        aws.reply("GetItem", json!({"Item": json_of(item)?}));
        let subscribed = status.map(|status| {
            serde_json::from_value::<Webhook>(json!({
                "id": 7, "shop": "a.example", "app": "demo", "topic": "*", "address": "https://b.example/",
                "format": "json", "protocol": "webhook", "status": status, "fields": [],
                "metafield_namespaces": [], "custom_headers": {}, "created_at": now, "updated_at": now, "version": 3,
            }))
        });
        let items: Vec<_> = subscribed
            .transpose()?
            .map(WebhookItem::of)
            .map(json_of)
            .into_iter()
            .collect::<Result<_, _>>()?;
        aws.reply("Query", json!({"Items": items}));
        let times = Times { now, deadline: now + SignedDuration::from_secs(60), clock: storehook_aws::now };
        let batch: Batch = serde_json::from_value(json!({"sweep": "recoveries"}))?;
        let response = serde_json::to_value(handle(&dependencies_of(&aws)?, batch, times).await)?;
        assert_eq!(response, json!({"recoveries": 1, "restarted": restarted, "failed": 0}), "{status:?}");
        let counts = (aws.calls("SendMessage").len(), aws.calls("DeleteItem").len());
        assert_eq!(counts, (restarted, deleted), "{status:?}");
        let [write] = &aws.calls("UpdateItem")[..] else {
            assert_eq!((restarted, deleted), (0, 0), "{status:?}");
            continue;
        };
        let expires = write["ExpressionAttributeValues"][":expires_at"].is_object();
        assert_eq!(expires, status.is_none(), "the item of a deleted webhook expires");
    }
    Ok(())
}
