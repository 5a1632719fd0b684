//! The scale of a simulation.
//!
//! Rates, concurrency and limits are divided by one number: a day at full size would take days to
//! simulate, and only the proportions matter. Times are not scaled.

/// What rates, concurrency and the limit in flight are divided by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scale(pub(crate) f64);

/// About how many messages of a standard queue can be in flight ("Amazon SQS message quotas").
const IN_FLIGHT_LIMIT: f64 = 120_000.0;

/// How many messages in flight a noisy group has at least ("Amazon SQS fair queues").
const NOISY_FROM: f64 = 30.0;

/// The least `MaximumConcurrency` that Lambda takes.
const LEAST_CONCURRENCY: usize = 2;

impl Scale {
    /// The limit of messages in flight.
    pub(crate) fn in_flight_limit(self) -> usize {
        (IN_FLIGHT_LIMIT / self.0) as usize
    }

    /// How many messages in flight a noisy group has at least.
    pub(crate) fn noisy_from(self) -> usize {
        (NOISY_FROM / self.0).ceil() as usize
    }

    /// The limit of a setting; 0 means no limit, and stays 0.
    pub(crate) fn limit(self, limit: f64) -> u64 {
        if limit == 0.0 { 0 } else { ((limit / self.0).round() as u64).max(1) }
    }

    /// A rate.
    pub(crate) fn rate(self, per_second: f64) -> f64 {
        per_second / self.0
    }

    /// The concurrency of a mapping and its batch size, whose product is scaled: how many messages
    /// are worked on at a time. A batch still waits for its slowest message.
    pub(crate) fn pollers(self, concurrency: usize, batch_size: usize) -> (usize, usize) {
        let messages = (concurrency * batch_size) as f64 / self.0;
        let concurrency = ((concurrency as f64 / self.0) as usize).max(LEAST_CONCURRENCY);
        let batch = (messages / concurrency as f64).round() as usize;
        (concurrency, batch.clamp(1, batch_size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_messages_at_a_time_is_scaled() {
        for (scale, real, scaled) in [
            (1.0, (100, 10), (100, 10)),
            (10.0, (100, 10), (10, 10)),
            (100.0, (100, 10), (2, 5)),
            (100.0, (20, 10), (2, 1)),
            (100.0, (50, 100), (2, 25)),
            (100.0, (10, 1), (2, 1)),
        ] {
            assert_eq!(Scale(scale).pollers(real.0, real.1), scaled);
        }
        assert_eq!([0.0, 20.0, 2_000.0].map(|limit| Scale(100.0).limit(limit)), [0, 1, 20]);
        assert_eq!((Scale(100.0).in_flight_limit(), Scale(100.0).noisy_from()), (1_200, 1));
    }
}
