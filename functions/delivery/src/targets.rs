//! Where a delivery goes and what it is signed with, as they are now; and whether it has
//! been delivered before.

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::{Client, error::BuildError, types::KeysAndAttributes};
use storehook_aws::{
    CALL_TIMEOUT,
    history::DeliveredItem,
    registry::{self, FailureRunItem, InstallationItem, Item, RegistryError, WebhookItem},
};
use storehook_domain::{Delivery, Installation, Webhook};

/// The tables, as this function reads them.
#[derive(Clone)]
pub(crate) struct Targets {
    client: Client,
    registry_table: String,
    history_table: String,
}

/// What there is of a delivery.
#[derive(Debug)]
pub(crate) enum Found {
    /// It has been delivered before.
    Delivered,
    /// Its webhook or its installation is no more.
    Nothing,
    /// Where it goes.
    Target(Box<Target>),
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
    Registry(#[from] RegistryError),
    #[error("DynamoDB left a key unread, or took too long")]
    Unread,
}

/// How long a throttled read waits before each of its further tries.
const BACKOFFS: [Duration; 3] =
    [Duration::from_millis(50), Duration::from_millis(200), Duration::from_millis(800)];

impl Targets {
    pub(crate) fn new(client: Client, registry_table: String, history_table: String) -> Self {
        Self { client, registry_table, history_table }
    }

    /// The target of a delivery.
    ///
    /// One strongly consistent call reads it all: a webhook that fan-out has found must not
    /// be taken for deleted because a replica has not heard of it yet.
    ///
    /// It takes no longer than one call may, however often it has to ask.
    pub(crate) async fn of(&self, delivery: &Delivery<'_>) -> Result<Found, TargetError> {
        tokio::time::timeout(CALL_TIMEOUT, self.read(delivery)).await.unwrap_or(Err(TargetError::Unread))
    }

    async fn read(&self, delivery: &Delivery<'_>) -> Result<Found, TargetError> {
        let Delivery { shop, app, webhook_id, .. } = delivery;
        let webhook_key = registry::webhook_key(shop, app, *webhook_id);
        let failures_key = FailureRunItem::key_of(shop, app, *webhook_id);
        let installation_key = registry::installation_key(shop, app);
        let of_registry =
            consistently([webhook_key.clone(), failures_key.clone(), installation_key.clone()])?;
        let of_history = consistently([DeliveredItem::key_of(&delivery.id())])?;
        let mut found = self.items(of_registry, of_history).await?;
        if found.remove(&self.history_table).is_some_and(|items| !items.is_empty()) {
            return Ok(Found::Delivered);
        }
        let mut items = found.remove(&self.registry_table).unwrap_or_default();
        let mut take = |key: &Item| {
            let place = items.iter().position(|item| item.get("sk") == key.get("sk"))?;
            Some(items.swap_remove(place))
        };
        let (Some(webhook), Some(installation)) = (take(&webhook_key), take(&installation_key)) else {
            return Ok(Found::Nothing);
        };
        Ok(Found::Target(Box::new(Target {
            webhook: registry::from_item::<WebhookItem>(webhook)?.webhook,
            installation: registry::from_item::<InstallationItem>(installation)?.into(),
            failures: take(&failures_key).map(registry::from_item).transpose()?,
        })))
    }

    async fn items(
        &self,
        of_registry: KeysAndAttributes,
        of_history: KeysAndAttributes,
    ) -> Result<HashMap<String, Vec<Item>>, TargetError> {
        let mut backoffs = BACKOFFS.iter();
        loop {
            let call = self.client.batch_get_item();
            let call = call.request_items(&self.registry_table, of_registry.clone());
            let call = call.request_items(&self.history_table, of_history.clone());
            let answer = call.send().await.map_err(RegistryError::from)?;
            if answer.unprocessed_keys().is_none_or(|unread| unread.is_empty()) {
                return Ok(answer.responses.unwrap_or_default());
            }
            // A throttled key is no error to the SDK, so it does not ask again by itself.
            tokio::time::sleep(*backoffs.next().ok_or(TargetError::Unread)?).await;
        }
    }
}

fn consistently<const N: usize>(keys: [Item; N]) -> Result<KeysAndAttributes, RegistryError> {
    let keys = KeysAndAttributes::builder().set_keys(Some(keys.into())).consistent_read(true).build();
    keys.map_err(|error: BuildError| RegistryError::Call(Box::new(error.into())))
}
