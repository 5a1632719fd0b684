//! Malformed records, which are rejected.

use std::collections::BTreeSet;

use anyhow::Result;
use reqwest::StatusCode;
use storehook_domain::event::rejected::RejectedEvent;
use storehook_tests::{Receiver, Stack, eventually, record};

#[tokio::test]
async fn one_malformed_record_among_a_hundred_is_rejected_once() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    installed.api.create_webhook("orders/create", &receiver.url).await?;
    let good =
        |number: usize| record(&installed.shop, "orders/create", &format!("o-{number}"), r#"{"id": 1}"#);
    let malformed =
        format!(r#"{{"shop": "{}", "topic": "orders/exploded", "payload": {{}}}}"#, installed.shop);
    let mut records: Vec<_> = (0..100).map(good).collect();
    records.insert(50, malformed.clone());
    stack.publish(records).await?;

    let delivered = receiver.wait_for(100).await?;
    let ids: BTreeSet<_> =
        delivered.iter().map(|delivered| delivered.header("x-spiffy-stores-event-id")).collect();
    assert_eq!(ids.len(), 100);

    let message = stack.wait_for_message("rejected", installed.shop.as_str()).await?;
    let rejected: RejectedEvent = serde_json::from_str(message.body().unwrap_or_default())?;
    assert_eq!(rejected.record, malformed, "the record, whole");
    assert!(rejected.reason.contains("'orders/exploded' is neither a topic"), "{}", rejected.reason);

    // The shard has gone on, and nothing was read twice.
    stack.publish([good(100)]).await?;
    let delivered = receiver
        .wait_until("the event after them", |answered| {
            answered.iter().any(|delivered| delivered.header("x-spiffy-stores-event-id") == "o-100")
        })
        .await?;
    assert_eq!(delivered.len(), 101);
    let ids = eventually("the message to be visible again", || async {
        let messages = stack.messages("rejected", installed.shop.as_str()).await?;
        let ids: BTreeSet<_> = messages.into_iter().filter_map(|message| message.message_id).collect();
        Ok((!ids.is_empty()).then_some(ids))
    })
    .await?;
    assert_eq!(ids.len(), 1, "set aside once");
    Ok(())
}

#[tokio::test]
async fn every_kind_of_malformed_record_is_kept_whole() -> Result<()> {
    let stack = Stack::shared().await?;
    let marker = uuid::Uuid::new_v4().simple().to_string();
    let records: Vec<Vec<u8>> = vec![
        format!("{marker}-1 is not JSON").into_bytes(),
        format!(r#"{{"topic": "orders/create", "payload": {{}}, "note": "{marker}-2"}}"#).into_bytes(),
        format!(r#"{{"shop": "{marker}-3.example", "topic": "orders/create", "payload": []}}"#).into_bytes(),
        format!("{marker}-4 \u{0} \u{1b} \u{fffe}").into_bytes(),
    ];
    stack.publish(records.clone()).await?;
    for (number, record) in (1..).zip(&records) {
        let message = stack.wait_for_message("rejected", &format!("{marker}-{number}")).await?;
        let rejected: RejectedEvent = serde_json::from_str(message.body().unwrap_or_default())?;
        assert_eq!(rejected.record.as_bytes(), record);
        assert_eq!((rejected.part, rejected.parts), (1, 1));
    }
    Ok(())
}
