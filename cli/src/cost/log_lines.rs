//! The log lines that deliveries cost, as Lambda's JSON format has them.

/// The line of an attempt that has delivered.
pub const ATTEMPT_LINE: &str = concat!(
    r#"{"level":"INFO","fields":{"message":"attempt","delivery.id":"1001-6f0b54d6-4f7c-4b0f-9d5e-0c2a1f3b7e11","#,
    r#""delivery.state":"delivered","delivery.run":"event","delivery.age_ms":250,"delivery.lane":"fast","#,
    r#""webhook.id":"1001","webhook.host":"app.example.com","event.topic":"orders/create","#,
    r#""event.shop":"mynewstore.spiffystores.com","event.app":"my-app","attempt.status":200,"#,
    r#""attempt.duration_ms":160,"message.receive_count":"1"}}"#,
);

/// The runtime's span, which stands in each line twice, in bytes.
const SPANS: usize = 367;

/// Fan-out's line of a batch, in bytes.
const BATCH: usize = 473;

/// Lambda's own lines of an invocation, `platform.start` and `platform.report`, in bytes.
const PLATFORM: usize = 378;

/// The bytes of an attempt's line.
pub const fn attempt() -> usize {
    ATTEMPT_LINE.len() + SPANS
}

/// The bytes of the other lines of an invocation of the fan-out function.
pub const fn fan_out() -> usize {
    BATCH + PLATFORM
}

/// The bytes of the other lines of an invocation of the delivery function.
pub const fn delivery() -> usize {
    PLATFORM
}
