//! The health of webhooks, as their owners see it, and how a change of a webhook hurries its
//! recovery.
//!
//! The registry keeps what is known about an endpoint, and the history keeps what is held. A page of
//! webhooks costs one query more. Held deliveries are counted only for a single webhook, because the
//! count must read the index. With the history off nothing is held, so nothing is read.
//!
//! A change of a webhook may mend it, so its recovery's next step is due at once. The change itself is
//! written before. If the recovery cannot be hurried, the log says so, and the recovery goes on by
//! itself: its step comes when it is due. If it had no step because the webhook was paused, the sweep
//! of the fan-out function starts it within five minutes.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Serialize, Serializer};
use storehook_aws::{
    history::HistoryTable,
    jobs::JobQueue,
    queue::QueueError,
    registry::HealthTable,
    table::{self, Contended, TableError},
};
use storehook_domain::{
    job::recovery::endpoint_health::EndpointHealth,
    webhook::{Status, Webhook, WebhookId, WebhookKey},
};

use crate::{error::ApiError, http::caller::Caller};

/// Up to how many held deliveries are counted.
pub(crate) const HELD_COUNTED: u64 = 1_000;

/// How long they are counted. At least one page is read.
const COUNT_TIME: SignedDuration = SignedDuration::from_secs(2);

/// Reads the health of webhooks, and hurries their recoveries.
#[derive(Clone)]
pub(crate) struct HealthStore {
    pub(crate) table: HealthTable,
    pub(crate) history: HistoryTable,
    pub(crate) jobs: JobQueue,
}

/// The health of a single webhook.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct WebhookHealth {
    pub(crate) endpoint: EndpointHealth,
    /// How many deliveries are held, up to [`HELD_COUNTED`]; `None` if they could not be counted.
    pub(crate) held: Option<u64>,
}

/// The number of held deliveries.
pub(crate) enum HeldCount {
    /// It is not shown: the webhook is one of a list.
    NotShown,
    /// It is shown; null if counting failed.
    Shown(Option<u64>),
}

impl HeldCount {
    /// Whether it is not shown.
    pub(crate) fn is_not_shown(&self) -> bool {
        matches!(self, Self::NotShown)
    }
}

impl Serialize for HeldCount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::NotShown => serializer.serialize_none(),
            Self::Shown(count) => count.serialize(serializer),
        }
    }
}

/// Which parts of a webhook's health are wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WantedHealth {
    /// The health of its endpoint.
    pub(crate) endpoint: bool,
    /// How many deliveries are held.
    pub(crate) held: bool,
}

impl WantedHealth {
    /// All of it.
    pub(crate) const ALL: Self = Self { endpoint: true, held: true };

    /// What a response with these properties shows; `None` means all of them.
    pub(crate) fn by(fields: Option<&[String]>) -> Self {
        let shows = |names: &[&str]| {
            fields.is_none_or(|fields| fields.iter().any(|field| names.contains(&field.as_str())))
        };
        Self {
            endpoint: shows(&["failing_since", "next_probe_at", "disables_at"]),
            held: shows(&["held_count"]),
        }
    }
}

/// Why a recovery was not hurried.
#[derive(Debug, thiserror::Error)]
enum HurryError {
    #[error(transparent)]
    Table(#[from] TableError),
    #[error(transparent)]
    Contended(#[from] Contended),
    #[error("the step was not queued")]
    Job(#[from] QueueError),
}

impl HealthStore {
    /// Loads the health of a page of the caller's webhooks, in the order of their ids. Webhooks of which
    /// nothing is known are left out.
    pub(crate) async fn load_page(
        &self,
        caller: &Caller,
        webhooks: &[Webhook],
    ) -> Result<HashMap<WebhookId, EndpointHealth>, ApiError> {
        let (Some(first), Some(last), true) = (webhooks.first(), webhooks.last(), self.history.is_on())
        else {
            return Ok(HashMap::new());
        };
        let now = storehook_aws::now();
        let items = self.table.load_between(&caller.shop, &caller.app, (first.id, last.id)).await?;
        let mut by_id: HashMap<_, _> =
            items.into_iter().filter_map(|item| Some((item.webhook_id()?, item))).collect();
        let known = webhooks.iter().filter_map(|webhook| {
            let item = by_id.remove(&webhook.id)?;
            Some((webhook.id, item.endpoint_health(webhook, now)))
        });
        Ok(known.collect())
    }

    /// Loads the health of a webhook's endpoint.
    pub(crate) async fn load_endpoint(&self, webhook: &Webhook) -> Result<EndpointHealth, ApiError> {
        if !self.history.is_on() {
            return Ok(EndpointHealth::default());
        }
        let item = self.table.load(&webhook.key()).await?;
        Ok(item.map(|item| item.endpoint_health(webhook, storehook_aws::now())).unwrap_or_default())
    }

    /// Counts a webhook's held deliveries, up to [`HELD_COUNTED`]. The count is `None` if the history
    /// cannot be read: that must not keep anybody from seeing a webhook.
    pub(crate) async fn count_held(&self, webhook_id: WebhookId) -> Option<u64> {
        if !self.history.is_on() {
            return Some(0);
        }
        let counted =
            self.history.count_held(webhook_id, HELD_COUNTED, COUNT_TIME).await.inspect_err(|error| {
                let error = storehook_aws::causes(error);
                tracing::error!(webhook.id = %webhook_id, error, "held deliveries not counted");
            });
        counted.ok()
    }

    /// Makes the next step of a webhook's recovery due now, because the webhook was changed.
    pub(crate) async fn hurry(&self, webhook: &Webhook, now: Timestamp) {
        if webhook.status != Status::Active || !self.history.is_on() {
            return;
        }
        if let Err(error) = self.try_hurry(&webhook.key(), now).await {
            let error = storehook_aws::causes(&error);
            tracing::error!(webhook.id = %webhook.id, error, "recovery not hurried");
        }
    }

    async fn try_hurry(&self, webhook: &WebhookKey, now: Timestamp) -> Result<(), HurryError> {
        let hurried = table::change(|| async move {
            let Some(item) = self.table.load(webhook).await? else { return Ok(Some(None)) };
            let Some(recovery) = item.recovery else { return Ok(Some(None)) };
            let hurried = recovery.restarted(now);
            let is_put =
                self.table.put_recovery(webhook, item.recovery_version, &hurried, false).await?.is_ok();
            Ok::<_, HurryError>(is_put.then_some(Some(hurried)))
        })
        .await?;
        match hurried {
            Some(recovery) => Ok(self.jobs.send_next_step(&recovery, webhook, now).await?),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
