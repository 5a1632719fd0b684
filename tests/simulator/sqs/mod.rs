//! A stand-in for SQS: standard queues with their limits, on the virtual clock.
//!
//! A queue ([`queue`]) has a limit of messages in flight. At the limit, receives return nothing,
//! and no error ("Amazon SQS message quotas": about 120,000 for a standard queue). A message that
//! was received [`maxReceiveCount`](queue::Redrive) times moves to the next queue when it would be
//! received once more, with its id and its age. Whether its receive count starts anew there is not
//! documented, so [`Counting`] is a parameter. Quiet groups come before noisy ones ([`fair`]).
//!
//! Real queues also show a message twice, change the order, and hide messages from a receive. This one
//! does so as [`faults`](crate::faults).

mod api;
mod fair;
mod message;
mod queue;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::Notify;

use self::queue::Queue;
pub(crate) use self::{
    message::{Counting, Received},
    queue::{QueueSettings, Redrive, Tally},
};
use crate::{
    clock,
    faults::{Fault, Faults},
};

/// SQS. Clones are the same service.
#[derive(Clone)]
pub(crate) struct Sqs(Arc<Service>);

struct Service {
    queues: Mutex<BTreeMap<String, Queue>>,
    /// Something may be there to receive.
    changed: BTreeMap<String, Notify>,
    counting: Counting,
    faults: Faults,
    /// How many messages were sent.
    sent: AtomicU64,
}

/// The longest wait of a receive ("long polling").
const LONG_POLL: Duration = Duration::from_secs(20);

/// The longest time until a message is shown again that should be hidden.
const SHOWN_AGAIN_WITHIN: Duration = Duration::from_secs(20);

impl Sqs {
    /// A service with these queues.
    pub(crate) fn new(settings: Vec<QueueSettings>, counting: Counting, faults: Faults) -> Self {
        let changed = settings.iter().map(|settings| (settings.name.clone(), Notify::new())).collect();
        let queues = settings.into_iter().map(|settings| (settings.name.clone(), Queue::new(settings)));
        Self(Arc::new(Service {
            queues: Mutex::new(queues.collect()),
            changed,
            counting,
            faults,
            sent: AtomicU64::new(1),
        }))
    }

    fn queues(&self) -> MutexGuard<'_, BTreeMap<String, Queue>> {
        self.0.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works on a queue, and wakes everything that waits for it.
    fn with<T>(&self, name: &str, work: impl FnOnce(&mut Queue, Duration) -> T) -> Option<T> {
        let result = self.queues().get_mut(name).map(|queue| work(queue, clock::elapsed()));
        if let Some(changed) = self.0.changed.get(name) {
            changed.notify_waiters();
        }
        result
    }

    /// The id of the next message.
    fn next_id(&self) -> u64 {
        self.0.sent.fetch_add(1, Ordering::Relaxed)
    }

    /// Receives messages, up to `count`, without waiting.
    pub(crate) fn receive(&self, name: &str, count: usize) -> Vec<Received> {
        let mut queues = self.queues();
        let Some(queue) = queues.get_mut(name) else { return Vec::new() };
        let (mut received, moved) = queue.receive(count, clock::elapsed());
        let faults = &self.0.faults;
        for message in &received {
            if faults.happens_to(Fault::ShownTwice, &message.body) {
                queue.show_again(message.id, clock::elapsed() + SHOWN_AGAIN_WITHIN.mul_f64(faults.part()));
            }
        }
        received.retain(|message| !faults.happens_to(Fault::ReceiveLost, &message.body));
        let target = queue.settings.redrive.as_ref().map(|redrive| redrive.target.clone());
        if let Some(target) = target.filter(|_| !moved.is_empty())
            && let Some(next) = queues.get_mut(&target)
        {
            for message in moved {
                next.take_over(message, self.0.counting);
            }
            drop(queues);
            if let Some(changed) = self.0.changed.get(&target) {
                changed.notify_waiters();
            }
        }
        received
    }

    /// Receives messages, up to `count`, waiting for the first one and then for `window` to fill
    /// the batch. Returns none if none came within the longest wait.
    pub(crate) async fn receive_batch(&self, name: &str, count: usize, window: Duration) -> Vec<Received> {
        let mut batch = Vec::new();
        let (mut until, gives_up) = (None, clock::elapsed() + LONG_POLL);
        loop {
            let Some(changed) = self.0.changed.get(name) else { return batch };
            let changed = changed.notified();
            batch.extend(self.receive(name, count - batch.len()));
            if !batch.is_empty() {
                let end = *until.get_or_insert_with(|| clock::elapsed() + window);
                if batch.len() >= count || clock::elapsed() >= end {
                    return batch;
                }
            } else if clock::elapsed() >= gives_up {
                return batch;
            }
            let next = self.queues().get(name).and_then(Queue::next_change);
            let wake = [next, until, Some(gives_up)].into_iter().flatten().min();
            let wait = wake.unwrap_or_default().saturating_sub(clock::elapsed());
            // At least a tick: the clock's timers are whole milliseconds.
            let wait = wait.max(Duration::from_millis(1));
            _ = tokio::time::timeout(wait, changed).await;
        }
    }

    /// What has gone through a queue.
    pub(crate) fn tally(&self, name: &str) -> Tally {
        self.queues().get(name).map(|queue| queue.tally).unwrap_or_default()
    }

    /// How many messages a queue holds, those in flight included.
    pub(crate) fn depth(&self, name: &str) -> usize {
        self.queues().get(name).map_or(0, Queue::depth)
    }

    /// How many messages of a queue are in flight.
    pub(crate) fn in_flight(&self, name: &str) -> usize {
        self.queues().get(name).map_or(0, Queue::in_flight)
    }

    /// Drops what is older than the retention, in each queue.
    pub(crate) fn expire(&self) {
        self.queues().values_mut().for_each(|queue| queue.expire(clock::elapsed()));
    }

    /// The bodies of the messages of a queue.
    pub(crate) fn bodies(&self, name: &str) -> Vec<Arc<str>> {
        self.queues().get(name).map(Queue::bodies).unwrap_or_default()
    }
}
