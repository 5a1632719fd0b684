//! Times: how long ago in words, and the exact local time for whoever asks.

use jiff::Timestamp;
use maud::{Markup, html};
use storehook_domain::words::time::distance;

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

#[cfg(test)]
mod tests {
    use super::*;

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
