//! The event stream, as pushes write to it.
//!
//! Records that Kinesis does not take at once are put again for a few seconds. The request must end
//! while it can still tell what it did, so no try begins after [`PATIENCE`].

use std::time::Duration;

use aws_sdk_kinesis::Client;
use storehook_aws::{
    backoff,
    stream::{self, Record, StreamError},
};

/// The event stream.
#[derive(Clone)]
pub(crate) struct EventStream {
    pub(crate) client: Client,
    pub(crate) name: String,
}

/// How often records that the stream did not take are put again.
const FURTHER_TRIES: usize = 4;

/// How long records are put again. It is longer than all waits, so that calls that are quick use
/// every try.
const PATIENCE: Duration = Duration::from_secs(5);

impl EventStream {
    /// Puts records, and returns the indices of those that the stream did not take.
    pub(crate) async fn put_all(&self, records: Vec<Record>) -> Result<Vec<usize>, StreamError> {
        let mut waiting: Vec<_> = records.into_iter().enumerate().collect();
        let mut backoffs = backoff(FURTHER_TRIES);
        let began = storehook_aws::now();
        let is_too_late = |wait: Duration| {
            let elapsed = storehook_aws::now().duration_since(began);
            Duration::try_from(elapsed).is_ok_and(|elapsed| elapsed + wait >= PATIENCE)
        };
        loop {
            let (indices, records): (Vec<usize>, Vec<Record>) = waiting.into_iter().unzip();
            let unput = stream::put(&self.client, &self.name, records).await?;
            let still =
                unput.records.into_iter().filter_map(|(index, record)| Some((*indices.get(index)?, record)));
            waiting = still.collect();
            match backoffs.next() {
                Some(wait) if !waiting.is_empty() && !is_too_late(wait) => tokio::time::sleep(wait).await,
                _ => {
                    if let Some(reason) = unput.reason {
                        tracing::warn!(reason, events = waiting.len(), "pushed events not taken");
                    }
                    return Ok(waiting.into_iter().map(|(index, _)| index).collect());
                }
            }
        }
    }
}
