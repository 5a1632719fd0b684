//! Stand-ins for Lambda: pollers that take messages and records, and environments of functions.
//!
//! An environment works on one invocation at a time and is kept for later ones; the one that was
//! used last is used first. After a timeout or a crash it is not used again. What is left out: cold
//! starts, the slow growth of the number of pollers, and throttling.

pub(crate) mod environments;
pub(crate) mod queue_poller;
pub(crate) mod schedule;
pub(crate) mod stream_poller;

use std::{ops::Range, time::Duration};

use crate::clock;

/// When no poller works, counted from the beginning of the simulation.
pub(crate) type Outage = Option<Range<Duration>>;

/// Waits for the end of an outage, if there is one now. Returns whether there was.
async fn outlast(outage: &Outage) -> bool {
    let Some(outage) = outage.as_ref().filter(|outage| outage.contains(&clock::elapsed())) else {
        return false;
    };
    tokio::time::sleep(outage.end - clock::elapsed()).await;
    true
}
