//! What can be done with replays. Each operation acts for a caller, and on the caller's webhooks
//! alone.
//!
//! A replay begins with two writes: its record, then the message of its first step. If the second
//! one is lost, no step is ever noted, and the same request again queues the first step again. A
//! step that is queued twice is harmless.

use std::time::Duration;

use jiff::Timestamp;
use storehook_aws::{
    history::{Direction, Scan},
    table::{self, TableError},
};
use storehook_domain::{
    history::query::DeliveryPosition,
    job::{
        message::Job,
        replay::{record::ReplayRecord, request::ReplayRequest},
    },
    webhook::{Webhook, WebhookId},
};

use crate::{
    app::App,
    deliveries::pages::is_late,
    error::ApiError,
    http::caller::Caller,
    webhooks::operations::{find_webhook, must_be_active},
};

/// How many replays a list shows.
const LISTED: usize = 250;

/// The longest time of one read of a count, so that the response comes within ten seconds.
const LONGEST_READ: Duration = Duration::from_secs(4);

/// How many records are read in one call.
const RECORDS_AT_ONCE: usize = 100;

/// How many deliveries a replay would send.
pub(crate) struct DryRun {
    pub(crate) found: u64,
    /// Whether the count came to the end of the window.
    pub(crate) is_complete: bool,
}

/// Begins a replay, or returns the one that has its id. `counted` deliveries are expected.
pub(crate) async fn begin_replay(
    app: &App,
    caller: &Caller,
    webhook_id: WebhookId,
    request: ReplayRequest,
    counted: Option<u64>,
) -> Result<ReplayRecord, ApiError> {
    let kept_for = app.deliveries.table.retention.deliveries().ok_or(ApiError::HistoryOff)?;
    let webhook = find_webhook(app, caller, webhook_id).await?;
    let now = storehook_aws::now();
    let known = match &request.id {
        Some(id) => app.deliveries.table.load_replay(webhook.id, id, now).await?,
        None => None,
    };
    let record = match known {
        Some(known) => known,
        None => {
            must_be_active(Some(&webhook))?;
            let new_id = uuid::Uuid::new_v4().to_string();
            let (shop, owner) = (caller.shop.clone(), caller.app.clone());
            let replay = request.begin(webhook.id, shop, owner, new_id, now);
            write_new(app, ReplayRecord { counted, ..ReplayRecord::begin(replay, kept_for) }, now).await?
        }
    };
    if record.steps == 0
        && let Some((first, pause)) = record.next_step()
    {
        app.jobs.send(&Job::Replay(first), &record.replay.group(), pause).await?;
    }
    Ok(record)
}

/// Writes a new record. Returns the one that is there if another request with its id came first.
async fn write_new(app: &App, record: ReplayRecord, now: Timestamp) -> Result<ReplayRecord, ApiError> {
    let (history, record) = (&app.deliveries.table, &record);
    table::change(|| async move {
        if history.put_new_replay(record, now).await? {
            return Ok(Some(record.clone()));
        }
        Ok(history.load_replay(record.replay.webhook_id, &record.replay.id, now).await?)
    })
    .await
}

/// Counts the deliveries that a replay would send, for a few seconds at most.
///
/// The index does not show that overdue deliveries are dead. So the records of deliveries that it
/// shows as waiting for an attempt are read.
pub(crate) async fn count_deliveries(
    app: &App,
    caller: &Caller,
    webhook_id: WebhookId,
    request: &ReplayRequest,
) -> Result<DryRun, ApiError> {
    app.deliveries.table.retention.deliveries().ok_or(ApiError::HistoryOff)?;
    let webhook = find_webhook(app, caller, webhook_id).await?;
    let began = storehook_aws::now();
    let scan = Scan {
        webhook_id: webhook.id,
        since: Some(request.from),
        until: Some(request.to),
        direction: Direction::OldestFirst,
        states: request.state.indexed_states().collect(),
        page: None,
    };
    let (mut found, mut next): (u64, Option<DeliveryPosition>) = (0, None);
    loop {
        let step = in_time(app.deliveries.table.load_step(&scan, next.as_ref(), began)).await?;
        let (included, unsure): (Vec<_>, Vec<_>) =
            step.found.into_iter().partition(|delivery| request.state.includes(delivery.state));
        found += included.len() as u64;
        for chunk in unsure.chunks(RECORDS_AT_ONCE) {
            if is_late(began) {
                return Ok(DryRun { found, is_complete: false });
            }
            let ids: Vec<_> = chunk.iter().map(|delivery| delivery.id.clone()).collect();
            let records = in_time(app.deliveries.table.load_all(&ids)).await?.into_iter();
            let seen = records.filter_map(|record| record.seen_by(&caller.shop, &caller.app, began));
            found += seen.filter(|record| request.state.includes(record.state)).count() as u64;
        }
        next = step.next;
        if next.is_none() || is_late(began) {
            return Ok(DryRun { found, is_complete: next.is_none() });
        }
    }
}

/// What a read for a count returns, if it ends within its time.
async fn in_time<T>(read: impl Future<Output = Result<T, TableError>>) -> Result<T, ApiError> {
    Ok(tokio::time::timeout(LONGEST_READ, read).await.map_err(|_| ApiError::TimedOut)??)
}

/// A webhook's replays, the latest first.
pub(crate) async fn list_replays(app: &App, webhook: &Webhook) -> Result<Vec<ReplayRecord>, ApiError> {
    let mut records = app.deliveries.table.load_replays(webhook.id, storehook_aws::now()).await?;
    records.truncate(LISTED);
    Ok(records)
}

/// Finds a replay of a webhook.
pub(crate) async fn find_replay(
    app: &App,
    webhook: &Webhook,
    replay_id: &str,
) -> Result<ReplayRecord, ApiError> {
    let record = app.deliveries.table.load_replay(webhook.id, replay_id, storehook_aws::now()).await?;
    record.ok_or(ApiError::NotFound)
}

/// Stops a replay, unless it has ended.
pub(crate) async fn stop_replay(
    app: &App,
    caller: &Caller,
    webhook_id: WebhookId,
    replay_id: &str,
) -> Result<ReplayRecord, ApiError> {
    let webhook = find_webhook(app, caller, webhook_id).await?;
    let history = &app.deliveries.table;
    table::change(|| async move {
        let now = storehook_aws::now();
        let record = history.load_replay(webhook.id, replay_id, now).await?.ok_or(ApiError::NotFound)?;
        let Some(stopped) = record.clone().stopped(now) else { return Ok(Some(record)) };
        Ok(history.put_replay(&stopped).await?.then_some(stopped))
    })
    .await
}
