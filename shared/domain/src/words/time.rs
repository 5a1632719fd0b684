//! Lengths of time, and how far a time is from now.

use jiff::{SignedDuration, Timestamp};

/// How far a time is from now, in one unit.
pub fn distance(time: Timestamp, now: Timestamp) -> String {
    let between = now.duration_since(time);
    let text = span(between.abs());
    match between.as_secs() {
        -4..=4 => "just now".to_owned(),
        seconds if seconds < 0 => format!("in {text}"),
        _ => format!("{text} ago"),
    }
}

/// A length of time in its largest whole unit: `3 min`.
pub fn span(length: SignedDuration) -> String {
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
}
