//! The plan of a soak.

use std::time::Duration;

use crate::{deployment::Options, faults::Rates, scale::Scale, sqs::Counting};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// What is to be done.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How many deliveries are published, or a few more.
    pub deliveries: u64,
    /// What decides every random number.
    pub seed: u64,
    /// How often each fault happens.
    pub rates: Rates,
    /// How long events are published.
    pub(super) time: Duration,
    /// How many days the history is kept, if everything is to expire in the end.
    pub(super) kept_days: Option<u32>,
}

impl Plan {
    /// So many deliveries in an hour, or at 50 a second.
    pub(super) fn of(deliveries: u64, seed: u64) -> Self {
        let rates = Rates::mixed(&mut fastrand::Rng::with_seed(seed));
        let time = HOUR.max(Duration::from_secs(deliveries / 50));
        Self { deliveries, seed, rates, time, kept_days: None }
    }

    /// The same over a time of many days. The history is kept so long that each day's deliveries end
    /// before it forgets them: what is dead is dead after two days, and longer if there are many days.
    pub(super) fn over(self, time: Duration) -> Self {
        let kept_days = if time >= 20 * DAY { 7 } else { 3 };
        Self { time, kept_days: Some(kept_days), ..self }
    }

    /// How the simulation is run.
    pub(super) fn options(&self) -> Options {
        let mut environment = Vec::new();
        for name in ["HISTORY_DELIVERY_DAYS", "HISTORY_PAYLOAD_DAYS"] {
            environment.extend(self.kept_days.map(|days| (name.to_owned(), days.to_string())));
        }
        let (scale, counting) = (Scale(10.0), Counting::Anew);
        Options {
            scale,
            seed: self.seed,
            time: self.time,
            quiet_within: Duration::ZERO,
            counting,
            environment,
        }
    }
}
