//! A replay: how far it is. While it runs, its part of the page asks for itself again, so it goes
//! on after a reload, too.
//!
//! A replay does not know how much there is to send. The form that began it may have counted it,
//! and then its record has the number.

use axum::{Extension, extract::State};
use jiff::Timestamp;
use maud::{Markup, html};
use storehook_domain::{
    webhook::Webhook,
    words::number::{self, count},
};

use crate::{
    app::App,
    error::ApiError,
    http::caller::Caller,
    panel::{
        look::{
            page::{Page, Tab},
            state::state,
            time::when,
        },
        problem::Problem,
        replays::rows::{path_of, whose, window},
        session::{Session, encoded},
    },
    replays::{
        operations::find_replay,
        responses::{ReplayResponse, ShownReplay},
        routes::{PathIds, ids_of},
    },
    webhooks::operations::find_webhook,
};

/// Shows a replay.
pub(crate) async fn show(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    ids: PathIds,
) -> Result<Page, Problem> {
    let (webhook, replay, counted) = load(&app, &session.caller, ids).await?;
    let of = counted.filter(|counted| *counted > 0);
    Ok(Page::new(Tab::Webhooks, "Replay", body(&webhook, &replay, of, session.now)))
}

/// Loads the replay that a path names: its webhook, the replay, and what its form had counted.
pub(crate) async fn load(
    app: &App,
    caller: &Caller,
    ids: PathIds,
) -> Result<(Webhook, ShownReplay, Option<u64>), ApiError> {
    let (webhook_id, replay_id) = ids_of(ids)?;
    let webhook = find_webhook(app, caller, webhook_id).await?;
    let record = find_replay(app, &webhook, &replay_id).await?;
    let replay = ReplayResponse::of(&record, &caller.time_zone).replay;
    Ok((webhook, replay, record.counted))
}

/// Whether a replay goes on.
pub(crate) fn is_running(replay: &ShownReplay) -> bool {
    replay.ended_at.is_none()
}

fn body(webhook: &Webhook, replay: &ShownReplay, of: Option<u64>, now: Timestamp) -> Markup {
    html! {
        h1 { "Replay" }
        (whose(webhook))
        (progress(replay, of, now))
        p { a href={ "/panel/webhooks/" (webhook.id) "/replays" } { "All replays of this webhook" } }
    }
}

/// How far the replay is: the part of the page that follows it.
fn progress(replay: &ShownReplay, of: Option<u64>, now: Timestamp) -> Markup {
    let path = path_of(replay.webhook_id, &replay.id);
    let is_live = is_running(replay);
    let live = |value: &'static str| is_live.then_some(value);
    html! {
        section id="replay" aria-label="How far it is" data-live[is_live]
            data-version={ (replay.found) "." (replay.sent) "." (replay.expired) }
            hx-get=[is_live.then_some(&path)] hx-select=[live("#replay")] hx-target=[live("#replay")]
            hx-swap=[live("outerHTML")] hx-trigger=[live("live")]
            hx-disinherit=[live("hx-select hx-target hx-swap")] {
            p { (state(replay.state)) }
            p.lead { (sentence(replay, of)) }
            @if is_live { (bar(replay.found, of)) }
            div.actions {
                a.button.primary id="show" href=(deliveries(replay)) { "Show the deliveries" }
                @if is_live { a.button.danger id="stop" href={ (path) "/stop" } { "Stop…" } }
                @else { a.button id="again" href=(again(replay)) { "Replay again…" } }
            }
            (facts(replay, now))
        }
    }
}

fn bar(found: u64, of: Option<u64>) -> Markup {
    html! {
        @match of {
            Some(of) => progress aria-label="Deliveries found so far" max=(of.max(found)) value=(found) {},
            None => progress aria-label="Deliveries found so far" {},
        }
    }
}

/// How far the replay is, in words.
pub(crate) fn sentence(replay: &ShownReplay, of: Option<u64>) -> String {
    let sent = number::deliveries(replay.sent);
    let so_far = match (replay.state, of) {
        ("running", Some(of)) => {
            format!("Sent {} of {} so far.", count(replay.sent), count(of.max(replay.found)))
        }
        ("running", None) => format!("Sent {sent} so far."),
        ("stopped", _) => format!("Stopped after {sent}. What was sent stays sent."),
        _ => format!("Done: {sent} sent."),
    };
    match replay.expired {
        0 => so_far,
        1 => format!("{so_far} One could not be sent, because its payload is no longer kept."),
        expired => {
            let expired = count(expired);
            format!("{so_far} {expired} could not be sent, because their payloads are no longer kept.")
        }
    }
}

