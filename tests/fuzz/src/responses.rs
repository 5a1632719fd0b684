//! What an endpoint answers: its verdict, and `Retry-After`. No answer asks for a wait without a bound, and the
//! verdict on another event is none.

use std::time::Duration;

use jiff::Timestamp;
use storehook_domain::{
    delivery::outcome::{BodyEnd, LONGEST_RETRY_AFTER, Outcome, Response},
    event::id::EventId,
    webhook::Protocol,
};

/// The longest wait that a verdict asks for.
const LONGEST_DELAY: Duration = Duration::from_secs(15 * 60);

/// Reads the first line of the bytes as `Retry-After`, and the rest as a body.
pub fn response(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (retry_after, body) = text.split_once('\n').unwrap_or((&text, &text));
    let event_id = EventId::parse("e1").expect("an id");
    for protocol in [Protocol::Webhook, Protocol::Integration] {
        for status in [200, 204, 410, 429, 503] {
            let response = Response {
                status,
                retry_after: Some(retry_after.to_owned()),
                body: body.as_bytes().to_vec(),
                end: BodyEnd::Read,
            };
            let (outcome, _) = Outcome::of(&response, protocol, &event_id, Timestamp::UNIX_EPOCH);
            match outcome {
                Outcome::Delivered => assert!(status < 300),
                Outcome::Delayed(wait) => {
                    assert!(status == 200 && protocol == Protocol::Integration);
                    assert!((Duration::from_secs(1)..=LONGEST_DELAY).contains(&wait), "{wait:?}");
                }
                Outcome::Failed { retry_after: Some(wait), .. } => {
                    assert!(matches!(status, 429 | 503));
                    assert!(!wait.is_zero() && wait <= LONGEST_RETRY_AFTER, "{wait:?}");
                }
                Outcome::Failed { retry_after: None, .. } => {}
            }
        }
    }
}
