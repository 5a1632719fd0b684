//! What was found out about an endpoint, and whether it took a delivery.

use std::{net::IpAddr, time::Duration};

use jiff::Timestamp;
use storehook_domain::{
    delivery::outcome::{FailedAttempt, Outcome, Response},
    event::id::EventId,
    webhook::{Protocol, address::Address},
};

use crate::doctor::{
    certificate::Certificate,
    exchange::{Answer, Exchange},
};

/// What was found out about an endpoint.
#[derive(Debug, Clone)]
pub struct Findings {
    /// Its address.
    pub address: Address,
    /// How it is to respond.
    pub protocol: Protocol,
    /// How long an attempt may take.
    pub limit: Duration,
    /// The event that it was sent.
    pub event_id: EventId,
    /// An address of its host that no delivery may reach, if there is one.
    pub forbidden: Option<IpAddr>,
    /// Its certificate, if there was a handshake.
    pub certificate: Option<Certificate>,
    /// What came of the request with right signatures.
    pub right: Exchange,
    /// What came of the others, if the first one was answered.
    pub others: Option<Others>,
}

/// What came of the requests after the first one.
#[derive(Debug, Clone)]
pub struct Others {
    /// The first one again.
    pub again: Exchange,
    /// With the signatures of another secret.
    pub wrong: Exchange,
    /// Without signatures.
    pub unsigned: Exchange,
    /// With signatures of a day ago.
    pub old: Exchange,
}

impl Findings {
    fn outcome(&self, answer: &Answer) -> Outcome {
        let response =
            Response { status: answer.status, retry_after: None, body: answer.body.clone(), end: answer.end };
        // Without `Retry-After` the time does not matter.
        Outcome::of(&response, self.protocol, &self.event_id, Timestamp::UNIX_EPOCH).0
    }

    /// Whether the endpoint took the delivery, or asks for it later.
    pub(super) fn accepts(&self, exchange: &Exchange) -> bool {
        let outcome = exchange.result.as_ref().map(|answer| self.outcome(answer));
        matches!(outcome, Ok(Outcome::Delivered | Outcome::Delayed(_)))
    }

    /// What an exchange came to, in words.
    pub(super) fn told(&self, exchange: &Exchange) -> String {
        match &exchange.result {
            Err(unanswered) => format!("{} ({})", unanswered.reason, unanswered.cause),
            Ok(answer) => {
                let status = answer.status;
                match self.outcome(answer) {
                    Outcome::Failed { reason: FailedAttempt::Status(_), .. } | Outcome::Delivered => {
                        format!("responded with {status}")
                    }
                    Outcome::Failed { reason, .. } => format!("responded with {status}: {reason}"),
                    Outcome::Delayed(_) => format!("responded with {status} and asks for a delay"),
                }
            }
        }
    }
}
