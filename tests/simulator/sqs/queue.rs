//! One queue.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    sync::Arc,
    time::Duration,
};

use super::{
    fair::Groups,
    message::{Counting, Message, Place, Received},
};
use crate::clock;

/// A queue, as the template has it, and its limits.
#[derive(Debug, Clone)]
pub(crate) struct QueueSettings {
    pub(crate) name: String,
    pub(crate) visibility_timeout: Duration,
    pub(crate) retention: Duration,
    pub(crate) redrive: Option<Redrive>,
    /// The most messages in flight.
    pub(crate) in_flight_limit: usize,
    /// How many messages in flight a noisy group has at least.
    pub(crate) noisy_from: usize,
}

/// After how many receives a message moves, and where to.
#[derive(Debug, Clone)]
pub(crate) struct Redrive {
    pub(crate) max_receive_count: u32,
    pub(crate) target: String,
}

/// What has gone through a queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) sent: u64,
    pub(crate) receives: u64,
    pub(crate) deleted: u64,
    /// Messages that moved here from another queue.
    pub(crate) moved_here: u64,
    /// Messages that were older than the retention.
    pub(crate) expired: u64,
    /// Messages that the service lost on purpose.
    pub(crate) lost: u64,
    /// The most that were in flight at a time.
    pub(crate) most_in_flight: usize,
}

/// A queue with its messages.
pub(super) struct Queue {
    pub(super) settings: QueueSettings,
    pub(super) tally: Tally,
    messages: BTreeMap<u64, Message>,
    groups: Groups,
    /// When messages become ready, each with the turn for which this is true.
    due: BinaryHeap<Reverse<(Duration, u64, u64)>>,
    order: u64,
}

impl Queue {
    pub(super) fn new(settings: QueueSettings) -> Self {
        let (messages, groups, due) = (BTreeMap::new(), Groups::default(), BinaryHeap::new());
        Self { settings, tally: Tally::default(), messages, groups, due, order: 0 }
    }

    /// Takes a message that was sent.
    pub(super) fn send(&mut self, id: u64, body: &str, group: &str, delay: Duration, now: Duration) {
        self.tally.sent += 1;
        let (body, group) = (Arc::from(body), Arc::from(group));
        let (sent_at, place) = (clock::now(), Place::Delayed);
        self.messages
            .insert(id, Message { id, body, group, sent_at, sent: now, receives: 0, place, turn: 0 });
        self.show_at(id, now + delay, now);
    }

    /// Takes a message that moves here.
    pub(super) fn take_over(&mut self, mut message: Message, counting: Counting) {
        self.tally.moved_here += 1;
        if counting == Counting::Anew {
            message.receives = 0;
        }
        let (id, now) = (message.id, clock::elapsed());
        message.place = Place::Delayed;
        self.messages.insert(id, message);
        self.show_at(id, now, now);
    }

    /// Receives messages, up to `count`. Also returns those that move to the next queue.
    pub(super) fn receive(&mut self, count: usize, now: Duration) -> (Vec<Received>, Vec<Message>) {
        self.show_due(now);
        let (mut received, mut moved) = (Vec::new(), Vec::new());
        if !self.groups.has_ready() {
            return (received, moved);
        }
        let noisy = self.groups.noisy(self.settings.noisy_from, now);
        while received.len() < count && self.groups.in_flight() < self.settings.in_flight_limit {
            let Some(id) = self.groups.next(&noisy) else { break };
            let Some(message) = self.messages.get_mut(&id) else { continue };
            let is_spent = |redrive: &Redrive| message.receives >= redrive.max_receive_count;
            if now.saturating_sub(message.sent) > self.settings.retention {
                self.tally.expired += 1;
                self.messages.remove(&id);
            } else if self.settings.redrive.as_ref().is_some_and(is_spent) {
                moved.extend(self.messages.remove(&id));
            } else {
                message.receives += 1;
                message.turn += 1;
                message.place = Place::InFlight(now);
                self.due.push(Reverse((now + self.settings.visibility_timeout, id, message.turn)));
                self.groups.received(&message.group);
                received.push(Received {
                    id,
                    receipt_handle: format!("{id}/{}", message.receives),
                    body: message.body.clone(),
                    group: message.group.clone(),
                    sent_at: message.sent_at,
                    receives: message.receives,
                });
            }
        }
        self.tally.receives += received.len() as u64;
        self.tally.most_in_flight = self.tally.most_in_flight.max(self.groups.in_flight());
        (received, moved)
    }

