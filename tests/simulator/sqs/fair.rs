//! Fair groups.
//!
//! A group is noisy while it has more than a tenth of what is in flight, and at least 30 messages;
//! or while it takes more than a tenth of the processing time ("Amazon SQS fair queues"). AWS does
//! not say over which period: here processing time counts half after a minute. The messages of noisy
//! groups come after those of quiet ones.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

/// How long until processing time counts half.
const HALF_LIFE: f64 = 60.0;

/// A group with more than this part of all is noisy.
const SHARE: f64 = 0.1;

/// The groups of a queue, each with its messages that can be received.
#[derive(Default)]
pub(super) struct Groups {
    groups: BTreeMap<Arc<str>, Group>,
    in_flight: usize,
}

#[derive(Default)]
struct Group {
    /// The messages, each with a number that tells in which order they became ready.
    ready: VecDeque<(u64, u64)>,
    in_flight: usize,
    work: Work,
}

/// Processing time, which fades.
#[derive(Default, Clone, Copy)]
struct Work {
    seconds: f64,
    at: Duration,
}

impl Work {
    fn at(self, now: Duration) -> f64 {
        self.seconds * 0.5_f64.powf((now.saturating_sub(self.at)).as_secs_f64() / HALF_LIFE)
    }

    fn add(&mut self, time: Duration, now: Duration) {
        *self = Self { seconds: self.at(now) + time.as_secs_f64(), at: now };
    }
}

impl Groups {
    fn group(&mut self, name: &Arc<str>) -> &mut Group {
        self.groups.entry(name.clone()).or_default()
    }

    /// A message of the group can be received.
    pub(super) fn ready(&mut self, group: &Arc<str>, order: u64, id: u64) {
        self.group(group).ready.push_back((order, id));
    }

    /// A message of the group was received.
    pub(super) fn received(&mut self, group: &Arc<str>) {
        self.in_flight += 1;
        self.group(group).in_flight += 1;
    }

    /// A message of the group is no longer in flight.
    pub(super) fn landed(&mut self, group: &Arc<str>) {
        self.in_flight -= 1;
        self.group(group).in_flight -= 1;
    }

    /// A message of the group was worked on for so long.
    pub(super) fn worked(&mut self, group: &Arc<str>, time: Duration, now: Duration) {
        self.group(group).work.add(time, now);
    }

    /// How many messages are in flight.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Whether some message can be received.
    pub(super) fn has_ready(&self) -> bool {
        self.groups.values().any(|group| !group.ready.is_empty())
    }

    /// The groups that are noisy now, of so many messages in flight at least.
    pub(super) fn noisy(&self, at_least: usize, now: Duration) -> Vec<Arc<str>> {
        let work: f64 = self.groups.values().map(|group| group.work.at(now)).sum();
        let is_noisy = |group: &Group| {
            let of_flight = group.in_flight as f64 > SHARE * self.in_flight as f64;
            of_flight && group.in_flight >= at_least || group.work.at(now) > SHARE * work
        };
        let noisy = self.groups.iter().filter(|(_, group)| is_noisy(group));
        noisy.map(|(name, _)| name.clone()).collect()
    }

    /// Takes the next message that can be received.
    pub(super) fn next(&mut self, noisy: &[Arc<str>]) -> Option<u64> {
        let heads = self.groups.iter_mut().filter_map(|(name, group)| {
            let (order, _) = *group.ready.front()?;
            Some(((noisy.contains(name), order), group))
        });
        let (_, group) = heads.min_by_key(|(rank, _)| *rank)?;
        group.ready.pop_front().map(|(_, id)| id)
    }
}
