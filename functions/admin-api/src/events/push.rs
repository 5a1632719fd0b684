//! Pushed events: from the API onto the stream.
//!
//! A push is answered when all of its events are on the stream, and not before. Records that
//! the stream does not take at once are put again for a short while; where some are then
//! still not taken, the answer tells which. To push the same events again with the same ids
//! is safe: each is one event to its receivers.

use std::time::Duration;

use aws_sdk_kinesis::Client;
use axum::{
    Extension, Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use serde::Serialize;
use storehook_aws::stream::{self, Record, StreamError};
use storehook_domain::event::{id::EventId, pushed::PushedEvents};
use utoipa::ToSchema;

use crate::{
    App,
    deliveries::{schemas::PushBody, test_events::new_event_id},
    error::ApiError,
    http::{
        admission::Caller,
        bodies::{RequestBody, bytes_of},
    },
    webhooks::schemas::Errors,
};

/// The event stream.
#[derive(Clone)]
pub(crate) struct EventStream {
    pub(crate) client: Client,
    pub(crate) name: String,
}

/// The largest push, in bytes: with its quotes escaped it still fits into the 6 MB that Lambda hands over.
pub(crate) const PUSH_BODY_LIMIT: usize = 4 * 1024 * 1024;

/// How long records that the stream did not take wait before each further try.
///
/// The request must end while it can tell what it has done, so none begins after [`PATIENCE`].
const BACKOFFS: [Duration; 4] = [
    Duration::from_millis(100),
    Duration::from_millis(300),
    Duration::from_millis(900),
    Duration::from_millis(1_800),
];

/// How long records are put again.
const PATIENCE: Duration = Duration::from_secs(4);

/// What became of a pushed event.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PushedAnswer {
    /// Its id: the sender's, or a new one.
    #[schema(value_type = String, example = "01JD4Q")]
    event_id: EventId,
    /// `accepted`: it is on the stream. In an answer of 503 also `failed`: it is not, and may be pushed again.
    #[schema(example = "accepted")]
    result: &'static str,
}

/// What became of a list of pushed events, in their order.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PushedListAnswer {
    events: Vec<PushedAnswer>,
}

/// An answer to a push that could not be made as a whole.
#[derive(Serialize, ToSchema)]
pub(crate) struct PushFailure {
    #[schema(example = "Service Unavailable")]
    errors: String,
    /// What became of each event, in their order. Absent where that is not known: then each may be on the
    /// stream or not.
    events: Option<Vec<PushedAnswer>>,
}

/// An answer to a push: of one event, or of a list.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum PushAnswer {
    One(PushedAnswer),
    List(PushedListAnswer),
}

/// Push events
///
/// Puts an event of the shop, or a list of them, onto its stream. The payload is a member of its own, or
/// everything but the topic. A list is taken as a whole or, where anything in it is wrong, not at all.
/// Answers when the events are on the stream. The token needs the scope `events:push`. The path `/events`, without
/// a prefix, is the same.
#[utoipa::path(
    post,
    path = "/admin/events",
    operation_id = "pushEvents",
    tag = "events",
    request_body = PushBody,
    responses(
        (status = 202, description = "Everything is on the stream.", body = PushAnswer),
        (status = 400, description = "The body is not a JSON object.", body = Errors),
        (status = 413, description = "The body is over 4 MiB.", body = Errors),
        (status = 415, description = "The body is said to be something other than JSON.", body = Errors),
        (status = 422, description = "What is wrong with which event; none has been accepted.", body = Errors),
        (status = 503, description = "Not everything is on the stream.", body = PushFailure),
    ),
)]
pub(crate) async fn push(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    body: RequestBody,
) -> Result<Response, ApiError> {
    let body = bytes_of(body)?;
    let pushed = PushedEvents::parse(&body, &caller.shop, storehook_aws::now(), || new_event_id(""));
    let PushedEvents { events, is_list } = pushed.map_err(ApiError::Push)?;
    let (ids, records): (Vec<_>, Vec<_>) = events
        .into_iter()
        .map(|event| {
            (event.id, Record { partition_key: event.partition_key, data: event.record.into_bytes() })
        })
        .unzip();
    let failed = app.stream.put_all(records).await?;
    let mut answers: Vec<_> = ids
        .into_iter()
        .enumerate()
        .map(|(index, event_id)| PushedAnswer {
            event_id,
            result: if failed.contains(&index) { "failed" } else { "accepted" },
        })
        .collect();
    if !failed.is_empty() {
        return Err(ApiError::PushIncomplete(answers));
    }
    let answer = match answers.pop() {
        Some(only) if !is_list => PushAnswer::One(only),
        last => PushAnswer::List(PushedListAnswer { events: answers.into_iter().chain(last).collect() }),
    };
    Ok((StatusCode::ACCEPTED, Json(answer)).into_response())
}

impl EventStream {
    /// Puts records, and returns the places of those that the stream did not take.
    async fn put_all(&self, records: Vec<Record>) -> Result<Vec<usize>, StreamError> {
        let mut waiting: Vec<_> = records.into_iter().enumerate().collect();
        let mut backoffs = BACKOFFS.iter();
        let began = storehook_aws::now();
        let is_over = || {
            let elapsed = storehook_aws::now().duration_since(began);
            Duration::try_from(elapsed).is_ok_and(|elapsed| elapsed >= PATIENCE)
        };
        loop {
            let (places, records): (Vec<usize>, Vec<Record>) = waiting.into_iter().unzip();
            let unput = stream::put(&self.client, &self.name, records).await?;
            let still =
                unput.records.into_iter().filter_map(|(index, record)| Some((*places.get(index)?, record)));
            waiting = still.collect();
            match backoffs.next() {
                Some(wait) if !waiting.is_empty() && !is_over() => tokio::time::sleep(*wait).await,
                _ => {
                    if let Some(reason) = unput.reason {
                        tracing::warn!(reason, events = waiting.len(), "pushed events not taken");
                    }
                    return Ok(waiting.into_iter().map(|(place, _)| place).collect());
                }
            }
        }
    }
}
