//! The end of an installation: what `app/uninstalled` does besides being delivered.
//!
//! Once the deliveries of the event are in the queue, three things happen:
//!
//! 1. The installation is marked as uninstalled, with the event's id. From then on it is *ending*:
//!    all its other deliveries end, its secrets stay, and no webhook is created or changed, because
//!    the admin API checks the mark in the very transaction.
//! 2. What the partition holds now is loaded and cleared: the app's token is deleted, the webhooks
//!    lose their subscription, so no event finds them, and everything expires. A create that was
//!    under way came before the mark and is cleared as well, or came after it and was refused.
//! 3. The installation gets its own expiry, and has *ended*. Only then can the app be installed
//!    again, so nothing that is cleared belongs to a later installation.
//!
//! Each step can be repeated: a record that comes again, or a write that the SDK sends again
//! because its response was lost, finds less to do. Two functions may clear the same installation,
//! and the slower one may find its items gone, or others of the same key in their place. Its writes
//! are refused then: a slot is known by its webhook, the installation by its token, and no other
//! keys are used twice.
//!
//! An event ends one installation, and no later one. An installation that began after the event
//! stays. The clocks of the store and of whoever installs differ, so one that began less than
//! [`CLOCK_TOLERANCE`] after the event is ended, unless it says that this event has ended an
//! earlier one.

use aws_sdk_dynamodb::{
    Client, operation::update_item::builders::UpdateItemFluentBuilder, types::AttributeValue,
};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use storehook_aws::{
    registry::{self, InstallationItem, InstallationState, UNINSTALLED_KEPT},
    table::{self, Contended, Item, TableError, number, text},
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
    #[error(transparent)]
    Contended(#[from] Contended),
    #[error("no time was left")]
    OutOfTime,
}

/// What an event leaves to clear.
enum Left {
    /// Nothing: no installation is there, or none that the event ends.
    Nothing,
    /// What belongs to an installation that is ending.
    Rest(Box<InstallationItem>),
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
        let left = table::change(|| self.mark(event, app, times.now)).await?;
        let Left::Rest(installation) = left else { return Ok(()) };
        let token = Some(installation.token_key());
        let delete = self.client.delete_item().table_name(&self.table).set_key(token);
        delete.send().await.map_err(TableError::from)?;
        let items = registry::load_items(&self.client, &self.table, &event.shop, app).await?;
        // Items that an earlier try has cleared need no more.
        let left =
            items.iter().filter(|item| !item.contains_key("expires_at") && !registry::is_installation(item));
        let cleared = stream::iter(left).map(|item| async move {
            if times.are_up() { Err(UninstallError::OutOfTime) } else { self.clear(item, times.now).await }
        });
        cleared.buffer_unordered(WRITES).try_collect::<()>().await?;
        self.finish(event, app, &installation, times.now).await?;
        tracing::info!(event.shop = %event.shop, event.app = %app, items = items.len(), "app uninstalled");
        Ok(())
    }

    /// Marks the installation that the event ends, if it is still to be marked. `None` at a
    /// conflict; one with its own write is over when this is tried again.
    async fn mark(
        &self,
        event: &StoreEvent<'_>,
        app: &AppId,
        now: Timestamp,
    ) -> Result<Option<Left>, UninstallError> {
        let items = registry::load_items(&self.client, &self.table, &event.shop, app).await?;
        let Some(own) = items.into_iter().find(registry::is_installation) else {
            return Ok(Some(Left::Nothing));
        };
        let installation: InstallationItem = table::from_item(own)?;
        match installation.state() {
            InstallationState::Ended => return Ok(Some(Left::Nothing)),
            InstallationState::Ending => return Ok(Some(Left::Rest(Box::new(installation)))),
            InstallationState::Installed => {}
        }
        let is_later = installation.installed_at.duration_since(event.triggered_at) > CLOCK_TOLERANCE;
        if is_later || installation.ended_by.contains(&event.id) {
            tracing::warn!(event.shop = %event.shop, event.app = %app, "app installed after it was uninstalled; it stays");
            return Ok(Some(Left::Nothing));
        }
        let ended_by = table::to_value([&event.id])?;
        let update = self
            .update(registry::installation_key(&event.shop, app))
            .update_expression(
                "SET uninstalled_at = :now, ended_by = list_append(if_not_exists(ended_by, :none), :event)",
            )
            .condition_expression("#token = :token AND attribute_not_exists(uninstalled_at)")
            .expression_attribute_names("#token", "token")
            .expression_attribute_values(":token", text(installation.token()))
            .expression_attribute_values(":now", text(now.to_string()))
            .expression_attribute_values(":none", AttributeValue::L(Vec::new()))
            .expression_attribute_values(":event", ended_by);
        let is_marked = table::conditional(update.send().await)?.is_ok();
        Ok(is_marked.then(|| Left::Rest(Box::new(installation))))
    }

    /// Makes an item expire. A webhook's version grows, so a change that is under way meets a
    /// conflict.
    async fn clear(&self, item: &Item, now: Timestamp) -> Result<(), UninstallError> {
        let mut changes = "SET expires_at = :expires_at".to_owned();
        let mut update = self
            .update(table::key_of(item))
            .expression_attribute_values(":expires_at", number(expires_at(now)));
        if item.contains_key("subscription") {
            changes += ", version = version + :one REMOVE subscription";
            update = update.expression_attribute_values(":one", number(1_u64));
        }
        let update = match item.get("webhook_id") {
            Some(webhook_id) => update
                .condition_expression("webhook_id = :webhook_id")
                .expression_attribute_values(":webhook_id", webhook_id.clone()),
            None => update.condition_expression("attribute_exists(pk)"),
        };
        write(update.update_expression(changes)).await
    }

    /// Makes an installation expire, unless another one has taken its place.
    async fn finish(
        &self,
        event: &StoreEvent<'_>,
        app: &AppId,
        installation: &InstallationItem,
        now: Timestamp,
    ) -> Result<(), UninstallError> {
        let update = self
            .update(registry::installation_key(&event.shop, app))
            .update_expression("SET expires_at = :expires_at")
            .condition_expression("#token = :token")
            .expression_attribute_names("#token", "token")
            .expression_attribute_values(":token", text(installation.token()))
            .expression_attribute_values(":expires_at", number(expires_at(now)));
        write(update).await
    }

    fn update(&self, key: Item) -> UpdateItemFluentBuilder {
        self.client.update_item().table_name(&self.table).set_key(Some(key))
    }
}

fn expires_at(now: Timestamp) -> i64 {
    now.as_second() + UNINSTALLED_KEPT.as_secs()
}

/// Makes a write, unless its condition refuses it: then the item is gone, and there is nothing left
/// to do. If a transaction over the item is under way, it is tried again.
async fn write(update: UpdateItemFluentBuilder) -> Result<(), UninstallError> {
    let update = &update;
    table::change(|| async move {
        match table::conditional(update.clone().send().await)? {
            Err(conflict) if conflict.is_in_transaction => Ok(None),
            _ => Ok(Some(())),
        }
    })
    .await
}

#[cfg(test)]
mod tests;
