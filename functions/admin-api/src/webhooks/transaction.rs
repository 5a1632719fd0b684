//! Transactions over a webhook and its slot.
//!
//! A transaction is made, or refused for a reason that its caller can act on. DynamoDB also cancels
//! a transaction that meets another one over the same items; such a transaction is repeated here, a
//! little later.

use aws_sdk_dynamodb::{
    Client, error::SdkError, operation::transact_write_items::TransactWriteItemsError,
    types::TransactWriteItem,
};
use storehook_aws::{backoff, table::TableError};

/// Why a write was refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    #[error("another webhook of the installation has this topic, address, format and protocol")]
    Taken,
    #[error("another request changed or deleted the webhook first")]
    Conflict,
    #[error(transparent)]
    Table(#[from] TableError),
}

/// How often a cancelled transaction is made again. Each wait is a random part of its backoff: two
/// transactions that met once would otherwise meet again.
const FURTHER_TRIES: usize = 4;

/// Makes all of the writes, or none. The write of the webhook comes first, and that of its slot
/// second.
pub(crate) async fn write(client: &Client, writes: Vec<TransactWriteItem>) -> Result<(), WriteError> {
    let mut backoffs = backoff(FURTHER_TRIES);
    loop {
        let transaction = client.transact_write_items().set_transact_items(Some(writes.clone()));
        let Err(error) = transaction.send().await else { return Ok(()) };
        match Refusal::of(&reasons_of(&error)) {
            Some(Refusal::Changed) => return Err(WriteError::Conflict),
            Some(Refusal::Taken) => return Err(WriteError::Taken),
            Some(Refusal::Busy) => match backoffs.next() {
                Some(longest) => tokio::time::sleep(longest.mul_f64(fastrand::f64())).await,
                None => return Err(WriteError::Conflict),
            },
            None => return Err(WriteError::Table(error.into())),
        }
    }
}

/// Why DynamoDB cancelled a transaction.
#[derive(Debug, PartialEq, Eq)]
enum Refusal {
    /// The webhook is not what the write was made from.
    Changed,
    /// Another webhook holds the slot.
    Taken,
    /// The transaction met another one.
    Busy,
}

impl Refusal {
    /// Reads the reasons, one for each write in its order. If the webhook has changed, its slot
    /// tells nothing: the change that came first may hold it.
    fn of(reasons: &[&str]) -> Option<Self> {
        const FAILED: &str = "ConditionalCheckFailed";
        match reasons {
            [webhook, ..] if *webhook == FAILED => Some(Self::Changed),
            reasons if reasons.contains(&"TransactionConflict") => Some(Self::Busy),
            [_, slot, ..] if *slot == FAILED => Some(Self::Taken),
            _ => None,
        }
    }
}

/// The codes of a cancelled transaction's reasons; empty for any other error.
fn reasons_of<R>(error: &SdkError<TransactWriteItemsError, R>) -> Vec<&str> {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            cancelled.cancellation_reasons().iter().map(|reason| reason.code().unwrap_or("None")).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_tell_a_changed_webhook_from_a_taken_slot() {
        let (failed, conflict) = ("ConditionalCheckFailed", "TransactionConflict");
        for (reasons, refusal) in [
            (&[][..], None),
            (&["None", "None"], None),
            (&["None", failed], Some(Refusal::Taken)),
            (&["None", failed, "None"], Some(Refusal::Taken)),
            (&[failed, "None"], Some(Refusal::Changed)),
            (&[failed, failed, "None"], Some(Refusal::Changed)),
            (&[conflict, failed], Some(Refusal::Busy)),
            (&["None", conflict], Some(Refusal::Busy)),
            (&["ThrottlingError", "None"], None),
        ] {
            assert_eq!(Refusal::of(reasons), refusal, "{reasons:?}");
        }
    }
}
