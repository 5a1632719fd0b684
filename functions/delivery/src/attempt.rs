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
        attempt::{Attempt, RequestRecord, ResponseRecord},
        record::{Admission, DeliveryRecord},
    },
    webhook::{Status, Webhook},
};

use crate::{
    dependencies::Dependencies,
    lookup::{Found, Target},
    message::Received,
    sender::Sent,
    skipped::Skipped,
};

/// What a receive of a message came to.
pub(crate) struct Receipt {
    /// The attempt, or why there was none.
    pub(crate) attempt: Result<Attempt, Skipped>,
    /// The webhook and its installation, where there was an attempt.
    pub(crate) target: Option<Target>,
    /// The delivery's record before, where it could be loaded.
    pub(crate) record: Option<DeliveryRecord>,
    /// The cause of a failure, for the log.
    pub(crate) cause: Option<String>,
}

impl Receipt {
    fn skipped(reason: Skipped, record: Option<DeliveryRecord>) -> Self {
        Self { attempt: Err(reason), target: None, record, cause: None }
    }
}

/// Attempts a delivery, if an attempt is due.
pub(crate) async fn attempt(dependencies: &Dependencies, received: &Received<'_>, now: Timestamp) -> Receipt {
    if dependencies.settings.schedule.is_over(received.age(now)) {
        let record = dependencies.history.load(&received.message).await;
        // A message that has nothing more to say must not become a dead letter.
        let kept = record.as_ref().filter(|record| record.is_kept(now));
        let reason = admit(received, kept).err().unwrap_or(Skipped::Exhausted);
        return Receipt::skipped(reason, record);
    }
    let Found { target, record } = match dependencies.lookup.load(&received.message).await {
        Ok(found) => found,
        Err(error) => return Receipt::skipped(error.into(), None),
    };
    let kept = record.as_ref().filter(|record| record.is_kept(now));
    match due(received, target, kept) {
        Ok(target) => {
            let (attempt, cause) = send(dependencies, received, &target, now).await;
            Receipt { attempt: Ok(attempt), target: Some(target), record, cause }
        }
        Err(reason) => Receipt::skipped(reason, record),
    }
}

/// The target of an attempt that is due.
fn due(
    received: &Received<'_>,
    target: Option<Target>,
    record: Option<&DeliveryRecord>,
) -> Result<Target, Skipped> {
    admit(received, record)?;
    let target = target.ok_or(Skipped::Cancelled)?;
    let is_uninstalled = target.installation.uninstalled_at.is_some();
    if is_uninstalled && received.message.envelope.topic.as_str() != catalogue::APP_UNINSTALLED {
        return Err(Skipped::Cancelled);
    }
    match target.webhook.status {
        Status::Active => Ok(target),
        status => Err(Skipped::Held(status)),
    }
}

/// Tells whether this message may still decide what becomes of the delivery.
fn admit(received: &Received<'_>, record: Option<&DeliveryRecord>) -> Result<(), Skipped> {
    let message = &received.message;
    let admission = record.map_or(Admission::Due, |record| record.admission(message));
    let kept = record.and_then(|record| record.envelope.payload_digest.as_ref());
    if admission != Admission::Due
        && let (Some(kept), Some(other)) = (kept, &message.envelope.payload_digest)
        && kept != other
    {
        tracing::warn!(delivery.id = %message.envelope.id, "another event has come under an id that is taken");
    }
    match admission {
        Admission::Due => Ok(()),
        Admission::Delivered => Err(Skipped::Duplicate),
        Admission::Superseded => Err(Skipped::Superseded),
    }
}

/// Sends the request, and returns the attempt with the cause of its failure, for the log.
async fn send(
    dependencies: &Dependencies,
    received: &Received<'_>,
    target: &Target,
    now: Timestamp,
) -> (Attempt, Option<String>) {
    let Received { message, body, .. } = received;
    let Target { webhook, installation, .. } = target;
    let prefix = &dependencies.settings.header_prefix;
    let request = match DeliveryRequest::build(message, webhook, installation, prefix, now) {
        Ok(request) => request,
        Err(error) => return (not_built(webhook, error, now), None),
    };
    let kept = dependencies.history.is_on().then(|| RequestRecord {
        headers: request.redacted_headers(&webhook.custom_headers),
        shape: BodyShape::of(webhook),
    });
    let at = storehook_aws::now();
    let sent = dependencies.sender.send(&webhook.address, webhook.protocol, request, body).await;
    let ended_at = storehook_aws::now();
    let (status, response, outcome, details, cause) = match sent {
        Sent::Answered(response) => {
            let event_id = &message.envelope.id.event_id;
            let (outcome, details) = Outcome::of(&response, webhook.protocol, event_id, ended_at);
            (Some(response.status), Some(ResponseRecord::of(&response.body)), outcome, details, None)
        }
        Sent::Unanswered { reason, cause } => (None, None, Outcome::failed(reason), None, cause),
    };
    let latency = Duration::try_from(ended_at.duration_since(at)).unwrap_or_default();
    let address = webhook.address.as_str().to_owned();
    (Attempt { at, latency, address, request: kept, status, response, outcome, details }, cause)
}

/// An attempt whose request could not be built. The endpoint saw nothing of it.
fn not_built(webhook: &Webhook, error: UnbuildableRequest, now: Timestamp) -> Attempt {
    Attempt {
        at: now,
        latency: Duration::ZERO,
        address: webhook.address.as_str().to_owned(),
        request: None,
        status: None,
        response: None,
        outcome: Outcome::failed(error.into()),
        details: None,
    }
}
