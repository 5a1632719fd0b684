//! The deliveries of a webhook, with the filters of the API's list.
//!
//! A webhook's id is enough to list them, so deliveries of a webhook that was deleted are found as
//! well. What the webhook and its endpoint are now comes from the registry, and goes into the sentence
//! that says why a delivery is in its state.

use std::{cmp::Reverse, fmt};

use anyhow::{Context as _, Result, ensure};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use storehook_aws::history::{HistoryTable, Scan};
use storehook_domain::{
    event::id::EventId,
    history::{
        query::{DeliveryPosition, DeliveryQuery},
        record::DeliveryRecord,
        state::DeliveryState,
    },
    webhook::{WebhookId, WebhookKey},
    words::number::{counted, latency},
};

use crate::{
    global::Global,
    installation::Registry,
    table::{
        Column::{Left, Right},
        table,
    },
    time,
    webhook_now::{OTHER_PAYLOAD, WebhookNow, why_of},
};

const EXAMPLES: &str = "\
Examples:
  storehook deliveries --webhook 1
  storehook --stack storehook deliveries --webhook 4711 --state dead --since 2026-11-21T15:00:00Z
  storehook --stack storehook deliveries --webhook 4711 --limit 10000 --json | jq '.deliveries | group_by(.state) | map(length)'";

/// The options of `storehook deliveries`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The webhook.
    #[arg(long, value_name = "ID")]
    webhook: WebhookId,
    /// Only deliveries of events with this id.
    #[arg(long, value_name = "ID", value_parser = EventId::parse)]
    event: Option<EventId>,
    /// Only deliveries in this state: pending, delivered, retrying, held, cancelled or dead.
    #[arg(long, value_parser = state)]
    state: Option<DeliveryState>,
    /// Only deliveries that were first queued at this time or later: ISO 8601, or a day (UTC).
    #[arg(long, value_name = "TIME", value_parser = time::utc)]
    since: Option<Timestamp>,
    /// Only deliveries that were first queued at this time or earlier.
    #[arg(long, value_name = "TIME", value_parser = time::utc)]
    until: Option<Timestamp>,
    /// How many deliveries to show at most, the newest first.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
    /// Go on after an earlier list: its `page_info`.
    #[arg(long, value_name = "TEXT", value_parser = DeliveryPosition::from_page_info)]
    page_info: Option<DeliveryPosition>,
}

/// For how long one page is read.
const PAGE_TIME: SignedDuration = SignedDuration::from_mins(10);

/// `storehook deliveries`
pub async fn run(args: Args, global: &Global) -> Result<()> {
    let connection = global.connect().await?;
    let history = connection.history().await?;
    ensure!(
        history.is_on(),
        "the history of this stack is off (HistoryDeliveryDays=0): nobody knows what became of its deliveries"
    );
    let query = DeliveryQuery {
        event_id: args.event,
        state: args.state,
        since: args.since,
        until: args.until,
        limit: usize::try_from(args.limit)?,
        after: args.page_info,
    };
    let (records, next) = load(&history, args.webhook, &query).await.context("the history cannot be read")?;
    let webhook = match records.first() {
        Some(record) => {
            let (shop, app) = (record.envelope.shop.clone(), record.envelope.app.clone());
            let key = WebhookKey { id: args.webhook, shop, app };
            WebhookNow::load(&Registry::of(&connection), &key).await?
        }
        None => None,
    };
    let deliveries = records.into_iter().map(|record| ShownDelivery::of(record, webhook.as_ref())).collect();
    Ok(global.show(&Deliveries { deliveries, page_info: next.map(|next| next.to_page_info()) })?)
}

