//! The case that a bill is for: how much of what in a month, and how it comes.

use jiff::SignedDuration;

/// The hours of a month, as AWS's pages count them.
pub const HOURS_PER_MONTH: f64 = 730.0;

/// How much of what in a month, and how it comes.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// How many events.
    pub events: f64,
    /// How many deliveries: one for each webhook of an event, and what is sent again.
    pub deliveries: f64,
    /// How many attempts fail.
    pub failed_attempts: f64,
    /// The size of a payload in bytes; `None` is that of the sample order.
    pub payload_bytes: Option<usize>,
    /// How long the history is kept; `None` is off.
    pub history: Option<Kept>,
    /// How many events the fan-out function gets at once.
    pub event_batch: f64,
    /// How many deliveries the delivery function gets at once.
    pub delivery_batch: f64,
    /// How long an invocation waits for endpoints, in milliseconds.
    pub response_ms: f64,
    /// The shards of the stream; `None` is a stream on demand.
    pub shards: Option<u32>,
    /// Whether there is a dashboard.
    pub has_dashboard: bool,
}

/// How long the history is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Deliveries.
    pub deliveries: SignedDuration,
    /// Payloads.
    pub payloads: SignedDuration,
}

impl Kept {
    /// This many days each.
    pub fn days(deliveries: u16, payloads: u16) -> Self {
        Self { deliveries: Self::time(deliveries), payloads: Self::time(payloads) }
    }

    /// So many days.
    pub fn time(days: u16) -> SignedDuration {
        SignedDuration::from_hours(i64::from(days) * 24)
    }
}

impl Default for Kept {
    /// What the template's parameters `HistoryDeliveryDays` and `HistoryPayloadDays` are by default.
    fn default() -> Self {
        Self::days(30, 7)
    }
}

impl Default for Case {
    /// A million events with one webhook each, which takes them at the first attempt.
    fn default() -> Self {
        Self {
            events: 1_000_000.0,
            deliveries: 1_000_000.0,
            failed_attempts: 0.0,
            payload_bytes: None,
            history: Some(Kept::default()),
            event_batch: 10.0,
            delivery_batch: 10.0,
            response_ms: 150.0,
            shards: Some(1),
            has_dashboard: false,
        }
    }
}
