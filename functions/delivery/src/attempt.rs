//! One attempt: the webhook as it is now, the request, and the response.

use std::{sync::Arc, time::Duration};

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
        decision::Known,
        held_for::HeldFor,
        record::admission::Admission,
        state::DeliveryState,
    },
    job::recovery::probe::is_let_through,
    webhook::Webhook,
};

use crate::{
    dependencies::Dependencies,
    lookup::found::{Found, Target},
    message::Received,
    sender::Sent,
    skipped::Skipped,
};

/// The result of a receive.
pub(crate) struct Receipt {
    /// The attempt, or why there was none.
    pub(crate) attempt: Result<Attempt, Skipped>,
    /// Whether the message may be attempted, by the delivery's record.
    pub(crate) admission: Admission,
    /// The webhook and its installation, if they are there and the message may be attempted.
    pub(crate) target: Option<Arc<Target>>,
    /// What was known about the delivery before.
    pub(crate) history: Known,
    /// The cause of a failure, for the log.
    pub(crate) cause: Option<String>,
}

impl Receipt {
    /// Whether the endpoint took the delivery, or wants it later.
    pub(crate) fn is_taken(&self) -> bool {
        let outcome = self.attempt.as_ref().map(|attempt| &attempt.outcome);
        matches!(outcome, Ok(Outcome::Delivered | Outcome::Delayed(_)))
    }

    /// Whether the delivery waited for this receive as for a retry.
    pub(crate) fn was_waiting(&self) -> bool {
        self.history.record().is_some_and(|known| known.state == DeliveryState::Retrying)
    }
}

/// Attempts a delivery, if an attempt is due.
pub(crate) async fn attempt(
    dependencies: &Dependencies,
    received: &Received<'_>,
    found: Found,
    now: Timestamp,
) -> Receipt {
    let Found { target, history } = found;
    let admission = received.facts().admission(&history, &dependencies.settings.schedule, now);
    note_other_payload(received, &history);
    let due = match Skipped::by(admission) {
        Some(reason) => Err(reason),
        None => target.map_err(Skipped::from).and_then(|target| known(received, target)),
    };
    match due {
        Ok(target) => {
            let (attempt, cause) = attempt_at(dependencies, received, &target).await;
            Receipt { attempt, admission, target: Some(target), history, cause }
        }
        Err(reason) => Receipt { attempt: Err(reason), admission, target: None, history, cause: None },
    }
}

/// Attempts the delivery at its endpoint, unless it is held or the endpoint's host has no room.
async fn attempt_at(
    dependencies: &Dependencies,
    received: &Received<'_>,
    target: &Target,
) -> (Result<Attempt, Skipped>, Option<String>) {
    if let Some(reason) = held_for(dependencies, received, target) {
        return (Err(Skipped::Held(reason)), None);
    }
    let Webhook { address, protocol, .. } = &target.webhook;
    let Some(_place) = dependencies.transport.place(address, *protocol).await else {
        return (Err(Skipped::Crowded), None);
    };
    let begins_at = (dependencies.clock)();
    let (attempt, cause) = send(dependencies, received, target, begins_at).await;
    (Ok(attempt), cause)
}

/// The target, unless it was deleted or uninstalled.
fn known(received: &Received<'_>, target: Option<Arc<Target>>) -> Result<Arc<Target>, Skipped> {
    let target = target.ok_or(Skipped::Cancelled)?;
    let is_uninstalled = target.installation.uninstalled_at.is_some();
    let is_last = received.message.envelope.topic.as_str() == catalogue::APP_UNINSTALLED;
    if is_uninstalled && !is_last { Err(Skipped::Cancelled) } else { Ok(target) }
}

/// Why the delivery is held and not attempted, if it is.
fn held_for(dependencies: &Dependencies, received: &Received<'_>, target: &Target) -> Option<HeldFor> {
    let is_open = dependencies.health.is_on && target.health.is_open();
    let is_failing = is_open && !is_let_through(&received.message);
    HeldFor::of(target.webhook.status).or(is_failing.then_some(HeldFor::Failing))
}

