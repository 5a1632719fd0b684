//! Why an event was not sent: what became of it at each of the caller's webhooks.

use std::collections::HashMap;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use storehook_domain::{
    event::{id::EventId, topic::Topic},
    explanation::fate::{Fate, KnownEvent},
    history::record::DeliveryRecord,
    input::query_parameters::PAGE_LIMIT,
    job::recovery::endpoint_health::EndpointHealth,
    webhook::{Webhook, WebhookId, filter::WebhookFilter, query::WebhookQuery},
};

use crate::{
    app::App,
    deliveries::pages::{SCANS_AT_ONCE, is_late},
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
    let event = KnownEvent::of(event_id, read.iter().filter_map(|(_, records)| records.as_ref()).flatten());
    let fates = read.into_iter().map(|(webhook, records)| {
        let fate = event.fate_at(&webhook, records.unwrap_or_default());
        (webhook, fate)
    });
    let fates = fates.collect();
    Explanation { topics: event.topics, fates, healths: HashMap::new(), next }
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
