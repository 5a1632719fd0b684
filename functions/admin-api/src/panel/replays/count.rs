//! What a replay would send, and the button that sends it.

use jiff::SignedDuration;
use maud::{Markup, html};
use storehook_domain::{
    job::replay::record::LONGEST_REPLAY,
    words::{
        number::{count as number, deliveries},
        time::span,
    },
};

use crate::{panel::replays::rows::window, replays::responses::ShownDryRun};

/// A count, and the replay that the button begins.
pub(crate) struct Count {
    pub(crate) dry_run: ShownDryRun,
    pub(crate) per_second: u32,
    /// The id of the replay.
    pub(crate) new_id: String,
}

/// The count in words, and the button.
pub(crate) fn counted(path: &str, count: &Count, is_active: bool) -> Markup {
    let Count { dry_run, per_second, new_id } = count;
    let takes = SignedDuration::from_secs((dry_run.found / u64::from(*per_second).max(1)).cast_signed());
    html! {
        section aria-labelledby="counted" {
            div role="status" tabindex="-1" autofocus {
                h2 id="counted" { (sentence(dry_run)) }
                p { (which(dry_run.deliveries)) " that were queued " (window(&dry_run.from, &dry_run.to)) "." }
            }
            @if is_sendable(dry_run) {
                p { "At " (number(u64::from(*per_second))) " a second this takes at least " (span(takes)) "."
                    @if takes > LONGEST_REPLAY { " A replay is stopped after " (span(LONGEST_REPLAY)) "." }
                }
                @if count.can_begin(is_active) {
                    form.actions method="post" action=(path) {
                        input type="hidden" name="id" value=(new_id);
                        input type="hidden" name="from" value=(dry_run.from);
                        input type="hidden" name="to" value=(dry_run.to);
                        input type="hidden" name="state" value=(dry_run.deliveries);
                        input type="hidden" name="per_second" value=(per_second);
                        @if dry_run.complete { input type="hidden" name="of" value=(dry_run.found); }
                        button.primary type="submit" { (button(dry_run)) }
                    }
                }
            } @else {
                p { "Choose a wider window, or other deliveries." }
            }
        }
    }
}

impl Count {
    /// Whether the replay can begin: there is something to send, and the webhook takes it.
    pub(crate) fn can_begin(&self, is_active: bool) -> bool {
        is_active && is_sendable(&self.dry_run)
    }
}

/// Whether there is, or may be, anything to send.
fn is_sendable(dry_run: &ShownDryRun) -> bool {
    dry_run.found > 0 || !dry_run.complete
}

fn sentence(dry_run: &ShownDryRun) -> String {
    match (dry_run.found, dry_run.complete) {
        (0, true) => "There is nothing to send".to_owned(),
        (0, false) => "None was found in time, but there may be some".to_owned(),
        (found, true) => format!("Would send {}", deliveries(found)),
        (found, false) => format!("Would send {} or more: there was no time to count all", deliveries(found)),
    }
}

fn button(dry_run: &ShownDryRun) -> String {
    match (dry_run.found, dry_run.complete) {
        (found, true) => format!("Replay {}", deliveries(found)),
        (0, false) => "Replay what there is".to_owned(),
        (found, false) => format!("Replay {} or more", deliveries(found)),
    }
}

fn which(deliveries: &str) -> &'static str {
    match deliveries {
        "dead" => "Dead deliveries",
        "held" => "Held deliveries",
        _ => "All deliveries but pending ones",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(found: u64, complete: bool, is_active: bool) -> String {
        let dry_run = ShownDryRun {
            deliveries: "held",
            from: "2026-11-20T10:00:00-05:00".to_owned(),
            to: "2026-11-21T10:00:00-05:00".to_owned(),
            dry_run: true,
            found,
            complete,
        };
        let count = Count { dry_run, per_second: 50, new_id: "r1".to_owned() };
        counted("/panel/webhooks/7/replays", &count, is_active).into_string()
    }

    #[test]
    fn a_count_is_told_before_anything_is_sent() {
        for (found, complete, sentence, button) in [
            (1_204, true, "Would send 1,204 deliveries<", Some("Replay 1,204 deliveries<")),
            (1, true, "Would send 1 delivery<", Some("Replay 1 delivery<")),
            (0, true, "There is nothing to send<", None),
            (
                12_000,
                false,
                "Would send 12,000 deliveries or more: there was no time to count all<",
                Some("Replay 12,000 deliveries or more<"),
            ),
            (0, false, "None was found in time", Some("Replay what there is<")),
        ] {
            let shown = shown(found, complete, true);
            assert!(shown.contains(sentence), "{shown}");
            assert_eq!(shown.contains("<button"), button.is_some(), "{shown}");
            assert!(button.is_none_or(|button| shown.contains(button)), "{shown}");
            assert_eq!(shown.contains("name=\"of\""), complete && found > 0, "{shown}");
        }
    }

    #[test]
    fn the_button_replays_what_was_counted() {
        let shown = shown(1_204, true, true);
        for expected in [
            "<div role=\"status\" tabindex=\"-1\" autofocus><h2 id=\"counted\">",
            "name=\"id\" value=\"r1\"",
            "name=\"from\" value=\"2026-11-20T10:00:00-05:00\"",
            "name=\"state\" value=\"held\"",
            "name=\"of\" value=\"1204\"",
            "at least 24 s.",
        ] {
            assert!(shown.contains(expected), "{expected}: {shown}");
        }
        assert!(!self::shown(1_204, true, false).contains("<button"), "the webhook is not active");
        assert!(self::shown(100_000_000, true, true).contains("stopped after 2 days"));
    }
}
