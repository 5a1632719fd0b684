//! Recoveries: how what was held for a failing endpoint comes back by itself.
//!
//! Who takes part: the delivery function opens a webhook's breaker, holds its deliveries and begins
//! a recovery. The fan-out function makes the recovery's steps, which are jobs. The recovery is kept
//! beside the webhook, in the registry: everybody who attempts reads it anyway.
//!
//! A recovery has two phases:
//!
//! * **Open.** The breaker is open. After 1, 2, 4, 8 and then every 15 minutes, a step sends one held
//!   delivery as a [probe]. When the endpoint takes one, the delivery function closes the breaker.
//! * **Catching up.** Steps send what is held, the oldest first, at a rate that doubles every minute,
//!   in [passes](pass). A webhook with too many deliveries that wait for a retry begins in this
//!   phase: its steps send what is held when fewer wait.
//!
//! Promises: a recovery goes on as long as anything is held for `failing`, so nothing that is held
//! needs a call. It ends when two passes that are [`QUIET`] apart find nothing. By then, every
//! invocation that saw the recovery before has held what it was about to hold. A step that is made
//! twice queues deliveries twice, and the delivery function recognises the copies by their run.
//!
//! What can go wrong: a step's message is lost. Its due time passes, and the next receive for the
//! webhook, or the sweep of the fan-out function, [starts](Recovery::restarted) the recovery again.
//! Two chains become one as in a replay: only one message can note a step.

pub mod endpoint_health;
pub mod hold;
pub mod noting;
pub mod pass;
pub mod probe;
pub mod record;
pub mod rules;
pub mod step;

pub use record::{Phase, Recovery};
pub use rules::{DEFAULT_WAITING_LIMIT, QUIET, RecoveryRules};

#[cfg(test)]
mod tests;
