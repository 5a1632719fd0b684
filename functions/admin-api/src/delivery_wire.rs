//! Deliveries as the API prints them.
//!
//! The types here are both what is printed and what the OpenAPI description says of it.

use jiff::tz::TimeZone;
use serde::Serialize;
use storehook_domain::{
    history::{
        attempt::{AttemptRecord, ResponseRecord},
        record::DeliveryRecord,
    },
    payload::Payload,
};
use utoipa::ToSchema;

use crate::{delivery_schemas, wire::local_time};

/// An answer with some deliveries, the newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeliveriesAnswer {
    deliveries: Vec<ShownDelivery>,
    /// What `page_info` is for the next page; null on the last.
    page_info: Option<String>,
}

/// An answer with one delivery, in short.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeliverySummaryAnswer {
    delivery: ShownDelivery,
}

/// An answer with one delivery, in full.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeliveryAnswer {
    delivery: FullDelivery,
}

/// One event on its way to one webhook.
#[derive(Serialize, ToSchema)]
#[schema(as = Delivery)]
struct ShownDelivery {
    /// Its id, `<webhook id>-<event id>`: the same through every retry and replay.
    #[schema(example = "4759306-01JD4Q")]
    id: String,
    #[schema(example = 4_759_306)]
    webhook_id: u64,
    #[schema(example = "01JD4Q")]
    event_id: String,
    /// What happened.
    #[schema(example = "orders/create")]
    topic: String,
    #[schema(schema_with = delivery_schemas::delivery_state)]
    state: &'static str,
    /// Whether it is of a test event.
    test: bool,
    /// How often it has been replayed.
    replays: u32,
    /// When it happened, in the shop's time zone.
    #[schema(format = DateTime, example = "2017-03-20T16:02:17-04:00")]
    triggered_at: String,
    /// When the delivery was first queued.
    #[schema(format = DateTime, example = "2017-03-20T16:02:17-04:00")]
    created_at: String,
    /// When the next attempt is due; null where there is none.
    #[schema(format = DateTime)]
    next_attempt_at: Option<String>,
    /// How many attempts there were in all.
    attempt_count: u64,
    /// The last of them.
    last_attempt: Option<ShownAttempt>,
}

/// A delivery with all that is kept of it.
#[derive(Serialize, ToSchema)]
struct FullDelivery {
    #[serde(flatten)]
    summary: ShownDelivery,
    /// The latest attempts, the first of them first.
    attempts: Vec<ShownAttempt>,
    /// What the last attempt sent; null where no request could be built.
    request: Option<ShownRequest>,
    /// What it was answered; null where there was no answer.
    answer: Option<ShownAnswer>,
    /// What an integration endpoint said besides its verdict: any JSON, as a text.
    details: Option<String>,
}

/// One POST of a delivery.
#[derive(Serialize, ToSchema)]
#[schema(as = Attempt)]
struct ShownAttempt {
    /// Which of its series, from 1.
    number: u64,
    /// The series: 0 is the event's own, and each replay begins another.
    series: u32,
    #[schema(format = DateTime)]
    attempted_at: String,
    /// The status that was answered; null where there was no answer.
    status: Option<u16>,
    /// Why it failed; null where it did not.
    error: Option<String>,
    latency_ms: u64,
    /// Where it went.
    address: String,
}

/// A request as it was sent.
#[derive(Serialize, ToSchema)]
#[schema(as = RequestRecord)]
struct ShownRequest {
    #[schema(example = "POST")]
    method: &'static str,
    address: String,
    /// The headers but for those of HTTP itself. The values of the webhook's own are `***`.
    #[schema(value_type = BTreeMap<String, String>)]
    headers: serde_json::Map<String, serde_json::Value>,
    /// The body; null where the payload is no longer kept.
    body: Option<String>,
    /// Whether the body is longer than is shown: 2 MiB.
    body_truncated: bool,
}

/// The beginning of an answer.
#[derive(Serialize, ToSchema)]
#[schema(as = ReceivedAnswer)]
struct ShownAnswer {
    status: Option<u16>,
    /// At most its first KiB, as text.
    body: String,
    /// Whether there was more.
    body_truncated: bool,
}

impl DeliveriesAnswer {
    /// Shows deliveries, their times in the shop's zone.
    pub(crate) fn of(deliveries: &[DeliveryRecord], zone: &TimeZone, page_info: Option<String>) -> Self {
        Self {
            deliveries: deliveries.iter().map(|delivery| ShownDelivery::of(delivery, zone)).collect(),
            page_info,
        }
    }
}

impl DeliverySummaryAnswer {
    /// Shows a delivery in short.
    pub(crate) fn of(delivery: &DeliveryRecord, zone: &TimeZone) -> Self {
        Self { delivery: ShownDelivery::of(delivery, zone) }
    }
}

impl DeliveryAnswer {
    /// Shows a delivery in full, with its event's payload if that is still kept.
    pub(crate) fn of(delivery: &DeliveryRecord, payload: Option<&str>, zone: &TimeZone) -> Self {
        let last = delivery.attempts.last();
        let answer = |kept: &ResponseRecord| ShownAnswer {
            status: last.and_then(|last| last.status),
            body: kept.body.clone(),
            body_truncated: kept.is_truncated,
        };
        Self {
            delivery: FullDelivery {
                summary: ShownDelivery::of(delivery, zone),
                attempts: delivery.attempts.iter().map(|attempt| ShownAttempt::of(attempt, zone)).collect(),
                request: ShownRequest::of(delivery, payload),
                answer: delivery.response.as_ref().map(answer),
                details: delivery.details.clone(),
            },
        }
    }
}

impl ShownDelivery {
    fn of(delivery: &DeliveryRecord, zone: &TimeZone) -> Self {
        Self {
            id: delivery.envelope.id.to_string(),
            webhook_id: delivery.envelope.id.webhook_id.get(),
            event_id: delivery.envelope.id.event_id.to_string(),
            topic: delivery.envelope.topic.to_string(),
            state: delivery.state.as_str(),
            test: delivery.envelope.test,
            replays: delivery.series,
            triggered_at: local_time(delivery.envelope.triggered_at, zone),
            created_at: local_time(delivery.created_at, zone),
            next_attempt_at: delivery.next_attempt_at.map(|time| local_time(time, zone)),
            attempt_count: delivery.attempt_count,
            last_attempt: delivery.attempts.last().map(|attempt| ShownAttempt::of(attempt, zone)),
        }
    }
}

impl ShownAttempt {
    fn of(attempt: &AttemptRecord, zone: &TimeZone) -> Self {
        Self {
            number: attempt.number,
            series: attempt.series,
            attempted_at: local_time(attempt.at, zone),
            status: attempt.status,
            error: attempt.error.clone(),
            latency_ms: attempt.latency_ms,
            address: attempt.address.clone(),
        }
    }
}

/// The most of a body that is shown, in bytes: escaped, it still fits into Lambda's answer of 6 MB. Only XML
/// can be longer.
const BODY_SHOWN: usize = 2 * 1024 * 1024;

impl ShownRequest {
    fn of(delivery: &DeliveryRecord, payload: Option<&str>) -> Option<Self> {
        let (sent, last) = (delivery.request.as_ref()?, delivery.attempts.last()?);
        let raw = payload.and_then(|payload| serde_json::from_str(payload).ok());
        let payload = raw.and_then(|raw| Payload::new(raw).ok());
        // It has been rendered before, so it can be again.
        let body = payload.and_then(|payload| {
            let body =
                sent.shape.body(payload, &delivery.envelope.topic, &delivery.envelope.id.event_id).ok()?;
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
