//! Times in tables: UTC, to the second. JSON has them in full.

use jiff::{Timestamp, tz::TimeZone};
use storehook_domain::input::time::time;

/// A time in a table: `2026-11-21T15:00:00Z`.
pub fn short(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Reads a time of the command line: ISO 8601 with an offset, or a day, which is one of UTC.
///
/// # Errors
///
/// The text is neither.
pub fn utc(text: &str) -> Result<Timestamp, &'static str> {
    time(&TimeZone::UTC)(text)
}
