//! Jobs: work that makes many messages and takes many steps, as values.
//!
//! Who takes part: the `jobs` queue holds one [`message::Job`] for each job, the message of its
//! next step. The fan-out function works a step off: it sends what fits into a bounded time, notes
//! in a record how far it came and by which SQS message, queues the next step, and only then is
//! done.
//!
//! What is promised: a job that dies anywhere goes on, because its message comes again. A step that
//! dies before it is noted is made again from its beginning and sends messages twice; the delivery
//! function makes one run's attempts of them. Two chains of one job become one, because only one
//! message can note a step ([`turn`]). Every chain ends.

pub mod turn;

pub mod fan_out;

pub mod replay;

pub mod recovery;

pub mod message;

pub mod retry;

use jiff::SignedDuration;

/// The longest time that a step of a replay or of a recovery works.
pub const STEP_TIME: SignedDuration = SignedDuration::from_secs(20);
