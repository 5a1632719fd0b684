//! Endpoints: they verify each POST, keep a receipt, and do as their kind does, under faults.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use delivery::{Script, Scripted, Sent};
use futures::FutureExt as _;
use serde_json::{Value, json};
use storehook_domain::{
    delivery::outcome::{BodyEnd, FailedAttempt, Response},
    webhook::Protocol,
};

use super::{
    population::{host_webhook, payload_of},
    receipts::{Key, Receipts},
    signatures::{are_valid, header},
    tenants::Kind,
};
use crate::{
    clock,
    faults::{Fault, Faults},
};

/// How long an attempt may take, by the template's default.
const ATTEMPT_TIME: Duration = Duration::from_secs(5);

/// The world of the endpoints.
#[derive(Clone)]
pub struct Endpoints {
    /// What they get.
    pub receipts: Arc<Mutex<Receipts>>,
    /// What goes wrong.
    pub faults: Faults,
    /// The kind of each webhook's tenant, by the webhook's number.
    pub kinds: Arc<BTreeMap<u32, Kind>>,
    /// How long an outage takes, from the beginning.
    pub outage: Duration,
    /// For how long one that flaps is there, and then away.
    pub flap: Duration,
}

/// What becomes of a POST, when it is time for the response.
#[derive(Debug)]
pub enum Reply {
    /// Nobody has this name.
    NotResolved,
    /// Nobody listens.
    Refused,
    /// The endpoint resets the connection.
    Reset,
    /// The sender has given up by now.
    TooLate,
    /// The endpoint responds.
    Responded(Response),
}

/// What an endpoint does with a POST.
struct Answer {
    after: Duration,
    /// `None` if nobody listens.
    status: Option<u16>,
    /// What an integration says; empty for others.
    verdict: &'static str,
}

impl Endpoints {
    /// The script of all endpoints.
    pub(super) fn script(self) -> Script {
        Script(Arc::new(move |request: Scripted| {
            let endpoints = self.clone();
            async move {
                let webhook = host_webhook(request.address.as_str());
                endpoints.reply(webhook, &request).await.into()
            }
            .boxed()
        }))
    }

