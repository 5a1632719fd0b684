//! The history, as this function keeps it: one write for each attempt, and nothing where it is off.
//!
//! A delivery's item is written whole, from what was read of it before the attempt, on the
//! condition that nobody else has written it since. Where somebody has, the answer to that
//! very write brings what is there now, and the change is made to that.
//!
//! What it says of a delivery decides whether a message of it is attempted, and a history that says nothing,
//! or does not answer, lets it be. What is written of it decides nothing, but for one that is
//! held: its message ends, so it must be on record first, and its payload with it.

use std::time::Duration;

use jiff::Timestamp;
use storehook_aws::{
    CALL_TIMEOUT,
    history::{HistoryTable, Place, Write, WriteError},
    table::TableError,
};
use storehook_domain::{
    delivery::{message::DeliveryMessage, outcome::Outcome, request::UnbuildableRequest, schedule::Next},
    history::{
        record::{DeliveryRecord, MadeAttempt, Then},
        state::DeliveryState,
    },
};
use tokio::time::error::Elapsed;

use crate::{
    Fate,
    attempt::{Attempt, NoAttempt},
};

/// Keeps the history.
#[derive(Clone)]
pub(crate) struct History(pub(crate) HistoryTable);

/// Why the history was not written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HistoryError {
    #[error(transparent)]
    Table(#[from] TableError),
    #[error(transparent)]
    Payload(#[from] WriteError),
    #[error("others wrote first, again and again")]
    Contended,
}

/// How long the history may take, before an attempt and after it: neither must wait for a slow table.
pub(crate) const HISTORY_TIME: Duration = Duration::from_secs(2);

/// How often a change is made that others come before.
const WRITE_ATTEMPTS: usize = 5;

impl History {
    /// Whether anything is kept.
    pub(crate) fn is_on(&self) -> bool {
        self.0.retention.deliveries().is_some()
    }

    /// What is known of a delivery; nothing where the history is off, or does not answer.
    pub(crate) async fn of(&self, delivery: &DeliveryMessage<'_>) -> Option<DeliveryRecord> {
        if !self.is_on() {
            return None;
        }
        let error = match tokio::time::timeout(HISTORY_TIME, self.0.read(&delivery.delivery_id())).await {
            Ok(Ok(history)) => return history,
            Ok(Err(error)) => storehook_aws::causes(&error),
            Err(elapsed) => elapsed.to_string(),
        };
        tracing::error!(delivery.id = delivery.id(), error, "history not read");
        None
    }

    /// Keeps a delivery whose webhook takes none now, with all that a replay of it needs. Returns whether
    /// its message may end; where the history is off, it may.
    pub(crate) async fn hold(
        &self,
        delivery: &DeliveryMessage<'_>,
        known: Option<&DeliveryRecord>,
        now: Timestamp,
    ) -> bool {
        let held = async {
            let Some(kept_for) = self.0.retention.deliveries() else { return Ok(()) };
            // Nothing else is left of it, so its payload is kept for as long as it is.
            let id = delivery.delivery_id();
            let digest = self.0.keep_payload(delivery, Place::Delivery(&id), kept_for, now).await?;
            let mut held = delivery.clone();
            held.payload_digest = Some(digest);
            let kept_until = now.as_second() + kept_for.as_secs();
            let hold = |history: DeliveryRecord| {
                let history = history.ended(&held, DeliveryState::Held)?;
                Some(DeliveryRecord { expires_at: history.expires_at.max(kept_until), ..history })
            };
            self.change(&held, known, now, hold).await
        };
        is_kept(delivery, tokio::time::timeout(CALL_TIMEOUT, held).await)
    }

    /// Keeps what a receive of a delivery came to.
    pub(crate) async fn keep(
        &self,
        delivery: &DeliveryMessage<'_>,
        known: Option<&DeliveryRecord>,
        attempted: &Result<Attempt, NoAttempt>,
        fate: Fate,
        now: Timestamp,
    ) {
        let kept = async {
            let made = match attempted {
                Ok(attempt) => attempt.made(),
                Err(NoAttempt::Request { address, error }) => unsent(address, error, now),
                Err(NoAttempt::Cancelled) => {
                    let end = |history: DeliveryRecord| history.ended(delivery, DeliveryState::Cancelled);
                    return self.change(delivery, known, now, end).await;
                }
                Err(NoAttempt::Exhausted) => {
                    let end = |history: DeliveryRecord| history.ended(delivery, DeliveryState::Dead);
                    return self.change(delivery, known, now, end).await;
                }
                Err(
                    NoAttempt::Duplicate | NoAttempt::Superseded | NoAttempt::Held(_) | NoAttempt::Target(_),
                ) => return Ok(()),
            };
            let then = then_of(attempted, fate, now);
            let add = |history: DeliveryRecord| Some(history.attempted(delivery, made.clone(), then));
            self.change(delivery, known, now, add).await
        };
        is_kept(delivery, tokio::time::timeout(HISTORY_TIME, kept).await);
    }

    /// Changes a delivery's history from what was known of it. `change` may find that there is nothing to
    /// write.
    async fn change(
        &self,
        delivery: &DeliveryMessage<'_>,
        known: Option<&DeliveryRecord>,
        now: Timestamp,
        change: impl Fn(DeliveryRecord) -> Option<DeliveryRecord>,
    ) -> Result<(), HistoryError> {
        let Some(kept_for) = self.0.retention.deliveries() else { return Ok(()) };
        let mut before = known.cloned();
        for _ in 0..WRITE_ATTEMPTS {
            let mut begun = match before {
                Some(before) => before.or_begin(delivery, kept_for, now),
                None => DeliveryRecord::begin(delivery, kept_for),
            };
            begun.renew(delivery, kept_for);
            let version = begun.version;
            let Some(after) = change(begun) else { return Ok(()) };
            match self.0.put(&after, version).await? {
                Write::Made => return Ok(()),
                Write::Outrun(found) => before = found.map(|found| *found),
            }
        }
        Err(HistoryError::Contended)
    }
}

/// What the history says of an attempt's fate.
fn then_of(attempted: &Result<Attempt, NoAttempt>, fate: Fate, now: Timestamp) -> Then {
    let after = |wait: Duration| now.saturating_add(wait).unwrap_or(now);
    let is_delayed = matches!(attempted, Ok(Attempt { outcome: Outcome::Delayed(_), .. }));
    match fate {
        Fate::Done => Then::Delivered,
        Fate::Later(wait) => Then::Delay(after(wait)),
        Fate::Again(Next::Attempt(wait)) if is_delayed => Then::Delay(after(wait)),
        Fate::Again(Next::Attempt(wait)) => Then::Retry(after(wait)),
        Fate::Again(Next::Exhausted(_)) => Then::Dead,
    }
}

/// An attempt whose request could not even be built.
fn unsent(address: &str, error: &UnbuildableRequest, now: Timestamp) -> MadeAttempt {
    MadeAttempt {
        at: now,
        status: None,
        error: Some(storehook_aws::causes(error)),
        latency_ms: 0,
        address: address.to_owned(),
        request: None,
        answer: None,
        details: None,
    }
}

/// Tells the log where the history could not be written: the template's metric counts these lines.
fn is_kept(delivery: &DeliveryMessage<'_>, written: Result<Result<(), HistoryError>, Elapsed>) -> bool {
    let error = match written {
        Ok(Ok(())) => return true,
        Ok(Err(error)) => storehook_aws::causes(&error),
        Err(elapsed) => elapsed.to_string(),
    };
    tracing::error!(delivery.id = delivery.id(), error, "history not written");
    false
}
