//! The two queues, as this function writes to them.

use std::time::Duration;

use aws_lambda_events::sqs::SqsMessage;
use storehook_domain::delivery::schedule::{Lane, Next};

use crate::{Dependencies, Fate, QueueAddress, Received};

/// Does with a message what is to become of it, and returns what has become of it.
pub(crate) async fn apply(dependencies: &Dependencies, fate: Fate, received: &Received<'_>) -> Fate {
    match fate {
        Fate::Done => Fate::Done,
        Fate::Later(wait) => send_later(dependencies, received, wait).await,
        Fate::Again(next) => {
            hide(dependencies, received.message, received.lane, next).await;
            fate
        }
    }
}

/// Hides a failed message until it is due. If that fails, the queue's own timeout shows it again.
pub(crate) async fn hide(dependencies: &Dependencies, message: &SqsMessage, lane: Lane, next: Next) {
    let change = dependencies
        .sqs
        .change_message_visibility()
        .queue_url(&queue_of(dependencies, lane).url)
        .set_receipt_handle(message.receipt_handle.clone())
        .visibility_timeout(next.visibility_seconds());
    if let Err(error) = change.send().await {
        let error = storehook_aws::causes(&error);
        tracing::error!(error, message.id = message.message_id, "visibility not set");
    }
}

/// Sends a copy of a message that comes after the wait. If that fails, the message itself comes again
/// then, at the cost of a receive.
async fn send_later(dependencies: &Dependencies, received: &Received<'_>, wait: Duration) -> Fate {
    let Received { delivery, message, lane, body } = received;
    let again = Next::Attempt(wait);
    let copy = dependencies
        .sqs
        .send_message()
        .queue_url(&queue_of(dependencies, *lane).url)
        .message_body(String::from_utf8_lossy(body))
        .message_group_id(delivery.webhook_id.to_string())
        .delay_seconds(again.visibility_seconds());
    match copy.send().await {
        Ok(_) => Fate::Later(wait),
        Err(error) => {
            let error = storehook_aws::causes(&error);
            tracing::error!(error, delivery.id = delivery.id(), "delayed delivery not sent");
            hide(dependencies, message, *lane, again).await;
            Fate::Again(again)
        }
    }
}

fn queue_of(dependencies: &Dependencies, lane: Lane) -> &QueueAddress {
    match lane {
        Lane::Fast => &dependencies.settings.delivery_queue,
        Lane::Slow => &dependencies.settings.retry_queue,
    }
}
