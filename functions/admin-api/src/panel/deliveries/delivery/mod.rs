//! The page of one delivery, and its button that delivers it again.
//!
//! While an attempt is to come soon, the page asks for itself again: the sentence has the attributes
//! for it, and brings the attempts with it if the record has changed. What people use stays: the
//! buttons and the command. A delivery that was queued again still has its old state, so the
//! address of the page says since when it waits, for a minute at most.

use axum::{
    Extension,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use futures::future;
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};
use storehook_domain::{
    delivery::id::DeliveryId,
    explanation::why::why,
    history::{held_for::HeldFor, record::DeliveryRecord},
    input::field_errors::FieldErrors,
    job::recovery::endpoint_health::EndpointHealth,
    webhook::{Status, Webhook},
};

use crate::{
    app::App,
    deliveries::{
        operations::find_delivery,
        responses::{DeliveryResponse, FullDelivery},
        signed_now::{SignedRequest, sign_now},
    },
    error::ApiError,
    http::{
        bodies::{PathId, id_of},
        caller::Caller,
    },
    panel::{
        deliveries::{
            curl::{FILE, copy_as_curl},
            exchange::exchange,
            facts::facts,
            timeline::timeline,
        },
        fields::{Form, Query},
        look::{
            form::once,
            page::{Notice, Page, Tab, done},
        },
        problem::Problem,
        session::Session,
    },
    replays::redelivery::redeliver_one,
};

/// How soon an attempt must be due for the page to wait for it.
const SOON: SignedDuration = SignedDuration::from_mins(5);

/// How long the page waits for an attempt that is due, or that somebody asked for.
const PATIENCE: SignedDuration = SignedDuration::from_mins(1);

/// Shows a delivery.
pub(crate) async fn show(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    id: PathId,
    Query(fields): Query,
) -> Result<Page, Problem> {
    let queued = fields.get("queued").parse().ok().and_then(|second| Timestamp::from_second(second).ok());
    let found = Found::load(&app, &session.caller, &id_of(id, DeliveryId::parse)?).await?;
    Ok(found.page(queued, &FieldErrors::default(), &session))
}

