//! Who hears of an event: the registry's index, by shop and topic pattern.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use aws_sdk_dynamodb::Client;
use futures::{StreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use storehook_aws::{
    registry::{self, SUBSCRIBERS_INDEX},
    table::{self, TableError},
};
use storehook_domain::{
    delivery::fan_out::Subscriber,
    event::StoreEvent,
    installation::{app::AppId, shop::ShopDomain},
    payload::digest::PayloadDigest,
    webhook::WebhookId,
};

use crate::{events::progress::Progress, times::Times};

/// How many look-ups are under way at the same time: a batch may be of a hundred shops.
const LOOK_UPS: usize = 16;

/// The registry, as this function reads it.
#[derive(Clone)]
pub(crate) struct Subscribers {
    client: Client,
    table: String,
}

/// An event, its record's place in the batch, and the webhooks that hear of it.
pub(crate) struct Subscribed<'a> {
    pub(crate) index: usize,
    pub(crate) event: StoreEvent<'a>,
    /// What its payload is kept under, if it is kept.
    pub(crate) payload_digest: Option<PayloadDigest>,
    found: Vec<Arc<Found>>,
}

impl Subscribed<'_> {
    /// When its deliveries are queued. Each record has a time of its own, because that is what tells two
    /// messages of the same delivery from each other.
    pub(crate) fn queued_at(&self, times: Times) -> Timestamp {
        times.now.saturating_add(SignedDuration::from_nanos(self.index as i64)).unwrap_or(times.now)
    }

    /// Whether any webhook is to get the event.
    pub(crate) fn is_heard(&self) -> bool {
        let app = self.event.app.as_ref();
        self.subscribers().any(|subscriber| app.is_none_or(|app| *app == subscriber.app))
    }

    /// The webhooks that hear of the event. No webhook has two patterns, so none comes twice.
    pub(crate) fn subscribers(&self) -> impl Iterator<Item = &Subscriber> {
        self.found.iter().flat_map(|found| &found.subscribers)
    }
}

/// A shop's webhooks with one pattern.
#[derive(Default)]
struct Found {
    subscribers: Vec<Subscriber>,
    /// Items that do not read. They must not hold up the shard, nor vanish.
    unreadable: usize,
}

/// Why a look-up was not made.
#[derive(Debug, thiserror::Error)]
enum LookUpError {
    #[error(transparent)]
    Registry(#[from] TableError),
    #[error("no time was left")]
    OutOfTime,
}

impl Subscribers {
    pub(crate) fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// Finds the webhooks of each event. Each shop and pattern is looked up once; where a look-up
    /// fails, the events from the first one that needs it are left, and come again.
    pub(crate) async fn of_events<'a>(
        &self,
        events: Vec<(usize, StoreEvent<'a>)>,
        times: Times,
        progress: &mut Progress,
    ) -> Vec<Subscribed<'a>> {
        let mut wanted: BTreeMap<(ShopDomain, String), usize> = BTreeMap::new();
        for (index, event) in &events {
            for pattern in event.topic.matching_patterns() {
                wanted.entry((event.shop.clone(), pattern)).or_insert(*index);
            }
        }
        let look_ups = stream::iter(wanted).map(|((shop, pattern), first)| async move {
            let found = match times.are_up() {
                true => Err(LookUpError::OutOfTime),
                false => self.of_pattern(&shop, &pattern).await.map_err(LookUpError::from),
            };
            ((shop, pattern), first, found)
        });
        let mut found = HashMap::new();
        for (key, first, result) in look_ups.buffer_unordered(LOOK_UPS).collect::<Vec<_>>().await {
            match result {
                Ok(subscribers) => _ = found.insert(key, Arc::new(subscribers)),
                Err(error) => {
                    let (shop, pattern) = key;
                    tracing::error!(error = storehook_aws::causes(&error), %shop, pattern, "subscribers not found");
                    progress.fail(first);
                }
            }
        }
        let events = events.into_iter().filter(|(index, _)| !progress.comes_again(*index));
        let subscribed = events.map(|(index, event)| {
            let patterns = event.topic.matching_patterns().into_iter();
            let found =
                patterns.filter_map(|pattern| found.get(&(event.shop.clone(), pattern)).cloned()).collect();
            Subscribed { index, event, payload_digest: None, found }
        });
        let subscribed: Vec<_> = subscribed.collect();
        for Subscribed { index, found, .. } in &subscribed {
            let unreadable: usize = found.iter().map(|found| found.unreadable).sum();
            if unreadable > 0 {
                progress.reject(
                    *index,
                    format!("{unreadable} of its webhooks could not be read; the others got it"),
                );
            }
        }
        subscribed
    }

    async fn of_pattern(&self, shop: &ShopDomain, pattern: &str) -> Result<Found, TableError> {
        #[derive(Deserialize)]
        struct Projected {
            id: WebhookId,
            app: AppId,
        }
        let subscription = table::text(registry::subscription_of(shop, pattern));
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(SUBSCRIBERS_INDEX)
            .key_condition_expression("subscription = :subscription")
            .expression_attribute_values(":subscription", subscription)
            .into_paginator()
            .send();
        let mut found = Found::default();
        while let Some(page) = pages.next().await {
            for item in page?.items.unwrap_or_default() {
                match table::from_item(item) {
                    Ok(Projected { id, app }) => found.subscribers.push(Subscriber { webhook_id: id, app }),
                    Err(error) => {
                        tracing::error!(error = storehook_aws::causes(&error), %shop, pattern, "webhook does not read");
                        found.unreadable += 1;
                    }
                }
            }
        }
        Ok(found)
    }
}
