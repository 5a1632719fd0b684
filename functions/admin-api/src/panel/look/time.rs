//! Times: how long ago in words, and the exact local time for whoever asks.

use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};

/// A time that the API printed (ISO 8601 in the shop's zone), seen from now.
pub(crate) fn when(local_time: &str, now: Timestamp) -> Markup {
    let exact = exact(local_time);
    let distance = local_time.parse().map_or_else(|_| exact.clone(), |time| distance(time, now));
    html! {
        time datetime=(local_time) title=(exact) { (distance) span.sr { " (" (exact) ")" } }
    }
}

/// The local time with its offset, for people: `2017-03-20 16:02:17 -04:00`.
pub(crate) fn exact(local_time: &str) -> String {
    match (local_time.get(..10), local_time.get(11..19), local_time.get(19..)) {
        (Some(day), Some(time), Some(offset)) => format!("{day} {time} {offset}"),
        _ => local_time.to_owned(),
    }
}

/// How far a time is from now, in one unit.
pub(crate) fn distance(time: Timestamp, now: Timestamp) -> String {
    let between = now.duration_since(time);
    let text = span(between.abs());
    match between.as_secs() {
        -4..=4 => "just now".to_owned(),
        seconds if seconds < 0 => format!("in {text}"),
        _ => format!("{text} ago"),
    }
}

/// A length of time in its largest whole unit: `3 min`.
pub(crate) fn span(length: SignedDuration) -> String {
    let seconds = length.as_secs();
    match seconds {
        0..=59 => format!("{seconds} s"),
        60..=3_599 => format!("{} min", seconds / 60),
        3_600..=172_799 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_told_in_their_largest_whole_unit() {
        for (seconds, expected) in [
            (0, "just now"),
            (4, "just now"),
            (5, "5 s ago"),
            (-5, "in 5 s"),
            (59, "59 s ago"),
            (60, "1 min ago"),
            (3_599, "59 min ago"),
            (3_600, "1 h ago"),
            (172_799, "47 h ago"),
            (172_800, "2 days ago"),
            (-172_800, "in 2 days"),
        ] {
            let time = Timestamp::from_second(1_000_000 - seconds).unwrap_or_default();
            assert_eq!(distance(time, Timestamp::from_second(1_000_000).unwrap_or_default()), expected);
        }
    }

    #[test]
    fn the_exact_time_is_there_for_the_eye_the_pointer_and_the_ear() {
        let now = Timestamp::from_second(1_490_040_197).unwrap_or_default();
        assert_eq!(
            when("2017-03-20T16:02:17-04:00", now).into_string(),
            "<time datetime=\"2017-03-20T16:02:17-04:00\" title=\"2017-03-20 16:02:17 -04:00\">1 min ago\
             <span class=\"sr\"> (2017-03-20 16:02:17 -04:00)</span></time>"
        );
    }
}
