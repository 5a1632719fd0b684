//! The subscribers of events: webhooks, from the registry's index by shop and id.
//!
//! An event matches three patterns at most: its topic, its resource and `*`. One query loads all
//! webhooks of a shop with their patterns, and each batch makes it once for each shop. If it fails,
//! the shop's events come again.
//!
//! **One query, because webhooks change.** If each pattern were looked up by itself, a webhook that
//! changes from `orders/create` to `orders/*` between two look-ups could be found twice, or never,
//! although the event matches it before and after. In this index a change of the topic moves
//! nothing: the key, shop and id, stays, and the entry gets its new pattern in one write. A query
//! reads the entries in the order of their ids, each at one moment, however many pages it takes. So
//! it finds each webhook once, with the pattern of before or of after. The index follows its table
//! within a fraction of a second: an event that happens within it may still go by the old pattern.
//!
//! It costs by what the shop has: some 250 bytes a webhook, so half a read unit for every 16 of
//! them. Each of three queries costs half a unit if it finds nothing. A job's query reads only the
//! job's own range of ids: webhooks that a hundred jobs share are not read a hundred times.
//!
//! A malformed webhook must neither hold up the shard nor vanish: the other webhooks get the event,
//! and the event's record is rejected with a reason that says so.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use aws_sdk_dynamodb::Client;
use futures::{StreamExt as _, stream};
use serde::Deserialize;
use storehook_aws::{
    direct::Direct,
    registry::{self, SUBSCRIBERS_INDEX, WebhookItem},
    table::{self, Item, TableError},
};
use storehook_domain::{
    delivery::{envelope::KeptPayload, lane::Lane, subscriber::Subscriber},
    event::{StoreEvent, topic},
    installation::{app::AppId, shop::ShopDomain},
    job::fan_out::Range,
    webhook::{WebhookId, WebhookKey},
};

use crate::{
    events::{progress::Progress, query::Query},
    times::Times,
};

/// How many shops are looked up at the same time. A batch may have events of a hundred.
const LOOK_UPS: usize = 16;

/// The registry, to find subscribers in.
pub(crate) struct Subscribers {
    client: Client,
    direct: Direct,
    table: String,
}

/// An event with its subscribers.
pub(crate) struct Subscribed<'a> {
    /// The index of its entry in the batch.
    pub(crate) index: usize,
    pub(crate) event: StoreEvent<'a>,
    /// Where the history keeps the payload, if it is on.
    pub(crate) kept: Option<KeptPayload>,
    /// Whether jobs send to its webhooks. This invocation then sends to none of them.
    pub(crate) is_shared_out: bool,
    found: Vec<Arc<Found>>,
}

