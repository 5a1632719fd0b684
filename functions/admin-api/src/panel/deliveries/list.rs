//! The list of deliveries, the newest first: of one webhook, or of all.

use axum::{Extension, extract::State, http::StatusCode};
use jiff::{Timestamp, tz::TimeZone};
use maud::{Markup, html};
use storehook_domain::{
    history::state::DeliveryState, input::field_errors::FieldErrors, words::number::counted,
};

use crate::{
    app::App,
    deliveries::{
        all::{MergedPage, list_all_deliveries},
        operations::list_deliveries,
        responses::{DeliveriesResponse, ShownDelivery},
    },
    panel::{
        deliveries::{
            filters::Filters,
            rows::{self, WebhookNames, names_of},
        },
        fields::Query,
        look::{
            clock::on_clock,
            form::{Field, summary},
            page::{Page, Tab},
        },
        problem::Problem,
        session::Session,
    },
    webhooks::operations::{find_webhook, first_webhooks},
};

/// Shows the list.
pub(crate) async fn show(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    Query(fields): Query,
) -> Result<Page, Problem> {
    let (caller, filters) = (&session.caller, Filters::of(&fields));
    let (webhooks, more) = first_webhooks(&app, caller).await?;
    let names = names_of(&webhooks);
    let form = |errors: &FieldErrors| form(&filters, (&names, more > 0), &caller.time_zone, errors);
    let (webhook, query) = match filters.parse(&caller.time_zone) {
        Ok(read) => read,
        Err(errors) => return Ok(page(form(&errors), html! {}).with(StatusCode::BAD_REQUEST)),
    };
    let is_of_all = webhook.is_none();
    let found = match webhook {
        Some(id) => {
            let webhook = find_webhook(&app, caller, id).await?;
            let (records, next) = list_deliveries(&app, caller, &webhook, &query).await?;
            MergedPage { records, next, left_out: 0 }
        }
        None => {
            let merged = list_all_deliveries(&app, caller, &webhooks, &query).await?;
            MergedPage { left_out: merged.left_out + more, ..merged }
        }
    };
    let page_info = found.next.map(|position| position.to_page_info());
    let DeliveriesResponse { deliveries, page_info } =
        DeliveriesResponse::of(&found.records, &caller.time_zone, page_info);
    let is_recorded = app.deliveries.is_recorded();
    let list = List {
        filters: &filters,
        names: is_of_all.then_some(&names),
        deliveries: &deliveries,
        page_info: page_info.as_deref(),
        left_out: found.left_out,
        is_recorded,
    };
    Ok(page(form(&FieldErrors::default()), list.show(session.now)))
}

fn page(form: Markup, list: Markup) -> Page {
    Page::new(Tab::Deliveries, "Deliveries", html! { h1 { "Deliveries" } (form) (list) })
}

/// The filters. `names` are those of the first webhooks, and whether there are more: then a choice
/// would lack them, and the id is typed.
fn form(
    filters: &Filters,
    (names, has_more): (&WebhookNames, bool),
    zone: &TimeZone,
    errors: &FieldErrors,
) -> Markup {
    let field = |name, label| Field { name, label, help: "", errors };
    let ids: Vec<_> = names.iter().map(|(id, name)| (id.to_string(), format!("{name} ({id})"))).collect();
    let mut webhooks = vec![("", "All webhooks")];
    webhooks.extend(ids.iter().map(|(id, name)| (id.as_str(), name.as_str())));
    if webhooks.iter().all(|(id, _)| *id != filters.webhook) {
        webhooks.push((&filters.webhook, &filters.webhook));
    }
    let mut states = vec![("", "Any state")];
    states.extend(DeliveryState::ALL.map(|state| (state.as_str(), state.as_str())));
    if states.iter().all(|(name, _)| *name != filters.state) {
        states.push((&filters.state, &filters.state));
    }
    html! {
        (summary(errors))
        form.filters method="get" action="/panel/deliveries" {
            @if has_more {
                (field("webhook", "Webhook id, or empty for all").text(&filters.webhook, "text"))
            } @else {
                (field("webhook", "Webhook").choice(&filters.webhook, &webhooks))
            }
            (field("state", "State").choice(&filters.state, &states))
            (time(&field("since", "Queued since"), &filters.since, zone))
            (time(&field("until", "Queued until"), &filters.until, zone))
            button.primary type="submit" { "Filter" }
        }
        p.help { "Times are in the shop's time zone" @if let Some(name) = zone.iana_name() { ", " (name) } "." }
        @if errors.names("page_info") {
            p.error id="page_info" tabindex="-1" { "The position in the list " (errors.of("page_info").join("; ")) "." }
        }
    }
}

/// A field with a time in the shop's zone. What is no time is shown as it was typed.
fn time(field: &Field<'_>, value: &str, zone: &TimeZone) -> Markup {
    let shown = on_clock(value, zone);
    let is_text = shown.is_none() && !value.is_empty();
    field.around(html! {
        input id=(field.name) name=(field.name) type={ @if is_text { "text" } @else { "datetime-local" } } step="1"
            value=(shown.as_deref().unwrap_or(value)) autocomplete="off" aria-describedby=[field.describes()]
            aria-invalid=[field.is_invalid().then_some("true")];
    })
}

