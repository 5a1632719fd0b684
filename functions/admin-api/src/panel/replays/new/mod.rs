//! A new replay: which deliveries, and how fast. It is counted before it begins.
//!
//! Counting is a link that can be shared, and sends nothing. What was counted is what the button
//! then replays, whatever has been typed meanwhile. Its form carries a random id, so that a double
//! click begins one replay.

use axum::{
    Extension,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use jiff::tz::TimeZone;
use maud::{Markup, html};
use storehook_domain::{
    input::field_errors::FieldErrors,
    job::replay::request::ReplayRequest,
    webhook::{Status, Webhook},
};

use crate::{
    app::App,
    error::ApiError,
    http::bodies::{PathId, id_of},
    panel::{
        fields::{Form, Query},
        look::{
            clock::on_clock,
            form::{Field, summary},
            page::{Notice, Page, Tab, done},
        },
        problem::Problem,
        replays::{
            count::{Count, counted},
            draft::Draft,
            rows::{path_of, whose},
        },
        session::Session,
    },
    replays::{
        operations::{begin_replay, count_deliveries},
        responses::DryRunResponse,
    },
    webhooks::operations::find_webhook,
};

/// Shows the form, with `count` also what the replay would send.
pub(crate) async fn show(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    id: PathId,
    Query(query): Query,
) -> Result<Response, Problem> {
    let caller = &session.caller;
    let webhook = find_webhook(&app, caller, id_of(id, str::parse)?).await?;
    app.deliveries.table.retention.deliveries().ok_or(ApiError::HistoryOff)?;
    let zone = &caller.time_zone;
    let draft = Draft::of(&query, session.now, zone);
    let mut view = View {
        webhook: &webhook,
        zone,
        draft: &draft,
        errors: FieldErrors::default(),
        above: None,
        count: None,
    };
    if !query.has("count") {
        return Ok(view.page().into_response());
    }
    match ReplayRequest::parse(&draft.members(zone), zone, session.now) {
        Ok(request) => {
            let dry_run = count_deliveries(&app, caller, webhook.id, &request).await?;
            let dry_run = DryRunResponse::of(&request, &dry_run, zone).replay;
            let new_id = uuid::Uuid::new_v4().to_string();
            view.count = Some(Count { dry_run, per_second: request.per_second, new_id });
            Ok(view.page().into_response())
        }
        Err(errors) => Ok(View { errors, ..view }.refused()),
    }
}

/// Begins a replay, and leads to it.
pub(crate) async fn begin(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    id: PathId,
    Form(form): Form,
) -> Result<Response, Problem> {
    let caller = &session.caller;
    let webhook = find_webhook(&app, caller, id_of(id, str::parse)?).await?;
    let zone = &caller.time_zone;
    let draft = Draft::of(&form, session.now, zone);
    let mut members = draft.members(zone);
    members.extend(form.has("id").then(|| ("id".to_owned(), form.get("id").into())));
    let counted = form.get("of").parse().ok();
    let begun = match ReplayRequest::parse(&members, &session.caller.time_zone, session.now) {
        Ok(request) => begin_replay(&app, caller, webhook.id, request, counted).await,
        Err(errors) => Err(ApiError::Invalid(errors)),
    };
    match begun {
        Ok(record) => {
            let path = path_of(webhook.id.get(), &record.replay.id);
            Ok(done(&path, Notice::ReplayBegun))
        }
        Err(ApiError::Invalid(errors)) => {
            Ok(View { webhook: &webhook, zone, draft: &draft, errors, above: None, count: None }.refused())
        }
        Err(error) => Ok(Problem::from(error).above(|above| {
            let (errors, above) = (FieldErrors::default(), Some(above));
            View { webhook: &webhook, zone, draft: &draft, errors, above, count: None }.page()
        })),
    }
}

struct View<'a> {
    webhook: &'a Webhook,
    zone: &'a TimeZone,
    draft: &'a Draft,
    errors: FieldErrors,
    /// What went wrong otherwise.
    above: Option<Markup>,
    /// What the replay would send, if that was asked.
    count: Option<Count>,
}

impl View<'_> {
    fn page(&self) -> Page {
        Page::new(Tab::Webhooks, "Replay deliveries", self.body())
    }

    fn refused(&self) -> Response {
        self.page().with(StatusCode::UNPROCESSABLE_ENTITY).into_response()
    }

    fn body(&self) -> Markup {
        let path = format!("/panel/webhooks/{}/replays", self.webhook.id);
        let is_active = self.webhook.status == Status::Active;
        let is_counting = self.count.as_ref().is_none_or(|count| !count.can_begin(is_active));
        html! {
            h1 { "Replay deliveries" }
            (whose(self.webhook))
            @if let Some(above) = &self.above { (above) }
            (summary(&self.errors))
            @if !is_active {
                p.notice { "This webhook is " (self.webhook.status.as_str()) ". You can count its deliveries. "
                    a href={ "/panel/webhooks/" (self.webhook.id) } { "Resume the webhook" } " before you replay them." }
            }
            @if let Some(count) = &self.count { (counted(&path, count, is_active)) }
            @if self.count.is_some() { h2 { "Change what is replayed" } }
            form method="get" action={ (path) "/new" } {
                (self.which())
                (self.time("from", "Queued from", "Empty: from the oldest delivery that is kept."))
                (self.time("to", "Queued until", "Empty: until now."))
                (self.pace())
                button class=[is_counting.then_some("primary")] type="submit" name="count" value="1" {
                    @if self.count.is_some() { "Count again" } @else { "Count" }
                }
            }
            @if self.count.is_none() { p.help { "Counting sends nothing." } }
        }
    }

    fn which(&self) -> Markup {
        let choices = [
            ("dead", "Dead: their last attempt failed."),
            ("held", "Held: they came while the webhook was paused or disabled."),
            (
                "all",
                "All but pending ones. What was delivered is sent once more, so the endpoint gets it again.",
            ),
        ];
        let is_invalid = self.errors.names("state");
        html! {
            fieldset id="state" tabindex="-1" aria-describedby=[is_invalid.then_some("state-error")] {
                legend { "Which deliveries" }
                @for (value, words) in choices {
                    div {
                        label.inline {
                            input type="radio" name="state" value=(value) checked[value == self.draft.state];
                            span { (words) }
                        }
                    }
                }
                @if is_invalid { p.error id="state-error" { (self.errors.of("state").join("; ")) } }
            }
        }
    }

    fn time(&self, name: &'static str, label: &str, empty: &str) -> Markup {
        let value = if name == "from" { &self.draft.from } else { &self.draft.to };
        let help = format!("On the shop's clock: {}. {empty}", self.zone.iana_name().unwrap_or("UTC"));
        let field = Field { name, label, help: &help, errors: &self.errors };
        field.around(html! {
            input id=(name) name=(name) type="datetime-local" step="1" value=(on_clock(value, self.zone).as_deref().unwrap_or(value))
                aria-describedby=[field.describes()] aria-invalid=[field.is_invalid().then_some("true")];
        })
    }

    fn pace(&self) -> Markup {
        let field = Field {
            name: "per_second",
            label: "Deliveries per second",
            help: "From 1 to 1,000: what the endpoint can take beside its other deliveries.",
            errors: &self.errors,
        };
        field.text(&self.draft.per_second, "number")
    }
}

#[cfg(test)]
mod tests;
