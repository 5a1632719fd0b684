//! Replaying the deliveries of an installation: its webhooks' dead or held ones, or all.
//!
//! A replay is a job that goes on by itself (`job/replay` of the domain). The command begins one for
//! each webhook, as the API does: it writes the replay's record and queues its first step. Then it
//! reads the records until all replays have ended, and shows how far they are. Whoever interrupts it
//! interrupts no replay.
//!
//! A webhook that is paused or disabled takes nothing, so none is begun for it.

pub mod report;

mod waiting;

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use jiff::{SignedDuration, Timestamp};
use storehook_aws::{
    history::{CountTime, HistoryTable},
    jobs::JobQueue,
    registry::{WEBHOOK_SORT_KEY_PREFIX, WebhookItem, load_items},
    table::{Contended, Item, TableError, from_item},
};
use storehook_domain::{
    event::id::EventId,
    job::replay::{
        ReplayState,
        record::ReplayRecord,
        request::{DEFAULT_PER_SECOND, MOST_PER_SECOND, ReplayRequest},
    },
    webhook::{Status, Webhook, WebhookId},
};

use self::{
    report::{Counted, Left, Replays},
    waiting::wait,
};
use crate::{
    exit::Wrong,
    global::Global,
    installation::{Registry, Which},
    progress, time,
};

const EXAMPLES: &str = "\
Examples:
  storehook --stack storehook replay --shop mynewstore.spiffystores.com --app my-app --dry-run
  storehook --stack storehook replay --shop mynewstore.spiffystores.com --app my-app --webhook 7 --state held
  storehook --stack storehook replay --shop mynewstore.spiffystores.com --app my-app --state all \\
    --since 2026-11-21T15:00:00Z --until 2026-11-21T16:00:00Z --per-second 10 --no-wait";

/// How long a count of a webhook's deliveries may take.
const COUNT_TIME: CountTime = CountTime { all: SignedDuration::from_mins(10), read: Duration::from_secs(30) };

/// The options of `storehook replay`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    which: Which,
    /// Only deliveries of this webhook; repeat the option for several [default: all webhooks]
    #[arg(long = "webhook", value_name = "ID")]
    webhooks: Vec<WebhookId>,
    /// Which deliveries to send again: dead, held or all.
    #[arg(long, default_value = "dead", value_parser = state)]
    state: ReplayState,
    /// Only deliveries that were first queued at this time or later: ISO 8601, or a day (UTC).
    #[arg(long, value_name = "TIME", value_parser = time::utc)]
    since: Option<Timestamp>,
    /// Only deliveries that were first queued at this time or earlier [default: now]
    #[arg(long, value_name = "TIME", value_parser = time::utc)]
    until: Option<Timestamp>,
    /// How many deliveries of each webhook to send a second.
    #[arg(long, default_value_t = DEFAULT_PER_SECOND, value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_PER_SECOND)))]
    per_second: u32,
    /// The id of the replay. If there is a replay with this id already, it is only shown.
    #[arg(long, value_name = "ID", value_parser = EventId::parse)]
    id: Option<EventId>,
    /// Count the deliveries, and send none.
    #[arg(long)]
    dry_run: bool,
    /// Do not wait until it has ended.
    #[arg(long, conflicts_with = "dry_run")]
    no_wait: bool,
    /// Stop the replay with this --id.
    #[arg(long, requires = "id", conflicts_with_all = ["dry_run", "no_wait"])]
    stop: bool,
}

