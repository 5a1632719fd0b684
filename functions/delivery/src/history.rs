//! The history, as this function keeps it: one write for each attempt, and nothing where it is off.
//!
//! A delivery's item is written whole, from what was read of it before the attempt, on the
//! condition that nobody else has written it since. Where somebody has, the answer to that
//! very write brings what is there now, and the change is made to that.
//!
//! None of it decides what becomes of a delivery, but for one that is held: its message ends, so
//! it must be on record first, and its payload with it.

use std::time::Duration;

use aws_sdk_dynamodb::{
    Client, operation::put_item::PutItemError, types::ReturnValuesOnConditionCheckFailure,
};
use jiff::{SignedDuration, Timestamp};
use storehook_aws::{
    CALL_TIMEOUT, Retention,
    history::{DeliveryItem, PayloadItem, WriteError, put_payloads},
    table::{self, TableError, number},
};
use storehook_domain::{
    Delivery, DeliveryHistory, DeliveryId, DeliveryState, MadeAttempt, Next, Outcome, PayloadDigest, Then,
    UnbuildableRequest,
};
use tokio::time::error::Elapsed;

use crate::{
    Fate,
    attempt::{Attempt, NoAttempt},
};

/// Keeps the history.
#[derive(Clone)]
pub(crate) struct History {
    pub(crate) client: Client,
    pub(crate) table: String,
    pub(crate) retention: Retention,
}

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

/// How often a change is made that others come before.
const WRITE_ATTEMPTS: usize = 5;

impl History {
    /// Whether anything is kept.
    pub(crate) fn is_on(&self) -> bool {
        self.retention.deliveries().is_some()
    }

    /// What is known of a delivery; nothing where the history is off, or does not answer.
    pub(crate) async fn of(&self, delivery: &Delivery<'_>) -> Option<DeliveryHistory> {
        if !self.is_on() {
            return None;
        }
        match tokio::time::timeout(CALL_TIMEOUT, self.read(delivery)).await {
            Ok(Ok(history)) => history,
            Ok(Err(error)) => {
                let error = storehook_aws::causes(&error);
                tracing::error!(delivery.id = delivery.id(), error, "history not read");
                None
            }
            Err(elapsed) => {
                tracing::error!(delivery.id = delivery.id(), error = %elapsed, "history not read");
                None
            }
        }
    }

    async fn read(&self, delivery: &Delivery<'_>) -> Result<Option<DeliveryHistory>, TableError> {
        let id = DeliveryId { webhook_id: delivery.webhook_id, event_id: delivery.event_id.clone() };
        let get = self.client.get_item().table_name(&self.table).set_key(Some(DeliveryItem::key_of(&id)));
        let item = get.consistent_read(true).send().await?.item;
        Ok(item.map(table::from_item::<DeliveryItem>).transpose()?.map(|item| item.history))
    }

    /// Keeps a delivery whose webhook takes none now, with all that a replay of it needs. Returns whether
    /// its message may end; where the history is off, it may.
    pub(crate) async fn hold(
        &self,
        delivery: &Delivery<'_>,
        known: Option<&DeliveryHistory>,
        now: Timestamp,
    ) -> bool {
        let held = async {
            let mut held = delivery.clone();
            held.payload_digest = match self.retention.payloads() {
                Some(kept_for) => Some(self.keep_payload(delivery, now, kept_for).await?),
                None => None,
            };
            let kept_until = self.retention.deliveries().map(|kept_for| now.as_second() + kept_for.as_secs());
            let hold = |mut history: DeliveryHistory| {
                history.payload_digest.clone_from(&held.payload_digest);
                // Its message may be days old, and nothing else is left of it.
                history.expires_at = history.expires_at.max(kept_until.unwrap_or_default());
                history.ended(&held, DeliveryState::Held)
            };
            self.change(&held, known, hold).await
        };
        is_kept(delivery, tokio::time::timeout(CALL_TIMEOUT, held).await)
    }

