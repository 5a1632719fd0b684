//! Where a delivery goes and what it is signed with, as they are now; and what is known of it.

use std::collections::HashMap;

use aws_sdk_dynamodb::{Client, operation::batch_get_item::BatchGetItemOutput, types::KeysAndAttributes};
use storehook_aws::{
    CALL_TIMEOUT, backoff,
    history::{DeliveryItem, HISTORY_TIME},
    registry::{self, FailureRunItem, InstallationItem, WebhookItem},
    table::{self, Item, TableError},
};
use storehook_domain::{
    delivery::{envelope::Envelope, message::DeliveryMessage},
    history::record::DeliveryRecord,
    installation::Installation,
    webhook::Webhook,
};

/// The tables, as this function reads them.
#[derive(Clone)]
pub(crate) struct Lookup {
    client: Client,
    registry_table: String,
    /// None where the history is off.
    history_table: Option<String>,
}

/// What there is of a delivery.
#[derive(Debug)]
pub(crate) struct Found {
    /// Where it goes; `None` where its webhook or its installation is no more.
    pub(crate) target: Option<Target>,
    /// Its record, if it has one that could be loaded.
    pub(crate) record: Option<DeliveryRecord>,
}

/// A delivery's webhook and installation.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) webhook: Webhook,
    pub(crate) installation: Installation,
    /// The webhook's failure run, if it has one.
    pub(crate) failures: Option<FailureRunItem>,
}

/// Why a delivery's target is not known.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TargetError {
    #[error(transparent)]
    Registry(#[from] TableError),
    #[error("DynamoDB left a key unread, or took too long")]
    Unread,
}

/// How often a throttled read of the history alone is tried again.
const HISTORY_TRIES: usize = 2;

/// How often a throttled read is tried again.
const FURTHER_TRIES: usize = 3;

impl Lookup {
    pub(crate) fn new(client: Client, registry_table: String, history_table: Option<String>) -> Self {
        Self { client, registry_table, history_table }
    }

    /// The target of a delivery.
    ///
    /// One strongly consistent call reads it all: a webhook that fan-out has found must not
    /// be taken for deleted because a replica has not heard of it yet.
    ///
    /// It takes no longer than one call may, however often it has to ask. A history that cannot be read
    /// holds nothing up: the delivery goes on as if it had none.
    pub(crate) async fn load(&self, message: &DeliveryMessage<'_>) -> Result<Found, TargetError> {
        tokio::time::timeout(CALL_TIMEOUT, self.load_all(message)).await.unwrap_or(Err(TargetError::Unread))
    }

    async fn load_all(&self, message: &DeliveryMessage<'_>) -> Result<Found, TargetError> {
        let Envelope { id, shop, app, .. } = &message.envelope;
        let webhook_key = registry::webhook_key(shop, app, id.webhook_id);
        let failures_key = FailureRunItem::key_of(shop, app, id.webhook_id);
        let installation_key = registry::installation_key(shop, app);
        let mut wanted = HashMap::from([(
            self.registry_table.clone(),
            consistently([webhook_key.clone(), failures_key.clone(), installation_key.clone()])?,
        )]);
        if let Some(table) = &self.history_table {
            let key = DeliveryItem::key_of(id);
            wanted.insert(table.clone(), consistently([key])?);
        }
        let mut found = self.items(wanted).await?;
        let record = self.history_table.as_ref().and_then(|table| found.remove(table)?.pop());
        let record = record.and_then(|item| match table::from_item::<DeliveryItem>(item) {
            Ok(item) => Some(item.record),
            Err(error) => {
                tracing::error!(
                    delivery.id = %id,
                    error = storehook_aws::causes(&error),
                    "history not read"
                );
                None
            }
        });
        let mut items = found.remove(&self.registry_table).unwrap_or_default();
        let mut take = |key: &Item| {
            let index = items.iter().position(|item| item.get("sk") == key.get("sk"))?;
            Some(items.swap_remove(index))
        };
        let (Some(webhook), Some(installation)) = (take(&webhook_key), take(&installation_key)) else {
            return Ok(Found { target: None, record });
        };
        let target = Target {
            webhook: table::from_item::<WebhookItem>(webhook)?.webhook,
            installation: table::from_item::<InstallationItem>(installation)?.into(),
            failures: take(&failures_key).map(table::from_item).transpose()?,
        };
        Ok(Found { target: Some(target), record })
    }

    /// Reads what is wanted of the tables. The registry's part must be read. The history's is asked for along
    /// with it, for a while, and then given up.
    async fn items(
        &self,
        mut wanted: HashMap<String, KeysAndAttributes>,
    ) -> Result<HashMap<String, Vec<Item>>, TargetError> {
        let mut found: HashMap<String, Vec<Item>> = HashMap::new();
        let (mut waits, mut history_waits) = (backoff(FURTHER_TRIES), backoff(HISTORY_TRIES));
        while !wanted.is_empty() {
            let response = match self.ask(&wanted).await {
                Ok(response) => response,
                Err(error) if !self.is_of_history(&wanted) => return Err(error.into()),
                Err(error) => {
                    tracing::error!(error = storehook_aws::causes(&error), "history not read");
                    wanted.retain(|table, _| *table == self.registry_table);
                    continue;
                }
            };
            for (table, items) in response.responses.unwrap_or_default() {
                found.entry(table).or_default().extend(items);
            }
            wanted = response.unprocessed_keys.unwrap_or_default();
            // A throttled key is no error to the SDK, so it does not ask again by itself.
            if wanted.contains_key(&self.registry_table) {
                tokio::time::sleep(waits.next().ok_or(TargetError::Unread)?).await;
            } else if !wanted.is_empty() {
                let Some(wait) = history_waits.next() else {
                    tracing::error!(error = "its key was throttled", "history not read");
                    break;
                };
                tokio::time::sleep(wait).await;
            }
        }
        Ok(found)
    }

    /// One call. The history must not use up the time of the registry.
    async fn ask(
        &self,
        wanted: &HashMap<String, KeysAndAttributes>,
    ) -> Result<BatchGetItemOutput, TableError> {
        let call = self.client.batch_get_item().set_request_items(Some(wanted.clone())).send();
        let limit = if self.is_of_history(wanted) { HISTORY_TIME } else { CALL_TIMEOUT };
        match tokio::time::timeout(limit, call).await {
            Ok(response) => Ok(response?),
            Err(_) => Err(TableError::Unread),
        }
    }

    fn is_of_history(&self, wanted: &HashMap<String, KeysAndAttributes>) -> bool {
        wanted.keys().any(|table| *table != self.registry_table)
    }
}

fn consistently<const N: usize>(keys: [Item; N]) -> Result<KeysAndAttributes, TableError> {
    let keys = KeysAndAttributes::builder().set_keys(Some(keys.into())).consistent_read(true).build();
    Ok(keys?)
}
