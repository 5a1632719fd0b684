//! Lambda's event source mapping for a stream, in place of the emulator's.
//!
//! `poller` makes the calls, `batch` decides, `given_up` keeps what could not be done, `checkpoints`
//! remembers.

mod batch;
mod checkpoints;
mod given_up;
pub(super) mod poller;
