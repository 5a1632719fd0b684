//! Sending deliveries to the queue, several batches at the same time.
//!
//! The work is shared between up to [`SENDERS`] senders, but no more than there are batches to fill:
//! SQS charges each call, and a call takes as long for one message as for ten. All deliveries of a
//! webhook belong to one sender, and a sender sends one batch after the other. So each webhook's
//! deliveries keep their order, but for the exceptions that `lib.rs` names.

use futures::future;
use storehook_domain::{
    delivery::fan_out::{self, QueueEntry},
    payload::limits::SQS_MESSAGE_LIMIT,
};

use crate::{
    events::{progress::Progress, subscribers::Subscribed},
    queue::{DeliveryQueue, NotSent},
    times::Times,
};

/// How many senders there are at most.
const SENDERS: u64 = 8;

/// Sends the deliveries of all events.
pub(crate) async fn send(
    queue: &DeliveryQueue,
    subscribed: &[Subscribed<'_>],
    times: Times,
    progress: &mut Progress,
) {
    let count = senders_for(subscribed);
    let senders = (0..count).map(|sender| send_share(queue, subscribed, (sender, count), times));
    for (message, failure) in future::join_all(senders).await.into_iter().flatten() {
        let reason = storehook_aws::causes(&failure);
        if failure.is_for_good() {
            progress.reject(message.record, reason);
        } else {
            tracing::error!(error = reason, message.group = message.group.as_str(), "delivery not queued");
            progress.fail(message.record);
        }
    }
}

/// How many senders find a full batch each: one of the most messages, or of the most bytes.
fn senders_for(subscribed: &[Subscribed<'_>]) -> u64 {
    let (mut messages, mut bytes) = (0, 0);
    for subscribed in subscribed {
        let count = subscribed.subscribers().count();
        messages += count;
        bytes += count * subscribed.event.payload.size_in_message();
    }
    let batches = messages.div_ceil(fan_out::BATCH_LIMIT).max(bytes.div_ceil(SQS_MESSAGE_LIMIT));
    SENDERS.min(batches as u64)
}

/// Sends one sender's share, batch after batch. It stops when time is up, or after a batch that SQS
/// did not take: the records of the rest come again.
async fn send_share(
    queue: &DeliveryQueue,
    subscribed: &[Subscribed<'_>],
    (sender, senders): (u64, u64),
    times: Times,
) -> Vec<(QueueEntry, NotSent)> {
    let messages = subscribed.iter().flat_map(|subscribed| {
        let of_sender = subscribed
            .subscribers()
            .filter(|subscriber| fan_out::sender_of(subscriber.webhook_id, senders) == sender);
        let kept = subscribed.kept.as_ref();
        fan_out::deliveries(&subscribed.event, kept, of_sender, times.now)
            .map(|delivery| QueueEntry::of(subscribed.index, &delivery))
    });
    let mut failures = Vec::new();
    for batch in fan_out::batches(messages) {
        if times.are_up() {
            failures.extend(batch.into_iter().next().map(|message| (message, NotSent::OutOfTime)));
            break;
        }
        failures.extend(queue.send_batch(batch, times).await);
        if failures.iter().any(|(_, failure)| !failure.is_for_good()) {
            break;
        }
    }
    failures
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use storehook_aws::stand_in::StandIn;

    use crate::{
        handle,
        tests::{batch_of, stand_in::dependencies_with, times},
    };

    /// SQS charges each call.
    #[tokio::test]
    async fn messages_are_sent_in_few_calls() -> Result<(), Box<dyn std::error::Error>> {
        for (webhooks, payload_bytes, at_least, at_most) in [
            (1, 10, 1, 1),
            (10, 10, 1, 1),
            // Two senders, whose shares are never quite the same.
            (20, 10, 2, 4),
            (80, 10, 8, 16),
            (200, 10, 20, 27),
            // Three messages fill a call.
            (10, 300_000, 4, 8),
        ] {
            let aws = StandIn::start().await?;
            let subscription = json!({"S": "SHOP#a.example#TOPIC#orders/create"});
            let webhook = |id: usize| json!({"id": {"N": id.to_string()}, "app": {"S": "demo"}, "subscription": subscription});
            aws.reply("Query", json!({"Items": (1..=webhooks).map(webhook).collect::<Value>()}));
            let payload = json!({"note": "x".repeat(payload_bytes)});
            let record =
                json!({"shop": "a.example", "topic": "orders/create", "payload": payload}).to_string();
            handle(&dependencies_with(&aws, &[])?, batch_of(&[record])?, times(60)).await;
            let calls = aws.calls("SendMessageBatch");
            let sent: usize = calls.iter().filter_map(|call| Some(call["Entries"].as_array()?.len())).sum();
            assert_eq!(sent, webhooks);
            assert!((at_least..=at_most).contains(&calls.len()), "{webhooks}: {} calls", calls.len());
        }
        Ok(())
    }
}
