//! A histogram of times, in little memory: each step is about 2 % longer than the one before.

use std::time::Duration;

const STEP: f64 = 1.02;
const STEPS: usize = 1_200;

/// A histogram.
#[derive(Debug, Clone)]
pub(super) struct Histogram {
    counts: Vec<u64>,
    all: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; STEPS], all: 0 }
    }
}

impl Histogram {
    /// Adds a time.
    pub(super) fn add(&mut self, time: Duration) {
        let step = (time.as_secs_f64() * 1_000.0).max(1.0).ln() / STEP.ln();
        self.counts[(step as usize).min(STEPS - 1)] += 1;
        self.all += 1;
    }

    /// The time that this part of all are at most.
    pub(super) fn at(&self, part: f64) -> Duration {
        let (rank, mut seen) = ((self.all as f64 * part).ceil() as u64, 0);
        let step = self.counts.iter().position(|count| {
            seen += count;
            seen >= rank
        });
        Duration::from_secs_f64(STEP.powi(step.unwrap_or(0) as i32 + 1) / 1_000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_all_times_are_known_within_two_percent() {
        let mut times = Histogram::default();
        (1..=1_000).for_each(|millis| times.add(Duration::from_millis(millis)));
        for (part, millis) in [(0.5, 500.0), (0.99, 990.0)] {
            let found = times.at(part).as_secs_f64() * 1_000.0;
            assert!((found / millis - 1.0).abs() < 0.021, "{part}: {found}");
        }
    }
}
