//! One step of a replay: as many deliveries as fit into a request's time, from the oldest on.
//!
//! A delivery is sent again in three moves: its new series is written, on the condition that it is
//! what it was read to be; its message is sent; and the cursor goes past it. A step that dies
//! anywhere in between leaves a cursor that was handed out before, and the step that is made from it
//! again finds the replay's own mark: what has been attempted since is left alone, and what
//! has not is sent once more in the same series, of which only one message is ever attempted. So
//! each delivery gets one new series, however often a step is made. What a replay that nobody goes on with has
//! left behind, any later one of that window sends, an hour later.

use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use serde_json::value::RawValue;
use storehook_aws::history::Write;
use storehook_domain::{
    delivery::id::DeliveryId,
    history::{query::DeliveryPosition, record::DeliveryRecord, series::Reservation, state::DeliveryState},
    job::replay::Replay,
    payload::Payload,
    webhook::WebhookId,
};

use crate::{
    App,
    admission::Caller,
    delivery_index::{Direction, Found, Round, Walk, is_late},
    error::ApiError,
};

/// How long a step takes at the most.
const LONGEST_STEP: Duration = Duration::from_secs(9);

/// How many deliveries are read, reserved and sent together: their payloads are in memory at once.
const CHUNK: usize = 20;

/// How many of a chunk are worked on at the same time.
const AT_ONCE: usize = 10;

/// How many deliveries of a partition of the index are looked at at once, when they are sent.
const PAGE: usize = 100;

/// How often a delivery is reserved that others change at the same time.
pub(crate) const RESERVE_ATTEMPTS: usize = 5;

/// What a step has done.
#[derive(Debug, Default)]
pub(crate) struct Step {
    /// How many deliveries it has sent, or counted.
    pub(crate) deliveries: u64,
    /// How many it could not send because their payload is no longer kept.
    pub(crate) expired: u64,
    /// From where on the next step goes; `None` at the end.
    pub(crate) next: Option<DeliveryPosition>,
}

/// Counts the deliveries that a replay would send. Where it fails after some, it tells how far it came.
pub(crate) async fn count(app: &App, webhook_id: WebhookId, replay: &Replay) -> Result<Step, ApiError> {
    let began = storehook_aws::now();
    let walk = walk_of(webhook_id, replay, replay.state.states().collect(), None);
    let mut progress = Progress::from(replay);
    loop {
        let round = match within(began, round(app, &walk, &progress)).await {
            Ok(round) => round,
            Err(error) => return progress.unless_it_stands(error),
        };
        progress.step.deliveries += round.found.len() as u64;
        if progress.go_on(round.next) || is_late(began) {
            return Ok(progress.step);
        }
    }
}

