//! Times as the API prints them: in the shop's time zone.

use jiff::{Timestamp, tz::TimeZone};

/// ISO 8601 with the zone's offset, `2017-03-20T16:02:17-04:00`.
pub(crate) fn local_time(time: Timestamp, time_zone: &TimeZone) -> String {
    time.to_zoned(time_zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    #[test]
    fn times_are_printed_in_the_shops_zone() -> TestResult {
        for (time, zone, expected) in [
            ("2017-03-20T20:02:17.9Z", "America/New_York", "2017-03-20T16:02:17-04:00"),
            ("2017-03-20T20:02:17.9Z", "Asia/Kolkata", "2017-03-21T01:32:17+05:30"),
            ("2017-03-20T20:02:17.9Z", "UTC", "2017-03-20T20:02:17+00:00"),
            // Clocks go back: one hour comes twice. Clocks go forward: one hour is missing.
            ("2026-11-01T05:30:00Z", "America/New_York", "2026-11-01T01:30:00-04:00"),
            ("2026-11-01T06:30:00Z", "America/New_York", "2026-11-01T01:30:00-05:00"),
            ("2026-03-08T06:59:59Z", "America/New_York", "2026-03-08T01:59:59-05:00"),
            ("2026-03-08T07:00:00Z", "America/New_York", "2026-03-08T03:00:00-04:00"),
        ] {
            let printed = local_time(time.parse()?, &TimeZone::get(zone)?);
            assert_eq!(printed, expected, "{time} in {zone}");
            let read: Timestamp = printed.parse()?;
            assert_eq!(read.as_second(), time.parse::<Timestamp>()?.as_second(), "it is the same time");
        }
        Ok(())
    }
}