impl Subscribed<'_> {
    /// Whether any webhook gets the event.
    pub(crate) fn has_subscribers(&self) -> bool {
        let mut all = self.found.iter().flat_map(|found| &found.subscribers);
        all.any(|subscriber| self.event.is_for(&subscriber.app))
    }

    /// How many webhooks get the event, from this invocation or from jobs.
    pub(crate) fn width(&self) -> usize {
        let all = self.found.iter().flat_map(|found| &found.subscribers);
        all.filter(|subscriber| self.event.is_for(&subscriber.app)).count()
    }

    /// The webhooks that this invocation sends to. A webhook is found with one pattern, so none
    /// comes twice.
    pub(crate) fn subscribers(&self) -> impl Iterator<Item = &Subscriber> {
        let found = self.found.iter().filter(|_| !self.is_shared_out);
        let subscribers = found.flat_map(|found| &found.subscribers);
        subscribers.filter(|subscriber| self.event.is_for(&subscriber.app))
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
    pub(crate) fn new(client: Client, direct: Direct, table: String) -> Self {
        Self { client, direct, table }
    }

    /// A webhook as it is now, strongly consistent; `None` if it was deleted or its app uninstalled.
    pub(crate) async fn load(&self, webhook: &WebhookKey) -> Result<Option<WebhookItem>, TableError> {
        let key = registry::webhook_key(&webhook.shop, &webhook.app, webhook.id);
        let values = key.into_iter().map(|(name, value)| (format!(":{name}"), value));
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND sk = :sk")
            .set_expression_attribute_values(Some(values.collect()));
        let item = query.send().await?.items.into_iter().flatten().next();
        let webhook = item.map(table::from_item::<WebhookItem>).transpose()?;
        Ok(webhook.filter(WebhookItem::is_subscribed))
    }

    /// Finds the subscribers of each event, all of them or those in a range. If a look-up fails, it
    /// leaves out the events from the first one that needs it: they come again.
    pub(crate) async fn find<'a>(
        &self,
        events: Vec<(usize, StoreEvent<'a>)>,
        range: Range,
        times: Times,
        progress: &mut Progress,
    ) -> Vec<Subscribed<'a>> {
        let mut wanted: BTreeMap<ShopDomain, usize> = BTreeMap::new();
        for (index, event) in &events {
            wanted.entry(event.shop.clone()).or_insert(*index);
        }
        let look_ups = stream::iter(wanted).map(|(shop, first)| async move {
            let found = if times.are_up() {
                Err(LookUpError::OutOfTime)
            } else {
                self.look_up(&shop, range).await.map_err(LookUpError::from)
            };
            (shop, first, found)
        });
        let mut found = HashMap::new();
        for (shop, first, result) in look_ups.buffer_unordered(LOOK_UPS).collect::<Vec<_>>().await {
            match result {
                Ok(of_shop) => {
                    found.extend(of_shop.into_iter().map(|(key, found)| (key, Arc::new(found))));
                }
                Err(error) => {
                    tracing::error!(error = storehook_aws::causes(&error), %shop, "subscribers not found");
                    progress.fail(first);
                }
            }
        }
        let events = events.into_iter().filter(|(index, _)| !progress.comes_again(*index));
        let subscribed = events.map(|(index, event)| {
            let patterns = event.topic.matching_patterns().into_iter();
            let keys = patterns.map(|pattern| registry::subscription_of(&event.shop, &pattern));
            let found = keys.filter_map(|key| found.get(&key).cloned()).collect();
            Subscribed { index, event, kept: None, is_shared_out: false, found }
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

    /// The webhooks of a shop with ids in a range, by their subscription. Those of an uninstalled
    /// app have none.
    async fn look_up(&self, shop: &ShopDomain, range: Range) -> Result<HashMap<String, Found>, TableError> {
        let query = Query {
            table: &self.table,
            index: SUBSCRIBERS_INDEX,
            condition: "shop = :shop AND id BETWEEN :from AND :to",
            values: HashMap::from([
                (":shop".to_owned(), table::text(shop.to_string())),
                (":from".to_owned(), table::number(range.from.get())),
                (":to".to_owned(), table::number(range.to.get())),
            ]),
        };
        let mut by_subscription = HashMap::new();
        let mut last_key = None;
        loop {
            let page = query.page(&self.client, &self.direct, last_key).await?;
            page.items.into_iter().for_each(|item| add(&mut by_subscription, shop, item));
            last_key = page.last_key;
            if last_key.is_none() {
                return Ok(by_subscription);
            }
        }
    }
}

/// Adds a webhook of the index to those of its subscription. Without one it gets nothing.
fn add(by_subscription: &mut HashMap<String, Found>, shop: &ShopDomain, item: Item) {
    #[derive(Deserialize)]
    struct Projected {
        id: WebhookId,
        app: AppId,
        #[serde(default)]
        lane: Lane,
    }
    let subscription = item.get("subscription").and_then(|key| key.as_s().ok()).cloned();
    let Some(subscription) = subscription else { return };
    let prefix = registry::subscription_of(shop, "");
    let is_by_pattern = subscription.strip_prefix(&prefix).is_some_and(topic::is_wildcard);
    let found = by_subscription.entry(subscription).or_default();
    match table::from_item(item) {
        Ok(Projected { id, app, lane }) => {
            found.subscribers.push(Subscriber { webhook_id: id, app, is_by_pattern, lane });
        }
        Err(error) => {
            tracing::error!(error = storehook_aws::causes(&error), %shop, "webhook malformed");
            found.malformed += 1;
        }
    }
}
