//! The end of an installation: what `app/uninstalled` does besides being delivered.
//!
//! Once its deliveries are in the queue, the app's token goes, so that nobody calls with it
//! any more; its webhooks leave the index, so that no event finds them; and what is left of
//! the installation is marked, so that all other deliveries of it end, and expires. Each
//! step can be made again: a record that comes again finds less to do. An app that was
//! installed anew after the event happened is left alone.

use aws_sdk_dynamodb::{
    Client, error::SdkError, operation::update_item::UpdateItemError, types::AttributeValue,
};
use jiff::Timestamp;
use storehook_aws::registry::{self, InstallationItem, Item, RegistryError, UNINSTALLED_KEPT};
use storehook_domain::{AppId, StoreEvent, catalogue::APP_UNINSTALLED};

use crate::{Times, progress::Progress, subscribers::Subscribed};

/// The registry, as uninstalling changes it.
#[derive(Clone)]
pub(crate) struct Installations {
    client: Client,
    table: String,
}

impl Installations {
    pub(crate) fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// Ends the installations whose end the events tell of, once each event's deliveries are queued.
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
            if let Err(error) = self.uninstall(event, app, times.now).await {
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
        now: Timestamp,
    ) -> Result<(), RegistryError> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text(registry::partition_of(&event.shop, app)));
        let mut items = Vec::new();
        let mut pages = query.into_paginator().items().send();
        while let Some(item) = pages.next().await {
            items.push(item?);
        }
        let Some(installation) = items.iter().find(|item| registry::is_installation(item)) else {
            return Ok(());
        };
        let installation: InstallationItem = registry::from_item(installation.clone())?;
        if installation.installed_at > event.triggered_at {
            return Ok(());
        }
        let token = Some(installation.token_key());
        self.client.delete_item().table_name(&self.table).set_key(token).send().await?;
        for item in &items {
            self.expire(item, now).await?;
        }
        tracing::info!(event.shop = %event.shop, event.app = %app, items = items.len(), "app uninstalled");
        Ok(())
    }

    async fn expire(&self, item: &Item, now: Timestamp) -> Result<(), RegistryError> {
        let mark = if registry::is_installation(item) { ", uninstalled_at = :now" } else { "" };
        let expires_at = now.as_second() + UNINSTALLED_KEPT.as_secs();
        let mut update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(registry::key_of(item)))
            .update_expression(format!("SET expires_at = :expires_at{mark} REMOVE subscription"))
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":expires_at", AttributeValue::N(expires_at.to_string()));
        if !mark.is_empty() {
            update = update.expression_attribute_values(":now", text(now.to_string()));
        }
        match update.send().await {
            Err(error) if !is_gone(&error) => Err(error.into()),
            _ => Ok(()),
        }
    }
}

/// Whether the item has been deleted meanwhile, which is as good.
fn is_gone<R>(error: &SdkError<UpdateItemError, R>) -> bool {
    matches!(error.as_service_error(), Some(UpdateItemError::ConditionalCheckFailedException(_)))
}

fn text(value: String) -> AttributeValue {
    AttributeValue::S(value)
}
