//! The history of events: the payload of each event with subscribers, once.
//!
//! The payloads of a batch are kept on pages, and the messages say on which page their payload is.
//! So the pages are decided first. They are written beside the deliveries, which do not wait for
//! them. If a write fails, the deliveries go out all the same, and the log has a line.

use futures::{StreamExt as _, future, stream};
use storehook_aws::{
    history::{HISTORY_TIME, HistoryTable, PageItem, PayloadItem, PayloadOwner, put_payloads},
    metrics::{Meter, Metric},
    table::Item,
};
use storehook_domain::{
    delivery::envelope::KeptPayload,
    payload::page::{self, PageId},
};

use crate::{events::subscribers::Subscribed, times::Times};

/// How many items one call writes.
const BATCH: usize = 25;

/// How many calls are made at the same time.
const CALLS: usize = 4;

/// Sets the payload digest of each event with subscribers. A record of a delivery has it whether or
/// not the payload is kept: it tells another event under the same id.
pub(crate) fn mark(history: &HistoryTable, subscribed: &mut [Subscribed<'_>]) {
    if !history.is_on() {
        return;
    }
    for event in subscribed.iter_mut().filter(|event| event.has_subscribers()) {
        event.kept = Some(KeptPayload::alone(event.event.payload));
    }
}

/// Decides the pages of the marked events' payloads.
pub(crate) fn paginate(history: &HistoryTable, subscribed: &mut [Subscribed<'_>]) {
    if history.retention.payloads().is_none() {
        return;
    }
    for together in together(subscribed).into_iter().filter(|together| together.len() > 1) {
        let digests = together.iter().filter_map(|index| Some(&subscribed[*index].kept.as_ref()?.digest));
        let id = PageId::of(digests);
        for index in together {
            if let Some(kept) = &mut subscribed[index].kept {
                kept.page = Some(id.clone());
            }
        }
    }
}

/// The marked events, by their indices, whose payloads are kept together. That of an event that is
/// shared out is kept by itself: its jobs know nothing of this batch.
fn together(subscribed: &[Subscribed<'_>]) -> Vec<Vec<usize>> {
    let marked = subscribed.iter().enumerate().filter(|(_, event)| event.kept.is_some());
    let (alone, others): (Vec<_>, Vec<_>) = marked.partition(|(_, event)| event.is_shared_out);
    let runs = page::runs(others.iter().map(|(_, event)| event.event.payload.size_in_message()));
    let runs = runs.into_iter().map(|run| others[run].iter().map(|(index, _)| *index).collect());
    runs.chain(alone.into_iter().map(|(index, _)| vec![index])).collect()
}

/// Writes the payloads of the marked events. Each call that fails is a line of the log, and counts.
pub(crate) async fn write(
    history: &HistoryTable,
    meter: &Meter,
    subscribed: &[Subscribed<'_>],
    times: Times,
) {
    let Some(kept_for) = history.retention.payloads() else { return };
    let items = match items_of(subscribed, times.now.as_second() + kept_for.as_secs()) {
        Ok(items) => items,
        Err(error) => {
            tracing::error!(error = storehook_aws::causes(&error), "history not written");
            meter.count(Metric::HistoryFailures, 1);
            return;
        }
    };
    let batches = stream::iter(items.chunks(BATCH));
    let written = batches.map(|batch| write_batch(history, batch, times));
    let failures =
        written.buffer_unordered(CALLS).filter(|is_written| future::ready(!is_written)).count().await;
    meter.count(Metric::HistoryFailures, failures as i64);
}

/// The items of the marked events' payloads.
fn items_of(subscribed: &[Subscribed<'_>], expires_at: i64) -> std::io::Result<Vec<Item>> {
    let mut items = Vec::new();
    for together in together(subscribed) {
        let events: Vec<_> = together.iter().map(|index| &subscribed[*index]).collect();
        let texts: Vec<_> = events.iter().map(|event| event.event.payload.in_message()).collect();
        let payloads: Vec<_> = texts.iter().map(AsRef::as_ref).collect();
        let Some(Subscribed { event, kept: Some(KeptPayload { digest, page }), .. }) = events.first() else {
            continue;
        };
        match (page, &payloads[..]) {
            (None, [payload]) => {
                let owner = PayloadOwner::Event(&event.shop, &event.id);
                items.extend(PayloadItem { owner, digest, payload, expires_at }.parts()?);
            }
            (None, _) => {}
            (Some(id), payloads) => items.push(PageItem { id, payloads, expires_at }.item()?),
        }
    }
    Ok(items)
}

/// Returns whether the items were written.
async fn write_batch(history: &HistoryTable, items: &[Item], times: Times) -> bool {
    let error = if times.are_up() {
        "no time was left".to_owned()
    } else {
        let put = put_payloads(&history.client, history.direct.as_ref(), &history.name, items);
        match tokio::time::timeout(HISTORY_TIME, put).await {
            Ok(Ok(())) => return true,
            Ok(Err(error)) => storehook_aws::causes(&error),
            Err(elapsed) => elapsed.to_string(),
        }
    };
    tracing::error!(error, batch.items = items.len(), "history not written");
    false
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use serde_json::{Value, json};
    use storehook_aws::stand_in::StandIn;
    use storehook_domain::{
        delivery::message::DeliveryMessage,
        history::record::DeliveryRecord,
        payload::{Payload, digest::PayloadDigest},
    };

    use crate::{
        handle,
        tests::{batch_of, stand_in::dependencies_with, times},
    };

    fn webhook(id: &str) -> Value {
        let subscription = json!({"S": "SHOP#a.example#TOPIC#orders/create"});
        json!({"id": {"N": id}, "app": {"S": "demo"}, "subscription": subscription})
    }

    /// The bodies of the messages that were sent.
    fn bodies(aws: &StandIn) -> Vec<String> {
        let sent = aws.calls("SendMessageBatch");
        let entries = sent.iter().filter_map(|call| call["Entries"].as_array()).flatten();
        entries.filter_map(|entry| Some(entry["MessageBody"].as_str()?.to_owned())).collect()
    }

    /// The payloads of a batch are one item, and each is read back from it.
    #[tokio::test]
    async fn the_payloads_of_a_batch_share_a_page() -> Result<(), Box<dyn std::error::Error>> {
        let aws = StandIn::start().await?;
        aws.reply("Query", json!({"Items": [webhook("7")]}));
        let payloads = [r#"{"id":1}"#, r#"{"id":2}"#, r#"{"id":3}"#];
        let records = payloads.map(|payload| {
            format!(r#"{{"shop": "a.example", "topic": "orders/create", "payload": {payload}}}"#)
        });
        let dependencies = dependencies_with(&aws, &[])?;
        let times = times(60);
        handle(&dependencies, batch_of(&records)?, times).await;
        let [write] = &aws.calls("BatchWriteItem")[..] else { return Err("one write".into()) };
        let [put] = write["RequestItems"]["history"].as_array().ok_or("no items")?.as_slice() else {
            return Err(format!("one item: {write}").into());
        };
        aws.reply("GetItem", json!({"Item": put["PutRequest"]["Item"]}));
        let bodies = bodies(&aws);
        let messages: Vec<_> =
            bodies.iter().map(|body| DeliveryMessage::parse(body.as_bytes())).collect::<Result<_, _>>()?;
        let records: Vec<_> = messages
            .iter()
            .map(|message| DeliveryRecord::begin(message, SignedDuration::from_hours(1)))
            .collect();
        let loaded = dependencies.history.load_payloads(&records, times.now).await?;
        let mut loaded: Vec<_> = loaded.into_iter().flatten().collect();
        loaded.sort();
        assert_eq!(loaded, payloads);
        assert_eq!(aws.calls("GetItem").len(), 1, "the page is read once");
        Ok(())
    }

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
            let bodies = bodies(&aws);
            let has_digests = bodies.iter().all(|body| body.contains(digest.as_str()) == has_digest);
            assert!(bodies.len() == messages && has_digests, "{deliveries} {days}: {bodies:?}");
        }
        Ok(())
    }
}
