//! The clock.

use jiff::Timestamp;

/// The time now. Programs read it at their edge and pass it on; nothing else reads a clock.
#[expect(clippy::disallowed_methods, reason = "this is the one reader of the clock")]
pub fn now() -> Timestamp {
    Timestamp::now()
}
