//! Times as people type them: on the shop's clock.
//!
//! A browser's field of a date and a time knows no time zone, so its time is read in the shop's.
//! Where clocks go back and a time comes twice, it is the first; where they go forward and a time is
//! missing, it is as long after the gap. A time with an offset stays as it is: links and hidden
//! fields have one.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use crate::http::local_time::local_time;

/// The time that was typed, with its offset. What is no time stays as it is.
pub(crate) fn instant(typed: &str, zone: &TimeZone) -> String {
    // A text with an offset would be read as well, and the offset ignored.
    let is_absolute = typed.parse::<Timestamp>().is_ok();
    let civil: Option<DateTime> = typed.parse().ok().filter(|_| !is_absolute && typed.contains(['T', ' ']));
    match civil.map(|civil| civil.to_zoned(zone.clone())) {
        Some(Ok(time)) => local_time(time.timestamp(), zone),
        Some(Err(_)) | None => typed.to_owned(),
    }
}

/// The time as a browser's field shows it, to the second; `None` if it is no time.
pub(crate) fn on_clock(typed: &str, zone: &TimeZone) -> Option<String> {
    let time: Timestamp = instant(typed, zone).parse().ok()?;
    Some(time.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    #[test]
    fn times_are_read_and_shown_on_the_shops_clock() -> TestResult {
        let zone = TimeZone::get("America/New_York")?;
        for (typed, expected, shown) in [
            ("2026-11-21T10:00", "2026-11-21T10:00:00-05:00", Some("2026-11-21T10:00:00")),
            ("2026-07-01T10:00:30", "2026-07-01T10:00:30-04:00", Some("2026-07-01T10:00:30")),
            ("2026-07-01 10:00", "2026-07-01T10:00:00-04:00", Some("2026-07-01T10:00:00")),
            // Clocks go back: 01:30 comes twice. Clocks go forward: there is no 02:30.
            ("2026-11-01T01:30", "2026-11-01T01:30:00-04:00", Some("2026-11-01T01:30:00")),
            ("2026-03-08T02:30", "2026-03-08T03:30:00-04:00", Some("2026-03-08T03:30:00")),
            // A time with an offset says all.
            ("2026-11-01T01:30:00-05:00", "2026-11-01T01:30:00-05:00", Some("2026-11-01T01:30:00")),
            ("2026-11-21T15:00:00.9Z", "2026-11-21T15:00:00.9Z", Some("2026-11-21T10:00:00")),
            ("2017-03-20T20:02:17+02:00", "2017-03-20T20:02:17+02:00", Some("2017-03-20T14:02:17")),
            ("2026-02-30T10:00", "2026-02-30T10:00", None),
            ("2017-03-20", "2017-03-20", None),
            ("monday", "monday", None),
            ("", "", None),
        ] {
            assert_eq!(instant(typed, &zone), expected, "{typed}");
            assert_eq!(on_clock(typed, &zone).as_deref(), shown, "{typed}");
        }
        Ok(())
    }
}
