//! Jobs as state machines: a replay and a share of a large fan-out.
//!
//! Who takes part: the message of the next step, which SQS may hand over twice, late or out of turn,
//! under its id or another one; the fan-out function, which may die before or after it notes a step; and the
//! owner, who may stop a replay. Which step is made, what is noted and what comes next is decided by the
//! domain's own code. The model knows only how many deliveries there are and whether the owner
//! stopped the job.
//!
//! Promises: each delivery is sent, and counted once; no noted step sends what an earlier one sent;
//! and every chain of steps ends, however many there are.

mod kinds;
mod queue;
mod replay;
mod share;