    /// Keeps what a receive of a delivery came to.
    pub(crate) async fn keep(
        &self,
        delivery: &Delivery<'_>,
        known: Option<&DeliveryHistory>,
        attempted: &Result<Attempt, NoAttempt>,
        fate: Fate,
        now: Timestamp,
    ) {
        let kept = async {
            let made = match attempted {
                Ok(attempt) => attempt.made(),
                Err(NoAttempt::Request { address, error }) => unsent(address, error, now),
                Err(NoAttempt::Cancelled) => {
                    let end = |history: DeliveryHistory| history.ended(delivery, DeliveryState::Cancelled);
                    return self.change(delivery, known, end).await;
                }
                Err(NoAttempt::Exhausted) => {
                    let end = |history: DeliveryHistory| history.ended(delivery, DeliveryState::Dead);
                    return self.change(delivery, known, end).await;
                }
                Err(
                    NoAttempt::Duplicate | NoAttempt::Superseded | NoAttempt::Held(_) | NoAttempt::Target(_),
                ) => return Ok(()),
            };
            let then = then_of(attempted, fate, now);
            let add = |history: DeliveryHistory| Some(history.attempted(delivery, made.clone(), then));
            self.change(delivery, known, add).await
        };
        is_kept(delivery, tokio::time::timeout(CALL_TIMEOUT, kept).await);
    }

    /// Changes a delivery's history from what was known of it. `change` may find that there is nothing to
    /// write.
    async fn change(
        &self,
        delivery: &Delivery<'_>,
        known: Option<&DeliveryHistory>,
        change: impl Fn(DeliveryHistory) -> Option<DeliveryHistory>,
    ) -> Result<(), HistoryError> {
        let Some(kept_for) = self.retention.deliveries() else { return Ok(()) };
        let mut before = known.cloned();
        for _ in 0..WRITE_ATTEMPTS {
            let mut begun = before.unwrap_or_else(|| DeliveryHistory::begin(delivery, kept_for));
            begun.renew(delivery, kept_for);
            let version = begun.version;
            let Some(after) = change(begun) else { return Ok(()) };
            match self.put(after, version).await? {
                None => return Ok(()),
                Some(found) => before = Some(found),
            }
        }
        Err(HistoryError::Contended)
    }

    async fn keep_payload(
        &self,
        delivery: &Delivery<'_>,
        now: Timestamp,
        kept_for: SignedDuration,
    ) -> Result<PayloadDigest, HistoryError> {
        let payload = delivery.payload();
        let digest = payload.digest();
        let item = PayloadItem {
            shop: &delivery.shop,
            event_id: &delivery.event_id,
            digest: &digest,
            payload: &payload.in_message(),
            expires_at: now.as_second() + kept_for.as_secs(),
        };
        put_payloads(&self.client, &self.table, &[item]).await?;
        Ok(digest)
    }

    /// Writes a history over the version that it was made from. Returns the one that was there instead.
    async fn put(&self, after: DeliveryHistory, version: u64) -> Result<Option<DeliveryHistory>, TableError> {
        let item = table::to_item(DeliveryItem::of(after))?;
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let put = match version {
            0 => put.condition_expression("attribute_not_exists(pk)"),
            version => put
                .condition_expression("version = :version")
                .expression_attribute_values(":version", number(version)),
        };
        let Err(error) = put.send().await else { return Ok(None) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(refused)) => match refused.item() {
                Some(item) => Ok(Some(table::from_item::<DeliveryItem>(item.clone())?.history)),
                // It was forgotten between the read and the write.
                None => Err(error.into()),
            },
            _ => Err(error.into()),
        }
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
fn is_kept(delivery: &Delivery<'_>, written: Result<Result<(), HistoryError>, Elapsed>) -> bool {
    let error = match written {
        Ok(Ok(())) => return true,
        Ok(Err(error)) => storehook_aws::causes(&error),
        Err(elapsed) => elapsed.to_string(),
    };
    tracing::error!(delivery.id = delivery.id(), error, "history not written");
    false
}
