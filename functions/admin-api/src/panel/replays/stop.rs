//! Stopping a replay. It asks first, and says what stays sent.

use axum::{
    Extension,
    extract::State,
    response::{IntoResponse as _, Redirect, Response},
};
use maud::{Markup, html};
use storehook_domain::{job::replay::record::ReplayStatus, webhook::Webhook};

use crate::{
    app::App,
    panel::{
        look::page::{Notice, Page, Tab, done},
        problem::Problem,
        replays::{
            replay::{is_running, load, sentence},
            rows::{path_of, whose},
        },
        session::Session,
    },
    replays::{
        operations::stop_replay,
        responses::ShownReplay,
        routes::{PathIds, ids_of},
    },
};

/// Asks whether to stop a replay. One that has ended is shown instead.
pub(crate) async fn ask(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    ids: PathIds,
) -> Result<Response, Problem> {
    let (webhook, replay, _) = load(&app, &session.caller, ids).await?;
    if !is_running(&replay) {
        return Ok(Redirect::to(&path_of(replay.webhook_id, &replay.id)).into_response());
    }
    Ok(Page::new(Tab::Webhooks, "Stop the replay?", body(&webhook, &replay)).into_response())
}

/// Stops a replay, and leads to it. One that was done before stays done.
pub(crate) async fn stop(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    ids: PathIds,
) -> Result<Response, Problem> {
    let (webhook_id, replay_id) = ids_of(ids)?;
    let record = stop_replay(&app, &session.caller, webhook_id, &replay_id).await?;
    let path = path_of(webhook_id.get(), &replay_id);
    Ok(match record.status {
        ReplayStatus::Stopped => done(&path, Notice::Stopped),
        ReplayStatus::Running | ReplayStatus::Done => Redirect::to(&path).into_response(),
    })
}

fn body(webhook: &Webhook, replay: &ShownReplay) -> Markup {
    let path = path_of(replay.webhook_id, &replay.id);
    html! {
        h1 { "Stop the replay?" }
        (whose(webhook))
        p.lead { (sentence(replay, None)) }
        p { "What was sent stays sent, and what is queued is still sent: at most the deliveries of 5 seconds. "
            "The rest is not sent again. A stopped replay does not go on, but you can begin another one." }
        div.actions {
            form method="post" action={ (path) "/stop" } { button.danger type="submit" { "Stop the replay" } }
            a.button href=(path) { "Let it go on" }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::panel::replays::rows::tests::{replay, webhook};

    #[test]
    fn it_says_what_stays_sent() -> serde_json::Result<()> {
        let page = body(&webhook("active")?, &replay("running", 600, 600)).into_string();
        for expected in [
            "Sent 600 deliveries so far.",
            "What was sent stays sent",
            "method=\"post\" action=\"/panel/webhooks/7/replays/r1/stop\"",
            "Let it go on",
        ] {
            assert!(page.contains(expected), "{expected}: {page}");
        }
        Ok(())
    }
}
