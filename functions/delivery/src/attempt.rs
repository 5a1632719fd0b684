//! One attempt: the webhook as it is now, the request, and what the endpoint made of it.

use jiff::Timestamp;
use storehook_domain::{DeliveryRequest, Outcome, Status, UnbuildableRequest, catalogue};

use crate::{
    Dependencies, Received, age_of,
    sender::Sent,
    targets::{Found, Target, TargetError},
};

/// An attempt that was made.
#[derive(Debug)]
pub(crate) struct Attempt {
    /// Where it went.
    pub(crate) target: Target,
    /// The status that the endpoint answered, if it did.
    pub(crate) status: Option<u16>,
    /// What it came to.
    pub(crate) outcome: Outcome,
    /// What an integration endpoint said besides its verdict.
    pub(crate) details: Option<String>,
    /// The cause of a failure, for the log.
    pub(crate) error: Option<String>,
}

/// Why a receive of a delivery made no attempt.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoAttempt {
    #[error("the delivery is past its schedule")]
    Exhausted,
    #[error("it has been delivered before")]
    Duplicate,
    #[error("the webhook or its installation was deleted, or the app uninstalled")]
    Cancelled,
    #[error("the webhook is {}", .0.as_str())]
    Held(Status),
    #[error("the registry could not be read")]
    Target(#[from] TargetError),
    #[error(transparent)]
    Request(#[from] UnbuildableRequest),
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
    let target = match dependencies.targets.of(delivery).await? {
        Found::Delivered => return Err(NoAttempt::Duplicate),
        Found::Nothing => return Err(NoAttempt::Cancelled),
        Found::Target(target) => *target,
    };
    let (webhook, installation) = (&target.webhook, &target.installation);
    if installation.uninstalled_at.is_some() && delivery.topic.as_str() != catalogue::APP_UNINSTALLED {
        return Err(NoAttempt::Cancelled);
    }
    if webhook.status != Status::Active {
        return Err(NoAttempt::Held(webhook.status));
    }
    let request = DeliveryRequest::build(delivery, webhook, installation, &settings.header_prefix, now)?;
    let sent = dependencies.sender.send(&webhook.address, webhook.protocol, request, body).await;
    Ok(match sent {
        Sent::Answered(answer) => {
            let (outcome, details) =
                Outcome::of(&answer, webhook.protocol, &delivery.event_id, storehook_aws::now());
            Attempt { target, status: Some(answer.status), outcome, details, error: None }
        }
        Sent::Unanswered { reason, error } => {
            Attempt { target, status: None, outcome: Outcome::failed(reason), details: None, error }
        }
    })
}
