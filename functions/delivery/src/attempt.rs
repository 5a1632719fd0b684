//! One attempt: the webhook as it is now, the request, and what the endpoint made of it.

use jiff::Timestamp;
use storehook_domain::{DeliveryRequest, InvalidHeader, Outcome, Status};

use crate::{Dependencies, Received, age_of, sender::Sent, targets::TargetError};

/// An attempt that was made.
#[derive(Debug)]
pub(crate) struct Attempt {
    /// The address's host, for the log.
    pub(crate) host: Option<String>,
    /// What it came to.
    pub(crate) outcome: Outcome,
    /// The cause of a failure, for the log.
    pub(crate) error: Option<String>,
}

/// Why a receive of a delivery made no attempt.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoAttempt {
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

/// Makes an attempt of a delivery, if one is due.
pub(crate) async fn make(
    dependencies: &Dependencies,
    received: &Received<'_>,
    now: Timestamp,
) -> Result<Attempt, NoAttempt> {
    let Received { delivery, body, .. } = received;
    let settings = &dependencies.settings;
    if settings.schedule.is_over(age_of(delivery, now)) {
        return Err(NoAttempt::Exhausted);
    }
    let target = dependencies.targets.of(delivery).await?.ok_or(NoAttempt::Cancelled)?;
    let (webhook, installation) = (&target.webhook, &target.installation);
    if webhook.status != Status::Active {
        return Err(NoAttempt::Held(webhook.status));
    }
    let request = DeliveryRequest::build(delivery, webhook, installation, &settings.header_prefix, now)?;
    let Sent { outcome, error } = dependencies.sender.send(&webhook.address, request, body).await;
    Ok(Attempt { host: webhook.address.url().host_str().map(str::to_owned), outcome, error })
}