/// Loads a page of a webhook's deliveries, and the position after which the next one begins.
async fn load(
    history: &HistoryTable,
    webhook: WebhookId,
    query: &DeliveryQuery,
) -> Result<(Vec<DeliveryRecord>, Option<DeliveryPosition>)> {
    let now = storehook_aws::now();
    let seen = |records: Vec<DeliveryRecord>| {
        let kept = records.into_iter().filter(|record| record.is_kept(now)).map(|record| record.as_of(now));
        kept.filter(|record| query.includes(record)).collect::<Vec<_>>()
    };
    if let Some(event) = &query.event_id {
        let mut records = seen(history.load_of_event(webhook, event).await?);
        records.sort_by_key(|record| Reverse(record.created_at));
        return Ok((records, None));
    }
    let scan = Scan::newest_first(webhook, query);
    let (found, next) = history.load_page(&scan, query.after.clone(), query.limit, PAGE_TIME).await?;
    let ids: Vec<_> = found.into_iter().map(|found| found.id).collect();
    Ok((seen(history.load_all(&ids).await?), next))
}

fn state(name: &str) -> Result<DeliveryState, String> {
    let all = DeliveryState::ALL.map(DeliveryState::as_str).join(", ");
    DeliveryState::from_name(name).ok_or_else(|| format!("it is one of {all}"))
}

/// Deliveries, the newest first.
#[derive(Serialize)]
struct Deliveries {
    deliveries: Vec<ShownDelivery>,
    /// With which `--page-info` the list goes on; null at the end.
    page_info: Option<String>,
}

/// A delivery.
#[derive(Serialize)]
struct ShownDelivery {
    id: String,
    shop: String,
    app: String,
    topic: String,
    test: bool,
    created_at: Timestamp,
    state: &'static str,
    held_for: Option<&'static str>,
    attempts: u64,
    last_attempt_at: Option<Timestamp>,
    /// The status of the last response, or the code of what went wrong instead.
    last_result: Option<String>,
    last_latency_ms: Option<u64>,
    next_attempt_at: Option<Timestamp>,
    why: String,
}

impl ShownDelivery {
    fn of(record: DeliveryRecord, webhook: Option<&WebhookNow>) -> Self {
        let mut why = why_of(&record, webhook);
        if record.has_other_payload {
            why = format!("{why} {OTHER_PAYLOAD}");
        }
        let last = record.attempts.last();
        Self {
            id: record.envelope.id.to_string(),
            shop: record.envelope.shop.to_string(),
            app: record.envelope.app.to_string(),
            topic: record.envelope.topic.to_string(),
            test: record.envelope.test,
            created_at: record.created_at,
            state: record.state.as_str(),
            held_for: record.held_for.map(|held_for| held_for.as_str()),
            attempts: record.attempt_count,
            last_attempt_at: last.map(|last| last.at),
            last_result: last
                .and_then(|last| last.status.map(|status| status.to_string()).or_else(|| last.code.clone())),
            last_latency_ms: last.map(|last| last.latency_ms),
            next_attempt_at: record.next_attempt_at,
            why,
        }
    }
}

impl fmt::Display for Deliveries {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = [
            Left("delivery"),
            Left("shop"),
            Left("app"),
            Left("topic"),
            Left("queued"),
            Left("state"),
            Right("attempts"),
            Left("last attempt"),
            Left("result"),
            Right("took"),
            Left("next attempt"),
            Left("why"),
        ];
        let rows = self.deliveries.iter().map(|delivery| {
            let mark = if delivery.test { " (test)" } else { "" };
            let held_for = delivery.held_for.map(|held_for| format!(" ({held_for})")).unwrap_or_default();
            [
                delivery.id.clone(),
                delivery.shop.clone(),
                delivery.app.clone(),
                format!("{}{mark}", delivery.topic),
                time::short(delivery.created_at),
                format!("{}{held_for}", delivery.state),
                delivery.attempts.to_string(),
                delivery.last_attempt_at.map(time::short).unwrap_or_default(),
                delivery.last_result.clone().unwrap_or_default(),
                delivery.last_latency_ms.map(latency).unwrap_or_default(),
                delivery.next_attempt_at.map(time::short).unwrap_or_default(),
                delivery.why.clone(),
            ]
        });
        let number = counted(self.deliveries.len() as u64, "delivery", "deliveries");
        write!(formatter, "{}\n{number}", table(columns, rows))?;
        match &self.page_info {
            Some(page_info) => write!(formatter, "; more follow: --page-info {page_info}"),
            None => Ok(()),
        }
    }
}
