//! Deliveries as the API prints them. The OpenAPI description is made from the same types.

use jiff::tz::TimeZone;
use serde::Serialize;
use storehook_domain::{
    history::{
        attempt::{AttemptRecord, ResponseRecord},
        held_for::HeldFor,
        record::DeliveryRecord,
    },
    payload::Payload,
};
use utoipa::ToSchema;

use crate::{deliveries::schemas, http::local_time::local_time};

/// A page of deliveries, the newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeliveriesResponse {
    pub(crate) deliveries: Vec<ShownDelivery>,
    /// The `page_info` of the next page; null on the last page.
    pub(crate) page_info: Option<String>,
}

/// One delivery, in short.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeliverySummaryResponse {
    pub(crate) delivery: ShownDelivery,
}

/// One delivery, in full.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeliveryResponse {
    pub(crate) delivery: FullDelivery,
}

/// One event on its way to one webhook.
#[derive(Serialize, ToSchema)]
#[schema(as = Delivery)]
pub(crate) struct ShownDelivery {
    /// The id: `<webhook id>-<event id>`, sometimes followed by `~` and 8 hexadecimal digits.
    /// Retries and replays keep it.
    #[schema(example = "4759306-01JD4Q")]
    pub(crate) id: String,
    #[schema(example = 4_759_306)]
    pub(crate) webhook_id: u64,
    #[schema(example = "01JD4Q")]
    pub(crate) event_id: String,
    /// The event's topic.
    #[schema(example = "orders/create")]
    pub(crate) topic: String,
    #[schema(schema_with = schemas::delivery_state)]
    pub(crate) state: &'static str,
    #[schema(schema_with = schemas::held_for)]
    pub(crate) held_for: Option<&'static str>,
    /// Whether the event is a test event.
    pub(crate) test: bool,
    /// Whether another event came under the same id with another payload. It was not sent.
    pub(crate) has_other_payload: bool,
    /// The number of attempted runs besides the event's own.
    pub(crate) replays: usize,
    /// When the event happened, in the shop's time zone.
    #[schema(format = DateTime, example = "2017-03-20T16:02:17-04:00")]
    pub(crate) triggered_at: String,
    /// When the delivery was first queued.
    #[schema(format = DateTime, example = "2017-03-20T16:02:17-04:00")]
    pub(crate) created_at: String,
    /// When the next attempt is due; null if there is none.
    #[schema(format = DateTime)]
    pub(crate) next_attempt_at: Option<String>,
    /// The number of attempts in all runs.
    pub(crate) attempt_count: u64,
    /// The last attempt; null if there is none.
    pub(crate) last_attempt: Option<ShownAttempt>,
}

/// A delivery with its attempts, its last request and the response to it.
#[derive(Serialize, ToSchema)]
pub(crate) struct FullDelivery {
    #[serde(flatten)]
    pub(crate) summary: ShownDelivery,
    /// The latest attempts, the oldest first.
    pub(crate) attempts: Vec<ShownAttempt>,
    /// The request of the last attempt; null if none could be built.
    pub(crate) request: Option<ShownRequest>,
    /// The response to the last attempt; null if there was none.
    pub(crate) response: Option<ShownResponse>,
    /// The `details` of an integration endpoint's verdict: JSON in a string.
    pub(crate) details: Option<String>,
}

/// One POST of a delivery.
#[derive(Serialize, ToSchema)]
#[schema(as = Attempt)]
pub(crate) struct ShownAttempt {
    /// The attempt's number in its run, from 1.
    pub(crate) number: u64,
    /// The run that the attempt belongs to, named after what began it: `event`, `redeliver:…`,
    /// `replay:…`, `replay-all:…`,
    /// `redrive:…`, `probe:…` or `catch-up:…`.
    #[schema(example = "event")]
    pub(crate) run: String,
    #[schema(format = DateTime)]
    pub(crate) attempted_at: String,
    /// The status of the response; null if there was none.
    pub(crate) status: Option<u16>,
    /// Why the attempt failed; null if it succeeded.
    pub(crate) error: Option<String>,
    /// The code of the failure, for programs; null if the attempt succeeded.
    #[schema(example = "connection_refused")]
    pub(crate) code: Option<String>,
    pub(crate) latency_ms: u64,
    /// The URL that the attempt was sent to.
    pub(crate) address: String,
}

