//! Statistics of a webhook's deliveries.

use crate::history::state::DeliveryState;

/// The number of deliveries in each state, and the latencies of the delivered ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveryStats {
    counts: [u64; DeliveryState::ALL.len()],
    latencies_ms: Vec<u64>,
}

impl DeliveryStats {
    /// Counts a delivery. `latency_ms` is the latency of the attempt that delivered it.
    pub fn count(&mut self, state: DeliveryState, latency_ms: Option<u64>) {
        self.counts[state as usize] += 1;
        self.latencies_ms.extend(latency_ms.filter(|_| state == DeliveryState::Delivered));
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
    /// ones, to four digits; `None` if there are none.
    pub fn success_rate(&self) -> Option<f64> {
        let delivered = self.of(DeliveryState::Delivered);
        let attempted = delivered + self.of(DeliveryState::Retrying) + self.of(DeliveryState::Dead);
        (attempted > 0).then(|| (delivered as f64 / attempted as f64 * 10_000.0).round() / 10_000.0)
    }

    /// The latency, in milliseconds, that this many of a hundred deliveries did not exceed (nearest
    /// rank).
    pub fn latency_percentiles<const N: usize>(&self, percents: [u32; N]) -> [Option<u64>; N] {
        let mut sorted = self.latencies_ms.clone();
        sorted.sort_unstable();
        percents.map(|percent| {
            let rank = (sorted.len() * percent as usize).div_ceil(100);
            sorted.get(rank.saturating_sub(1)).copied()
        })
    }
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
        assert_eq!(stats.success_rate(), Some(0.9804));
        assert_eq!(stats.latency_percentiles([1, 50, 95, 100]), [Some(1), Some(50), Some(95), Some(100)]);
        assert_eq!(stats.total(), 105);
        let counts: Vec<_> = stats.counts().map(|(state, count)| (state.as_str(), count)).collect();
        assert_eq!(
            counts,
            [("pending", 1), ("delivered", 100), ("retrying", 1), ("held", 1), ("cancelled", 1), ("dead", 1)]
        );
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
