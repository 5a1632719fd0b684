//! One step of a replay: as many deliveries as fit into a request, from the oldest on.
//!
//! A step sends messages of the replay's run and moves the cursor past their deliveries. It can die
//! anywhere: the app then repeats the call with its last cursor, and what was sent is sent once more. The
//! delivery function makes one series of attempts of the run, however many messages it gets. A delivery whose
//! record shows the run is left alone.

use std::{collections::BTreeSet, time::Duration};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use storehook_domain::{
    delivery::id::DeliveryId,
    history::{query::DeliveryPosition, state::DeliveryState},
    job::replay::Replay,
    webhook::{Webhook, WebhookId},
};

use crate::{
    app::App,
    deliveries::index::{Direction, Found, Scan, ScanStep, is_late},
    error::ApiError,
    http::caller::Caller,
    replays::redelivery::{Ready, send_all},
    webhooks::operations::must_be_active,
};

/// The longest time that a step takes.
const LONGEST_STEP: Duration = Duration::from_secs(9);

/// How many deliveries are read and sent together: their payloads are in memory at once.
const CHUNK: usize = 20;

/// How many deliveries of a chunk are prepared at the same time.
const AT_ONCE: usize = 10;

/// How many deliveries of a shard of the index are read at once, when they are to be sent.
const PAGE: usize = 100;

/// The result of a step.
#[derive(Debug, Default)]
pub(crate) struct Step {
    /// How many deliveries it sent, or counted.
    pub(crate) deliveries: u64,
    /// How many it could not send because their payload has expired.
    pub(crate) expired: u64,
    /// The position after which the next step begins; `None` at the end.
    pub(crate) next: Option<DeliveryPosition>,
}

/// Runs one step of a replay of one of the caller's webhooks. A dry run counts deliveries; any
/// other replay sends them.
pub(crate) async fn run_step(
    app: &App,
    caller: &Caller,
    webhook: &Webhook,
    replay: &Replay,
) -> Result<Step, ApiError> {
    if replay.is_dry_run {
        return count(app, webhook.id, replay).await;
    }
    must_be_active(Some(webhook))?;
    send(app, caller, webhook.id, replay).await
}

/// Counts the deliveries that a replay would send. If it fails halfway, it reports how far it came.
async fn count(app: &App, webhook_id: WebhookId, replay: &Replay) -> Result<Step, ApiError> {
    let began = storehook_aws::now();
    let scan = scan_of(webhook_id, replay, replay.state.states().collect(), None);
    let mut progress = Progress::from(replay);
    loop {
        let scanned = match within(began, load_step(app, &scan, &progress)).await {
            Ok(scanned) => scanned,
            Err(error) => return progress.end_early(error),
        };
        progress.step.deliveries += scanned.found.len() as u64;
        if progress.move_to(scanned.next) || is_late(began) {
            return Ok(progress.step);
        }
    }
}

/// Sends deliveries again. If it fails halfway, it reports how far it came.
async fn send(app: &App, caller: &Caller, webhook_id: WebhookId, replay: &Replay) -> Result<Step, ApiError> {
    let began = storehook_aws::now();
    // An overdue delivery is dead, whatever state it was left in.
    let overdue = [DeliveryState::Pending, DeliveryState::Retrying];
    let states: BTreeSet<_> = replay.state.states().chain(overdue).collect();
    let scan = scan_of(webhook_id, replay, states.into_iter().collect(), Some(PAGE));
    let mut progress = Progress::from(replay);
    loop {
        let scanned = match within(began, load_step(app, &scan, &progress)).await {
            Ok(scanned) => scanned,
            Err(error) => return progress.end_early(error),
        };
        for chunk in scanned.found.chunks(CHUNK) {
            match within(began, send_chunk(app, caller, replay, chunk)).await {
                Ok((sent, expired)) => {
                    progress.step.deliveries += sent;
                    progress.step.expired += expired;
                }
                Err(error) => return progress.end_early(error),
            }
            progress.move_to(chunk.last().map(|last| last.position.clone()));
            if is_late(began) {
                return Ok(progress.step);
            }
        }
        if progress.move_to(scanned.next) || is_late(began) {
            return Ok(progress.step);
        }
    }
}

/// How far a step has come.
struct Progress {
    step: Step,
    has_moved: bool,
}

impl Progress {
    fn from(replay: &Replay) -> Self {
        Self { step: Step { next: replay.after(), ..Step::default() }, has_moved: false }
    }

    /// Moves on to this position. Returns whether that is the end.
    fn move_to(&mut self, next: Option<DeliveryPosition>) -> bool {
        (self.step.next, self.has_moved) = (next, true);
        self.step.next.is_none()
    }

    /// Ends a step that failed. If it has moved before, it reports how far, and the next step does
    /// the rest.
    fn end_early(self, error: ApiError) -> Result<Step, ApiError> {
        if !self.has_moved {
            return Err(error);
        }
        tracing::warn!(error = storehook_aws::causes(&error), "a step of a replay ended early");
        Ok(self.step)
    }
}

async fn load_step(app: &App, scan: &Scan, progress: &Progress) -> Result<ScanStep, ApiError> {
    Ok(app.deliveries.load_step(scan, progress.step.next.as_ref(), storehook_aws::now()).await?)
}

/// Runs a part of a step in the time left, so that the response comes within ten seconds.
async fn within<T>(began: Timestamp, work: impl Future<Output = Result<T, ApiError>>) -> Result<T, ApiError> {
    let elapsed = Duration::try_from(storehook_aws::now().duration_since(began)).unwrap_or_default();
    let left = LONGEST_STEP.saturating_sub(elapsed);
    tokio::time::timeout(left, work).await.unwrap_or(Err(ApiError::TimedOut))
}

fn scan_of(webhook_id: WebhookId, replay: &Replay, states: Vec<DeliveryState>, page: Option<usize>) -> Scan {
    let (since, until) = (Some(replay.from), Some(replay.to));
    Scan { webhook_id, since, until, direction: Direction::OldestFirst, states, page }
}

/// Sends the deliveries of a chunk that the replay includes. Returns how many it sent, and of how
/// many the payload has expired.
async fn send_chunk(
    app: &App,
    caller: &Caller,
    replay: &Replay,
    chunk: &[Found],
) -> Result<(u64, u64), ApiError> {
    let now = storehook_aws::now();
    let ids: Vec<DeliveryId> = chunk.iter().map(|found| found.id.clone()).collect();
    let run = replay.run();
    let wanted = app.deliveries.load_all(caller, &ids, now).await?.into_iter();
    let wanted = wanted.filter(|record| {
        replay.state.includes(record.state) && record.runs.iter().all(|known| known.id != run)
    });
    let prepared: Vec<_> = stream::iter(wanted)
        .map(|record| async move {
            let payload = app.deliveries.table.load_payload(&record, now).await?;
            Ok::<_, ApiError>(payload.map(|payload| Ready { record, payload }))
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let count = prepared.len();
    let ready: Vec<_> = prepared.into_iter().flatten().collect();
    send_all(app, &ready, &run, now).await?;
    Ok((ready.len() as u64, (count - ready.len()) as u64))
}
