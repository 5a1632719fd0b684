//! Loading, before the attempts of a batch: the webhook and the installation of each delivery, as
//! they are now, and the delivery's record.
//!
//! One read serves the whole batch, and each item is read once; up to 100 keys are one call. The
//! read is strongly consistent: otherwise a new webhook could be missing on a replica and count as
//! deleted. Each message fails alone: if its items are unread or malformed, the other messages
//! continue. A history that is throttled, refused or silent holds nothing up: its part of the read
//! is given up, and the deliveries continue as if nothing were known about them.

pub(crate) mod found;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use aws_sdk_dynamodb::Client;
use futures::future;
use storehook_aws::{
    CALL_TIMEOUT,
    batch_get::{BATCH_GET_LIMIT, BatchGet, batch_get},
    direct::Direct,
    history::{DeliveryItem, HISTORY_TIME},
    registry::{self, HealthItem, InstallationItem, WebhookItem},
    table::{self, Item, KeyText, TableError, key_text_of},
};
use storehook_domain::{delivery::envelope::Envelope, history::decision::Known, webhook::WebhookId};

use crate::{
    lookup::found::{Found, Target, TargetError},
    message::Received,
};

/// The tables, as this function reads them.
#[derive(Clone)]
pub(crate) struct Lookup {
    client: Client,
    direct: Direct,
    registry_table: String,
    /// `None` if the history is off.
    history_table: Option<String>,
}

/// How often a throttled read is tried again.
const FURTHER_TRIES: usize = 3;

/// The items of both tables that were read for one batch.
#[derive(Default)]
struct Read {
    registry: HashMap<KeyText, Item>,
    records: HashMap<KeyText, Item>,
    /// The registry's keys that were not read, and why.
    failed: HashMap<KeyText, TargetError>,
    /// The history's keys that were not read.
    unknown: HashSet<KeyText>,
}

impl Lookup {
    pub(crate) fn new(
        client: Client,
        direct: Direct,
        registry_table: String,
        history_table: Option<String>,
    ) -> Self {
        Self { client, direct, registry_table, history_table }
    }

    /// Loads what each message of a batch needs, in the order of the messages.
    ///
    /// It takes no longer than one call may, however often it asks.
    pub(crate) async fn load<'a>(&self, batch: Vec<Received<'a>>) -> Vec<(Received<'a>, Found)> {
        let chunks = self.chunks_of(&batch);
        let reads = future::join_all(chunks.into_iter().map(|chunk| self.read(chunk))).await;
        let mut read = Read::default();
        for part in reads {
            read.registry.extend(part.registry);
            read.records.extend(part.records);
            read.failed.extend(part.failed);
            read.unknown.extend(part.unknown);
        }
        let mut targets = HashMap::new();
        let found = batch.iter().map(|received| {
            let envelope = &received.message.envelope;
            let target = targets.entry(webhook_of(envelope)).or_insert_with(|| target_of(&read, envelope));
            Found { target: target.clone(), history: self.history_of(&read, envelope) }
        });
        let found: Vec<_> = found.collect();
        batch.into_iter().zip(found).collect()
    }

    /// The keys that a batch needs, each once, in as many calls as DynamoDB allows. The keys of a
    /// message are in the same call.
    fn chunks_of(&self, batch: &[Received<'_>]) -> Vec<HashMap<String, Vec<Item>>> {
        let (mut webhooks, mut seen, mut keys) = (HashSet::new(), HashSet::new(), Vec::new());
        for received in batch {
            let envelope = &received.message.envelope;
            let registry = webhooks.insert(webhook_of(envelope)).then(|| registry_keys(envelope));
            let registry = registry.into_iter().flatten().map(|key| (&self.registry_table, key));
            let history = self.history_table.iter().map(|table| (table, DeliveryItem::key_of(&envelope.id)));
            keys.extend(registry.chain(history).filter(|(_, key)| seen.insert(key_text_of(key))));
        }
        let chunks = keys.chunks(BATCH_GET_LIMIT).map(|chunk| {
            let mut by_table: HashMap<String, Vec<Item>> = HashMap::new();
            for (table, key) in chunk {
                by_table.entry((*table).clone()).or_default().push(key.clone());
            }
            by_table
        });
        chunks.collect()
    }

    /// Reads one call's keys. The history must not use up the time of the registry.
    async fn read(&self, keys: HashMap<String, Vec<Item>>) -> Read {
        let texts = |table: Option<&String>| -> Vec<KeyText> {
            table.and_then(|table| keys.get(table)).into_iter().flatten().map(key_text_of).collect()
        };
        let (registry_keys, history_keys) =
            (texts(Some(&self.registry_table)), texts(self.history_table.as_ref()));
        let mut read = Read::default();
        let mut result = Err(TargetError::Unread);
        if !history_keys.is_empty() {
            result = within(HISTORY_TIME, self.get(keys.clone())).await;
            if let Err(error) = &result {
                tracing::error!(error = storehook_aws::causes(error), "history not read");
                read.unknown.extend(history_keys);
            }
        }
        if result.is_err() {
            let mut keys = keys;
            keys.retain(|table, _| *table == self.registry_table);
            result = within(CALL_TIMEOUT, self.get(keys)).await;
        }
        match result {
            Ok(batch) => self.sort(batch, &mut read),
            Err(error) => read.failed.extend(registry_keys.into_iter().map(|key| (key, error.clone()))),
        }
        read
    }

    async fn get(&self, keys: HashMap<String, Vec<Item>>) -> Result<BatchGet, TableError> {
        batch_get(&self.client, Some(&self.direct), keys, FURTHER_TRIES).await
    }

    fn sort(&self, batch: BatchGet, read: &mut Read) {
        for (table, items) in batch.items {
            let items = items.into_iter().map(|item| (key_text_of(&item), item));
            if table == self.registry_table {
                read.registry.extend(items)
            } else {
                read.records.extend(items)
            }
        }
        for (table, keys) in batch.unread {
            if table == self.registry_table {
                read.failed.extend(keys.iter().map(|key| (key_text_of(key), TargetError::Unread)));
            } else {
                tracing::error!(error = "keys were throttled", keys = keys.len(), "history not read");
                read.unknown.extend(keys.iter().map(key_text_of));
            }
        }
    }

    fn history_of(&self, read: &Read, envelope: &Envelope) -> Known {
        let key = key_text_of(&DeliveryItem::key_of(&envelope.id));
        if self.history_table.is_none() {
            return Known::Off;
        }
        if read.unknown.contains(&key) {
            return Known::Nothing;
        }
        let Some(item) = read.records.get(&key) else { return Known::NoRecord };
        match table::from_item::<DeliveryItem>(item.clone()) {
            Ok(item) => Known::Record(Box::new(item.record)),
            Err(error) => {
                let error = storehook_aws::causes(&error);
                tracing::error!(delivery.id = %envelope.id, error, "history not read");
                Known::Nothing
            }
        }
    }
}

