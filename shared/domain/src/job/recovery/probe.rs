//! Probes: held deliveries that find out whether an endpoint works again.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    delivery::{id::DeliveryId, message::DeliveryMessage, run::RunId},
    event::catalogue,
    job::recovery::{Phase, Recovery, RecoveryRules, after, pass::CatchUp, step::RecoveryStep},
};

/// The waits before the first probes, in minutes. The last one repeats.
const GAPS: [u64; 5] = [1, 2, 4, 8, 15];

/// How many probes are remembered. Each probe is another delivery, the newest of those that are not
/// remembered, so no single payload that an endpoint cannot take keeps the breaker open.
pub const PROBED_KEPT: usize = 10;

/// An open breaker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// Since when all attempts have failed.
    pub since: Timestamp,
    /// How many probes there were.
    pub probes: u32,
    /// The deliveries of the latest probes, at most [`PROBED_KEPT`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub probed: Vec<DeliveryId>,
}

/// The wait before the next probe, after so many.
pub(super) fn gap(probes: u32, rules: &RecoveryRules) -> SignedDuration {
    let index = usize::try_from(probes).unwrap_or(usize::MAX).min(GAPS.len() - 1);
    rules.scaled((GAPS[index] * 60) as f64)
}

impl Recovery {
    /// The run of the next probe. Each is a run of its own.
    pub fn next_probe(&self, opening: &Opening) -> RunId {
        RunId::Probe(format!("{}-{}", self.opening, opening.probes.saturating_add(1)))
    }

    /// The recovery after a step that sent this delivery as a probe, or found none that is held.
    ///
    /// If nothing is held, nothing can be a probe but the next delivery itself, so it must be
    /// attempted: the breaker closes. The failure run goes on, and opens it again with one failure.
    ///
    /// `None` where another message made the step.
    pub fn after_probe(
        &self,
        step: &RecoveryStep,
        message_id: &str,
        sent: Option<&DeliveryId>,
        now: Timestamp,
        rules: &RecoveryRules,
    ) -> Option<Self> {
        if self.opening != step.opening || step.number != self.steps.saturating_add(1) {
            return None;
        }
        let noted = self.noted(step, message_id);
        let Phase::Open(opening) = &self.phase else {
            // It was closed meanwhile, perhaps by this very probe.
            return Some(Self { due_at: Some(now), ..noted });
        };
        let Some(id) = sent else {
            return Some(Self { phase: Phase::CatchUp(CatchUp::begin(now)), due_at: Some(now), ..noted });
        };
        let mut probed = opening.probed.clone();
        probed.retain(|earlier| earlier != id);
        probed.push(id.clone());
        probed.drain(..probed.len().saturating_sub(PROBED_KEPT));
        let probes = opening.probes.saturating_add(1);
        let due_at = Some(after(now, gap(probes, rules)));
        Some(Self { phase: Phase::Open(Opening { probes, probed, ..opening.clone() }), due_at, ..noted })
    }
}

/// Whether a message is attempted although the breaker is open. It then counts as a probe.
pub fn is_let_through(message: &DeliveryMessage<'_>) -> bool {
    let is_by_hand = message.envelope.test || matches!(message.run, RunId::Redeliver(_));
    let is_last = message.envelope.topic.as_str() == catalogue::APP_UNINSTALLED;
    is_by_hand || is_last || matches!(message.run, RunId::Probe(_))
}
