//! The end of an installation: what `app/uninstalled` does besides being delivered.
//!
//! Once the deliveries of the event are in the queue, three things happen:
//!
//! 1. The app's token is deleted, so nobody can call with it.
//! 2. The webhooks leave the index, so no event finds them, and they expire.
//! 3. The installation is marked as uninstalled, so all its other deliveries end, and it expires.
//!
//! Each step can be repeated: a record that comes again finds less to do. If the app was installed
//! anew after the event happened, the installation stays, and the log says so.

use aws_sdk_dynamodb::{Client, error::SdkError, operation::update_item::UpdateItemError};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use storehook_aws::{
    registry::{self, InstallationItem, UNINSTALLED_KEPT},
    table::{self, Item, TableError, number, text},
};
use storehook_domain::{
    event::{StoreEvent, catalogue::APP_UNINSTALLED},
    installation::app::AppId,
};

use crate::{
    events::{progress::Progress, subscribers::Subscribed},
    times::Times,
};

/// The registry, to end installations in.
#[derive(Clone)]
pub(crate) struct Installations {
    client: Client,
    table: String,
}

/// How many items are written at the same time.
const WRITES: usize = 16;

/// How much later than the event an installation may seem to begin and still be the one that ends.
/// The store's clock is not ours, and it often has whole seconds.
const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_secs(60);

/// Why an installation was not ended.
#[derive(Debug, thiserror::Error)]
enum UninstallError {
    #[error(transparent)]
    Registry(#[from] TableError),
    #[error("no time was left")]
    OutOfTime,
}

impl Installations {
    pub(crate) fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// Ends the installations that were uninstalled, once the deliveries of the event are queued.
    pub(crate) async fn end(&self, subscribed: &[Subscribed<'_>], times: Times, progress: &mut Progress) {
        for Subscribed { index, event, .. } in subscribed {
            let Some(app) = event.app.as_ref().filter(|_| event.topic.as_str() == APP_UNINSTALLED) else {
                continue;
            };
            if progress.comes_again(*index) {
                return;
            }
            if times.are_up() {
                progress.fail(*index);
                return;
            }
            if let Err(error) = self.uninstall(event, app, times).await {
                let error = storehook_aws::causes(&error);
                tracing::error!(error, event.shop = %event.shop, event.app = %app, "app not uninstalled");
                progress.fail(*index);
            }
        }
    }

    async fn uninstall(
        &self,
        event: &StoreEvent<'_>,
        app: &AppId,
        times: Times,
    ) -> Result<(), UninstallError> {
        let items = registry::load_items(&self.client, &self.table, &event.shop, app).await?;
        let Some(own) = items.iter().find(|item| registry::is_installation(item)) else { return Ok(()) };
        let installation: InstallationItem = table::from_item(own.clone())?;
        if installation.installed_at.duration_since(event.triggered_at) > CLOCK_TOLERANCE {
            tracing::warn!(event.shop = %event.shop, event.app = %app, "app installed after it was uninstalled; it stays");
            return Ok(());
        }
        let token = Some(installation.token_key());
        let delete = self.client.delete_item().table_name(&self.table).set_key(token);
        delete.send().await.map_err(TableError::from)?;
        // Items that an earlier try has marked need no second mark. The installation itself is
        // marked last: until then the app cannot be installed anew, so all these items are old
        // ones.
        let left =
            items.iter().filter(|item| !item.contains_key("expires_at") && !registry::is_installation(item));
        let expired = stream::iter(left).map(|item| async move {
            if times.are_up() {
                Err(UninstallError::OutOfTime)
            } else {
                Ok(self.expire(item, times.now).await?)
            }
        });
        expired.buffer_unordered(WRITES).try_collect::<()>().await?;
        self.expire(own, times.now).await?;
        tracing::info!(event.shop = %event.shop, event.app = %app, items = items.len(), "app uninstalled");
        Ok(())
    }

    /// Makes an item expire. A webhook's version grows, so a change that is under way meets a
    /// conflict.
    async fn expire(&self, item: &Item, now: Timestamp) -> Result<(), TableError> {
        let mut changes = "SET expires_at = :expires_at".to_owned();
        let expires_at = now.as_second() + UNINSTALLED_KEPT.as_secs();
        let mut update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(table::key_of(item)))
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":expires_at", number(expires_at));
        if registry::is_installation(item) {
            changes += ", uninstalled_at = :now";
            update = update.expression_attribute_values(":now", text(now.to_string()));
        }
        if item.contains_key("subscription") {
            changes += ", version = version + :one REMOVE subscription";
            update = update.expression_attribute_values(":one", number(1_u64));
        }
        match update.update_expression(changes).send().await {
            Err(error) if !is_gone(&error) => Err(error.into()),
            _ => Ok(()),
        }
    }
}

/// Whether the item was deleted meanwhile. Then there is nothing left to do.
fn is_gone<R>(error: &SdkError<UpdateItemError, R>) -> bool {
    matches!(error.as_service_error(), Some(UpdateItemError::ConditionalCheckFailedException(_)))
}
