//! The attempts of a delivery, run by run.

use jiff::Timestamp;
use maud::{Markup, html};
use storehook_domain::{
    delivery::run::RunId,
    words::number::{counted, latency},
};

use crate::{
    deliveries::responses::{FullDelivery, ShownAttempt},
    panel::{look::time::when, session::encoded},
};

/// The attempts that are kept, the oldest first, under the run that made them.
pub(super) fn timeline(delivery: &FullDelivery, now: Timestamp) -> Markup {
    let forgotten = delivery.summary.attempt_count.saturating_sub(delivery.attempts.len() as u64);
    html! {
        h2 { "Attempts" }
        @if forgotten > 0 {
            p.muted { "The first " (counted(forgotten, "attempt is", "attempts are")) " no longer kept." }
        }
        @if delivery.attempts.is_empty() { p { "There was no attempt yet." } }
        @for (run, attempts) in runs(&delivery.attempts) {
            h3 { (words(run, delivery.summary.webhook_id)) }
            ol.timeline { @for attempt in attempts { (point(attempt, now)) } }
        }
    }
}

/// The attempts of each run, in the order of the runs' first attempts.
fn runs(attempts: &[ShownAttempt]) -> Vec<(&str, Vec<&ShownAttempt>)> {
    let mut runs: Vec<(&str, Vec<&ShownAttempt>)> = Vec::new();
    for attempt in attempts {
        match runs.iter_mut().find(|(run, _)| *run == attempt.run) {
            Some((_, attempts)) => attempts.push(attempt),
            None => runs.push((&attempt.run, vec![attempt])),
        }
    }
    runs
}

/// What began a run.
fn words(run: &str, webhook_id: u64) -> Markup {
    html! {
        @match RunId::parse(run) {
            Ok(RunId::Event) => "The event's own run",
            Ok(RunId::Redeliver(_)) => "Delivered again by hand",
            Ok(RunId::Replay(id) | RunId::ReplayAll(id)) => {
                a href={ "/panel/webhooks/" (webhook_id) "/replays/" (encoded(&id)) } { "Replay " (id) }
            }
            Ok(RunId::Redrive(_)) => "Redrive by the operator",
            Ok(RunId::Probe(_)) => "A probe, while the endpoint was failing",
            Ok(RunId::CatchUp(_)) => "Sent by itself, after the endpoint failed",
            Err(_) => (run),
        }
    }
}

fn point(attempt: &ShownAttempt, now: Timestamp) -> Markup {
    html! {
        li {
            strong { "Attempt " (attempt.number) } " " (when(&attempt.attempted_at, now)) ": "
            @match (&attempt.error, attempt.status) {
                (Some(error), _) => (error),
                (None, Some(status)) => { "the endpoint responded with " (status) },
                (None, None) => "the endpoint took it",
            }
            @if let Some(code) = &attempt.code { " (" code { (code) } ")" }
            br;
            span.muted { (latency(attempt.latency_ms)) ", " span.break { (attempt.address) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(run: &str, number: u64, error: Option<&str>) -> ShownAttempt {
        ShownAttempt {
            number,
            run: run.to_owned(),
            attempted_at: "2026-11-21T15:00:00+00:00".to_owned(),
            status: error.is_none().then_some(204),
            error: error.map(str::to_owned),
            code: error.map(|_| "response_timeout".to_owned()),
            latency_ms: 1_290,
            address: "https://b.example/?a=<b>".to_owned(),
        }
    }

    #[test]
    fn attempts_are_grouped_by_run_and_a_replay_is_linked() {
        let attempts =
            [attempt("event", 1, None), attempt("redeliver:a", 1, None), attempt("event", 2, None)];
        let grouped = runs(&attempts);
        let numbers: Vec<_> = grouped.iter().map(|(run, attempts)| (*run, attempts.len())).collect();
        assert_eq!(numbers, [("event", 2), ("redeliver:a", 1)]);
        for (run, expected) in [
            ("event", "The event's own run"),
            ("redeliver:a", "Delivered again by hand"),
            ("redrive:a", "Redrive by the operator"),
            ("replay:a", "<a href=\"/panel/webhooks/7/replays/a\">Replay a</a>"),
            (
                "replay-all:../<\"",
                "<a href=\"/panel/webhooks/7/replays/%2E%2E%2F%3C%22\">Replay ../&lt;&quot;</a>",
            ),
            ("<later>:x", "&lt;later&gt;:x"),
        ] {
            assert_eq!(words(run, 7).into_string(), expected);
        }
    }

    #[test]
    fn an_attempt_tells_what_came_of_it() {
        let now = Timestamp::UNIX_EPOCH;
        let failed = point(&attempt("event", 2, Some("the <endpoint> did not respond")), now).into_string();
        for part in [
            "<strong>Attempt 2</strong>",
            "the &lt;endpoint&gt; did not respond (<code>response_timeout</code>)",
            "1.2 s, <span class=\"break\">https://b.example/?a=&lt;b&gt;</span>",
        ] {
            assert!(failed.contains(part), "{part}: {failed}");
        }
        let taken = point(&attempt("event", 1, None), now).into_string();
        assert!(taken.contains(": the endpoint responded with 204<br>"), "{taken}");
    }
}
