//! Why an event was not sent: what became of it at each of the caller's webhooks.
//!
//! Nothing is kept of an event that no webhook subscribes to. So what is known of an event comes
//! from its deliveries: its topic tells which webhooks it was not for.

use std::collections::HashMap;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use storehook_domain::{
    event::{id::EventId, topic::Topic},
    history::record::DeliveryRecord,
    input::query_parameters::PAGE_LIMIT,
    job::recovery::endpoint_health::EndpointHealth,
    webhook::{Webhook, WebhookId, filter::WebhookFilter, query::WebhookQuery},
};

use crate::{
    app::App,
    deliveries::{
        pages::{SCANS_AT_ONCE, is_late},
        test_events::TEST_PREFIX,
    },
    error::ApiError,
    http::caller::Caller,
    webhooks::operations::list_page,
};

/// What became of an event.
pub(crate) struct Explanation {
    /// The topics of the events with this id: one, unless different senders chose the same id.
    pub(crate) topics: Vec<Topic>,
    /// The fate of the event at each webhook, by the webhook's id.
    pub(crate) fates: Vec<(Webhook, Fate)>,
    /// How the endpoints of the webhooks are.
    pub(crate) healths: HashMap<WebhookId, EndpointHealth>,
    /// The last webhook that was looked at, if more follow.
    pub(crate) next: Option<WebhookId>,
}

/// What became of an event at one webhook.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It has these deliveries, the newest first.
    Deliveries(Vec<DeliveryRecord>),
    /// The webhook's topic does not match the event's.
    NotSubscribed,
    /// The webhook is younger than the event.
    CreatedLater,
    /// It is a test event, sent to another webhook alone.
    TestOfAnother,
    /// The event is known, and nothing is known of it here.
    NoRecord,
    /// Nothing is known of the event at all.
    Unknown,
}

impl Fate {
    /// Why there is no delivery; `None` if there is one.
    pub(crate) fn reason(&self) -> Option<&'static str> {
        match self {
            Self::Deliveries(_) => None,
            Self::NotSubscribed => Some("The webhook does not subscribe to the event's topic."),
            Self::CreatedLater => Some("The webhook was created after the event was published."),
            Self::TestOfAnother => Some("It is a test event, which goes to one webhook alone."),
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

/// Explains what became of an event at the caller's webhooks: at as many as a page has after this
/// one, and for a few seconds.
pub(crate) async fn explain_event(
    app: &App,
    caller: &Caller,
    event_id: &EventId,
    after: Option<WebhookId>,
) -> Result<Explanation, ApiError> {
    if !app.deliveries.is_recorded() {
        return Err(ApiError::HistoryOff);
    }
    let filter = WebhookFilter { since_id: after, ..WebhookFilter::default() };
    let query = WebhookQuery::first(filter, PAGE_LIMIT);
    let (webhooks, has_more) = list_page(app, caller, &query).await?;
    let healths = app.health.load_page(caller, &webhooks).await?;
    let now = storehook_aws::now();
    let reads = webhooks.into_iter().map(|webhook| async move {
        if is_late(now) {
            return Ok((webhook, None));
        }
        let records = app.deliveries.load_of_event(caller, webhook.id, event_id, now).await;
        records.map(|records| (webhook, Some(records)))
    });
    // Boxed, or the compiler cannot tell that the whole can be sent to another thread.
    let reads = stream::iter(reads.collect::<Vec<_>>()).buffered(SCANS_AT_ONCE).boxed();
    Ok(Explanation { healths, ..explained(event_id, reads.try_collect().await?, has_more) })
}

/// The explanation, from the deliveries that each webhook has; `None` if nobody looked. It ends
/// before the first webhook that nobody looked at.
fn explained(
    event_id: &EventId,
    mut read: Vec<(Webhook, Option<Vec<DeliveryRecord>>)>,
    has_more: bool,
) -> Explanation {
    let looked_at = read.iter().take_while(|(_, records)| records.is_some()).count();
    let has_more = has_more || looked_at < read.len();
    read.truncate(looked_at);
    let next = read.last().filter(|_| has_more).map(|(webhook, _)| webhook.id);
    let mut event =
        KnownEvent { is_single_test: event_id.as_str().starts_with(TEST_PREFIX), ..KnownEvent::default() };
    read.iter().filter_map(|(_, records)| records.as_ref()).flatten().for_each(|record| event.learn(record));
    let fates = read.into_iter().map(|(webhook, records)| {
        let fate = event.fate_at(&webhook, records.unwrap_or_default());
        (webhook, fate)
    });
    let fates = fates.collect();
    Explanation { topics: event.topics, fates, healths: HashMap::new(), next }
}

/// What the deliveries of an event tell about it.
#[derive(Default)]
struct KnownEvent {
    topics: Vec<Topic>,
    /// When the first of its deliveries was queued.
    queued_at: Option<Timestamp>,
    /// Whether it is a test that was sent to one webhook.
    is_single_test: bool,
}

impl KnownEvent {
    fn learn(&mut self, record: &DeliveryRecord) {
        if !self.topics.contains(&record.envelope.topic) {
            self.topics.push(record.envelope.topic.clone());
        }
        let earlier = self.queued_at.is_none_or(|queued_at| record.created_at < queued_at);
        self.queued_at = if earlier { Some(record.created_at) } else { self.queued_at };
        self.is_single_test &= record.envelope.test;
    }

    fn fate_at(&self, webhook: &Webhook, own: Vec<DeliveryRecord>) -> Fate {
        let Some(queued_at) = self.queued_at else { return Fate::Unknown };
        match own {
            own if !own.is_empty() => Fate::Deliveries(own),
            _ if self.is_single_test => Fate::TestOfAnother,
            _ if !self.topics.iter().any(|topic| webhook.topic.matches(topic)) => Fate::NotSubscribed,
            _ if webhook.created_at > queued_at => Fate::CreatedLater,
            _ => Fate::NoRecord,
        }
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
            let read = vec![
                (webhook(1, "orders/paid", OLD)?, Some(records.clone())),
                (webhook(2, topic, created_at)?, Some(vec![])),
            ];
            let explanation = explained(&EventId::parse(event)?, read, false);
            assert_eq!((explanation.next, explanation.fates.len()), (None, 2));
            assert_eq!(explanation.fates[1].1, expected, "{event} {topic} {created_at}");
            let own = if records.is_empty() { Fate::Unknown } else { Fate::Deliveries(records) };
            assert_eq!(explanation.fates[0].1, own);
        }
        Ok(())
    }

    #[test]
    fn an_explanation_goes_on_after_the_last_webhook_that_was_looked_at() -> TestResult {
        let event = EventId::parse("e")?;
        let at = |id| webhook(id, "*", "2026-11-01T15:00:00Z");
        let looked = || Some(vec![]);
        for (read, has_more, number, next) in [
            (vec![(at(3)?, looked()), (at(5)?, looked())], false, 2, None),
            (vec![(at(3)?, looked()), (at(5)?, looked())], true, 2, Some(5)),
            (vec![(at(3)?, looked()), (at(5)?, None), (at(6)?, looked())], false, 1, Some(3)),
            (vec![], false, 0, None),
        ] {
            let explanation = explained(&event, read, has_more);
            assert_eq!((explanation.fates.len(), explanation.next), (number, next.map(WebhookId::new)));
        }
        Ok(())
    }
}
