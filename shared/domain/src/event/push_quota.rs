//! The quota of pushed events: how many events an installation may push.
//!
//! Each installation has a leaky [bucket](RateLimit) for its events, beside the one for its calls.
//! An event fans out to webhooks, so it is not always one drop: it is one for every ten webhooks of
//! the installation, rounded up, and one if there are none. A list of events is poured at once, or
//! not at all.
//!
//! One event always fits into an empty bucket, whatever it costs. A list that never fits is refused
//! for good: to wait would not help.

use crate::installation::rate_limit::RateLimit;

/// How many webhooks an event reaches for one drop.
const WEBHOOKS_OF_A_DROP: u64 = 10;

/// How many events an installation may push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PushQuota(RateLimit);

/// The list has more events than ever fit into the bucket at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be at most {most} events at once, with the {webhooks} webhooks of this app")]
pub struct TooManyEvents {
    /// How many fit.
    pub most: u32,
    /// How many webhooks the installation has.
    pub webhooks: u64,
}

impl PushQuota {
    /// A bucket that holds `burst` drops and loses `per_second` a second. `None` means no quota: one
    /// of the two is 0.
    pub fn new(burst: u32, per_second: u32) -> Option<Self> {
        RateLimit::new(burst, per_second).map(Self)
    }

    /// The bucket.
    pub fn bucket(self) -> RateLimit {
        self.0
    }

    /// How many drops these events are, of an installation with so many webhooks.
    ///
    /// ```
    /// use storehook_domain::event::push_quota::PushQuota;
    ///
    /// let quota = PushQuota::new(1_000, 50).expect("it is a quota");
    /// assert_eq!(quota.drops(5, 21), Ok(15));
    /// ```
    ///
    /// # Errors
    ///
    /// They never fit into the bucket.
    pub fn drops(self, events: usize, webhooks: u64) -> Result<u32, TooManyEvents> {
        let burst = self.0.burst();
        let each = webhooks.div_ceil(WEBHOOKS_OF_A_DROP).clamp(1, burst.into());
        let drops = u64::try_from(events).unwrap_or(u64::MAX).saturating_mul(each);
        let most = u32::try_from(u64::from(burst) / each).unwrap_or(burst);
        match u32::try_from(drops) {
            Ok(drops) if drops <= burst => Ok(drops),
            _ => Err(TooManyEvents { most, webhooks }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_a_drop_for_every_ten_webhooks_and_fits_alone_always() {
        for (burst, events, webhooks, drops) in [
            (1_000, 1, 0, Ok(1)),
            (1_000, 1, 1, Ok(1)),
            (1_000, 1, 10, Ok(1)),
            (1_000, 1, 11, Ok(2)),
            (1_000, 1, 1_000, Ok(100)),
            (1_000, 500, 20, Ok(1_000)),
            (1_000, 500, 21, Err(TooManyEvents { most: 333, webhooks: 21 })),
            (1_000, 10, 1_000, Ok(1_000)),
            (1_000, 11, 1_000, Err(TooManyEvents { most: 10, webhooks: 1_000 })),
            (40, 1, 1_000, Ok(40)),
            (40, 2, 1_000, Err(TooManyEvents { most: 1, webhooks: 1_000 })),
            (1, 1, u64::MAX, Ok(1)),
            (1_000, usize::MAX, u64::MAX, Err(TooManyEvents { most: 1, webhooks: u64::MAX })),
        ] {
            let told = PushQuota::new(burst, 50).map(|quota| quota.drops(events, webhooks));
            assert_eq!(told, Some(drops), "{events} events, {webhooks} webhooks, {burst} at once");
        }
    }

    #[test]
    fn there_is_no_quota_without_a_burst_or_a_rate() {
        for (burst, per_second) in [(0, 50), (1_000, 0), (0, 0)] {
            assert_eq!(PushQuota::new(burst, per_second), None);
        }
    }

    #[test]
    fn a_list_that_never_fits_is_told_how_many_would() {
        let told = "must be at most 10 events at once, with the 1000 webhooks of this app";
        assert_eq!(TooManyEvents { most: 10, webhooks: 1_000 }.to_string(), told);
    }
}