/// Sends deliveries again. Where it fails after some, it tells how far it came.
pub(crate) async fn send(
    app: &App,
    caller: &Caller,
    webhook_id: WebhookId,
    replay: &Replay,
) -> Result<Step, ApiError> {
    let began = storehook_aws::now();
    // Those that a replay has reserved before wait for their first attempt, sent or not.
    let states = replay.state.states().chain([DeliveryState::Pending]).collect();
    let walk = walk_of(webhook_id, replay, states, Some(PAGE));
    let mut progress = Progress::from(replay);
    loop {
        let round = match within(began, round(app, &walk, &progress)).await {
            Ok(round) => round,
            Err(error) => return progress.unless_it_stands(error),
        };
        for chunk in round.found.chunks(CHUNK) {
            match within(began, send_chunk(app, caller, replay, chunk)).await {
                Ok((sent, expired)) => {
                    progress.step.deliveries += sent;
                    progress.step.expired += expired;
                }
                Err(error) => return progress.unless_it_stands(error),
            }
            progress.go_on(chunk.last().map(|last| last.position.clone()));
            if is_late(began) {
                return Ok(progress.step);
            }
        }
        if progress.go_on(round.next) || is_late(began) {
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

    /// Goes on to this position. Returns whether that is the end.
    fn go_on(&mut self, next: Option<DeliveryPosition>) -> bool {
        (self.step.next, self.has_moved) = (next, true);
        self.step.next.is_none()
    }

    /// What a failure means: where something has been done, that is told, and the rest is the next step's.
    fn unless_it_stands(self, error: ApiError) -> Result<Step, ApiError> {
        if !self.has_moved {
            return Err(error);
        }
        tracing::warn!(error = storehook_aws::causes(&error), "a replay's step has ended early");
        Ok(self.step)
    }
}

async fn round(app: &App, walk: &Walk, progress: &Progress) -> Result<Round, ApiError> {
    Ok(app.deliveries.round(walk, progress.step.next.as_ref(), storehook_aws::now()).await?)
}

/// Does a part of a step in what is left of its time, so that the answer comes within ten seconds.
async fn within<T>(began: Timestamp, work: impl Future<Output = Result<T, ApiError>>) -> Result<T, ApiError> {
    let elapsed = Duration::try_from(storehook_aws::now().duration_since(began)).unwrap_or_default();
    let left = LONGEST_STEP.saturating_sub(elapsed);
    tokio::time::timeout(left, work).await.unwrap_or(Err(ApiError::TimedOut))
}

fn walk_of(webhook_id: WebhookId, replay: &Replay, states: Vec<DeliveryState>, page: Option<usize>) -> Walk {
    let (since, until) = (Some(replay.from), Some(replay.to));
    Walk { webhook_id, since, until, direction: Direction::OldestFirst, states, page }
}

/// Sends those of some deliveries that the replay is of. Returns how many were sent, and how many had no
/// payload any more.
async fn send_chunk(
    app: &App,
    caller: &Caller,
    replay: &Replay,
    chunk: &[Found],
) -> Result<(u64, u64), ApiError> {
    let now = storehook_aws::now();
    let ids: Vec<DeliveryId> = chunk.iter().map(|found| found.id.clone()).collect();
    let wanted = app.deliveries.of_ids(caller, &ids, now).await?.into_iter();
    let wanted = wanted.filter(|history| is_wanted(replay, history, now));
    let prepared: Vec<_> = stream::iter(wanted)
        .map(|history| prepare(app, caller, replay, history, now))
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let expired = prepared.iter().filter(|prepared| matches!(prepared, Prepared::Expired)).count();
    let ready: Vec<_> = prepared.into_iter().filter_map(Prepared::ready).collect();
    send_all(app, &ready, now).await?;
    Ok((ready.len() as u64, expired as u64))
}

/// What is to become of a delivery that the replay is of.
enum Prepared {
    /// It is to be sent: its series is on record.
    Ready(Ready),
    /// Its payload is no longer kept.
    Expired,
    /// Nothing: it is no longer what the replay is of, or has been attempted.
    Done,
}

impl Prepared {
    fn ready(self) -> Option<Ready> {
        match self {
            Self::Ready(ready) => Some(ready),
            Self::Expired | Self::Done => None,
        }
    }
}

/// A delivery whose series is on record and is to be sent, and its payload.
pub(crate) struct Ready {
    pub(crate) history: Box<DeliveryRecord>,
    pub(crate) payload: String,
}

fn is_wanted(replay: &Replay, history: &DeliveryRecord, now: Timestamp) -> bool {
    let is_reserved = history.replay.as_deref() == Some(replay.id.as_str());
    is_reserved || replay.state.includes(history.state) || history.is_stranded(now)
}

async fn prepare(
    app: &App,
    caller: &Caller,
    replay: &Replay,
    mut history: DeliveryRecord,
    now: Timestamp,
) -> Result<Prepared, ApiError> {
    let Some(payload) = app.deliveries.0.load_payload(&history, now).await? else {
        return Ok(Prepared::Expired);
    };
    for _ in 0..RESERVE_ATTEMPTS {
        if !is_wanted(replay, &history, now) {
            return Ok(Prepared::Done);
        }
        match reserve(app, &history, Some(&replay.id), now).await? {
            Reserved::Made(history) => return Ok(Prepared::Ready(Ready { history, payload })),
            Reserved::Attempted => return Ok(Prepared::Done),
            Reserved::Outrun => {}
        }
        match app.deliveries.get(caller, &history.envelope.id, now).await? {
            Some(found) => history = found,
            None => return Ok(Prepared::Done),
        }
    }
    Err(ApiError::Contended)
}

/// What became of a wish for a new series.
pub(crate) enum Reserved {
    /// It is on record.
    Made(Box<DeliveryRecord>),
    /// It has been, and has been attempted.
    Attempted,
    /// The delivery has changed meanwhile.
    Outrun,
}

/// Begins a new series of a delivery, or finds the one that this replay has begun.
pub(crate) async fn reserve(
    app: &App,
    history: &DeliveryRecord,
    replay: Option<&str>,
    now: Timestamp,
) -> Result<Reserved, ApiError> {
    let kept_for = app.deliveries.0.retention.deliveries().ok_or(ApiError::HistoryOff)?;
    let Some(Reservation { history: reserved, is_new }) = history.reserve(replay, kept_for, now) else {
        return Ok(Reserved::Attempted);
    };
    if is_new && matches!(app.deliveries.0.put(&reserved, history.version).await?, Write::Conflict(_)) {
        return Ok(Reserved::Outrun);
    }
    Ok(Reserved::Made(Box::new(reserved)))
}

/// Sends the latest series of these deliveries.
pub(crate) async fn send_all(app: &App, ready: &[Ready], now: Timestamp) -> Result<(), ApiError> {
    let mut messages = Vec::with_capacity(ready.len());
    for Ready { history, payload } in ready {
        let raw: &RawValue = serde_json::from_str(payload).map_err(|_| ApiError::PayloadUnreadable)?;
        let payload = Payload::new(raw).map_err(|_| ApiError::PayloadUnreadable)?;
        messages.push(history.message(payload, now));
    }
    Ok(app.queue.send(&messages).await?)
}
