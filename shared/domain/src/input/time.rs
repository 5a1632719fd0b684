//! Times, as clients write them.
//!
//! An instant has an offset: ISO 8601, or the way Ruby prints it (`2014-04-25 16:15:47 -0400`,
//! `… UTC`), because clients of this family of APIs put such values into queries and bodies as they
//! are. A bare date is the first moment of that day in the shop's time zone, which is midnight
//! unless clocks are changed at midnight.

use jiff::{Timestamp, civil::Date, tz::TimeZone};

/// Reads an instant.
pub(crate) fn instant(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| {
        let (time, offset) = text.rsplit_once(' ')?;
        match offset {
            "UTC" => format!("{time}Z").parse().ok(),
            _ if offset.starts_with(['+', '-']) => format!("{time}{offset}").parse().ok(),
            _ => None,
        }
    })
}

/// A reader of times of queries and bodies, which are instants or dates in this zone. A `+` that
/// the client did not escape in a query arrives as a space.
///
/// # Errors
///
/// The text is neither.
pub fn time(zone: &TimeZone) -> impl Fn(&str) -> Result<Timestamp, &'static str> {
    |text| {
        let read = instant(text).or_else(|| unescaped(text)).or_else(|| first_moment(text, zone));
        read.ok_or("must be an ISO 8601 date and time with an offset, or a date")
    }
}

fn unescaped(text: &str) -> Option<Timestamp> {
    let (time, offset) = text.rsplit_once(' ')?;
    format!("{}+{offset}", time.trim_end()).parse().ok()
}

fn first_moment(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    // A date's parser takes times as well, and passes over them.
    let is_date = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let date: Date = is_date.then(|| text.parse().ok()).flatten()?;
    let midnight = date.to_zoned(zone.clone()).ok()?;
    Some(midnight.start_of_day().ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_iso_8601_as_ruby_prints_them_and_as_dates() -> Result<(), jiff::Error> {
        let same = Some("2014-04-25T20:15:47Z");
        for (text, zone, expected) in [
            ("2014-04-25T16:15:47-04:00", "UTC", same),
            ("2014-04-25T20:15:47Z", "Asia/Kolkata", same),
            ("2014-04-25T22:15:47+02:00", "UTC", same),
            ("2014-04-25T22:15:47 02:00", "UTC", same),
            ("2014-04-25T16:15:47-0400", "UTC", same),
            ("2014-04-25 16:15:47-04:00", "UTC", same),
            ("2014-04-26T01:45:47.000+05:30", "UTC", same),
            ("20140425T161547-04", "UTC", same),
            ("2014-04-25 16:15:47 -0400", "UTC", same),
            ("2014-04-25 22:15:47 +0200", "UTC", same),
            ("2014-04-25 22:15:47  0200", "UTC", same),
            ("2014-04-25 22:15:47 0200", "UTC", same),
            ("2014-04-25 20:15:47 UTC", "Asia/Kolkata", same),
            ("2014-04-25", "UTC", Some("2014-04-25T00:00:00Z")),
            ("2014-04-25", "America/New_York", Some("2014-04-25T04:00:00Z")),
            ("2014-04-25", "Asia/Kolkata", Some("2014-04-24T18:30:00Z")),
            // Clocks went forward at midnight: the day began at one o'clock.
            ("2018-11-04", "America/Sao_Paulo", Some("2018-11-04T03:00:00Z")),
            ("\"2014-04-25T16:15:47-04:00\"", "UTC", None),
            ("\"2014-04-25\"", "UTC", None),
            ("'2014-04-25 16:15:47 -0400'", "UTC", None),
            ("2014-04-25T16:15:47", "UTC", None),
            ("2014-04-25 16:15:47", "UTC", None),
            ("2014-04-25 -0400", "UTC", None),
            ("2014-04-25 UTC", "UTC", None),
            ("2014-04-25 16:15:47 EDT", "UTC", None),
            ("2014-02-30", "UTC", None),
            ("2014-4-25", "UTC", None),
            ("-2014-04-2", "UTC", None),
            ("yesterday", "UTC", None),
            ("", "UTC", None),
        ] {
            let read = time(&TimeZone::get(zone)?)(text).ok().map(|time| time.to_string());
            assert_eq!(read.as_deref(), expected, "{text} in {zone}");
        }
        Ok(())
    }

    #[test]
    fn an_instant_has_an_offset() {
        for (text, is_instant) in [
            ("2014-04-25T16:15:47-04:00", true),
            ("2014-04-25 16:15:47 -0400", true),
            ("2014-04-25 20:15:47 UTC", true),
            ("2014-04-25T22:15:47 02:00", false),
            ("2014-04-25", false),
        ] {
            assert_eq!(instant(text).is_some(), is_instant, "{text}");
        }
    }
}
