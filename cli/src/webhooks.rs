//! The webhooks of an installation, with the health of their endpoints.
//!
//! One query reads the installation's partition of the registry: the webhooks, and what is known of
//! their endpoints. Held deliveries are in the history. They are counted for each webhook, up to
//! `HELD_COUNTED`.

use std::{collections::HashMap, fmt, iter};

use anyhow::{Context as _, Result};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use storehook_aws::{
    history::HistoryTable,
    registry::{HealthItem, WEBHOOK_SORT_KEY_PREFIX, WebhookItem, load_items},
    table::{Item, from_item},
};
use storehook_domain::{
    job::recovery::endpoint_health::EndpointHealth,
    webhook::{Webhook, WebhookId},
    words::number::counted,
};

use crate::{
    global::Global,
    installation::{Registry, Which},
    progress,
    table::{
        Column::{Left, Right},
        table,
    },
    time,
};

const EXAMPLES: &str = "\
Examples:
  storehook webhooks --shop demo.spiffystores.com --app demo-app
  storehook --stack storehook webhooks --shop mynewstore.spiffystores.com --app my-app --json";

/// The options of `storehook webhooks`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    which: Which,
}

/// Up to how many held deliveries of a webhook are counted.
const HELD_COUNTED: u64 = 1_000;

/// How long they are counted, for each webhook.
const COUNT_TIME: SignedDuration = SignedDuration::from_secs(5);

/// For how many webhooks they are counted at the same time.
const COUNTS_AT_ONCE: usize = 8;

/// `storehook webhooks`
pub async fn run(args: Args, global: &Global) -> Result<()> {
    let connection = global.connect().await?;
    let registry = Registry::of(&connection);
    registry.installed(&args.which).await?;
    let items = load_items(&registry.client, &registry.table, &args.which.shop, &args.which.app).await;
    let (webhooks, healths) = read(items.context("the registry cannot be read")?)?;
    let history = connection.history().await?;
    let ids = webhooks.iter().map(|item| item.webhook.id).collect();
    let held = if history.is_on() { count_held(&history, ids).await? } else { Vec::new() };
    // With the history off nothing is held, and nothing is counted.
    let held = held.into_iter().map(Some).chain(iter::repeat(None));
    let now = storehook_aws::now();
    let shown = webhooks.into_iter().zip(held).map(|(item, held)| {
        let health = healths.get(&item.webhook.id);
        ShownWebhook::of(item, health, held, now)
    });
    Ok(global.show(&Webhooks { webhooks: shown.collect() })?)
}

/// The webhooks of a partition, by their ids, and what is known of their endpoints.
fn read(items: Vec<Item>) -> Result<(Vec<WebhookItem>, HashMap<WebhookId, HealthItem>)> {
    let (mut webhooks, mut healths) = (Vec::new(), HashMap::new());
    for item in items {
        let sort_key = item.get("sk").and_then(|key| key.as_s().ok()).cloned().unwrap_or_default();
        if sort_key.starts_with(WEBHOOK_SORT_KEY_PREFIX) {
            webhooks.push(from_item(item).with_context(|| format!("the webhook {sort_key} is malformed"))?);
        } else if let Some(id) = HealthItem::webhook_of(&sort_key) {
            healths.insert(id, from_item(item).with_context(|| format!("{sort_key} is malformed"))?);
        }
    }
    Ok((webhooks, healths))
}

/// How many deliveries of each webhook are held.
async fn count_held(history: &HistoryTable, webhooks: Vec<WebhookId>) -> Result<Vec<u64>> {
    let counted = progress::bar(webhooks.len() as u64, "webhooks");
    let counts = stream::iter(webhooks).map(|id| {
        let counted = counted.clone();
        async move {
            let held = history.count_held(id, HELD_COUNTED, COUNT_TIME).await;
            counted.inc(1);
            held.with_context(|| format!("the history of webhook {id} cannot be read"))
        }
    });
    let counts = counts.buffered(COUNTS_AT_ONCE).try_collect().await;
    counted.finish_and_clear();
    counts
}

/// Webhooks, by their ids.
#[derive(Serialize)]
struct Webhooks {
    webhooks: Vec<ShownWebhook>,
}

/// A webhook.
#[derive(Serialize)]
struct ShownWebhook {
    id: WebhookId,
    topic: String,
    address: String,
    format: &'static str,
    protocol: &'static str,
    status: &'static str,
    /// The lane of its first attempts.
    lane: &'static str,
    /// About how many deliveries wait for a retry.
    waiting: u64,
    /// How many deliveries are held, up to [`HELD_COUNTED`]; null if no history is kept.
    held: Option<u64>,
    /// Since when all attempts have failed, while its breaker is open.
    failing_since: Option<Timestamp>,
    next_probe_at: Option<Timestamp>,
    disables_at: Option<Timestamp>,
    /// Whether what was held for its endpoint is being sent.
    catching_up: bool,
}

impl ShownWebhook {
    fn of(item: WebhookItem, health: Option<&HealthItem>, held: Option<u64>, now: Timestamp) -> Self {
        let WebhookItem { webhook, lane, .. } = item;
        let endpoint = health.map(|health| health.endpoint_health(&webhook, now)).unwrap_or_default();
        let EndpointHealth { failing_since, next_probe_at, disables_at, is_catching_up } = endpoint;
        let Webhook { id, topic, address, format, protocol, status, .. } = webhook;
        Self {
            id,
            topic: topic.as_str().to_owned(),
            address: address.as_str().to_owned(),
            format: format.as_str(),
            protocol: protocol.as_str(),
            status: status.as_str(),
            lane: lane.unwrap_or_default().as_str(),
            waiting: health.map_or(0, HealthItem::waiting),
            held,
            failing_since,
            next_probe_at,
            disables_at,
            catching_up: is_catching_up,
        }
    }

    /// How its endpoint is, in a few words.
    fn health(&self) -> String {
        let since = self.failing_since.map(|since| format!("failing since {}", time::short(since)));
        let catching_up = self.catching_up.then(|| "works again: what was held is being sent".to_owned());
        let probe = self.next_probe_at.map(|at| format!("next probe {}", time::short(at)));
        let end = self.disables_at.map(|at| format!("disabled {}", time::short(at)));
        let told: Vec<_> = [since, catching_up, probe, end].into_iter().flatten().collect();
        if told.is_empty() { "no trouble known".to_owned() } else { told.join(", ") }
    }
}

impl fmt::Display for Webhooks {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = [
            Right("webhook"),
            Left("topic"),
            Left("address"),
            Left("format"),
            Left("protocol"),
            Left("status"),
            Left("lane"),
            Right("waiting"),
            Right("held"),
            Left("endpoint"),
        ];
        let rows = self.webhooks.iter().map(|webhook| {
            let held = match webhook.held {
                Some(HELD_COUNTED) => format!("{HELD_COUNTED}+"),
                Some(held) => held.to_string(),
                None => "–".to_owned(),
            };
            [
                webhook.id.to_string(),
                webhook.topic.clone(),
                webhook.address.clone(),
                webhook.format.to_owned(),
                webhook.protocol.to_owned(),
                webhook.status.to_owned(),
                webhook.lane.to_owned(),
                webhook.waiting.to_string(),
                held,
                webhook.health(),
            ]
        });
        let number = counted(self.webhooks.len() as u64, "webhook", "webhooks");
        write!(formatter, "{}\n{number}", table(columns, rows))
    }
}
