//! Deleting a webhook: the page that asks first, and what its button does.

use axum::{Extension, extract::State, response::Response};
use jiff::tz::TimeZone;
use maud::{Markup, html};
use storehook_domain::webhook::Status;

use crate::{
    app::App,
    http::bodies::{PathId, id_of},
    panel::{
        look::{
            page::{Notice, Page, Tab, done},
            state::state,
        },
        problem::Problem,
        session::Session,
        webhooks::place::LIST,
    },
    webhooks::{
        health::WebhookHealth,
        operations::{delete_webhook, find_webhook},
        responses::{WebhookProperties, WebhookResponse},
    },
};

/// Asks whether to delete the webhook.
pub(crate) async fn ask(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    id: PathId,
) -> Result<Page, Problem> {
    let webhook = find_webhook(&app, &session.caller, id_of(id, str::parse)?).await?;
    let properties =
        WebhookResponse::of(&webhook, &WebhookHealth::default(), &TimeZone::UTC, None).webhook.properties;
    let is_recorded = app.deliveries.is_recorded();
    Ok(Page::new(Tab::Webhooks, format!("Delete {}", properties.topic), question(&properties, is_recorded)))
}

/// Deletes it.
pub(crate) async fn delete(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    id: PathId,
) -> Result<Response, Problem> {
    delete_webhook(&app, &session.caller, id_of(id, str::parse)?).await?;
    Ok(done(LIST, Notice::Deleted))
}

fn question(webhook: &WebhookProperties<'_>, is_recorded: bool) -> Markup {
    let path = format!("{LIST}/{}", webhook.id);
    html! {
        div.narrow {
            h1 { "Delete this webhook?" }
            dl.facts {
                dt { "Topic" } dd { (webhook.topic) }
                dt { "Address" } dd { (webhook.address) }
                dt { "Status" } dd { (state(webhook.status)) }
            }
            p { "Its waiting deliveries are cancelled at once, "
                @if is_recorded { "those to be tried again and those that are held among them. " }
                @else { "those to be tried again among them. " }
                "This cannot be undone." }
            @if webhook.status == Status::Active.as_str() {
                p.muted { "To stop its deliveries for a while, pause it instead"
                    @if is_recorded { ": they are held until you replay them." }
                    @else { ". No history is kept, so what it misses meanwhile cannot be replayed." } }
            }
            div.actions {
                form method="post" action={ (path) "/delete" } {
                    button.danger type="submit" { "Delete the webhook" }
                }
                a.button href=(path) { "Keep it" }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::panel::webhooks::sample::webhook_with;

    #[test]
    fn the_question_names_what_ends_and_escapes_it() -> serde_json::Result<()> {
        let address = "https://a.example/?a=\"><script>";
        let webhook = webhook_with("orders/create", address, json!({"status": "paused"}))?;
        let shown = WebhookResponse::of(&webhook, &WebhookHealth::default(), &TimeZone::UTC, None);
        let question = question(&shown.webhook.properties, true).into_string();
        for part in [
            "<dd>orders/create</dd>",
            "<dd>https://a.example/?a=&quot;&gt;&lt;script&gt;</dd>",
            "waiting deliveries are cancelled at once",
            "action=\"/panel/webhooks/7/delete\"",
        ] {
            assert!(question.contains(part), "{part}: {question}");
        }
        assert!(!question.contains("pause it instead"), "it is paused already");
        let webhook = webhook_with("orders/create", "https://a.example/", json!({}))?;
        let shown =
            WebhookResponse::of(&webhook, &WebhookHealth::default(), &TimeZone::UTC, None).webhook.properties;
        assert!(super::question(&shown, true).into_string().contains("held until you replay them"));
        assert!(!super::question(&shown, false).into_string().contains("held"), "no history is kept");
        Ok(())
    }
}
