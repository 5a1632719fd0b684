//! Delivery: from SQS messages to signed POSTs.
//!
//! Each message is one delivery, and each receive of it is at most one attempt. All
//! messages of a batch are worked on at the same time, and each has its own end:
//!
//! * **Delivered, or nobody to deliver to any more** – the message is done, and SQS
//!   deletes it.
//! * **Failed** – its visibility is set to the schedule's wait and it is named in
//!   `batchItemFailures`, so that SQS shows it again then. The queue's `maxReceiveCount`
//!   moves it to the retry queue, and from there to the dead-letter queue. This function
//!   never sleeps, and never sends a message anywhere.
//! * **Past its schedule, or no delivery at all** – it is named as failed with no wait
//!   and no attempt, again and again, until SQS moves it.
//!
//! What can go wrong: the registry cannot be read (the message fails, without an
//! attempt, by the same schedule); the visibility cannot be set (the message comes
//! again after the queue's own timeout); the process dies in the middle of a batch (the
//! same, for all of them). Nothing is lost; an endpoint may see a delivery twice, and
//! knows it by its id.

mod sender;
mod settings;
mod targets;

use std::time::Duration;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use bytes::Bytes;
use futures::future;
use jiff::Timestamp;
use storehook_domain::{
    Delivery, DeliveryRequest, InvalidDelivery, InvalidHeader, Lane, Next, Outcome, Status,
};

pub use sender::SenderError;
pub use settings::{QueueAddress, Settings};

use crate::{
    sender::Sender,
    targets::{Target, TargetError, Targets},
};

/// What every invocation needs: made once for each execution environment.
pub struct Dependencies {
    targets: Targets,
    sender: Sender,
    sqs: aws_sdk_sqs::Client,
    settings: Settings,
}

impl Dependencies {
    /// Sets the function up on an SDK configuration.
    pub fn new(sdk: &storehook_aws::SdkConfig, settings: Settings) -> Result<Self, SenderError> {
        Ok(Self {
            targets: Targets::new(aws_sdk_dynamodb::Client::new(sdk), settings.registry_table.clone()),
            sender: Sender::new(&settings)?,
            sqs: aws_sdk_sqs::Client::new(sdk),
            settings,
        })
    }
}

/// Works on a batch of messages. The answer names those that are to come again.
pub async fn handle(dependencies: &Dependencies, batch: SqsEvent) -> SqsBatchResponse {
    let work = batch.records.into_iter().map(|message| handle_message(dependencies, message));
    let failed = future::join_all(work).await.into_iter().flatten();
    let mut response = SqsBatchResponse::default();
    response.set_failures(failed);
    response
}

/// A message that is a delivery.
struct Received<'a> {
    delivery: Delivery<'a>,
    message: &'a SqsMessage,
    /// The message's body, which the delivery borrows from.
    body: &'a Bytes,
}

/// What becomes of a message.
enum Fate {
    /// SQS deletes it.
    Done,
    /// It comes again after a wait.
    Again(Next),
}

