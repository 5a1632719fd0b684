//! Statistics of deliveries. Their size does not grow with the number of the deliveries.

use std::collections::BTreeMap;

use crate::history::state::DeliveryState;

/// The number of deliveries in each state, and the latencies of the delivered ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveryStats {
    counts: [u64; DeliveryState::ALL.len()],
    /// How many had each latency.
    latencies_ms: BTreeMap<u64, u64>,
}

impl DeliveryStats {
    /// Counts a delivery. `latency_ms` is the latency of the attempt that delivered it.
    pub fn count(&mut self, state: DeliveryState, latency_ms: Option<u64>) {
        self.counts[state as usize] += 1;
        if let Some(latency) = latency_ms.filter(|_| state == DeliveryState::Delivered) {
            *self.latencies_ms.entry(coarse(latency)).or_default() += 1;
        }
    }

    /// Adds other deliveries.
    pub fn add(&mut self, other: &Self) {
        for (state, number) in other.counts() {
            self.counts[state as usize] += number;
        }
        for (latency, number) in &other.latencies_ms {
            *self.latencies_ms.entry(*latency).or_default() += number;
        }
    }

    /// The number of deliveries in each state.
    pub fn counts(&self) -> impl Iterator<Item = (DeliveryState, u64)> {
        DeliveryState::ALL.into_iter().map(|state| (state, self.counts[state as usize]))
    }

    /// The number of deliveries in a state.
    pub fn of(&self, state: DeliveryState) -> u64 {
        self.counts[state as usize]
    }

    /// The number of deliveries in all states.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The number of delivered deliveries divided by the number of delivered, retrying and dead
    /// ones, to four digits and rounded down; `None` if there are none.
    pub fn success_rate(&self) -> Option<f64> {
        let delivered = self.of(DeliveryState::Delivered);
        let attempted = delivered + self.of(DeliveryState::Retrying) + self.of(DeliveryState::Dead);
        (attempted > 0).then(|| (delivered * 10_000 / attempted) as f64 / 10_000.0)
    }

    /// The latency, in milliseconds, that this many of a hundred deliveries did not exceed (nearest
    /// rank). From a second up, it is rounded down to three digits.
    pub fn latency_percentiles<const N: usize>(&self, percents: [u32; N]) -> [Option<u64>; N] {
        let all: u64 = self.latencies_ms.values().sum();
        percents.map(|percent| {
            let rank = (all * u64::from(percent)).div_ceil(100).max(1);
            let mut up_to_here = 0;
            let found = self.latencies_ms.iter().find(|(_, number)| {
                up_to_here += **number;
                up_to_here >= rank
            });
            found.map(|(latency, _)| *latency)
        })
    }
}

/// The first three digits of a number, and zeros.
fn coarse(number: u64) -> u64 {
    let step = 10_u64.pow(number.checked_ilog10().unwrap_or_default().saturating_sub(2));
    number / step * step
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deliveries_are_counted_by_state_with_their_success_rate_and_latencies() {
        let mut stats = DeliveryStats::default();
        assert_eq!((stats.total(), stats.success_rate()), (0, None));
        assert_eq!(stats.latency_percentiles([50, 95]), [None, None]);
        for latency in 1..=100 {
            stats.count(DeliveryState::Delivered, Some(latency));
        }
        for state in [DeliveryState::Pending, DeliveryState::Held, DeliveryState::Cancelled] {
            stats.count(state, None);
        }
        assert_eq!(stats.success_rate(), Some(1.0));
        stats.count(DeliveryState::Dead, Some(7_000));
        stats.count(DeliveryState::Retrying, None);
        assert_eq!(stats.success_rate(), Some(0.9803));
        assert_eq!(stats.latency_percentiles([1, 50, 95, 100]), [Some(1), Some(50), Some(95), Some(100)]);
        assert_eq!(stats.total(), 105);
        let counts: Vec<_> = stats.counts().map(|(state, count)| (state.as_str(), count)).collect();
        assert_eq!(
            counts,
            [("pending", 1), ("delivered", 100), ("retrying", 1), ("held", 1), ("cancelled", 1), ("dead", 1)]
        );
    }

    #[test]
    fn a_success_rate_is_all_only_if_nothing_failed() {
        let mut stats = DeliveryStats::default();
        (0..99_999).for_each(|_| stats.count(DeliveryState::Delivered, None));
        stats.count(DeliveryState::Dead, None);
        assert_eq!(stats.success_rate(), Some(0.9999));
    }

    #[test]
    fn latencies_are_kept_to_three_digits_and_in_bounded_space() {
        let (mut stats, mut others) = (DeliveryStats::default(), DeliveryStats::default());
        for latency in [0, 999, 1_290, 1_299, 29_999] {
            stats.count(DeliveryState::Delivered, Some(latency));
        }
        assert_eq!(stats.latency_percentiles([1, 40, 60, 80, 100]), [0, 999, 1_290, 1_290, 29_900].map(Some));
        (0..30_000).for_each(|latency| others.count(DeliveryState::Delivered, Some(latency)));
        others.count(DeliveryState::Dead, None);
        stats.add(&others);
        assert_eq!((stats.of(DeliveryState::Delivered), stats.total()), (30_005, 30_006));
        assert_eq!(stats.latency_percentiles([50]), [Some(14_900)]);
        assert!(stats.latencies_ms.len() < 3_000, "{}", stats.latencies_ms.len());
    }

    #[test]
    fn percentiles_of_few_latencies_use_the_nearest_rank() {
        let mut stats = DeliveryStats::default();
        stats.count(DeliveryState::Delivered, Some(30));
        assert_eq!(stats.latency_percentiles([50, 95]), [Some(30), Some(30)]);
        stats.count(DeliveryState::Delivered, Some(10));
        assert_eq!(stats.latency_percentiles([50, 95]), [Some(10), Some(30)]);
    }
}
