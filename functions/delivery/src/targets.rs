//! Where a delivery goes and what it is signed with, as they are now.

use std::time::Duration;

use aws_sdk_dynamodb::{Client, types::KeysAndAttributes};
use storehook_aws::{
    CALL_TIMEOUT,
    registry::{self, InstallationItem, RegistryError, WebhookItem},
};
use storehook_domain::{Delivery, Installation, Webhook};

/// The registry, as this function reads it.
#[derive(Clone)]
pub(crate) struct Targets {
    client: Client,
    table: String,
}

/// A delivery's webhook and installation.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) webhook: Webhook,
    pub(crate) installation: Installation,
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
    pub(crate) fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// The target of a delivery, or `None` where the webhook or the installation is no more.
    ///
    /// One strongly consistent call reads both: a webhook that fan-out has found must not
    /// be taken for deleted because a replica has not heard of it yet.
    ///
    /// It takes no longer than one call may, however often it has to ask.
    pub(crate) async fn of(&self, delivery: &Delivery<'_>) -> Result<Option<Target>, TargetError> {
        tokio::time::timeout(CALL_TIMEOUT, self.read(delivery)).await.unwrap_or(Err(TargetError::Unread))
    }

    async fn read(&self, delivery: &Delivery<'_>) -> Result<Option<Target>, TargetError> {
        let webhook_key = registry::webhook_key(&delivery.shop, &delivery.app, delivery.webhook_id);
        let installation_key = registry::installation_key(&delivery.shop, &delivery.app);
        let keys = KeysAndAttributes::builder()
            .keys(webhook_key.clone())
            .keys(installation_key)
            .consistent_read(true)
            .build()
            .map_err(|error| RegistryError::Call(Box::new(error.into())))?;
        let mut backoffs = BACKOFFS.iter();
        let answer = loop {
            let answer = self.client.batch_get_item().request_items(&self.table, keys.clone()).send().await;
            let answer = answer.map_err(RegistryError::from)?;
            if answer.unprocessed_keys().is_none_or(|unread| unread.is_empty()) {
                break answer;
            }
            // A throttled key is no error to the SDK, so it does not ask again by itself.
            tokio::time::sleep(*backoffs.next().ok_or(TargetError::Unread)?).await;
        };
        let items = answer.responses.unwrap_or_default().remove(&self.table).unwrap_or_default();
        let (mut webhook, mut installation) = (None, None);
        for item in items {
            if item.get("sk") == webhook_key.get("sk") {
                webhook = Some(registry::from_item::<WebhookItem>(item)?.webhook);
            } else {
                installation = Some(Installation::from(registry::from_item::<InstallationItem>(item)?));
            }
        }
        Ok(webhook.zip(installation).map(|(webhook, installation)| Target { webhook, installation }))
    }
}