    /// Hides a received message for so long from now on; `false` if the receipt is not its latest.
    pub(super) fn hide(&mut self, receipt_handle: &str, wait: Duration, now: Duration) -> bool {
        let Some(id) = self.received(receipt_handle) else { return false };
        let Some(message) = self.messages.get_mut(&id) else { return false };
        let Place::InFlight(since) = message.place else { return false };
        message.turn += 1;
        let turn = message.turn;
        self.groups.worked(&message.group, now.saturating_sub(since), now);
        self.due.push(Reverse((now + wait, id, turn)));
        true
    }

    /// Deletes a received message; `false` if the receipt is not its latest.
    pub(super) fn delete(&mut self, receipt_handle: &str, now: Duration) -> bool {
        let Some(id) = self.received(receipt_handle) else { return false };
        let Some(message) = self.messages.remove(&id) else { return false };
        if let Place::InFlight(since) = message.place {
            self.groups.landed(&message.group);
            self.groups.worked(&message.group, now.saturating_sub(since), now);
        }
        self.tally.deleted += 1;
        true
    }

    fn received(&self, receipt_handle: &str) -> Option<u64> {
        let (id, receives) = receipt_handle.split_once('/')?;
        let id = id.parse().ok()?;
        (self.messages.get(&id)?.receives.to_string() == receives).then_some(id)
    }

    /// Shows a message from this time on.
    fn show_at(&mut self, id: u64, at: Duration, now: Duration) {
        let Some(message) = self.messages.get_mut(&id) else { return };
        message.turn += 1;
        self.due.push(Reverse((at, id, message.turn)));
        self.show_due(now);
    }

    /// Shows the messages that are due.
    pub(super) fn show_due(&mut self, now: Duration) {
        while let Some(Reverse((at, id, turn))) = self.due.peek().copied()
            && at <= now
        {
            self.due.pop();
            let Some(message) = self.messages.get_mut(&id).filter(|message| message.turn == turn) else {
                continue;
            };
            if let Place::InFlight(_) = message.place {
                self.groups.landed(&message.group);
            }
            message.place = Place::Ready;
            self.order += 1;
            self.groups.ready(&message.group, self.order, id);
        }
    }

    /// When something may change: now if a message is ready and may be received, else when the next
    /// one is due. Entries of earlier turns may make the answer too early, never too late.
    pub(super) fn next_change(&self) -> Option<Duration> {
        if self.groups.has_ready() && self.groups.in_flight() < self.settings.in_flight_limit {
            return Some(Duration::ZERO);
        }
        self.due.peek().map(|Reverse((at, ..))| *at)
    }

    /// Shows a message that is in flight at this time, although somebody works on it.
    pub(super) fn show_again(&mut self, id: u64, at: Duration) {
        if let Some(message) = self.messages.get(&id) {
            self.due.push(Reverse((at, id, message.turn)));
        }
    }

    /// Drops the messages that are older than the retention.
    pub(super) fn expire(&mut self, now: Duration) {
        let (retention, groups) = (self.settings.retention, &mut self.groups);
        let before = self.messages.len();
        self.messages.retain(|_, message| {
            let is_kept = now.saturating_sub(message.sent) <= retention;
            if !is_kept && let Place::InFlight(_) = message.place {
                groups.landed(&message.group);
            }
            is_kept
        });
        self.tally.expired += (before - self.messages.len()) as u64;
    }

    pub(super) fn depth(&self) -> usize {
        self.messages.len()
    }

    pub(super) fn in_flight(&self) -> usize {
        self.groups.in_flight()
    }

    pub(super) fn bodies(&self) -> Vec<Arc<str>> {
        self.messages.values().map(|message| message.body.clone()).collect()
    }
}
