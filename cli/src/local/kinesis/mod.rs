//! Lambda's event source mapping for a stream, in place of the emulator's.
//!
//! `poller` makes the calls, `batch` decides, `checkpoints` remembers.

mod batch;
mod checkpoints;
pub(super) mod poller;