/// What names the webhook of a delivery, which its target belongs to.
fn webhook_of(envelope: &Envelope) -> (&str, &str, WebhookId) {
    (envelope.shop.as_str(), envelope.app.as_str(), envelope.id.webhook_id)
}

fn target_of(read: &Read, envelope: &Envelope) -> Result<Option<Arc<Target>>, TargetError> {
    let keys = registry_keys(envelope).map(|key| key_text_of(&key));
    if let Some(error) = keys.iter().find_map(|key| read.failed.get(key)) {
        return Err(error.clone());
    }
    let [webhook, installation, health] = keys.map(|key| read.registry.get(&key).cloned());
    let (Some(webhook), Some(installation)) = (webhook, installation) else { return Ok(None) };
    let malformed = |error| TargetError::Registry(Arc::new(error));
    let webhook = table::from_item::<WebhookItem>(webhook).map_err(malformed)?;
    let health = health.map(table::from_item::<HealthItem>).transpose().map_err(malformed)?;
    Ok(Some(Arc::new(Target {
        lane: webhook.lane.unwrap_or_default(),
        lane_since: webhook.lane_since,
        webhook: webhook.webhook,
        installation: table::from_item::<InstallationItem>(installation).map_err(malformed)?.into(),
        health: health.unwrap_or_default(),
    })))
}

/// The keys of a delivery's webhook, its installation and its health.
fn registry_keys(envelope: &Envelope) -> [Item; 3] {
    let Envelope { id, shop, app, .. } = envelope;
    [
        registry::webhook_key(shop, app, id.webhook_id),
        registry::installation_key(shop, app),
        HealthItem::key_of(shop, app, id.webhook_id),
    ]
}

async fn within(
    limit: Duration,
    call: impl Future<Output = Result<BatchGet, TableError>>,
) -> Result<BatchGet, TargetError> {
    match tokio::time::timeout(limit, call).await {
        Ok(Ok(batch)) => Ok(batch),
        Ok(Err(error)) => Err(TargetError::Registry(Arc::new(error))),
        Err(_) => Err(TargetError::Unread),
    }
}