fn facts(replay: &ShownReplay, now: Timestamp) -> Markup {
    html! {
        dl.facts {
            dt { "Deliveries" } dd { (replay.deliveries) }
            dt { "Queued" } dd { (window(&replay.from, &replay.to)) }
            dt { "Pace" } dd { (count(replay.per_second.into())) " a second" }
            dt { "Found" } dd { (count(replay.found)) }
            dt { "Sent" } dd { (count(replay.sent)) }
            dt { "No longer kept" } dd { (count(replay.expired)) }
            dt { "Began" } dd { (when(&replay.began_at, now)) }
            dt { "Ended" }
            dd {
                @match &replay.ended_at {
                    Some(ended_at) => (when(ended_at, now)),
                    None => "not yet",
                }
            }
        }
    }
}

/// The list of the deliveries of the replay's window.
fn deliveries(replay: &ShownReplay) -> String {
    let (since, until) = (encoded(&replay.from), encoded(&replay.to));
    format!("/panel/deliveries?webhook={}&since={since}&until={until}", replay.webhook_id)
}

/// The form of a new replay like this one.
fn again(replay: &ShownReplay) -> String {
    let ShownReplay { webhook_id, deliveries, per_second, .. } = replay;
    let (from, to) = (encoded(&replay.from), encoded(&replay.to));
    format!(
        "/panel/webhooks/{webhook_id}/replays/new?from={from}&to={to}&state={deliveries}&per_second={per_second}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::panel::replays::rows::tests::{replay, webhook};

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    #[test]
    fn a_replay_says_how_far_it_is() {
        for (state, found, sent, of, expected) in [
            ("running", 0, 0, None, "Sent 0 deliveries so far."),
            ("running", 600, 600, Some(1_204), "Sent 600 of 1,204 so far."),
            ("running", 1_300, 1_300, Some(1_204), "Sent 1,300 of 1,300 so far."),
            ("done", 1_204, 1_204, Some(1_204), "Done: 1,204 deliveries sent."),
            (
                "done",
                2,
                1,
                None,
                "Done: 1 delivery sent. One could not be sent, because its payload is no longer kept.",
            ),
            (
                "stopped",
                604,
                600,
                None,
                "Stopped after 600 deliveries. What was sent stays sent. 4 could not be sent, because their \
                 payloads are no longer kept.",
            ),
        ] {
            assert_eq!(sentence(&replay(state, found, sent), of), expected);
        }
    }

    #[test]
    fn a_running_replay_follows_itself_and_can_be_stopped() -> TestResult {
        let now = "2026-11-21T15:00:30Z".parse()?;
        let webhook = webhook("active")?;
        let page = body(&webhook, &replay("running", 600, 600), Some(1_204), now).into_string();
        for expected in [
            " data-live data-version=\"600.600.0\" ",
            "hx-get=\"/panel/webhooks/7/replays/r1\"",
            "max=\"1204\" value=\"600\"",
            "href=\"/panel/webhooks/7/replays/r1/stop\"",
            "a.example/?q=&lt;script&gt;",
        ] {
            assert!(page.contains(expected), "{expected}: {page}");
        }
        let page = body(&webhook, &replay("running", 600, 600), None, now).into_string();
        assert!(page.contains("found so far\"></progress>"), "{page}");
        Ok(())
    }

    #[test]
    fn a_replay_that_has_ended_follows_nothing() -> TestResult {
        let now = "2026-11-21T15:02:00Z".parse()?;
        for state in ["done", "stopped"] {
            let page = body(&webhook("active")?, &replay(state, 600, 600), None, now).into_string();
            for absent in ["data-live", "hx-get", "<progress", "/stop"] {
                assert!(!page.contains(absent), "{absent}: {page}");
            }
            assert!(page.contains("/replays/new?from=2026%2D11%2D20T10"), "{page}");
            assert!(page.contains("/panel/deliveries?webhook=7&amp;since=2026%2D11%2D20T10"), "{page}");
        }
        Ok(())
    }
}
