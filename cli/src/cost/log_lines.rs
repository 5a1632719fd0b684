//! The log lines that deliveries cost, as Lambda's JSON format has them. An invocation has Lambda's own
//! lines and that of its metrics; an attempt has one by parameter, or if it failed.

use jiff::Timestamp;
use storehook_aws::metrics::{Metric, Tally, embedded};

/// The line of an attempt that has delivered.
pub const ATTEMPT_LINE: &str = concat!(
    r#"{"level":"INFO","fields":{"message":"attempt","delivery.id":"1001-6f0b54d6-4f7c-4b0f-9d5e-0c2a1f3b7e11","#,
    r#""delivery.state":"delivered","delivery.run":"event","delivery.age_ms":250,"delivery.lane":"fast","#,
    r#""webhook.id":"1001","webhook.host":"app.example.com","event.topic":"orders/create","#,
    r#""event.shop":"mynewstore.spiffystores.com","event.app":"my-app","attempt.status":200,"#,
    r#""attempt.duration_ms":160,"message.receive_count":"1"}}"#,
);

/// The runtime's span, which stands in each line.
const SPAN: &str = concat!(
    r#","span":{"requestId":"8476a536-e9f4-11e8-9739-2dfe598c3fcd","#,
    r#""xrayTraceId":"Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0","#,
    r#""name":"Lambda runtime invoke"}"#,
);

/// Lambda's own lines of an invocation, `platform.start` and `platform.report`, in bytes.
const PLATFORM: usize = 378;

/// The bytes of an attempt's line.
pub const fn attempt() -> usize {
    ATTEMPT_LINE.len() + SPAN.len()
}

/// The bytes of the other lines of an invocation of the fan-out function, which gets so many events.
pub fn fan_out(events: f64) -> usize {
    let events = events.round().max(1.0) as u64;
    let mut tally = Tally::default();
    tally.count(Metric::Sent, events as i64);
    (0..events).for_each(|_| tally.measure(Metric::FanOutWidth, 1));
    line(&tally) + PLATFORM
}

/// The bytes of the other lines of an invocation of the delivery function, which gets so many messages.
pub fn delivery(messages: f64) -> usize {
    let messages = messages.round().max(1.0) as u64;
    let mut tally = Tally::default();
    for metric in [Metric::Delivered, Metric::Done] {
        tally.count(metric, messages as i64);
    }
    for metric in [Metric::Latency, Metric::ScheduledLatencyFast] {
        (0..messages).for_each(|_| tally.measure(metric, 160));
    }
    line(&tally) + PLATFORM
}

/// The bytes of the line of an invocation's metrics.
fn line(tally: &Tally) -> usize {
    let at = Timestamp::from_second(1_795_273_200).unwrap_or_default();
    embedded::lines(tally, "storehook", at).len()
}
