//! The one log event of a receive of a delivery: wide, structured, and safe to keep. A receive that
//! succeeds has one by parameter only.

use jiff::Timestamp;
use storehook_domain::delivery::disposition::Disposition;

use crate::{attempt::Receipt, message::Received, skipped::log_name};

/// The result of one receive of a delivery.
pub(crate) struct Entry<'a> {
    pub(crate) received: &'a Received<'a>,
    pub(crate) started_at: Timestamp,
    pub(crate) ended_at: Timestamp,
    pub(crate) receipt: &'a Receipt,
    pub(crate) disposition: Disposition,
}

/// Writes the event. It holds no body, no secret, no path and no query string.
pub(crate) fn write(entry: &Entry<'_>) {
    let Entry { received, started_at, ended_at, receipt, disposition } = entry;
    let Received { message, sqs, lane, .. } = received;
    let envelope = &message.envelope;
    let attempt = receipt.attempt.as_ref();
    let reason = match attempt {
        Ok(attempt) => attempt.failure().map(ToString::to_string),
        Err(skipped) => Some(storehook_aws::causes(skipped)),
    };
    let host = receipt.target.as_ref().and_then(|target| target.webhook.address.url().host_str());
    tracing::info!(
        delivery.id = %envelope.id,
        delivery.state = log_name(attempt),
        delivery.run = %message.run,
        delivery.age_ms = received.age(*started_at).as_millis() as u64,
        delivery.wait_seconds = disposition.wait_seconds(),
        delivery.lane = lane.as_str(),
        webhook.id = %envelope.id.webhook_id,
        webhook.host = host,
        event.topic = %envelope.topic,
        event.shop = %envelope.shop,
        event.app = %envelope.app,
        attempt.status = attempt.ok().and_then(|attempt| attempt.status),
        attempt.reason = reason,
        attempt.code = attempt.ok().and_then(|attempt| attempt.failure()).map(|failure| failure.code()),
        attempt.error = receipt.cause.as_deref(),
        attempt.duration_ms = ended_at.duration_since(*started_at).as_millis() as u64,
        message.receive_count = sqs.attributes.get("ApproximateReceiveCount"),
        "attempt"
    );
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use storehook_aws::stand_in::logged;

    use crate::stand_in::{Table, deliver_all, deliver_by, delivery};

    /// The fields of the one line of a receive.
    async fn line_of(handle: &str, message: String) -> Result<Value, Box<dyn std::error::Error>> {
        let (seen, lines) = logged(deliver_all(&[(handle, message)])).await;
        seen?;
        let mut lines = lines.into_iter().filter(|fields| fields["message"] == "attempt");
        let line = lines.next().ok_or("no line")?;
        assert_eq!(lines.next(), None, "{handle} has one line");
        Ok(line)
    }

    #[tokio::test]
    async fn each_receive_is_one_line_that_tells_its_end() -> Result<(), Box<dyn std::error::Error>> {
        let redelivery = delivery(12, 0).replace("\"payload\"", "\"run\":\"redeliver:x\",\"payload\"");
        for (handle, message, state, lane, status, reason) in [
            ("m", delivery(7, 0), "delivered", "fast", json!(200), Value::Null),
            (
                "m-retry",
                delivery(8, 500),
                "failed",
                "slow",
                json!(500),
                json!("the endpoint responded with 500"),
            ),
            ("m", delivery(13, 0), "delayed", "fast", json!(200), Value::Null),
            ("m", delivery(12, 0), "duplicate", "fast", Value::Null, json!("it was delivered before")),
            (
                "before",
                delivery(14, 0),
                "exhausted",
                "fast",
                Value::Null,
                json!("the delivery is past its schedule"),
            ),
            ("m", delivery(9, 0), "held", "fast", Value::Null, json!("the webhook is paused")),
            ("m", redelivery, "delivered", "fast", json!(200), Value::Null),
        ] {
            let line = line_of(handle, message).await?;
            let told = ["delivery.state", "delivery.lane", "attempt.status", "attempt.reason"];
            assert_eq!(told.map(|name| line[name].clone()), [json!(state), json!(lane), status, reason]);
        }
        for (message, state) in [(delivery(11, 0), "cancelled"), (delivery(10, 0), "not attempted")] {
            let line = line_of("m", message).await?;
            assert_eq!(line["delivery.state"], state);
            assert!(line["attempt.reason"].is_string(), "{line}");
        }
        Ok(())
    }

    /// The history tells of a success, and a line for each would cost more than the rest of the log.
    #[tokio::test]
    async fn successes_have_no_line_unless_asked_for() -> Result<(), Box<dyn std::error::Error>> {
        for (webhook, is_logged) in [(7, false), (13, false), (8, true), (9, true), (12, true)] {
            let messages = [("m", delivery(webhook, 0))];
            let quiet = deliver_by(&messages, "30", Table::Works, |dependencies| {
                dependencies.settings.logs_successes = false;
                Ok(())
            });
            let (seen, lines) = logged(quiet).await;
            seen?;
            assert_eq!(lines.iter().any(|fields| fields["message"] == "attempt"), is_logged, "{webhook}");
        }
        Ok(())
    }

    /// What somebody needs who asks why a delivery did not arrive.
    #[tokio::test]
    async fn a_line_says_what_was_attempted_where_and_when_it_comes_again()
    -> Result<(), Box<dyn std::error::Error>> {
        let line = line_of("again-retry", delivery(8, 500)).await?;
        for (name, expected) in [
            ("delivery.id", "8-e500"),
            ("delivery.run", "event"),
            ("webhook.id", "8"),
            ("webhook.host", "127.0.0.1"),
            ("event.topic", "orders/create"),
            ("event.shop", "a.example"),
            ("event.app", "demo"),
            ("attempt.code", "status"),
            ("message.receive_count", "2"),
        ] {
            assert_eq!(line[name], expected, "{name}");
        }
        let number = |name: &str| line[name].as_u64().ok_or(format!("{name} is no number"));
        assert!((500_000..600_000).contains(&number("delivery.age_ms")?), "{line}");
        assert!((800..=946).contains(&number("delivery.wait_seconds")?), "{line}");
        assert!(number("attempt.duration_ms")? < 60_000, "{line}");
        Ok(())
    }

    #[tokio::test]
    async fn a_line_has_no_body_secret_or_path() -> Result<(), Box<dyn std::error::Error>> {
        let message = delivery(8, 0).replace("\"payload\":{}", "\"payload\":{\"email\":\"bob@b.example\"}");
        assert!(message.contains("bob@b.example"));
        let line = line_of("m", message).await?.to_string();
        for private in ["bob@b.example", "storehook-local-demo-secret", "/broken"] {
            assert!(!line.contains(private), "{line}");
        }
        Ok(())
    }
}
