//! One attempt: the webhook as it is now, the request, and what the endpoint made of it.

use std::time::Duration;

use jiff::Timestamp;
use storehook_domain::{
    delivery::{
        body_shape::BodyShape,
        outcome::Outcome,
        request::{DeliveryRequest, UnbuildableRequest},
    },
    event::catalogue,
    history::{
        attempt::{RequestRecord, ResponseRecord},
        record::{Admission, DeliveryRecord, MadeAttempt},
    },
    webhook::{Status, Webhook},
};

use crate::{
    Dependencies, Received, age_of,
    lookup::{Found, Target, TargetError},
    sender::Sent,
};

/// What a receive of a delivery came to.
#[derive(Debug)]
pub(crate) struct Attempted {
    /// The attempt, or why there was none.
    pub(crate) result: Result<Attempt, NoAttempt>,
    /// What the delivery's history said before, if that was asked.
    pub(crate) history: Option<DeliveryRecord>,
}

/// An attempt that was made.
#[derive(Debug)]
pub(crate) struct Attempt {
    /// Where it went.
    pub(crate) target: Target,
    /// When it began.
    pub(crate) at: Timestamp,
    /// How long it took from the look-up to the end of the answer.
    pub(crate) latency: Duration,
    /// What it sent, where that is kept.
    pub(crate) request: Option<RequestRecord>,
    /// The status that the endpoint answered, if it did.
    pub(crate) status: Option<u16>,
    /// The beginning of what it answered.
    pub(crate) answer: Option<ResponseRecord>,
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
    #[error("another message makes the attempts of its series, or a later series has begun")]
    Superseded,
    #[error("the webhook or its installation was deleted, or the app uninstalled")]
    Cancelled,
    #[error("the webhook is {}", .0.as_str())]
    Held(Status),
    #[error("the registry could not be read")]
    Target(#[from] TargetError),
    #[error("{error}")]
    Request {
        /// Where it would have gone.
        address: String,
        #[source]
        error: UnbuildableRequest,
    },
}

/// Makes an attempt of a delivery, if one is due.
pub(crate) async fn make(dependencies: &Dependencies, received: &Received<'_>, now: Timestamp) -> Attempted {
    let delivery = &received.delivery;
    if dependencies.settings.schedule.is_over(age_of(delivery, now)) {
        let history = dependencies.history.of(delivery).await;
        // A message that has nothing more to say must not become a dead letter.
        let kept = history.as_ref().filter(|history| history.is_kept(now));
        let reason = admitted(received, kept).err().unwrap_or(NoAttempt::Exhausted);
        return Attempted { result: Err(reason), history };
    }
    let Found { target, history } = match dependencies.targets.of(delivery).await {
        Ok(found) => found,
        Err(error) => return Attempted { result: Err(error.into()), history: None },
    };
    let kept = history.as_ref().filter(|history| history.is_kept(now));
    let result = match due(received, target, kept) {
        Ok(target) => make_at(dependencies, received, target, now).await,
        Err(reason) => Err(reason),
    };
    Attempted { result, history }
}

/// The target of an attempt that is due.
fn due(
    received: &Received<'_>,
    target: Option<Target>,
    history: Option<&DeliveryRecord>,
) -> Result<Target, NoAttempt> {
    admitted(received, history)?;
    let delivery = &received.delivery;
    let target = target.ok_or(NoAttempt::Cancelled)?;
    let is_uninstalled = target.installation.uninstalled_at.is_some();
    if is_uninstalled && delivery.topic.as_str() != catalogue::APP_UNINSTALLED {
        return Err(NoAttempt::Cancelled);
    }
    match target.webhook.status {
        Status::Active => Ok(target),
        status => Err(NoAttempt::Held(status)),
    }
}

/// Whether this message has anything to say in what becomes of the delivery.
fn admitted(received: &Received<'_>, history: Option<&DeliveryRecord>) -> Result<(), NoAttempt> {
    let delivery = &received.delivery;
    let admission = history.map_or(Admission::Due, |history| history.admission(delivery));
    let digests = (history.and_then(|history| history.payload_digest.as_ref()), &delivery.payload_digest);
    if admission != Admission::Due
        && let (Some(kept), Some(other)) = digests
        && kept != other
    {
        tracing::warn!(delivery.id = delivery.id(), "another event has come under an id that is taken");
    }
    match admission {
        Admission::Due => Ok(()),
        Admission::Delivered => Err(NoAttempt::Duplicate),
        Admission::Superseded => Err(NoAttempt::Superseded),
    }
}

async fn make_at(
    dependencies: &Dependencies,
    received: &Received<'_>,
    target: Target,
    now: Timestamp,
) -> Result<Attempt, NoAttempt> {
    let Received { delivery, body, .. } = received;
    let prefix = &dependencies.settings.header_prefix;
    let Target { webhook, installation, .. } = &target;
    let request = DeliveryRequest::build(delivery, webhook, installation, prefix, now)
        .map_err(|error| NoAttempt::Request { address: webhook.address.as_str().to_owned(), error })?;
    let kept = dependencies.history.is_on().then(|| kept_of(&request, webhook));
    let at = storehook_aws::now();
    let sent = dependencies.sender.send(&webhook.address, webhook.protocol, request, body).await;
    let ended_at = storehook_aws::now();
    let latency = Duration::try_from(ended_at.duration_since(at)).unwrap_or_default();
    let (status, answer, outcome, details, error) = match sent {
        Sent::Answered(answer) => {
            let (outcome, details) = Outcome::of(&answer, webhook.protocol, &delivery.event_id, ended_at);
            (Some(answer.status), Some(ResponseRecord::of(&answer.body)), outcome, details, None)
        }
        Sent::Unanswered { reason, error } => (None, None, Outcome::failed(reason), None, error),
    };
    Ok(Attempt { target, at, latency, request: kept, status, answer, outcome, details, error })
}

fn kept_of(request: &DeliveryRequest<'_>, webhook: &Webhook) -> RequestRecord {
    RequestRecord {
        headers: request.redacted_headers(&webhook.custom_headers),
        shape: BodyShape::of(webhook),
    }
}

impl Attempt {
    /// What the history keeps of it.
    pub(crate) fn made(&self) -> MadeAttempt {
        MadeAttempt {
            at: self.at,
            status: self.status,
            error: match &self.outcome {
                Outcome::Failed { reason, .. } => Some(reason.to_string()),
                Outcome::Delivered | Outcome::Delayed(_) => None,
            },
            latency_ms: u64::try_from(self.latency.as_millis()).unwrap_or(u64::MAX),
            address: self.target.webhook.address.as_str().to_owned(),
            request: self.request.clone(),
            answer: self.answer.clone(),
            details: self.details.clone(),
        }
    }
}
