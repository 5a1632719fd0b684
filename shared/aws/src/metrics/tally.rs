//! What was counted, as a value.

use super::metric::Metric;

/// What was counted: a number for each metric that counts, and the values of those that measure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    counts: [i64; Metric::COUNT],
    values: Vec<(Metric, u64)>,
}

impl Tally {
    /// Counts so many.
    pub fn count(&mut self, metric: Metric, number: i64) {
        self.counts[metric as usize] += number;
    }

    /// Adds a measured value.
    pub fn measure(&mut self, metric: Metric, value: u64) {
        self.values.push((metric, value));
    }

    /// Adds what was counted elsewhere.
    pub fn add(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
        self.values.extend(&other.values);
    }

    /// How many were counted.
    pub fn counted(&self, metric: Metric) -> i64 {
        let count = |metric: Metric| self.counts[metric as usize];
        match metric {
            Metric::Missing => {
                let ended = count(Metric::Done) + count(Metric::Dead);
                count(Metric::Sent) - ended - count(Metric::QueuedChange)
            }
            metric => count(metric),
        }
    }

    /// The values that were measured, in their order.
    pub fn measured(&self, metric: Metric) -> Vec<u64> {
        self.values.iter().filter(|(of, _)| *of == metric).map(|(_, value)| *value).collect()
    }
}
