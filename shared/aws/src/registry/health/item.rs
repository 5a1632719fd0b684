//! A webhook's health, as an item.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use storehook_domain::{
    installation::{app::AppId, shop::ShopDomain},
    job::recovery::{Recovery, endpoint_health::EndpointHealth},
    webhook::{Webhook, WebhookId, WebhookKey, health::failure_run::FailureRun},
};

use crate::{
    registry::installations::partition_of,
    table::{Item, key},
};

/// How long the item is kept after the last failed attempt. A webhook that has not failed since then
/// is not failing.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What the sort key of a health item begins with.
const PREFIX: &str = "FAILURES#";

/// A webhook's health.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct HealthItem {
    pk: String,
    sk: String,
    /// The version of the webhook to which the failure run belongs. After a change of the webhook, a
    /// new run begins.
    #[serde(default)]
    pub webhook_version: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
    #[serde(default)]
    attempts: u64,
    /// When the failure run began for which the app was warned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warned: Option<Timestamp>,
    /// About how many deliveries wait for a retry. Crashes lose decrements, so it may be off, and
    /// below zero.
    #[serde(default)]
    waiting: i64,
    /// The recovery, if anything may be held for `failing`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<Recovery>,
    /// Counts the changes of the recovery, also after it has ended. 0 is not stored.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub recovery_version: u64,
    /// When the item expires, in seconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
}

impl HealthItem {
    /// The item of a webhook that has failed at this version, with its recovery if it has one.
    pub fn of(
        webhook: &WebhookKey,
        webhook_version: u64,
        run: Option<FailureRun>,
        recovery: Option<Recovery>,
    ) -> Self {
        Self {
            pk: partition_of(&webhook.shop, &webhook.app),
            sk: health_sort_key(webhook.id),
            webhook_version,
            since: run.map(|run| run.since),
            attempts: run.map_or(0, |run| run.attempts),
            expires_at: run.filter(|_| recovery.is_none()).map(|run| Self::expiry(run.since)),
            recovery_version: u64::from(recovery.is_some()),
            recovery,
            ..Self::default()
        }
    }

    /// The failed attempts since the last success.
    pub fn run(&self) -> Option<FailureRun> {
        self.since.map(|since| FailureRun { since, attempts: self.attempts })
    }

    /// What the owner of the webhook, as it is now, is told about its endpoint.
    pub fn endpoint_health(&self, webhook: &Webhook, now: Timestamp) -> EndpointHealth {
        let run = self.run().filter(|_| self.webhook_version == webhook.version);
        EndpointHealth::of(webhook.status, self.recovery.as_ref(), run.as_ref(), now)
    }

    /// About how many deliveries wait for a retry.
    pub fn waiting(&self) -> u64 {
        u64::try_from(self.waiting).unwrap_or(0)
    }

    /// Whether the breaker is open.
    pub fn is_open(&self) -> bool {
        self.recovery.as_ref().is_some_and(Recovery::is_open)
    }

    /// When the item expires, if its last attempt failed at `failed_at`.
    pub fn expiry(failed_at: Timestamp) -> i64 {
        failed_at.as_second() + KEPT.as_secs()
    }

    /// The key of the item of a webhook's health.
    pub fn key_of(shop: &ShopDomain, app: &AppId, id: WebhookId) -> Item {
        key(&partition_of(shop, app), &health_sort_key(id))
    }

    /// The webhook of the item; `None` if its key is malformed.
    pub fn webhook_id(&self) -> Option<WebhookId> {
        Self::webhook_of(&self.sk)
    }

    /// The webhook of the health item with this sort key; `None` if it is no such key.
    pub fn webhook_of(sort_key: &str) -> Option<WebhookId> {
        sort_key.strip_prefix(PREFIX)?.parse().ok()
    }
}

/// The key of the item of this webhook's health.
pub(super) fn key_of(webhook: &WebhookKey) -> Item {
    HealthItem::key_of(&webhook.shop, &webhook.app, webhook.id)
}

/// The sort key of the item of a webhook's health.
pub fn health_sort_key(id: WebhookId) -> String {
    format!("{PREFIX}{:020}", id.get())
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over by reference")]
fn is_zero(version: &u64) -> bool {
    *version == 0
}