/// A page of the list.
struct List<'a> {
    filters: &'a Filters,
    /// The names of the webhooks, if the list is of all of them.
    names: Option<&'a WebhookNames>,
    deliveries: &'a [ShownDelivery],
    page_info: Option<&'a str>,
    left_out: usize,
    /// Whether deliveries are recorded at all.
    is_recorded: bool,
}

impl List<'_> {
    fn show(&self, now: Timestamp) -> Markup {
        let number = self.deliveries.len() as u64;
        let caption = format!("{}, the newest first", counted(number, "delivery", "deliveries"));
        html! {
            @if self.left_out > 0 {
                p.notice {
                    (counted(self.left_out as u64, "webhook", "webhooks"))
                    " could not be looked at. Try again, or choose a webhook to see all of its deliveries."
                }
            }
            @match self.names {
                _ if self.deliveries.is_empty() => (self.nothing()),
                Some(names) => (rows::table_of_all(&caption, self.deliveries, names, now)),
                None => (rows::table(&caption, self.deliveries, now)),
            }
            @if self.page_info.is_some() || !self.filters.page_info.is_empty() { (self.pages()) }
        }
    }

    fn pages(&self) -> Markup {
        html! {
            nav.pages aria-label="Pages of deliveries" {
                @if !self.filters.page_info.is_empty() { a href=(self.filters.path(None)) { "Newest deliveries" } }
                @if let Some(next) = self.page_info {
                    a rel="next" href=(self.filters.path(Some(next))) { "Older deliveries" }
                }
            }
        }
    }

    /// What to do where there is nothing.
    fn nothing(&self) -> Markup {
        html! {
            div.empty {
                @if self.page_info.is_some() {
                    p { "Nothing found yet, and there are older deliveries to look through." }
                } @else if !self.is_recorded {
                    p { "The history is switched off: the operator of this platform keeps no deliveries." }
                } @else if !self.filters.page_info.is_empty() {
                    p { "There are no older deliveries." }
                } @else if self.filters.is_narrow() {
                    p { "No delivery matches. " a href="/panel/deliveries" { "Show all deliveries" } "." }
                } @else {
                    p { "No deliveries yet. " a href="/panel/push" { "Publish an event" } ", or "
                        a href="/panel/webhooks" { "send a test" } " from a webhook's page." }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list<'a>(filters: &'a Filters, names: &'a WebhookNames) -> List<'a> {
        List { filters, names: Some(names), deliveries: &[], page_info: None, left_out: 0, is_recorded: true }
    }

    #[test]
    fn an_empty_list_says_why_and_what_to_do() {
        let names = WebhookNames::new();
        let all = Filters::default();
        let dead = Filters { state: "dead".to_owned(), ..Filters::default() };
        let later = Filters { page_info: "x".to_owned(), ..Filters::default() };
        for (list, expected) in [
            (list(&all, &names), "<a href=\"/panel/push\">Publish an event</a>"),
            (list(&all, &names), "<a href=\"/panel/webhooks\">send a test</a>"),
            (List { is_recorded: false, ..list(&all, &names) }, "history is switched off"),
            (list(&dead, &names), "No delivery matches."),
            (list(&later, &names), "There are no older deliveries."),
            (list(&later, &names), "<a href=\"/panel/deliveries\">Newest deliveries</a>"),
            (List { page_info: Some("y"), ..list(&dead, &names) }, "older deliveries to look through"),
            (
                List { page_info: Some("y"), ..list(&dead, &names) },
                "href=\"/panel/deliveries?state=dead&amp;page_info=y\"",
            ),
            (List { left_out: 2, ..list(&all, &names) }, "2 webhooks could not be looked at."),
        ] {
            let shown = list.show(Timestamp::UNIX_EPOCH).into_string();
            assert!(shown.contains(expected), "{expected}: {shown}");
        }
    }

    #[test]
    fn a_refused_filter_shows_again_with_its_errors() {
        let names = WebhookNames::from([(7, "* → b.example".to_owned())]);
        let filters = Filters {
            webhook: "x\"><script>".to_owned(),
            since: "yesterday".to_owned(),
            until: "2026-11-21T15:00:00Z".to_owned(),
            ..Filters::default()
        };
        let errors = filters.parse(&TimeZone::UTC).err().unwrap_or_default();
        let of_many = form(&filters, (&names, true), &TimeZone::UTC, &errors).into_string();
        assert!(of_many.contains("<input id=\"webhook\"") && !of_many.contains("<option value=\"7\""));
        let form = form(&filters, (&names, false), &TimeZone::UTC, &errors).into_string();
        for part in [
            "<option value=\"7\">* → b.example (7)</option>",
            "<option value=\"x&quot;&gt;&lt;script&gt;\" selected>",
            "<a href=\"#since\">since must be an ISO 8601 date and time with an offset, or a date</a>",
            "type=\"text\" step=\"1\" value=\"yesterday\"",
            "type=\"datetime-local\" step=\"1\" value=\"2026-11-21T15:00:00\"",
            "id=\"since-error\"",
        ] {
            assert!(form.contains(part), "{part}: {form}");
        }
    }
}