    fn receipts<T>(&self, work: impl FnOnce(&mut Receipts) -> T) -> T {
        work(&mut self.receipts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// By which protocol this webhook gets deliveries.
    pub fn protocol_of(&self, webhook: u32) -> Protocol {
        self.kinds.get(&webhook).copied().unwrap_or(Kind::Dead).protocol()
    }

    /// Does with a POST to this webhook as its endpoint does. Returns when it is time to respond.
    pub async fn reply(&self, webhook: Option<u32>, request: &Scripted) -> Reply {
        let Some(webhook) = webhook else { return Reply::NotResolved };
        let Some(key) = Key::of(header(request, "webhook-id")).filter(|key| key.webhook == webhook) else {
            self.receipts(|receipts| receipts.note(format!("webhook {webhook} got another's delivery")));
            return Reply::Reset;
        };
        let kind = self.kinds.get(&webhook).copied().unwrap_or(Kind::Dead);
        let is_away = match kind {
            Kind::Dead => true,
            Kind::Outage => clock::elapsed() < self.outage,
            Kind::Flaps => !(clock::elapsed().as_millis() / self.flap.as_millis().max(1)).is_multiple_of(2),
            _ => false,
        };
        if is_away {
            tokio::time::sleep(Duration::from_millis(50)).await;
            return Reply::Refused;
        }
        let posts = self.receipts(|receipts| {
            let is_signed =
                receipts.subscribers.get(&webhook).is_some_and(|known| are_valid(request, &known.secret));
            if !is_signed || !is_whole(request, key) {
                receipts.note(format!("{key:?} came with a wrong signature or body"));
            }
            receipts.posted(key)
        });
        self.answer(request.protocol, key, self.behave(kind, posts)).await
    }

    fn behave(&self, kind: Kind, posts: u16) -> Answer {
        let after = Duration::from_millis(80).mul_f64(1.0 + 2.75 * self.faults.part());
        let answer = |status| Answer { after, status: Some(status), verdict: "" };
        match kind {
            Kind::Slow => {
                Answer { after: Duration::from_secs_f64(1.2 + 2.0 * self.faults.part()), ..answer(200) }
            }
            Kind::Fails if self.faults.part() < 0.3 => answer(500),
            Kind::Refuses if self.faults.part() < 0.9 => answer(500),
            // Some deliveries wait for a retry when the webhook is gone.
            Kind::Deleted | Kind::Uninstalled if self.faults.part() < 0.6 => answer(500),
            Kind::Gone => answer(410),
            Kind::Busy if posts < 2 => answer(429),
            Kind::Delays => Answer { verdict: if posts < 2 { "delay" } else { "ok" }, ..answer(200) },
            _ => answer(200),
        }
    }

    /// Answers, unless a fault prevents it.
    async fn answer(&self, protocol: Protocol, key: Key, answer: Answer) -> Reply {
        let Answer { after, status, verdict } = answer;
        let Some(status) = status else { return Reply::Refused };
        let takes = (200..300).contains(&status) && verdict != "delay";
        let hit = |fault| self.faults.happens(fault);
        tokio::time::sleep(after).await;
        if hit(Fault::EndpointFailed) {
            return responded(503, None, String::new(), BodyEnd::Read);
        }
        if hit(Fault::EndpointReset) {
            self.take(key, takes, false);
            return Reply::Reset;
        }
        if hit(Fault::EndpointSlow) {
            self.take(key, takes, false);
            tokio::time::sleep(ATTEMPT_TIME.saturating_sub(after)).await;
            return Reply::TooLate;
        }
        let retry_after = (status == 429).then(|| "120".to_owned());
        if protocol == Protocol::Webhook {
            // The head decides, whatever becomes of the body.
            let is_cut = hit(Fault::EndpointTruncated);
            self.take(key, takes, true);
            let end = if is_cut { BodyEnd::Cut } else { BodyEnd::Read };
            return responded(status, retry_after, "thanks".to_owned(), end);
        }
        let body = json!({"event_id": format!("e{}", key.event), "result": verdict}).to_string();
        if hit(Fault::EndpointTruncated) {
            self.take(key, takes, false);
            return responded(status, None, body[..body.len() / 2].to_owned(), BodyEnd::Cut);
        }
        self.take(key, takes, true);
        responded(status, None, body, BodyEnd::Read)
    }

    fn take(&self, key: Key, takes: bool, accepts: bool) {
        if takes {
            self.receipts(|receipts| receipts.taken(key, accepts));
        }
    }
}

impl From<Reply> for Sent {
    fn from(reply: Reply) -> Self {
        let reason = match reply {
            Reply::Responded(response) => return Self::Responded(response),
            Reply::NotResolved => FailedAttempt::NotResolved,
            Reply::Refused => FailedAttempt::ConnectionRefused,
            Reply::Reset => FailedAttempt::ConnectionReset,
            Reply::TooLate => FailedAttempt::TimedOut,
        };
        Self::Unanswered { reason, cause: None }
    }
}

fn responded(status: u16, retry_after: Option<String>, body: String, end: BodyEnd) -> Reply {
    Reply::Responded(Response { status, retry_after, body: body.into(), end })
}

/// Whether a POST carries its event's payload.
fn is_whole(request: &Scripted, key: Key) -> bool {
    let payload = payload_of(key.event);
    match request.protocol {
        Protocol::Webhook => request.body == payload,
        Protocol::Integration => {
            let message: Value = serde_json::from_str(&request.body).unwrap_or_default();
            message["payload"] == serde_json::from_str::<Value>(&payload).unwrap_or_default()
        }
    }
}
