//! The fate of an event at a webhook: its deliveries, or why it has none.
//!
//! Nothing is kept of an event that no webhook subscribes to. So what is known of an event comes
//! from its deliveries: its topic tells which webhooks it was not for.

use jiff::Timestamp;

use crate::{
    delivery::test_event::TEST_PREFIX,
    event::{
        catalogue::{self, APP_UNINSTALLED},
        id::EventId,
        topic::Topic,
    },
    history::record::DeliveryRecord,
    installation::app::AppId,
    webhook::Webhook,
};

/// What became of an event at one webhook.
#[derive(Debug, PartialEq, Eq)]
pub enum Fate {
    /// It has these deliveries, the newest first.
    Deliveries(Vec<DeliveryRecord>),
    /// The webhook's topic does not match the event's.
    NotSubscribed,
    /// The webhook is younger than the event.
    CreatedLater,
    /// It is a test event, sent to another webhook alone.
    TestOfAnother,
    /// It is an event that goes to one app alone, and this is another one.
    OfAnotherApp,
    /// The event is known, and nothing is known of it here.
    NoRecord,
    /// Nothing is known of the event at all.
    Unknown,
}

impl Fate {
    /// Why there is no delivery; `None` if there is one.
    pub fn reason(&self) -> Option<&'static str> {
        match self {
            Self::Deliveries(_) => None,
            Self::NotSubscribed => Some("The webhook does not subscribe to the event's topic."),
            Self::CreatedLater => Some("The webhook was created after the event was published."),
            Self::TestOfAnother => Some("It is a test event, which goes to one webhook alone."),
            Self::OfAnotherApp => Some("The event goes to one app alone, and the webhook is another app's."),
            Self::NoRecord => Some(
                "There is no record: the event is still on its way here, its history has expired, or the webhook \
                 had another topic then.",
            ),
            Self::Unknown => Some(
                "There is no record: the event was not published, is still on its way, or its history has expired.",
            ),
        }
    }
}

/// What the deliveries of an event tell about it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct KnownEvent {
    /// The topics of the events with this id: one, unless different senders chose the same id.
    pub topics: Vec<Topic>,
    /// When the first of its deliveries was queued; `None` if nothing is known of the event.
    pub queued_at: Option<Timestamp>,
    /// Whether it is a test that was sent to one webhook.
    is_single_test: bool,
    /// The apps whose webhooks have a delivery of it.
    apps: Vec<AppId>,
}

