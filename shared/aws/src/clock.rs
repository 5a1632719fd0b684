//! The clock.
//!
//! Time is an input of every decision. A lint forbids all other readers of the clock
//! (`clippy.toml`).

use jiff::Timestamp;

/// The time now. Programs read it at their edge and pass it on.
#[expect(clippy::disallowed_methods, reason = "this is the one reader of the clock")]
pub fn now() -> Timestamp {
    Timestamp::now()
}
