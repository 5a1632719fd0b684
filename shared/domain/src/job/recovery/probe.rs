//! Probes: held deliveries that find out whether an endpoint works again.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    delivery::{id::DeliveryId, message::DeliveryMessage, run::RunId},
    event::catalogue,
    job::recovery::rules::RecoveryRules,
};

/// The waits before the first probes, in minutes. The last one repeats.
const GAPS: [u64; 5] = [1, 2, 4, 8, 15];

/// How many probes are remembered. Each probe is the newest held delivery that is not remembered. So
/// no single payload that an endpoint cannot take keeps the breaker open.
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

/// The wait before the next probe, after `probes` of them.
pub(super) fn gap(probes: u32, rules: &RecoveryRules) -> SignedDuration {
    let index = usize::try_from(probes).unwrap_or(usize::MAX).min(GAPS.len() - 1);
    rules.scaled((GAPS[index] * 60) as f64)
}

/// Whether a message is attempted although the breaker is open. It then counts as a probe.
pub fn is_let_through(message: &DeliveryMessage<'_>) -> bool {
    let is_by_hand = message.envelope.test || matches!(message.run, RunId::Redeliver(_));
    let is_last = message.envelope.topic.as_str() == catalogue::APP_UNINSTALLED;
    is_by_hand || is_last || matches!(message.run, RunId::Probe(_))
}
