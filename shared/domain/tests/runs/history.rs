//! What the world's history keeps of the delivery.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use storehook_domain::{
    delivery::{disposition::Disposition, outcome::Outcome, run::RunId},
    history::{attempt::Attempt, record::DeliveryRecord, state::DeliveryState},
};

use crate::{
    kinds::Fault,
    messages::{Queued, at},
    world::World,
};

/// How long records are kept.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24 * 365);

impl World {
    pub(crate) fn write(
        &mut self,
        message: &Queued,
        began_at: Timestamp,
        outcome: Outcome,
        decided: Disposition,
    ) {
        let attempt = Attempt {
            at: began_at,
            latency: Duration::ZERO,
            address: String::new(),
            request: None,
            status: None,
            response: None,
            outcome,
            details: None,
        };
        let record = self.record.take().unwrap_or_else(|| DeliveryRecord::begin(&message.body, KEPT_FOR));
        let receive = message.received().receive;
        self.record = Some(record.attempted(&message.body, receive, attempt, decided, at(self.now)));
    }

    /// The runs whose messages ended in this state without an attempt.
    pub(crate) fn runs_in(&mut self, state: DeliveryState) -> &mut Vec<RunId> {
        if state == DeliveryState::Held { &mut self.held } else { &mut self.cancelled }
    }

    /// Records that a message ends in this state without an attempt. Returns whether it may end: a
    /// held delivery must be recorded first.
    pub(crate) fn end(&mut self, message: &Queued, state: DeliveryState, fault: Fault) -> bool {
        if fault.loses_write() {
            return state == DeliveryState::Cancelled;
        }
        let record = self.record.clone().unwrap_or_else(|| DeliveryRecord::begin(&message.body, KEPT_FOR));
        let ended = record.ended(&message.body, message.received().receive, state, at(self.now));
        self.record = ended.or(self.record.take());
        true
    }
}
