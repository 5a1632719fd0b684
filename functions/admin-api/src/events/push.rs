//! Pushed events: from the API onto the stream.
//!
//! A push gets its response once all of its events are on the stream. If the stream does not take
//! some of them in time, the response tells which. Pushing the same events again with the same ids
//! is safe: receivers see each as one event.

use axum::{
    Extension, Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use storehook_aws::stream::Record;
use storehook_domain::event::pushed::{PushedEvent, PushedEvents};

use crate::{
    app::App,
    error::ApiError,
    events::{
        new_id::new_event_id,
        responses::{PushFailure, PushResponse, PushResult},
        schemas::PushBody,
    },
    http::{
        bodies::{RequestBody, bytes_of},
        caller::Caller,
        schemas::Errors,
    },
};

/// Push events
///
/// Puts one event of the shop, or a list of events, onto the stream, and responds when they are
/// there. The payload is the property `payload`, or, if there is none, all properties except the
/// topic. One invalid event refuses the whole list. An app may push 1000 events at once and 50 a
/// second, unless the operator permits another number; with more than ten webhooks on the shop, an
/// event counts once for every ten. The token needs the scope `events:push`. The
/// path `/events`, without a prefix, works as well.
#[utoipa::path(
    post,
    path = "/admin/events",
    operation_id = "pushEvents",
    tag = "events",
    request_body = PushBody,
    responses(
        (status = 202, description = "All events are on the stream.", body = PushResponse),
        (status = 400, description = "The body is not a JSON object.", body = Errors),
        (status = 413, description = "The body is over 4 MiB.", body = Errors),
        (status = 415, description = "`Content-Type` is not JSON.", body = Errors),
        (status = 422, description = "Some events are invalid: `errors` says why, field by field. Or the list has more events than the app may ever push at once. No event was accepted.", body = Errors),
        (status = 503, description = "Some events may not be on the stream.", body = PushFailure),
    ),
)]
pub(crate) async fn push(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    body: RequestBody,
) -> Result<Response, ApiError> {
    let body = bytes_of(body)?;
    let pushed =
        PushedEvents::parse(&body, &caller.shop, &caller.app, storehook_aws::now(), || new_event_id(""));
    let PushedEvents { events, is_list } = pushed.map_err(ApiError::Push)?;
    let results = push_events(&app, &caller, events).await?;
    Ok((StatusCode::ACCEPTED, Json(PushResponse::of(results, is_list))).into_response())
}

/// Puts events of a caller onto the stream, if its bucket has room for them. Their records name the
/// caller's shop: [`PushedEvents::parse`] saw to it.
pub(crate) async fn push_events(
    app: &App,
    caller: &Caller,
    events: Vec<PushedEvent>,
) -> Result<Vec<PushResult>, ApiError> {
    app.pushes.count(caller, events.len(), storehook_aws::now()).await?;
    let (ids, records): (Vec<_>, Vec<_>) = events
        .into_iter()
        .map(|event| {
            (event.id, Record { partition_key: event.partition_key, data: event.record.into_bytes() })
        })
        .unzip();
    let failed = app.stream.put_all(records).await?;
    let result_of = |index| if failed.contains(&index) { "failed" } else { "accepted" };
    let results: Vec<_> = ids
        .into_iter()
        .enumerate()
        .map(|(index, event_id)| PushResult { event_id, result: result_of(index) })
        .collect();
    if failed.is_empty() { Ok(results) } else { Err(ApiError::PushIncomplete(results)) }
}
