//! Ids of new events.

use storehook_domain::event::id::EventId;
use uuid::Uuid;

/// A new event's id: this prefix and a random UUID.
pub(crate) fn new_event_id(prefix: &str) -> EventId {
    event_id(prefix, Uuid::new_v4())
}

/// The event's id of this prefix and this UUID.
#[expect(clippy::expect_used, reason = "a UUID is 36 digits and dashes, and the prefixes are ours")]
pub(crate) fn event_id(prefix: &str, id: Uuid) -> EventId {
    EventId::parse(&format!("{prefix}{id}")).expect("it is an event's id")
}
