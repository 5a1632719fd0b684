//! The recoveries that the registry lists.

use anyhow::{Context as _, Result};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use storehook_aws::registry::{HealthTable, ListedRecovery};
use storehook_domain::webhook::WebhookKey;

use crate::{
    installation::Registry,
    stack::connection::Connection,
    status::facts::{BreakerFacts, OpenBreaker},
};

/// How many recoveries are read at the same time.
const READS: usize = 16;

/// From when on a step is not only late but does not come: three sweeps have not queued it.
const OVERDUE: SignedDuration = SignedDuration::from_mins(15);

/// Loads all recoveries.
pub(super) async fn load(connection: &Connection, now: Timestamp) -> Result<BreakerFacts> {
    let Registry { client, table } = Registry::of(connection);
    let health = &HealthTable { client, name: table };
    let listed = health.listed().await.context("cannot list the recoveries")?;
    let recoveries = stream::iter(listed).map(|ListedRecovery { webhook, .. }| async move {
        let item = health
            .load(&webhook)
            .await
            .with_context(|| format!("cannot read the health of {}", webhook.id))?;
        Ok::<_, anyhow::Error>((webhook, item.and_then(|item| item.recovery)))
    });
    let recoveries: Vec<(WebhookKey, _)> = recoveries.buffer_unordered(READS).try_collect().await?;
    let mut facts = BreakerFacts::default();
    for (webhook, recovery) in recoveries {
        let Some(recovery) = recovery else { continue };
        facts.overdue += u64::from(recovery.due_at.is_some_and(|due| now.duration_since(due) >= OVERDUE));
        if recovery.is_open() {
            let (failing_since, next_probe_at) = (recovery.failing_since(), recovery.due_at);
            facts.open.push(OpenBreaker { webhook, failing_since, next_probe_at });
        } else {
            facts.catching_up += 1;
        }
    }
    facts.open.sort_by_key(|breaker| (breaker.failing_since, breaker.webhook.id));
    Ok(facts)
}
