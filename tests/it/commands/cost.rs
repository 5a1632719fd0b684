//! `storehook cost`: for volumes that are given, and for those that metrics show.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use storehook_tests::Stack;

use super::{storehook, storehook_on, told};

#[tokio::test]
async fn a_month_of_given_volumes_is_told_in_both_forms() -> Result<()> {
    let table = told(storehook(&["cost"]).await?, 0).await?;
    for told in [
        "a month of 1,000,000 events and 1,000,000 deliveries, with 0 failed attempts",
        "history of 30 days, payloads of 7 days, stream of one shard",
        "component                      unit               price  units    cost",
        "stream, in                     million           $0.014      1   $0.01",
        "AWS's list prices of 2026-11 for us-east-1",
    ] {
        assert!(table.contains(told), "{told}: {table}");
    }
    let options = ["cost", "--json", "--deliveries", "2000000", "--events", "1000000", "--history-days", "0"];
    let bill: Value = serde_json::from_str(&told(storehook(&options).await?, 0).await?)?;
    let month = &bill["month"];
    assert_eq!((&month["events"], &month["deliveries"]), (&json!(1_000_000), &json!(2_000_000)));
    assert_eq!((&month["history_delivery_days"], &month["shards"]), (&json!(0), &json!(1)));
    let components = bill["components"].as_array().context("no components")?;
    let sum: f64 = components.iter().filter_map(|row| row["dollars"].as_f64()).sum();
    let dollars = bill["dollars"].as_f64().context("no sum")?;
    assert!((sum - dollars).abs() < 0.01 && dollars > 15.0, "{bill}");
    let sources = components.iter().map(|row| row["source"].as_str().unwrap_or_default());
    assert!(sources.into_iter().all(|source| source.starts_with("https://aws.amazon.com/")), "{bill}");
    Ok(())
}

#[tokio::test]
async fn impossible_volumes_are_refused_with_the_option_to_change() -> Result<()> {
    for (options, told) in [
        (&["cost", "--payload-kb", "2000"][..], "change --payload-kb"),
        (&["cost", "--batch", "0"], "--batch"),
    ] {
        let output = super::ended(storehook(options).await?).await?;
        assert!(!output.status.success(), "{options:?}");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(error.contains(told), "{error}");
    }
    Ok(())
}

#[tokio::test]
async fn the_month_of_a_stack_is_that_of_its_metrics() -> Result<()> {
    let stack = Stack::deploy("storehook-cost", &[("ShardCount", "2"), ("HistoryPayloadDays", "3")]).await?;
    let none = super::ended(storehook_on(&stack, &["cost"]).await?).await?;
    let error = String::from_utf8_lossy(&none.stderr);
    assert!(error.contains("metrics show neither events nor deliveries in 30 days"), "{error}");

    // A tenth of a month, at noon of yesterday.
    let at = (storehook_aws::now() - jiff::SignedDuration::from_hours(24)).to_string();
    for (namespace, dimension, resource, metrics) in [
        (
            "AWS/Kinesis",
            "StreamName",
            "events",
            &[("IncomingRecords", 1_000.0), ("IncomingBytes", 2_220_000.0)][..],
        ),
        (
            "AWS/SQS",
            "QueueName",
            "delivery",
            &[
                ("NumberOfMessagesSent", 3_000.0),
                ("NumberOfMessagesReceived", 3_300.0),
                ("NumberOfMessagesDeleted", 3_000.0),
            ],
        ),
        ("AWS/Lambda", "FunctionName", "fan-out", &[("Invocations", 100.0)]),
        ("AWS/Lambda", "FunctionName", "delivery", &[("Invocations", 1_100.0), ("Duration", 132_000.0)]),
    ] {
        let data = metrics.iter().map(|(name, value)| {
            json!({
                "MetricName": name, "Value": value, "Timestamp": at,
                "Dimensions": [{"Name": dimension, "Value": stack.resource(resource)}],
            })
        });
        let arguments = json!({"Namespace": namespace, "MetricData": data.collect::<Vec<_>>()});
        stack.aws("cloudwatch", "put_metric_data", arguments).await?;
    }
    let options = ["cost", "--json", "--days", "3"];
    let bill: Value = serde_json::from_str(&told(storehook_on(&stack, &options).await?, 0).await?)?;
    let month = &bill["month"];
    // 730 hours are 10.14 times three days.
    assert_eq!((&month["events"], &month["deliveries"]), (&json!(10_139), &json!(30_417)), "{month}");
    assert_eq!((&month["failed_attempts"], &month["response_ms"]), (&json!(3_042), &json!(100.0)));
    assert_eq!((&month["events_per_batch"], &month["deliveries_per_batch"]), (&json!(10.0), &json!(3.0)));
    assert_eq!((&month["shards"], &month["history_payload_days"]), (&json!(2), &json!(3)));
    assert_eq!(month["days_of_metrics"], 3);
    let table = told(storehook_on(&stack, &["cost", "--days", "3"]).await?, 0).await?;
    assert!(table.starts_with("from 3 days of the stack's metrics:\na month of 10,139 events"), "{table}");
    let given = told(storehook_on(&stack, &["cost", "--deliveries", "5"]).await?, 0).await?;
    assert!(given.starts_with("a month of 5 events and 5 deliveries"), "{given}");
    Ok(())
}