/// Why a change of a record was not made.
#[derive(Debug, thiserror::Error)]
enum ChangeError {
    #[error("the history cannot be written")]
    Table(#[from] TableError),
    #[error(transparent)]
    Contended(#[from] Contended),
}

/// `storehook replay`
///
/// # Errors
///
/// The installation or a webhook is not there, no history is kept, or AWS refuses.
pub async fn run(args: Args, global: &Global) -> Result<()> {
    let connection = global.connect().await?;
    let history = connection.history().await?;
    ensure!(
        history.is_on(),
        "the history of this stack is off (HistoryDeliveryDays=0): nothing can be replayed"
    );
    let (webhooks, left) = args.webhooks(&Registry::of(&connection)).await?;
    let until = args.until.unwrap_or_else(storehook_aws::now);
    let request = args.request(until)?;
    if args.dry_run {
        return Ok(global.show(&count(&history, webhooks, left, &request).await?)?);
    }
    if args.stop {
        return Ok(global.show(&stop(&history, &webhooks, &request).await?)?);
    }
    if args.state == ReplayState::All {
        global.confirm("Deliveries that have arrived are sent again.")?;
    }
    let sqs = aws_sdk_sqs::Client::new(&connection.sdk);
    let jobs = JobQueue { url: connection.queue_url(&sqs, "jobs").await?, client: sqs };
    let records = begin(&history, &jobs, &webhooks, &request).await?;
    let records = if args.no_wait { records } else { wait(&history, records).await? };
    let replays = Replays { replays: records, left };
    global.show(&replays)?;
    if replays.is_stopped() { Err(Wrong.into()) } else { Ok(()) }
}

impl Args {
    /// The webhooks whose deliveries are sent again, and those that take nothing.
    async fn webhooks(&self, registry: &Registry) -> Result<(Vec<Webhook>, Vec<Left>)> {
        registry.installed(&self.which).await?;
        let Which { shop, app } = &self.which;
        let items = load_items(&registry.client, &registry.table, shop, app).await;
        let items = items.context("the registry cannot be read")?.into_iter().filter(is_webhook);
        let found =
            items.map(|item| Ok(from_item::<WebhookItem>(item)?.webhook)).collect::<Result<Vec<_>>>()?;
        if let Some(unknown) = self.webhooks.iter().find(|id| found.iter().all(|webhook| webhook.id != **id))
        {
            bail!("{app} has no webhook {unknown} on {shop}: `storehook webhooks` shows which it has");
        }
        let asked = found
            .into_iter()
            .filter(|webhook| self.webhooks.is_empty() || self.webhooks.contains(&webhook.id));
        let is_wanted = |webhook: &Webhook| self.stop || webhook.status == Status::Active;
        let (wanted, rest): (Vec<_>, Vec<_>) = asked.partition(is_wanted);
        let left =
            rest.into_iter().map(|webhook| Left { webhook_id: webhook.id, status: webhook.status.as_str() });
        Ok((wanted, left.collect()))
    }

    fn request(&self, until: Timestamp) -> Result<ReplayRequest> {
        let from = self.since.unwrap_or(Timestamp::UNIX_EPOCH);
        ensure!(from <= until, "--until is before --since");
        Ok(ReplayRequest {
            id: self.id.as_ref().map(ToString::to_string),
            from,
            to: until,
            state: self.state,
            per_second: self.per_second,
            is_dry_run: self.dry_run,
        })
    }
}

fn is_webhook(item: &Item) -> bool {
    let key = item.get("sk").and_then(|key| key.as_s().ok());
    key.is_some_and(|key| key.starts_with(WEBHOOK_SORT_KEY_PREFIX))
}

/// Counts the deliveries that replays of these webhooks would send.
async fn count(
    history: &HistoryTable,
    webhooks: Vec<Webhook>,
    left: Vec<Left>,
    request: &ReplayRequest,
) -> Result<Counted> {
    let bar = progress::bar(webhooks.len() as u64, "webhooks");
    let mut counted = Counted { state: request.state.as_str(), webhooks: Vec::new(), left };
    for webhook in webhooks {
        let count = history.count_for_replay(&webhook.key(), request, COUNT_TIME).await;
        counted.add(&webhook, count.context("the history cannot be read")?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(counted)
}

/// Begins a replay of each webhook. One that is there with the id of the request is returned.
async fn begin(
    history: &HistoryTable,
    jobs: &JobQueue,
    webhooks: &[Webhook],
    request: &ReplayRequest,
) -> Result<Vec<ReplayRecord>> {
    let kept_for = history.retention.deliveries().context("no history is kept")?;
    let mut records = Vec::new();
    for webhook in webhooks {
        let (now, new_id) = (storehook_aws::now(), uuid::Uuid::new_v4().to_string());
        let (shop, app) = (webhook.shop.clone(), webhook.app.clone());
        let replay = request.clone().begin(webhook.id, shop, app, new_id, now);
        let new = ReplayRecord::begin(replay, kept_for);
        let record = history.add_replay::<ChangeError>(&new, now).await?;
        jobs.begin_replay(&record)
            .await
            .context("the jobs queue did not take the first step: run it again with --id")?;
        records.push(record);
    }
    Ok(records)
}

/// Stops the replay with the id of the request, of each of these webhooks that has one.
async fn stop(history: &HistoryTable, webhooks: &[Webhook], request: &ReplayRequest) -> Result<Replays> {
    let id = request.id.as_deref().unwrap_or_default();
    let mut replays = Replays::default();
    for webhook in webhooks {
        replays.replays.extend(history.stop_replay::<ChangeError>(webhook.id, id).await?);
    }
    ensure!(!replays.replays.is_empty(), "there is no replay {id}");
    Ok(replays)
}

fn state(text: &str) -> Result<ReplayState, &'static str> {
    ReplayState::ALL.into_iter().find(|state| state.as_str() == text).ok_or("it is dead, held or all")
}
