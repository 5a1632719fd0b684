//! Places: how many requests one execution environment sends to one host at the same time.
//!
//! A batch of retries may have a hundred messages for one endpoint. An attempt needs a place of its
//! host (scheme, host and port) before it begins, and gives it back at its end. There are [`PLACES`];
//! others wait for one, in their order. Meanwhile, and by the same amount at most, the function
//! waits for the slowest of its batch, so nobody waits longer than leaves time for an attempt and
//! for what follows it. Whoever gets no place makes no attempt, and its message comes again soon.
//!
//! A host is remembered only while somebody has or wants a place there. So there are never more
//! than the messages of two batches.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use storehook_aws::CALL_TIMEOUT;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many requests go to one host at the same time.
pub const PLACES: usize = 50;

/// The function's timeout, as the template sets it.
pub const FUNCTION_TIMEOUT: Duration = Duration::from_secs(60);

/// The longest wait for a place. The webhook was read before, and must not be older than 30 s when
/// its attempt begins.
const LONGEST_WAIT: Duration = Duration::from_secs(25);

/// What an invocation needs besides its attempts: a call before them, two after them one after
/// another, and some time to spare.
const REST: Duration = Duration::from_secs(3 * CALL_TIMEOUT.as_secs() + 2);

/// The places of all hosts.
pub(super) struct Places {
    /// How many each host has.
    count: usize,
    longest_wait: Duration,
    of_origins: Mutex<HashMap<Box<str>, Arc<Semaphore>>>,
}

/// A place for one request, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    /// `None` where nobody counts: see [`Place::uncounted`].
    _permit: Option<OwnedSemaphorePermit>,
}

impl Place {
    /// A place that is taken from nobody.
    pub(crate) const fn uncounted() -> Self {
        Self { _permit: None }
    }
}

impl Default for Places {
    fn default() -> Self {
        Self::new(PLACES, LONGEST_WAIT)
    }
}

impl Places {
    /// So many places for each host, and so long a wait at most.
    pub(super) fn new(count: usize, longest_wait: Duration) -> Self {
        Self { count, longest_wait, of_origins: Mutex::default() }
    }

    /// Takes a place of an origin, or waits for one as long as leaves time for an attempt that takes
    /// `attempt`. `None` if there is none until then.
    pub(super) async fn take(&self, origin: &str, attempt: Duration) -> Option<Place> {
        let patience = patience(attempt).min(self.longest_wait);
        let permit = tokio::time::timeout(patience, self.of(origin).acquire_owned()).await;
        Some(Place { _permit: Some(permit.ok()?.ok()?) })
    }

    /// The places of an origin. Forgets those of all origins that nobody uses.
    fn of(&self, origin: &str) -> Arc<Semaphore> {
        let mut origins = self.of_origins.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever has or wants a place holds another reference.
        origins.retain(|known, places| **known == *origin || Arc::strong_count(places) > 1);
        let places = origins.entry(origin.into()).or_insert_with(|| Arc::new(Semaphore::new(self.count)));
        Arc::clone(places)
    }
}

/// How long a message may wait for a place if an attempt may then take so long.
fn patience(attempt: Duration) -> Duration {
    FUNCTION_TIMEOUT.saturating_sub(attempt + REST).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "https://a.example:443";
    const B: &str = "https://b.example:443";
    const ATTEMPT: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn a_host_has_fifty_places_and_others_have_theirs() {
        let places = Places::new(PLACES, Duration::ZERO);
        let mut taken = Vec::new();
        for _ in 0..PLACES {
            taken.push(places.take(A, ATTEMPT).await.expect("there is a place"));
        }
        assert!(places.take(A, ATTEMPT).await.is_none(), "there are no more");
        assert!(places.take(B, ATTEMPT).await.is_some());
        drop(taken.pop());
        assert!(places.take(A, ATTEMPT).await.is_some(), "a place came free");
    }

    #[tokio::test]
    async fn whoever_waits_gets_the_next_place() {
        let places = Places::default();
        let mut taken = Vec::new();
        for _ in 0..PLACES {
            taken.push(places.take(A, ATTEMPT).await);
        }
        // It is polled first, and finds none.
        let wait = places.take(A, ATTEMPT);
        let (got, ()) = tokio::join!(biased; wait, async { drop(taken.pop()) });
        assert!(got.is_some());
    }

    #[tokio::test]
    async fn only_hosts_in_use_are_remembered() {
        let places = Places::default();
        let kept = places.take(A, ATTEMPT).await;
        for number in 0..1_000 {
            drop(places.take(&format!("https://h{number}.example:443"), ATTEMPT).await);
        }
        assert_eq!(places.of_origins.lock().unwrap().len(), 2, "one has a place, one was the last");
        drop(kept);
        drop(places.take(B, ATTEMPT).await);
        assert_eq!(places.of_origins.lock().unwrap().keys().map(|origin| &**origin).collect::<Vec<_>>(), [B]);
    }

    #[test]
    fn a_wait_leaves_time_for_the_attempt_and_what_follows() {
        for (attempt, wait) in [(1, 25), (5, 25), (15, 25), (16, 24), (30, 10), (60, 0)] {
            let told = patience(Duration::from_secs(attempt));
            assert_eq!(told, Duration::from_secs(wait), "{attempt}");
        }
    }
}
