//! The history, as this function keeps it: one write for each attempt, and none where it is off.
//!
//! A delivery's record is written whole, from what was loaded of it before the attempt, on the condition that
//! nobody else has written it since. Where somebody has, the response to that very write brings the record
//! that is there now, and the change is made to that one.
//!
//! The record decides whether a message is attempted. Where it is missing, or the table does not respond, the
//! message is attempted. Writing it decides nothing, with one exception: a delivery that is held has no
//! message any more, so its record and its payload are written first.

use jiff::Timestamp;
use storehook_aws::{
    CALL_TIMEOUT,
    history::{HISTORY_TIME, HistoryTable, PayloadOwner, Write, WriteError},
    table::{self, Contended, TableError},
};
use storehook_domain::{
    delivery::{disposition::Disposition, message::DeliveryMessage},
    history::{attempt::Attempt, record::DeliveryRecord, state::DeliveryState},
};
use tokio::{sync::Mutex, time::error::Elapsed};

use crate::{message::Received, skipped::Skipped};

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
    #[error(transparent)]
    Contended(#[from] Contended),
}

impl History {
    /// Whether anything is kept.
    pub(crate) fn is_on(&self) -> bool {
        self.0.retention.deliveries().is_some()
    }

    /// Records a delivery whose webhook takes none now, with everything that a replay of it needs. Returns
    /// whether its message may end; where the history is off, it may.
    pub(crate) async fn hold(
        &self,
        received: &Received<'_>,
        known: Option<&DeliveryRecord>,
        now: Timestamp,
    ) -> bool {
        let message = &received.message;
        let held = async {
            let Some(kept_for) = self.0.retention.deliveries() else { return Ok(()) };
            // Nothing else is left of it, so its payload is kept for as long as it is.
            let owner = PayloadOwner::Delivery(&message.envelope.id);
            let digest = self.0.keep_payload(message, owner, kept_for, now).await?;
            let mut held = message.clone();
            held.envelope.payload_digest = Some(digest);
            let kept_until = now.as_second() + kept_for.as_secs();
            let hold = |record: DeliveryRecord| {
                let record = record.ended(&held, received.receive(), DeliveryState::Held, now)?;
                Some(DeliveryRecord { expires_at: record.expires_at.max(kept_until), ..record })
            };
            self.change(&held, known, now, hold).await
        };
        is_written(message, tokio::time::timeout(CALL_TIMEOUT, held).await)
    }

    /// Records what a receive of a message came to.
    pub(crate) async fn record(
        &self,
        received: &Received<'_>,
        attempt: &Result<Attempt, Skipped>,
        known: Option<&DeliveryRecord>,
        disposition: Disposition,
        now: Timestamp,
    ) {
        let (message, receive) = (&received.message, received.receive());
        let change = |record: DeliveryRecord| match attempt {
            Ok(attempt) => Some(record.attempted(message, receive, attempt.clone(), disposition, now)),
            Err(skipped) => match skipped.state() {
                Some(state) => record.ended(message, receive, state, now),
                None => record.with_other_payload(message),
            },
        };
        let is_news = match (attempt, known) {
            (Ok(_), _) => true,
            (Err(skipped), known) => {
                skipped.state().is_some() || known.is_some_and(|known| known.is_other_payload(message))
            }
        };
        if is_news {
            let changed = self.change(message, known, now, change);
            is_written(message, tokio::time::timeout(HISTORY_TIME, changed).await);
        }
    }

    /// Changes a delivery's record from what was known of it. `change` may find that there is nothing to
    /// write.
    async fn change(
        &self,
        message: &DeliveryMessage<'_>,
        known: Option<&DeliveryRecord>,
        now: Timestamp,
        change: impl Fn(DeliveryRecord) -> Option<DeliveryRecord>,
    ) -> Result<(), HistoryError> {
        let Some(kept_for) = self.0.retention.deliveries() else { return Ok(()) };
        let known = &Mutex::new(known.cloned());
        let change = &change;
        table::change(|| async move {
            let mut before = match known.lock().await.take() {
                Some(known) => known.or_begin(message, kept_for, now),
                None => DeliveryRecord::begin(message, kept_for),
            };
            before.renew(message, kept_for);
            let version = before.version;
            let Some(after) = change(before) else { return Ok(Some(())) };
            match self.0.put(&after, version).await? {
                Write::Made => Ok(Some(())),
                Write::Conflict(found) => {
                    *known.lock().await = found.map(|found| *found);
                    Ok(None)
                }
            }
        })
        .await
    }
}

/// Tells the log where the history was not written: the template's metric counts these lines.
fn is_written(message: &DeliveryMessage<'_>, written: Result<Result<(), HistoryError>, Elapsed>) -> bool {
    let error = match written {
        Ok(Ok(())) => return true,
        Ok(Err(error)) => storehook_aws::causes(&error),
        Err(elapsed) => elapsed.to_string(),
    };
    tracing::error!(delivery.id = %message.envelope.id, error, "history not written");
    false
}