/// Delivers a delivery again.
pub(crate) async fn redeliver(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    id: PathId,
    Form(fields): Form,
) -> Result<Response, Problem> {
    let id = id_of(id, DeliveryId::parse)?;
    match redeliver_one(&app, &session.caller, &id, fields.once()).await {
        Ok(_) => {
            let page = format!("/panel/deliveries/{id}?queued={}", session.now.as_second());
            Ok(done(&page, Notice::Queued))
        }
        Err(ApiError::Invalid(errors)) => {
            let found = Found::load(&app, &session.caller, &id).await?;
            let page = found.page(None, &errors, &session);
            Ok(page.with(StatusCode::UNPROCESSABLE_ENTITY).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// The body of a delivery's request, as a file for the curl command.
pub(crate) async fn body(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    id: PathId,
) -> Result<Response, Problem> {
    let found = Found::load(&app, &session.caller, &id_of(id, DeliveryId::parse)?).await?;
    let request = found.request.ok_or(ApiError::NotFound)?;
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{FILE}\"")),
    ];
    Ok((headers, request.body).into_response())
}

/// A delivery, and what its page needs beside it.
struct Found {
    record: DeliveryRecord,
    /// Its webhook as it is now.
    webhook: Option<Webhook>,
    /// How its endpoint is, if the delivery is held for it.
    endpoint: EndpointHealth,
    /// Its payload, if it is still kept.
    payload: Option<String>,
    /// Its request, if one can be made.
    request: Option<SignedRequest>,
}

impl Found {
    async fn load(app: &App, caller: &Caller, id: &DeliveryId) -> Result<Self, ApiError> {
        let record = find_delivery(app, caller, id).await?;
        let webhook = app.webhooks.load(caller, id.webhook_id);
        let payload = app.deliveries.table.load_payload(&record, storehook_aws::now());
        let (webhook, payload) = future::try_join(webhook, payload).await?;
        let request = match (&webhook, &payload) {
            (Some(webhook), Some(payload)) => sign_now(app, caller, &record, webhook, payload).await?,
            _ => None,
        };
        let endpoint = match &webhook {
            Some(webhook) if record.held_for == Some(HeldFor::Failing) => {
                app.health.load_endpoint(webhook).await?
            }
            _ => EndpointHealth::default(),
        };
        Ok(Self { record, webhook, endpoint, payload, request })
    }

    fn page(&self, queued: Option<Timestamp>, refused: &FieldErrors, session: &Session) -> Page {
        let Self { record, payload, .. } = self;
        let DeliveryResponse { delivery } =
            DeliveryResponse::of(record, payload.as_deref(), &session.caller.time_zone);
        let title = format!("Delivery of {}", delivery.summary.topic);
        Page::new(Tab::Deliveries, title, self.show(&delivery, queued, refused, session.now))
    }

    fn show(
        &self,
        delivery: &FullDelivery,
        queued: Option<Timestamp>,
        refused: &FieldErrors,
        now: Timestamp,
    ) -> Markup {
        let (summary, status) = (&delivery.summary, self.webhook.as_ref().map(|webhook| webhook.status));
        let path = format!("/panel/deliveries/{}", summary.id);
        let is_live = is_live(&self.record, queued, now);
        let again = queued.map(|queued| format!("?queued={}", queued.as_second())).unwrap_or_default();
        let when_live = |text: &str| is_live.then(|| text.to_owned());
        html! {
            h1 { "Delivery of " (summary.topic) }
            @if !refused.is_empty() {
                div.problem role="alert" tabindex="-1" autofocus {
                    h2 { "It was not delivered again" }
                    ul { @for (field, texts) in refused.iter() { li { (field) " " (texts.join("; ")) } } }
                }
            }
            p.lead id="delivery" hx-get=[when_live(&format!("{path}{again}"))] hx-select=[when_live("#delivery")]
                hx-select-oob=[when_live("#attempts")] hx-target=[when_live("#delivery")]
                hx-swap=[when_live("outerHTML")] hx-trigger=[when_live("live")] data-live[is_live] {
                (why(&self.record, status.map(|status| (status, self.endpoint)), now))
            }
            div.actions { (self.again(&path, status)) }
            div id="attempts" data-version=(self.version()) {
                (facts(summary, self.webhook.as_ref(), now))
                (timeline(delivery, now))
                (exchange(delivery, self.request.as_ref().map(|_| format!("{path}/body")).as_deref()))
            }
            @if let Some(request) = &self.request { (copy_as_curl(request, &format!("{path}/body"))) }
        }
    }

    /// What the part with the attempts was made from.
    fn version(&self) -> String {
        let webhook = self.webhook.as_ref().map_or(0, |webhook| webhook.version);
        format!("{}.{webhook}", self.record.version)
    }

    /// The button that delivers it again, or why there is none.
    fn again(&self, path: &str, webhook: Option<Status>) -> Markup {
        html! {
            @match (webhook, &self.payload) {
                (None, _) => p { "The webhook is deleted, so it cannot be delivered again." },
                (_, None) => p { "The payload is no longer kept, so it cannot be delivered again." },
                (Some(Status::Active), Some(_)) => {
                    form method="post" action={ (path) "/redeliver" } {
                        (once())
                        button.primary id="deliver-again" type="submit" { "Deliver again" }
                    }
                }
                (Some(status), Some(_)) => p {
                    "To deliver it again, make "
                    a href={ "/panel/webhooks/" (self.record.envelope.id.webhook_id) } { "the webhook" }
                    " active. It is " (status.as_str()) "."
                }
            }
        }
    }
}

/// Whether an attempt is to come soon.
fn is_live(record: &DeliveryRecord, queued: Option<Timestamp>, now: Timestamp) -> bool {
    let is_due = record.next_attempt_at.is_some_and(|due| {
        let wait = due.duration_since(now);
        -PATIENCE < wait && wait <= SOON
    });
    let is_asked_for = queued.is_some_and(|queued| {
        let waited = now.duration_since(queued);
        let is_made = record.attempts.iter().any(|attempt| attempt.at.as_second() >= queued.as_second());
        !waited.is_negative() && waited < PATIENCE && !is_made
    });
    record.state.can_be_overdue() && is_due || is_asked_for
}

#[cfg(test)]
mod tests;
