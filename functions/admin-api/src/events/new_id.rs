//! Ids of new events.

use storehook_domain::event::id::EventId;

/// A new event's id: this prefix and a random UUID.
#[expect(clippy::expect_used, reason = "a UUID is 36 digits and dashes, and the prefixes are ours")]
pub(crate) fn new_event_id(prefix: &str) -> EventId {
    EventId::parse(&format!("{prefix}{}", uuid::Uuid::new_v4())).expect("it is an event's id")
}
