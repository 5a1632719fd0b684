//! The subscribers of events: webhooks, from the registry's index by shop and topic pattern.
//!
//! An event matches three patterns at most: its topic, its resource and `*`. Many events of a batch
//! share shop and pattern, so each pair is looked up once. If a look-up fails, the events that need
//! it come again. A malformed webhook must neither hold up the shard nor vanish: the other webhooks
//! get the event, and the event's record is rejected with a reason that says so.

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
    delivery::subscriber::Subscriber,
    event::{StoreEvent, topic},
    installation::{app::AppId, shop::ShopDomain},
    job::fan_out::Range,
    payload::digest::PayloadDigest,
    webhook::WebhookId,
};

use crate::{events::progress::Progress, times::Times};

/// How many look-ups are made at the same time. A batch may have events of a hundred shops.
const LOOK_UPS: usize = 16;

/// The registry, to find subscribers in.
#[derive(Clone)]
pub(crate) struct Subscribers {
    client: Client,
    table: String,
}

/// An event with its subscribers.
pub(crate) struct Subscribed<'a> {
    /// The index of its record in the batch.
    pub(crate) index: usize,
    pub(crate) event: StoreEvent<'a>,
    /// The payload's digest, if the history keeps the payload.
    pub(crate) payload_digest: Option<PayloadDigest>,
    /// The webhooks that this invocation sends to; by default all.
    pub(crate) share: Option<Range>,
    found: Vec<Arc<Found>>,
}

impl Subscribed<'_> {
    /// When its deliveries are queued. Each record has another time, because the time tells two
    /// messages of the same delivery apart.
    pub(crate) fn queued_at(&self, times: Times) -> Timestamp {
        times.now.saturating_add(SignedDuration::from_nanos(self.index as i64)).unwrap_or(times.now)
    }

    /// Whether any webhook gets the event.
    pub(crate) fn has_subscribers(&self) -> bool {
        let app = self.event.app.as_ref();
        self.subscribers().any(|subscriber| app.is_none_or(|app| *app == subscriber.app))
    }

    /// The webhooks with a pattern that matches the event. A webhook has one pattern, so none comes
    /// twice.
    pub(crate) fn subscribers(&self) -> impl Iterator<Item = &Subscriber> {
        let all = self.found.iter().flat_map(|found| &found.subscribers);
        all.filter(|subscriber| self.share.is_none_or(|share| share.contains(subscriber.webhook_id)))
    }
}

/// The webhooks of a shop with one pattern.
#[derive(Default)]
struct Found {
    subscribers: Vec<Subscriber>,
    /// The number of malformed items.
    malformed: usize,
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

    /// Finds the subscribers of each event. If a look-up fails, it leaves out the events from the
    /// first one that needs it: they come again.
    pub(crate) async fn find<'a>(
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
            let found = if times.are_up() {
                Err(LookUpError::OutOfTime)
            } else {
                self.look_up(&shop, &pattern).await.map_err(LookUpError::from)
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
            Subscribed { index, event, payload_digest: None, share: None, found }
        });
        let subscribed: Vec<_> = subscribed.collect();
        for Subscribed { index, found, .. } in &subscribed {
            let malformed: usize = found.iter().map(|found| found.malformed).sum();
            if malformed > 0 {
                progress.reject(
                    *index,
                    format!("{malformed} of its webhooks could not be read; the others got it"),
                );
            }
        }
        subscribed
    }

    async fn look_up(&self, shop: &ShopDomain, pattern: &str) -> Result<Found, TableError> {
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
        let is_by_pattern = topic::is_wildcard(pattern);
        let mut found = Found::default();
        while let Some(page) = pages.next().await {
            for item in page?.items.unwrap_or_default() {
                match table::from_item(item) {
                    Ok(Projected { id, app }) => {
                        found.subscribers.push(Subscriber { webhook_id: id, app, is_by_pattern })
                    }
                    Err(error) => {
                        tracing::error!(error = storehook_aws::causes(&error), %shop, pattern, "webhook malformed");
                        found.malformed += 1;
                    }
                }
            }
        }
        Ok(found)
    }
}
