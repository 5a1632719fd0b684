//! Times in tables: UTC, to the second. JSON has them in full.

use jiff::Timestamp;

/// A time in a table: `2026-11-21T15:00:00Z`.
pub fn short(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
