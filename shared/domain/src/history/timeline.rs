//! Deliveries over time: how many there were in each hour or day, by state.
//!
//! The slots follow the shop's clock. A day has 23 or 25 hours when the clock changes, and an hour
//! that comes twice has two slots.

use jiff::{Timestamp, ToSpan as _, Unit, ZonedRound, tz::TimeZone};

use crate::history::{state::DeliveryState, stats::DeliveryStats};

/// How far back a timeline goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// The last 24 hours, by the hour.
    Day,
    /// The last 30 days, by the day.
    Month,
}

/// The deliveries of a range of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    slots: Vec<Slot>,
}

/// An hour or a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// When it begins.
    pub start: Timestamp,
    /// Its deliveries, by when they were first queued.
    pub stats: DeliveryStats,
}

impl Timeline {
    /// The slots up to now, without deliveries. The first and the last slot are whole.
    pub fn empty(range: Range, now: Timestamp, zone: &TimeZone) -> Self {
        let now = now.to_zoned(zone.clone());
        let (unit, span, count) = match range {
            Range::Day => (Unit::Hour, 1.hour(), 24),
            Range::Month => (Unit::Day, 1.day(), 30),
        };
        let whole = ZonedRound::new().smallest(unit).mode(jiff::RoundMode::Trunc);
        let mut start = now.round(whole).unwrap_or(now);
        let mut starts = Vec::with_capacity(count);
        for _ in 0..count {
            starts.push(start.timestamp());
            match start.checked_sub(span) {
                Ok(before) => start = before,
                Err(_) => break,
            }
        }
        let slots = starts.into_iter().rev().map(|start| Slot { start, stats: DeliveryStats::default() });
        Self { slots: slots.collect() }
    }

    /// When the first slot begins.
    pub fn since(&self) -> Timestamp {
        self.slots.first().map(|slot| slot.start).unwrap_or_default()
    }

    /// Counts a delivery that was first queued at this time. One before the first slot is left out.
    pub fn count(&mut self, queued_at: Timestamp, state: DeliveryState) {
        let after = self.slots.partition_point(|slot| slot.start <= queued_at);
        if let Some(slot) = after.checked_sub(1).and_then(|index| self.slots.get_mut(index)) {
            slot.stats.count(state, None);
        }
    }

    /// Adds the deliveries of another timeline with the same slots.
    pub fn add(&mut self, other: &Self) {
        for (slot, others) in self.slots.iter_mut().zip(&other.slots) {
            slot.stats.add(&others.stats);
        }
    }

    /// The slots, the oldest first.
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    #[test]
    fn slots_follow_the_shops_clock() -> TestResult {
        for (range, now, zone, count, first, last) in [
            (Range::Day, "2026-11-21T15:30:00Z", "UTC", 24, "2026-11-20T16:00:00Z", "2026-11-21T15:00:00Z"),
            (Range::Day, "2026-11-21T15:00:00Z", "UTC", 24, "2026-11-20T16:00:00Z", "2026-11-21T15:00:00Z"),
            // India is half an hour off.
            (
                Range::Day,
                "2026-11-21T15:45:00Z",
                "Asia/Kolkata",
                24,
                "2026-11-20T16:30:00Z",
                "2026-11-21T15:30:00Z",
            ),
            // In New York the clock went back on the first of November: that day has 25 hours.
            (
                Range::Month,
                "2026-11-02T12:00:00Z",
                "America/New_York",
                30,
                "2026-10-04T04:00:00Z",
                "2026-11-02T05:00:00Z",
            ),
        ] {
            let timeline = Timeline::empty(range, now.parse()?, &TimeZone::get(zone)?);
            let starts: Vec<_> = timeline.slots().iter().map(|slot| slot.start).collect();
            assert_eq!(starts.len(), count, "{now} in {zone}");
            assert_eq!((timeline.since(), starts.last().copied()), (first.parse()?, Some(last.parse()?)));
            assert!(starts.is_sorted());
        }
        Ok(())
    }

    #[test]
    fn a_delivery_counts_in_the_slot_that_it_was_queued_in() -> TestResult {
        let mut timeline = Timeline::empty(Range::Day, "2026-11-21T15:30:00Z".parse()?, &TimeZone::UTC);
        for (queued_at, state) in [
            ("2026-11-20T15:59:59Z", DeliveryState::Dead),
            ("2026-11-20T16:00:00Z", DeliveryState::Dead),
            ("2026-11-21T14:59:59Z", DeliveryState::Delivered),
            ("2026-11-21T15:00:00Z", DeliveryState::Held),
            ("2026-11-21T15:31:00Z", DeliveryState::Pending),
        ] {
            timeline.count(queued_at.parse()?, state);
        }
        let totals: Vec<_> = timeline.slots().iter().map(|slot| slot.stats.total()).collect();
        assert_eq!((totals[0], totals[22], totals[23], totals.iter().sum()), (1, 1, 2, 4_u64));
        timeline.add(&timeline.clone());
        assert_eq!(timeline.slots()[23].stats.of(DeliveryState::Held), 2);
        Ok(())
    }
}
