//! What invocations count.

use storehook_aws::metrics::Metric;

use super::*;

/// The shop `wide` has 4,000 webhooks, which jobs send to.
#[tokio::test]
async fn an_invocation_counts_what_it_sent_and_how_wide_its_events_are() -> TestResult {
    let records = [record("shop", 1), "no event".to_owned(), record("wide", 2), record("none", 3)];
    let (aws, dependencies) = world(|_| Reply::Take).await?;
    handle(&dependencies, batch_of(&records)?, times(60)).await;
    let tally = dependencies.meter.take();
    assert_eq!([Metric::Sent, Metric::Rejected].map(|metric| tally.counted(metric)), [1, 1]);
    assert_eq!(tally.measured(Metric::FanOutWidth), [1, 4_000, 0]);
    let jobs = aws.jobs.lock().map_err(|error| error.to_string())?.clone();
    for body in jobs {
        let message = json!({"messageId": "m", "receiptHandle": "r", "body": body, "attributes": {}});
        handle(&dependencies, serde_json::from_value(json!({"Records": [message]}))?, times(60)).await;
    }
    let tally = dependencies.meter.take();
    assert_eq!(tally.counted(Metric::Sent), 4_000);
    assert!(tally.measured(Metric::FanOutWidth).is_empty(), "an event is measured once");
    Ok(())
}

/// What comes again is measured when it comes again. What was sent of it was sent.
#[tokio::test]
async fn a_batch_that_fails_counts_what_sqs_took() -> TestResult {
    let reply_to = |event: &str| match event {
        "e1" => Reply::FailOnce,
        "e2" => Reply::Fail,
        _ => Reply::Take,
    };
    let (aws, dependencies) = world(reply_to).await?;
    let records: Vec<_> = (0..4).map(|number| record("shop", number)).collect();
    handle(&dependencies, batch_of(&records)?, times(60)).await;
    let tally = dependencies.meter.take();
    assert_eq!(aws.queued.lock().map_err(|error| error.to_string())?.len(), 3);
    assert_eq!(tally.counted(Metric::Sent), 3);
    assert_eq!(tally.measured(Metric::FanOutWidth), [1, 1], "the third record and those after it come again");
    Ok(())
}

#[tokio::test]
async fn payloads_that_cannot_be_kept_are_counted() -> TestResult {
    let aws = storehook_aws::stand_in::StandIn::start().await?;
    let webhook = json!({
        "id": {"N": "7"}, "app": {"S": "demo"}, "subscription": {"S": "SHOP#shop.example#TOPIC#orders/create"},
    });
    aws.reply("Query", json!({"Items": [webhook]}));
    ["directly", "by the SDK"].iter().for_each(|_| aws.refuse("BatchWriteItem", json!({})));
    let dependencies = stand_in::dependencies_of(&aws)?;
    handle(&dependencies, batch_of(&[record("shop", 1)])?, times(60)).await;
    assert_eq!(dependencies.meter.take().counted(Metric::HistoryFailures), 1);
    Ok(())
}
