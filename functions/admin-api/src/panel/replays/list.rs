//! All replays of a webhook that are kept.

use axum::{Extension, extract::State};
use jiff::Timestamp;
use maud::{Markup, html};
use storehook_domain::webhook::Webhook;

use crate::{
    app::App,
    error::ApiError,
    http::bodies::{PathId, id_of},
    panel::{
        look::page::{Page, Tab},
        problem::Problem,
        replays::rows::{self, whose},
        session::Session,
    },
    replays::{
        operations::list_replays,
        responses::{ReplaysResponse, ShownReplay},
    },
    webhooks::operations::find_webhook,
};

/// Shows the replays.
pub(crate) async fn show(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    id: PathId,
) -> Result<Page, Problem> {
    let caller = &session.caller;
    let id = id_of(id, str::parse)?;
    app.deliveries.table.retention.deliveries().ok_or(ApiError::HistoryOff)?;
    let webhook = find_webhook(&app, caller, id).await?;
    let records = list_replays(&app, &webhook).await?;
    let replays = ReplaysResponse::of(&records, &caller.time_zone).replays;
    Ok(Page::new(Tab::Webhooks, "Replays", body(&webhook, &replays, session.now)))
}

fn body(webhook: &Webhook, replays: &[ShownReplay], now: Timestamp) -> Markup {
    let new = format!("/panel/webhooks/{}/replays/new", webhook.id);
    html! {
        h1 { "Replays" }
        (whose(webhook))
        @if replays.is_empty() {
            div.empty {
                p { "No replays. A replay sends deliveries again that failed, or that were held while the webhook was paused." }
                p { a.button.primary href=(new) { "Replay deliveries…" } }
            }
        } @else {
            div.actions { a.button.primary href=(new) { "Replay deliveries…" } }
            (rows::table("The latest first", replays, now))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::panel::replays::rows::tests::{replay, webhook};

    #[test]
    fn with_and_without_replays_the_page_leads_to_a_new_one() -> Result<(), Box<dyn std::error::Error>> {
        let (webhook, now) = (webhook("active")?, "2026-11-21T15:00:00Z".parse()?);
        for replays in [vec![], vec![replay("done", 3, 3)]] {
            let page = body(&webhook, &replays, now).into_string();
            assert_eq!(page.matches("href=\"/panel/webhooks/7/replays/new\"").count(), 1, "{page}");
            assert_eq!(page.contains("No replays."), replays.is_empty(), "{page}");
            assert_eq!(page.contains("<table"), !replays.is_empty(), "{page}");
        }
        Ok(())
    }
}
