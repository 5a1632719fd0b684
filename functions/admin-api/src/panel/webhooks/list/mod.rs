//! The webhooks: events by endpoints, and a list that says everything about each.

use axum::{Extension, extract::State};
use maud::{Markup, html};
use storehook_domain::{
    input::field_errors::FieldErrors,
    webhook::{Format, Protocol, Status, WebhookId},
    words::number::counted,
};

use crate::{
    app::App,
    panel::{
        fields::Query,
        look::{
            form::Field,
            icon::Icon,
            page::{Page, Tab},
            state::state,
        },
        problem::Problem,
        session::Session,
        webhooks::{
            endpoint::Endpoint,
            matrix::Matrix,
            place::{LIST, Place},
            status::status_of,
        },
    },
    webhooks::{
        operations::list_page,
        responses::{WebhookProperties, WebhooksResponse},
    },
};

/// Shows the webhooks.
pub(crate) async fn show(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    Query(fields): Query,
) -> Result<Page, Problem> {
    let place = Place::read(&fields);
    let (found, has_more) = list_page(&app, &session.caller, &place.query()).await?;
    let next = found.last().filter(|_| has_more).map(|webhook| webhook.id);
    let healths = app.health.load_page(&session.caller, &found).await?;
    let shown = WebhooksResponse::of(&found, &healths, &session.caller.time_zone, None).webhooks;
    let webhooks: Vec<_> = shown.into_iter().map(|shown| shown.properties).collect();
    Ok(Page::new(Tab::Webhooks, "Webhooks", body(&webhooks, &place, next)))
}

fn body(webhooks: &[WebhookProperties<'_>], place: &Place, next: Option<WebhookId>) -> Markup {
    let is_first = place.since_id.is_none();
    let has_none = webhooks.is_empty() && is_first && !place.is_filtered();
    html! {
        h1 { "Webhooks" }
        @if has_none {
            (none())
        } @else {
            @if !webhooks.is_empty() { p.lead { (sentence(webhooks, is_first && next.is_none())) } }
            p.actions { a.button.primary href="/panel/webhooks/new" { (Icon::Plus.draw()) "New webhook" } }
            (filter(place))
            @if webhooks.is_empty() {
                p.empty { "No webhook is here. " a href=(LIST) { "Show all webhooks" } }
            } @else {
                div.wide-only {
                    h2 { "Events by endpoints" }
                    (matrix(webhooks, is_first && next.is_none()))
                }
                h2 { "One by one" }
                (table(webhooks, place))
                (pages(place, next))
            }
        }
    }
}

fn none() -> Markup {
    html! {
        div.empty {
            p { "No webhooks yet. A webhook sends the events of a topic to an endpoint of yours, "
                "such as every new order to your warehouse." }
            p { a.button.primary href="/panel/webhooks/new" { (Icon::Plus.draw()) "New webhook" } }
        }
    }
}

/// How many webhooks the page has, and in which status.
fn sentence(webhooks: &[WebhookProperties<'_>], is_whole: bool) -> String {
    let with = |status: Status| {
        let count = webhooks.iter().filter(|webhook| webhook.status == status.as_str()).count();
        (count > 0).then(|| format!("{count} {}", status.as_str()))
    };
    let statuses: Vec<_> = Status::ALL.into_iter().filter_map(with).collect();
    let place = if is_whole { "" } else { " on this page" };
    format!("{}{place}: {}.", counted(webhooks.len() as u64, "webhook", "webhooks"), statuses.join(", "))
}

fn filter(place: &Place) -> Markup {
    let errors = FieldErrors::default();
    let field = |name, label| Field { name, label, help: "", errors: &errors };
    let mut statuses = vec![("", "Any status")];
    statuses.extend(Status::ALL.map(|status| (status.as_str(), status.as_str())));
    html! {
        form.filters method="get" action=(LIST) role="search" aria-label="Filter the webhooks" {
            (field("topic", "Topic contains").text(&place.topic, "text"))
            (field("host", "Host contains").text(&place.host, "text"))
            (field("status", "Status").choice(place.status.map_or("", Status::as_str), &statuses))
            button type="submit" { "Filter" }
            @if place.is_filtered() { a href=(LIST) { "Show all" } }
        }
    }
}

fn matrix(webhooks: &[WebhookProperties<'_>], is_whole: bool) -> Markup {
    html! {
        @match Matrix::of(webhooks) {
            Some(matrix) => (matrix.table(is_whole)),
            None => p.muted { "There are too many for this table. Filter by topic or host to see it." },
        }
    }
}

fn table(webhooks: &[WebhookProperties<'_>], place: &Place) -> Markup {
    html! {
        table.cards {
            caption { "Webhooks, the oldest first" }
            thead {
                tr {
                    th scope="col" { "Status" }
                    th scope="col" { "Topic" }
                    th scope="col" { "Address" }
                    th scope="col" { "Settings" }
                    th scope="col" { "Change" }
                }
            }
            tbody { @for webhook in webhooks { (row(webhook, place)) } }
        }
    }
}

fn row(webhook: &WebhookProperties<'_>, place: &Place) -> Markup {
    let path = format!("{LIST}/{}", webhook.id);
    let whose = format!(" {} to {}", webhook.topic, Endpoint::of(webhook.address));
    let (verb, status) = if webhook.status == Status::Active.as_str() {
        ("Pause", Status::Paused)
    } else {
        ("Resume", Status::Active)
    };
    html! {
        tr {
            td { (state(status_of(webhook))) }
            td data-label="Topic" { a href=(path) { (webhook.topic) } }
            td data-label="Address" { (webhook.address) }
            td data-label="Settings" { (settings(webhook)) }
            td {
                div.changes {
                    a href={ (path) "/edit" } { "Edit" span.sr { (whose) } }
                    form method="post" action={ (path) "/status" } {
                        (place.hidden())
                        button.quiet type="submit" name="status" value=(status.as_str()) {
                            (verb) span.sr { (whose) }
                        }
                    }
                }
            }
        }
    }
}

/// What differs from a new webhook's settings.
fn settings(webhook: &WebhookProperties<'_>) -> String {
    let count = |number: usize, one, many| (number > 0).then(|| counted(number as u64, one, many));
    let word = |name: &str, default: &str| (name != default).then(|| name.to_owned());
    let settings = [
        word(webhook.format, Format::default().as_str()),
        word(webhook.protocol, Protocol::default().as_str()),
        count(webhook.fields.len(), "field", "fields"),
        count(webhook.metafield_namespaces.len(), "metafield namespace", "metafield namespaces"),
        count(webhook.custom_headers.names().count(), "header", "headers"),
    ];
    let settings: Vec<_> = settings.into_iter().flatten().collect();
    if settings.is_empty() { "–".to_owned() } else { settings.join(", ") }
}

fn pages(place: &Place, next: Option<WebhookId>) -> Markup {
    html! {
        @if place.since_id.is_some() || next.is_some() {
            nav.pages aria-label="Pages" {
                @if place.since_id.is_some() { a href=(place.after(None).path()) { "First page" } }
                @if next.is_some() { a href=(place.after(next).path()) rel="next" { "Next page" } }
            }
        }
    }
}

#[cfg(test)]
mod tests;
