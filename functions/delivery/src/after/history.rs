//! The history, as this function writes it: one write for each attempt, and none if the history is
//! off.
//!
//! A record is loaded before the attempt, changed, and written whole, on the condition that nobody
//! else has written it since. If somebody has, the response to the refused write contains the
//! current record, and the change is made to that one.
//!
//! The loaded record decides whether a message is attempted. Without one, or if the table does not
//! respond, the message is attempted. A failed write changes nothing for the message, with one
//! exception: a held delivery has no message any more, so its record and payload must be written
//! before the message ends.

use jiff::Timestamp;
use storehook_aws::{
    CALL_TIMEOUT,
    history::{HISTORY_TIME, HistoryTable, PayloadOwner, Write, WriteError},
    table::{self, Contended, TableError},
};
use storehook_domain::{
    delivery::{disposition::Disposition, message::DeliveryMessage},
    history::{attempt::Attempt, held_for::HeldFor, record::DeliveryRecord},
};
use tokio::{sync::Mutex, time::error::Elapsed};

use crate::{message::Received, skipped::Skipped};

/// Writes the history.
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
    /// Whether the history is on.
    pub(crate) fn is_on(&self) -> bool {
        self.0.is_on()
    }

    /// Records a held delivery with everything that brings it back: after an attempt, or without one.
    /// Returns whether its message may end. With the history off, it may.
    ///
    /// A delivery that was held before keeps its payload and its time of expiry.
    pub(crate) async fn hold(
        &self,
        received: &Received<'_>,
        attempt: Option<&Attempt>,
        reason: HeldFor,
        known: Option<&DeliveryRecord>,
        now: Timestamp,
    ) -> bool {
        let message = &received.message;
        let was_held = known.is_some_and(|known| known.held_at.is_some() && known.is_kept(now));
        let held = async {
            let Some(kept_for) = self.0.retention.deliveries() else { return Ok(()) };
            let mut held = message.clone();
            if !was_held {
                // The message will end, so the payload is kept for as long as the delivery.
                let owner = PayloadOwner::Delivery(&message.envelope.id);
                let digest = self.0.keep_payload(message, owner, kept_for, now).await?;
                held.envelope.payload_digest = Some(digest);
            }
            let kept_until = now.as_second() + kept_for.as_secs();
            let receive = received.receive();
            let hold = |record: DeliveryRecord| {
                let expires_at = if was_held { record.expires_at } else { record.expires_at.max(kept_until) };
                let record = match attempt {
                    Some(attempt) => {
                        record.attempted(&held, receive, attempt.clone(), Disposition::Hold, now)
                    }
                    None => record.held(&held, receive, reason, now)?,
                };
                Some(DeliveryRecord { expires_at, ..record })
            };
            self.change(&held, known, now, hold).await
        };
        is_written(message, tokio::time::timeout(CALL_TIMEOUT, held).await)
    }

    /// Records the result of a receive. Returns whether nothing is left unwritten.
    pub(crate) async fn record(
        &self,
        received: &Received<'_>,
        attempt: &Result<Attempt, Skipped>,
        known: Option<&DeliveryRecord>,
        disposition: Disposition,
        now: Timestamp,
    ) -> bool {
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
        if !is_news {
            return true;
        }
        let changed = self.change(message, known, now, change);
        is_written(message, tokio::time::timeout(HISTORY_TIME, changed).await)
    }

    /// Changes a delivery's record, starting from the known one. `change` returns `None` if there
    /// is nothing to write.
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

/// Whether the history was written. If not, the log says so.
fn is_written(message: &DeliveryMessage<'_>, written: Result<Result<(), HistoryError>, Elapsed>) -> bool {
    let error = match written {
        Ok(Ok(())) => return true,
        Ok(Err(error)) => storehook_aws::causes(&error),
        Err(elapsed) => elapsed.to_string(),
    };
    tracing::error!(delivery.id = %message.envelope.id, error, "history not written");
    false
}

#[cfg(test)]
mod tests {
    use crate::stand_in::{deliver_all, delivery};

    const DAY: i64 = 24 * 60 * 60;

    /// A held delivery has no message any more, so its record must last as long as its payload: for
    /// the retention from now on, however old the delivery is. Others last from their beginning.
    #[tokio::test]
    async fn a_held_delivery_is_kept_from_now_on() -> Result<(), Box<dyn std::error::Error>> {
        for (webhook, kept_until) in [(9, 30 * DAY), (8, 28 * DAY)] {
            let before = storehook_aws::now().as_second();
            let seen = deliver_all(&[("m-retry", delivery(webhook, 2 * DAY - 600))]).await?;
            let expires_at = seen.expiries.get(&webhook.to_string()).ok_or("no record")?;
            let lasts = expires_at - before;
            assert!((kept_until - 600..=kept_until + 1_200).contains(&lasts), "{webhook}: {lasts} s");
        }
        Ok(())
    }
}