/// Logs a message that has the id of a delivery, but the payload of another event.
fn note_other_payload(received: &Received<'_>, history: &Known) {
    if let Some(record) = history.record()
        && record.is_other_payload(&received.message)
    {
        let id = &received.message.envelope.id;
        tracing::warn!(delivery.id = %id, "another event has come under an id that is taken");
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
    let platform = &dependencies.settings.platform;
    let request = match DeliveryRequest::build(message, webhook, installation, platform, now) {
        Ok(request) => request,
        Err(error) => return (not_built(webhook, error, now), None),
    };
    let kept = dependencies.history.is_on().then(|| RequestRecord {
        headers: request.redacted_headers(&webhook.custom_headers),
        shape: BodyShape::of(webhook),
    });
    let at = (dependencies.clock)();
    let sent = dependencies.transport.send(&webhook.address, webhook.protocol, request, body).await;
    let ended_at = (dependencies.clock)();
    let (status, response, outcome, details, cause) = match sent {
        Sent::Responded(response) => {
            let event_id = &message.envelope.id.event_id;
            let (outcome, details) = Outcome::of(&response, webhook.protocol, event_id, ended_at);
            (Some(response.status), Some(ResponseRecord::of(&response.body)), outcome, details, None)
        }
        Sent::Unanswered { reason, cause } => (None, None, Outcome::failed(reason), None, cause),
    };
    let latency = Duration::try_from(ended_at.duration_since(at)).unwrap_or_default();
    let address = sent_to(webhook);
    (Attempt { at, latency, address, request: kept, status, response, outcome, details }, cause)
}

/// An attempt whose request could not be built. Nothing was sent.
fn not_built(webhook: &Webhook, error: UnbuildableRequest, now: Timestamp) -> Attempt {
    Attempt {
        at: now,
        latency: Duration::ZERO,
        address: sent_to(webhook),
        request: None,
        status: None,
        response: None,
        outcome: Outcome::failed(error.into()),
        details: None,
    }
}

/// Where an attempt is sent. The text of an address that was stored long ago may differ from it.
fn sent_to(webhook: &Webhook) -> String {
    webhook.address.url().to_string()
}

#[cfg(test)]
mod tests {
    use storehook_aws::stand_in::logged;
    use storehook_domain::webhook::Webhook;

    use super::sent_to;
    use crate::stand_in::{PAYLOAD_DIGEST, deliver_all, delivery};

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    /// An uninstalled app still gets `app/uninstalled`, to clean up, and nothing else.
    #[tokio::test]
    async fn an_uninstalled_app_is_told_of_its_uninstallation_and_nothing_else() -> TestResult {
        for (shop, topic, state) in [
            ("uninstalled.example", "orders/create", "cancelled"),
            ("uninstalled.example", "app/uninstalled", "delivered"),
            ("a.example", "app/uninstalled", "delivered"),
        ] {
            let message = delivery(7, 0).replace("a.example", shop).replace("orders/create", topic);
            let seen = deliver_all(&[("m", message)]).await?;
            assert_eq!(seen.kept.get("7").map(String::as_str), Some(state), "{topic} to {shop}");
        }
        Ok(())
    }

    /// An address that was stored before addresses had to be sent byte for byte is sent in another
    /// form. The history shows that form.
    #[test]
    fn an_attempt_records_the_address_that_it_was_sent_to() -> TestResult {
        for (stored, sent) in [
            ("http://b.example/a/../c?d='", "http://b.example/c?d=%27"),
            ("https://b.example/hook?a=b+c", "https://b.example/hook?a=b+c"),
        ] {
            let webhook: Webhook = serde_json::from_value(serde_json::json!({
                "id": 7, "shop": "a.example", "app": "demo", "topic": "*", "address": stored,
                "format": "json", "protocol": "webhook", "status": "active", "fields": [],
                "metafield_namespaces": [], "custom_headers": {}, "created_at": "2026-11-21T15:00:00Z",
                "updated_at": "2026-11-21T15:00:00Z", "version": 1,
            }))?;
            assert_eq!(sent_to(&webhook), sent);
        }
        Ok(())
    }

    /// The owner of a publisher that gives two events one id must be able to find out.
    #[tokio::test]
    async fn another_payload_under_a_taken_id_is_logged_and_recorded() -> TestResult {
        let other = "11111111111111111111111111111111";
        for (webhook, digest, is_told) in [
            (12, Some(other), true),
            (12, Some(PAYLOAD_DIGEST), false),
            (12, None, false),
            (7, Some(other), false),
        ] {
            let digest = digest.map(|digest| format!("\"payload_digest\":\"{digest}\",")).unwrap_or_default();
            let message = delivery(webhook, 0).replace("\"shop\"", &format!("{digest}\"shop\""));
            let (seen, lines) = logged(deliver_all(&[("m", message)])).await;
            let told = "another event has come under an id that is taken";
            assert_eq!(lines.iter().any(|line| line["message"] == told), is_told, "{webhook}: {digest}");
            if webhook == 12 {
                let writes = seen?.writes;
                assert_eq!(
                    writes.contains_key("PutItem"),
                    is_told,
                    "a duplicate that says nothing else is new"
                );
            }
        }
        Ok(())
    }
}