/// A request as it was sent.
#[derive(Serialize, ToSchema)]
#[schema(as = SentRequest)]
pub(crate) struct ShownRequest {
    #[schema(example = "POST")]
    pub(crate) method: &'static str,
    pub(crate) address: String,
    /// The headers, without those of HTTP itself. The values of custom headers are `***`.
    #[schema(value_type = BTreeMap<String, String>)]
    pub(crate) headers: serde_json::Map<String, serde_json::Value>,
    /// The body; null if the payload has expired.
    pub(crate) body: Option<String>,
    /// Whether the body was longer: only its first 2 MiB are shown.
    pub(crate) body_truncated: bool,
}

/// The beginning of an endpoint's response.
#[derive(Serialize, ToSchema)]
#[schema(as = ReceivedResponse)]
pub(crate) struct ShownResponse {
    pub(crate) status: Option<u16>,
    /// The first KiB of the body, as text.
    pub(crate) body: String,
    /// Whether the body was longer.
    pub(crate) body_truncated: bool,
}

impl DeliveriesResponse {
    /// Shows deliveries, their times in the shop's zone.
    pub(crate) fn of(records: &[DeliveryRecord], zone: &TimeZone, page_info: Option<String>) -> Self {
        Self { deliveries: records.iter().map(|record| ShownDelivery::of(record, zone)).collect(), page_info }
    }
}

impl DeliverySummaryResponse {
    /// Shows a delivery in short.
    pub(crate) fn of(record: &DeliveryRecord, zone: &TimeZone) -> Self {
        Self { delivery: ShownDelivery::of(record, zone) }
    }
}

impl DeliveryResponse {
    /// Shows a delivery in full. The body of its request needs the payload, which may have expired.
    pub(crate) fn of(record: &DeliveryRecord, payload: Option<&str>, zone: &TimeZone) -> Self {
        let last = record.attempts.last();
        let response = |kept: &ResponseRecord| ShownResponse {
            status: last.and_then(|last| last.status),
            body: kept.body.clone(),
            body_truncated: kept.is_truncated,
        };
        Self {
            delivery: FullDelivery {
                summary: ShownDelivery::of(record, zone),
                attempts: record.attempts.iter().map(|attempt| ShownAttempt::of(attempt, zone)).collect(),
                request: ShownRequest::of(record, payload),
                response: record.response.as_ref().map(response),
                details: record.details.clone(),
            },
        }
    }
}

impl ShownDelivery {
    fn of(record: &DeliveryRecord, zone: &TimeZone) -> Self {
        Self {
            id: record.envelope.id.to_string(),
            webhook_id: record.envelope.id.webhook_id.get(),
            event_id: record.envelope.id.event_id.to_string(),
            topic: record.envelope.topic.to_string(),
            state: record.state.as_str(),
            held_for: record.held_for.map(HeldFor::as_str),
            test: record.envelope.test,
            has_other_payload: record.has_other_payload,
            replays: record.runs.iter().filter(|run| !run.id.is_events_own()).count(),
            triggered_at: local_time(record.envelope.triggered_at, zone),
            created_at: local_time(record.created_at, zone),
            next_attempt_at: record.next_attempt_at.map(|time| local_time(time, zone)),
            attempt_count: record.attempt_count,
            last_attempt: record.attempts.last().map(|attempt| ShownAttempt::of(attempt, zone)),
        }
    }
}

impl ShownAttempt {
    fn of(attempt: &AttemptRecord, zone: &TimeZone) -> Self {
        Self {
            number: attempt.number,
            run: attempt.run.to_string(),
            attempted_at: local_time(attempt.at, zone),
            status: attempt.status,
            error: attempt.error.clone(),
            code: attempt.code.clone(),
            latency_ms: attempt.latency_ms,
            address: attempt.address.clone(),
        }
    }
}

/// How much of a body is shown, in bytes. Even with JSON escapes it fits into Lambda's response of
/// 6 MB. Only XML bodies can be longer.
const BODY_SHOWN: usize = 2 * 1024 * 1024;

impl ShownRequest {
    fn of(record: &DeliveryRecord, payload: Option<&str>) -> Option<Self> {
        let (sent, last) = (record.request.as_ref()?, record.attempts.last()?);
        let payload = payload.and_then(|payload| Payload::parse(payload).ok());
        // The body was rendered before, so it can be rendered again.
        let body = payload.and_then(|payload| {
            let body = sent.shape.body(payload, &record.envelope.topic, &record.envelope.id.event_id).ok()?;
            Some(body.0.into_owned())
        });
        let end = body.as_ref().map_or(0, |body| body.floor_char_boundary(BODY_SHOWN));
        Some(Self {
            method: "POST",
            address: last.address.clone(),
            headers: sent.headers.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect(),
            body_truncated: body.as_ref().is_some_and(|body| body.len() > end),
            body: body.map(|mut body| {
                body.truncate(end);
                body
            }),
        })
    }
}