impl KnownEvent {
    /// What is known of the event with this id, by the records of its deliveries.
    pub fn of<'a>(event_id: &EventId, records: impl IntoIterator<Item = &'a DeliveryRecord>) -> Self {
        let is_single_test = event_id.as_str().starts_with(TEST_PREFIX);
        records.into_iter().fold(Self { is_single_test, ..Self::default() }, Self::and)
    }

    fn and(mut self, record: &DeliveryRecord) -> Self {
        if !self.topics.contains(&record.envelope.topic) {
            self.topics.push(record.envelope.topic.clone());
        }
        let earlier = self.queued_at.is_none_or(|queued_at| record.created_at < queued_at);
        self.queued_at = if earlier { Some(record.created_at) } else { self.queued_at };
        self.is_single_test &= record.envelope.test;
        if !self.apps.contains(&record.envelope.app) {
            self.apps.push(record.envelope.app.clone());
        }
        self
    }

    /// What became of it at a webhook, which has these deliveries of it.
    pub fn fate_at(&self, webhook: &Webhook, own: Vec<DeliveryRecord>) -> Fate {
        let Some(queued_at) = self.queued_at else { return Fate::Unknown };
        match own {
            own if !own.is_empty() => Fate::Deliveries(own),
            _ if self.is_single_test => Fate::TestOfAnother,
            _ if !self.topics.iter().any(|topic| webhook.topic.matches(topic)) => Fate::NotSubscribed,
            _ if self.is_of_one_app() && !self.apps.contains(&webhook.app) => Fate::OfAnotherApp,
            _ if webhook.created_at > queued_at => Fate::CreatedLater,
            _ => Fate::NoRecord,
        }
    }

    /// Whether its topic is one of those that always name an app.
    fn is_of_one_app(&self) -> bool {
        let names_app =
            |topic: &Topic| topic.as_str() == APP_UNINSTALLED || catalogue::is_operational(topic.as_str());
        self.topics.iter().all(names_app)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    fn webhook(id: u64, topic: &str, created_at: &str) -> serde_json::Result<Webhook> {
        serde_json::from_value(json!({
            "id": id, "shop": "a.example", "app": "demo", "topic": topic, "address": "https://b.example/",
            "format": "json", "protocol": "webhook", "status": "active", "fields": [], "metafield_namespaces": [],
            "custom_headers": {}, "created_at": created_at, "updated_at": created_at, "version": 1,
        }))
    }

    fn record(id: &str, topic: &str, test: bool) -> serde_json::Result<DeliveryRecord> {
        serde_json::from_value(json!({
            "envelope": {
                "id": id, "shop": "a.example", "app": "demo", "topic": topic, "triggered_at": "2026-11-21T15:00:00Z",
                "test": test,
            },
            "created_at": "2026-11-21T15:00:00.5Z", "state": "pending", "attempt_count": 0, "attempts": [],
            "version": 1, "expires_at": 4_000_000_000_i64,
        }))
    }

    #[test]
    fn each_webhook_learns_why_an_event_was_not_for_it() -> TestResult {
        const OLD: &str = "2026-11-01T15:00:00Z";
        const NEW: &str = "2026-11-21T15:00:01Z";
        let paid = || record("1-e", "orders/paid", false);
        let test = || record("1-test-e", "orders/paid", true);
        let other = || record("1-e~0a1b2c3d", "carts/create", false);
        for (event, records, (topic, created_at), expected) in [
            ("e", vec![paid()?], ("orders/paid", OLD), Fate::NoRecord),
            ("e", vec![paid()?], ("orders/*", OLD), Fate::NoRecord),
            ("e", vec![paid()?], ("orders/paid", NEW), Fate::CreatedLater),
            ("e", vec![paid()?], ("orders/create", OLD), Fate::NotSubscribed),
            ("e", vec![paid()?], ("orders/create", NEW), Fate::NotSubscribed),
            ("e", vec![paid()?, other()?], ("carts/create", OLD), Fate::NoRecord),
            ("e", vec![], ("orders/paid", OLD), Fate::Unknown),
            ("e", vec![record("1-e", "orders/paid", true)?], ("orders/paid", OLD), Fate::NoRecord),
            ("test-e", vec![test()?], ("orders/paid", OLD), Fate::TestOfAnother),
            ("test-e", vec![record("1-test-e", "orders/paid", false)?], ("*", OLD), Fate::NoRecord),
        ] {
            let known = KnownEvent::of(&EventId::parse(event)?, &records);
            let fate = known.fate_at(&webhook(2, topic, created_at)?, vec![]);
            assert_eq!(fate, expected, "{event} {topic} {created_at}");
            let own = if records.is_empty() { Fate::Unknown } else { Fate::Deliveries(records.clone()) };
            assert_eq!(known.fate_at(&webhook(1, "orders/paid", OLD)?, records), own);
        }
        Ok(())
    }

    #[test]
    fn an_event_of_one_app_is_not_for_the_others() -> TestResult {
        const OLD: &str = "2026-11-01T15:00:00Z";
        for (topic, expected) in [
            ("app/uninstalled", Fate::OfAnotherApp),
            ("webhooks/failing", Fate::OfAnotherApp),
            ("orders/paid", Fate::NoRecord),
        ] {
            let known = KnownEvent::of(&EventId::parse("e")?, &[record("1-e", topic, false)?]);
            let own = webhook(2, topic, OLD)?;
            let other = Webhook { app: AppId::parse("other")?, ..own.clone() };
            assert_eq!(known.fate_at(&other, vec![]), expected, "{topic}");
            assert_eq!(known.fate_at(&own, vec![]), Fate::NoRecord, "{topic}");
        }
        Ok(())
    }
}
