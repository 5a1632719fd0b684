//! The history of events: the payload of each event with subscribers, once.
//!
//! Payloads are written beside the deliveries, which do not wait for them. If a write fails, the
//! deliveries go out all the same, and the log has a line.

use futures::{StreamExt as _, future, stream};
use storehook_aws::{
    history::{HISTORY_TIME, HistoryTable, PayloadItem, PayloadOwner, put_payloads},
    metrics::{Meter, Metric},
};
use storehook_domain::payload::digest::PayloadDigest;

use crate::{events::subscribers::Subscribed, times::Times};

/// How many payloads are written together. If each has one part, they fit into one call.
const BATCH: usize = 25;

/// How many batches are written at the same time.
const CALLS: usize = 4;

/// Sets the payload digest of each event with subscribers. A record of a delivery has it whether or
/// not the payload is kept: it tells another event under the same id.
pub(crate) fn mark(history: &HistoryTable, subscribed: &mut [Subscribed<'_>]) {
    if !history.is_on() {
        return;
    }
    for event in subscribed.iter_mut().filter(|event| event.has_subscribers()) {
        event.payload_digest = Some(PayloadDigest::of(event.event.payload));
    }
}

/// Writes the payloads of the marked events. Each batch that cannot be written is a line of the
/// log, and counts.
pub(crate) async fn write(
    history: &HistoryTable,
    meter: &Meter,
    subscribed: &[Subscribed<'_>],
    times: Times,
) {
    let Some(kept_for) = history.retention.payloads() else { return };
    let marked: Vec<_> = subscribed.iter().filter(|event| event.payload_digest.is_some()).collect();
    let expires_at = times.now.as_second() + kept_for.as_secs();
    let batches = stream::iter(marked.chunks(BATCH));
    let written = batches.map(|batch| write_batch(history, batch, expires_at, times));
    let failures =
        written.buffer_unordered(CALLS).filter(|is_written| future::ready(!is_written)).count().await;
    meter.count(Metric::HistoryFailures, failures as i64);
}

/// Returns whether the batch was written.
async fn write_batch(
    history: &HistoryTable,
    batch: &[&Subscribed<'_>],
    expires_at: i64,
    times: Times,
) -> bool {
    let payloads: Vec<_> = batch.iter().map(|event| event.event.payload.in_message()).collect();
    let items = batch.iter().zip(&payloads).filter_map(|(event, payload)| {
        let digest = event.payload_digest.as_ref()?;
        Some(PayloadItem {
            owner: PayloadOwner::Event(&event.event.shop, &event.event.id),
            digest,
            payload,
            expires_at,
        })
    });
    let items: Vec<_> = items.collect();
    let error = if times.are_up() {
        "no time was left".to_owned()
    } else {
        let put = put_payloads(&history.client, &history.name, &items);
        match tokio::time::timeout(HISTORY_TIME, put).await {
            Ok(Ok(())) => return true,
            Ok(Err(error)) => storehook_aws::causes(&error),
            Err(elapsed) => elapsed.to_string(),
        }
    };
    tracing::error!(error, batch.events = batch.len(), "history not written");
    false
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use storehook_aws::stand_in::StandIn;
    use storehook_domain::payload::{Payload, digest::PayloadDigest};

    use crate::{
        handle,
        tests::{batch_of, stand_in::dependencies_with, times},
    };

    /// A payload is kept once for all webhooks, and their messages say where. It is not kept for
    /// nobody. The digest is in the messages as long as deliveries are recorded.
    #[tokio::test]
    async fn the_payload_of_an_event_with_subscribers_is_kept() -> Result<(), Box<dyn std::error::Error>> {
        let digest = PayloadDigest::of(Payload::parse("{}")?);
        for (deliveries, days, app, is_kept, messages, has_digest) in [
            ("30", "3", "", true, 2, true),
            ("30", "3", r#""app": "demo","#, true, 2, true),
            ("30", "3", r#""app": "other","#, false, 0, true),
            ("30", "0", "", false, 2, true),
            ("0", "3", "", false, 2, false),
        ] {
            let aws = StandIn::start().await?;
            let webhook = |id: &str| {
                let subscription = json!({"S": "SHOP#a.example#TOPIC#orders/create"});
                json!({"id": {"N": id}, "app": {"S": "demo"}, "subscription": subscription})
            };
            aws.reply("Query", json!({"Items": [webhook("7"), webhook("8")]}));
            let record = format!(
                r#"{{"shop": "a.example", {app} "topic": "orders/create", "event_id": "e1", "payload": {{}}}}"#
            );
            let dependencies = dependencies_with(
                &aws,
                &[("HISTORY_DELIVERY_DAYS", deliveries), ("HISTORY_PAYLOAD_DAYS", days)],
            )?;
            let times = times(60);
            handle(&dependencies, batch_of(&[record])?, times).await;
            let writes: Vec<Value> = aws.calls("BatchWriteItem");
            assert_eq!(writes.len(), usize::from(is_kept), "{deliveries} {days} {app}");
            for write in writes {
                let item = &write["RequestItems"]["history"][0]["PutRequest"]["Item"];
                let expires_at = times.now.as_second() + 3 * 24 * 60 * 60;
                assert_eq!(item["expires_at"], json!({"N": expires_at.to_string()}));
                assert!(item["sk"]["S"].as_str().is_some_and(|sk| sk.starts_with(digest.as_str())), "{item}");
            }
            let sent = &aws.calls("SendMessageBatch");
            let sent = sent.iter().filter_map(|call| call["Entries"].as_array()).flatten();
            let bodies: Vec<_> = sent.filter_map(|entry| entry["MessageBody"].as_str()).collect();
            let has_digests = bodies.iter().all(|body| body.contains(digest.as_str()) == has_digest);
            assert!(bodies.len() == messages && has_digests, "{deliveries} {days}: {bodies:?}");
        }
        Ok(())
    }
}