/// Why a receive of a delivery made no attempt.
#[derive(Debug, thiserror::Error)]
enum NoAttempt {
    #[error(transparent)]
    Message(#[from] InvalidDelivery),
    #[error("the delivery is past its schedule")]
    Exhausted,
    #[error("the webhook or its installation was deleted")]
    Cancelled,
    #[error("the webhook is {}", .0.as_str())]
    Held(Status),
    #[error("the registry could not be read")]
    Target(#[from] TargetError),
    #[error(transparent)]
    Request(#[from] InvalidHeader),
}

/// Works on one message, and returns its id if it is to come again.
async fn handle_message(dependencies: &Dependencies, mut message: SqsMessage) -> Option<String> {
    let body = Bytes::from(message.body.take().unwrap_or_default());
    let fate = match Delivery::parse(&body) {
        Ok(delivery) => deliver(dependencies, &Received { delivery, message: &message, body: &body }).await,
        Err(error) => {
            tracing::error!(
                error = storehook_aws::causes(&error),
                message.id = message.message_id,
                "message is no delivery"
            );
            Fate::Again(Next::Exhausted(Duration::ZERO))
        }
    };
    match fate {
        Fate::Done => None,
        Fate::Again(next) => {
            hide(dependencies, &message, next).await;
            message.message_id
        }
    }
}

/// Makes an attempt if one is due, and decides what follows.
async fn deliver(dependencies: &Dependencies, received: &Received<'_>) -> Fate {
    let delivery = &received.delivery;
    let started_at = storehook_aws::now();
    let attempted = attempt(dependencies, received, started_at).await;
    let ended_at = storehook_aws::now();
    let fate = match &attempted {
        Ok((_, Outcome::Delivered { .. })) => Fate::Done,
        Err(NoAttempt::Cancelled | NoAttempt::Held(_)) => Fate::Done,
        Err(NoAttempt::Exhausted | NoAttempt::Message(_)) => Fate::Again(Next::Exhausted(Duration::ZERO)),
        Ok((_, Outcome::Failed(_))) | Err(NoAttempt::Target(_) | NoAttempt::Request(_)) => {
            Fate::Again(dependencies.settings.schedule.next(age_of(delivery, ended_at), fastrand::f64()))
        }
    };
    log(&Attempted { dependencies, received, started_at, ended_at, attempted: &attempted, fate: &fate });
    fate
}

async fn attempt(
    dependencies: &Dependencies,
    received: &Received<'_>,
    now: Timestamp,
) -> Result<(Target, Outcome), NoAttempt> {
    let Received { delivery, body, .. } = received;
    let settings = &dependencies.settings;
    if settings.schedule.is_over(age_of(delivery, now)) {
        return Err(NoAttempt::Exhausted);
    }
    let target = dependencies.targets.of(delivery).await?.ok_or(NoAttempt::Cancelled)?;
    if target.webhook.status != Status::Active {
        return Err(NoAttempt::Held(target.webhook.status));
    }
    let request = DeliveryRequest::build(
        delivery,
        &target.webhook,
        &target.installation,
        &settings.header_prefix,
        now,
    )?;
    let outcome = dependencies.sender.send(&target.webhook.address, request, body).await;
    Ok((target, outcome))
}

/// How long ago a delivery was queued. A clock that runs behind the fan-out's makes it new.
fn age_of(delivery: &Delivery<'_>, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(delivery.enqueued_at)).unwrap_or_default()
}

/// Hides a failed message until it is due. If that fails, the queue's own timeout shows it again.
async fn hide(dependencies: &Dependencies, message: &SqsMessage, next: Next) {
    let change = dependencies
        .sqs
        .change_message_visibility()
        .queue_url(&queue_of(dependencies, message).url)
        .set_receipt_handle(message.receipt_handle.clone())
        .visibility_timeout(next.visibility_seconds());
    if let Err(error) = change.send().await {
        tracing::error!(
            error = storehook_aws::causes(&error),
            message.id = message.message_id,
            "visibility not set"
        );
    }
}

fn queue_of<'a>(dependencies: &'a Dependencies, message: &SqsMessage) -> &'a QueueAddress {
    match lane_of(dependencies, message) {
        Lane::Delivery => &dependencies.settings.delivery_queue,
        Lane::Retry => &dependencies.settings.retry_queue,
    }
}

fn lane_of(dependencies: &Dependencies, message: &SqsMessage) -> Lane {
    match message.event_source_arn.as_deref() {
        Some(arn) if arn == dependencies.settings.retry_queue.arn => Lane::Retry,
        _ => Lane::Delivery,
    }
}

/// What one receive of a delivery came to.
struct Attempted<'a> {
    dependencies: &'a Dependencies,
    received: &'a Received<'a>,
    started_at: Timestamp,
    ended_at: Timestamp,
    attempted: &'a Result<(Target, Outcome), NoAttempt>,
    fate: &'a Fate,
}

/// The one log event of a receive. It holds no body, no secret, no query string.
fn log(attempted: &Attempted<'_>) {
    let Attempted { dependencies, received, started_at, ended_at, attempted, fate } = attempted;
    let Received { delivery, message, .. } = received;
    let (state, status, reason) = match attempted {
        Ok((_, Outcome::Delivered { status })) => ("delivered", Some(*status), None),
        Ok((_, Outcome::Failed(failure))) => ("failed", None, Some(failure.to_string())),
        Err(NoAttempt::Exhausted) => ("exhausted", None, None),
        Err(NoAttempt::Cancelled) => ("cancelled", None, None),
        Err(NoAttempt::Held(status)) => ("held", None, Some(status.as_str().to_owned())),
        Err(error) => ("not attempted", None, Some(storehook_aws::causes(error))),
    };
    let host = attempted.as_ref().ok().and_then(|(target, _)| target.webhook.address.url().host_str());
    let wait_seconds = match fate {
        Fate::Done => None,
        Fate::Again(next) => Some(next.visibility_seconds()),
    };
    tracing::info!(
        delivery.id = delivery.id(),
        delivery.state = state,
        delivery.age_ms = age_of(delivery, *started_at).as_millis() as u64,
        delivery.wait_seconds = wait_seconds,
        delivery.lane = ?lane_of(dependencies, message),
        webhook.id = %delivery.webhook_id,
        webhook.host = host,
        event.topic = %delivery.topic,
        event.shop = %delivery.shop,
        event.app = %delivery.app,
        attempt.status = status,
        attempt.reason = reason,
        attempt.duration_ms = ended_at.duration_since(*started_at).as_millis() as u64,
        message.receive_count = message.attributes.get("ApproximateReceiveCount"),
        "attempt"
    );
}
