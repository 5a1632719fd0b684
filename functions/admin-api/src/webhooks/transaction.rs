//! Transactions over a webhook and the item that holds its place: made, made again after a
//! conflict, or refused for a reason that the caller can act on.

use std::time::Duration;

use aws_sdk_dynamodb::{
    Client, error::SdkError, operation::transact_write_items::TransactWriteItemsError,
    types::TransactWriteItem,
};
use storehook_aws::table::TableError;

/// Why a write was not made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    #[error("another webhook of the installation has this topic, address, format and protocol")]
    Taken,
    #[error("the webhook has been changed or deleted meanwhile")]
    Outrun,
    #[error(transparent)]
    Table(#[from] TableError),
}

/// The longest that a transaction waits after each conflict before it is made again, in milliseconds.
/// It waits a random part of that, because those that met once would only meet again.
const CONFLICT_BACKOFFS: [u64; 8] = [10, 20, 40, 80, 160, 320, 640, 640];

/// Makes the writes, all or none. The webhook's own write comes first and its place second.
/// A transaction that met another one over the same items is made again, a little later.
pub(crate) async fn write(client: &Client, writes: Vec<TransactWriteItem>) -> Result<(), WriteError> {
    let mut backoffs = CONFLICT_BACKOFFS.iter();
    loop {
        let transaction = client.transact_write_items().set_transact_items(Some(writes.clone()));
        let Err(error) = transaction.send().await else { return Ok(()) };
        match Refusal::of(&reasons_of(&error)) {
            Some(Refusal::Outrun) => return Err(WriteError::Outrun),
            Some(Refusal::Taken) => return Err(WriteError::Taken),
            Some(Refusal::Conflict) => match backoffs.next() {
                Some(longest) => tokio::time::sleep(Duration::from_millis(fastrand::u64(0..=*longest))).await,
                None => return Err(WriteError::Outrun),
            },
            None => return Err(WriteError::Table(error.into())),
        }
    }
}

/// Why DynamoDB cancelled a transaction.
#[derive(Debug, PartialEq, Eq)]
enum Refusal {
    Outrun,
    Conflict,
    Taken,
}

impl Refusal {
    /// What the reasons mean, which stand in the order of the writes. A webhook that has changed
    /// says nothing of its place: that may be held by the very change that came first.
    fn of(reasons: &[&str]) -> Option<Self> {
        const FAILED: &str = "ConditionalCheckFailed";
        match reasons {
            [webhook, ..] if *webhook == FAILED => Some(Self::Outrun),
            reasons if reasons.contains(&"TransactionConflict") => Some(Self::Conflict),
            [_, place, ..] if *place == FAILED => Some(Self::Taken),
            _ => None,
        }
    }
}

/// The codes of a cancelled transaction's reasons; none of another error.
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
    fn a_cancelled_transaction_says_what_to_do_next() {
        let (failed, conflict) = ("ConditionalCheckFailed", "TransactionConflict");
        for (reasons, refusal) in [
            (&[][..], None),
            (&["None", "None"], None),
            (&["None", failed], Some(Refusal::Taken)),
            (&["None", failed, "None"], Some(Refusal::Taken)),
            (&[failed, "None"], Some(Refusal::Outrun)),
            (&[failed, failed, "None"], Some(Refusal::Outrun)),
            (&[conflict, failed], Some(Refusal::Conflict)),
            (&["None", conflict], Some(Refusal::Conflict)),
            (&["ThrottlingError", "None"], None),
        ] {
            assert_eq!(Refusal::of(reasons), refusal, "{reasons:?}");
        }
    }
}
