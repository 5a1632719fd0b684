//! The mapping of a queue.
//!
//! Each of `concurrency` pollers receives a batch, invokes the function and deletes the messages
//! that the function did not name as failed. The messages of an invocation that timed out or
//! crashed come again after the queue's visibility timeout.

use std::{rc::Rc, time::Duration};

use aws_lambda_events::{
    event::sqs::SqsBatchResponse,
    sqs::{SqsEvent, SqsMessage},
};
use futures::future::LocalBoxFuture;

use super::{Outage, outlast};
use crate::{
    aws::LATENCY,
    sqs::{Received, Sqs},
    template::{QueueMapping, arn_of},
};

/// Invokes the function with a batch, for at most this time: `None` if it timed out or crashed.
pub(crate) type Invoke = dyn Fn(SqsEvent, Duration) -> LocalBoxFuture<'static, Option<SqsBatchResponse>>;

/// Polls for ever.
pub(crate) async fn poll(sqs: Sqs, mapping: QueueMapping, outage: Outage, invoke: Rc<Invoke>) {
    loop {
        outlast(&outage).await;
        let batch = sqs.receive_batch(&mapping.queue, mapping.batch_size, mapping.window).await;
        if batch.is_empty() {
            continue;
        }
        let event = event_of(&batch, &mapping.queue);
        let Some(response) = invoke(event, mapping.function_timeout).await else { continue };
        let failures = &response.batch_item_failures;
        // A failure without a message, or one of an unknown message, fails the batch.
        let ids: Vec<_> = batch.iter().map(Received::message_id).collect();
        if failures.iter().any(|failure| !ids.contains(&failure.item_identifier)) {
            continue;
        }
        tokio::time::sleep(LATENCY).await;
        for (message, id) in batch.iter().zip(&ids) {
            if failures.iter().all(|failure| failure.item_identifier != *id) {
                sqs.end(&mapping.queue, message);
            }
        }
    }
}

fn event_of(batch: &[Received], queue: &str) -> SqsEvent {
    let mut event = SqsEvent::default();
    event.records = batch.iter().map(|message| message_of(message, queue)).collect();
    event
}

fn message_of(received: &Received, queue: &str) -> SqsMessage {
    let mut message = SqsMessage::default();
    message.message_id = Some(received.message_id());
    message.receipt_handle = Some(received.receipt_handle.clone());
    message.body = Some(received.body.to_string());
    message.event_source_arn = Some(arn_of(queue));
    message.event_source = Some("aws:sqs".to_owned());
    let attributes = [
        ("ApproximateReceiveCount", received.receives.to_string()),
        ("SentTimestamp", received.sent_at.as_millisecond().to_string()),
        ("MessageGroupId", received.group.to_string()),
    ];
    message.attributes = attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    message
}
