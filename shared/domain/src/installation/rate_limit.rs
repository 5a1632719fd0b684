//! The rate limit: leaky buckets of an installation, one for its calls, and one for each other thing
//! that is limited.
//!
//! Each call pours one drop into its bucket, or as many as it costs. The bucket holds `burst` drops and loses `per_second`
//! drops a second. Its whole state is one number: the time at which it will be empty. Each drop
//! moves that time later, by the time that one drop takes to leak.
//!
//! Many callers share a bucket, and each writes its state to a table. So [`RateLimit::admit`]
//! returns a [`Pour`]: the write to make and the condition on which to make it. If the condition
//! fails, somebody else was faster; the caller reads the state and asks again.

/// How many calls an installation may make, or what else is counted. All times are microseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    burst: u32,
    drop_micros: i64,
}

/// The write that pours a call into its bucket, and the condition of the write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pour {
    /// The bucket is empty. Write this time, on the condition that it is still empty.
    Begin {
        /// The time to write.
        empty_at: i64,
    },
    /// The bucket holds some drops. Add to its time, on the conditions that it still holds some and
    /// that its time is at most `latest`.
    Add {
        /// How much later.
        micros: i64,
        /// The latest time of a bucket that has room for the drops.
        latest: i64,
    },
}

/// The bucket has no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no room: try again in {seconds} s")]
pub struct BucketFull {
    /// After how many whole seconds there is room again, at least 1.
    pub seconds: i64,
}

impl RateLimit {
    /// Allows `burst` calls at once, and `per_second` a second in the long run. `None` means no
    /// limit: one of the two is 0.
    pub fn new(burst: u32, per_second: u32) -> Option<Self> {
        let drop_micros = 1_000_000_i64.checked_div(per_second.into())?.max(1);
        (burst > 0).then_some(Self { burst, drop_micros })
    }

    /// Judges a call at `now` that costs so many `drops`; more than the bucket can hold count as a
    /// whole bucket. The bucket will be empty at `empty_at`; `None` is a bucket that was never used.
    ///
    /// ```
    /// use storehook_domain::installation::rate_limit::{BucketFull, Pour, RateLimit};
    ///
    /// let limit = RateLimit::new(1, 2).expect("it is a limit");
    /// assert_eq!(limit.admit(1, None, 0), Ok(Pour::Begin { empty_at: 500_000 }));
    /// assert_eq!(limit.admit(1, Some(500_000), 0), Err(BucketFull { seconds: 1 }));
    /// ```
    ///
    /// # Errors
    ///
    /// The bucket has no room for the drops.
    pub fn admit(&self, drops: u32, empty_at: Option<i64>, now: i64) -> Result<Pour, BucketFull> {
        let drops = drops.min(self.burst);
        let (latest, micros) = (now + self.micros(self.burst - drops), self.micros(drops));
        match empty_at {
            Some(empty_at) if empty_at > latest => {
                Err(BucketFull { seconds: ceiling(empty_at - latest, 1_000_000) })
            }
            Some(empty_at) if empty_at > now => Ok(Pour::Add { micros, latest }),
            _ => Ok(Pour::Begin { empty_at: now + micros }),
        }
    }

    /// How many drops are in a bucket that will be empty at `empty_at`.
    pub fn level(&self, empty_at: i64, now: i64) -> u32 {
        let drops = ceiling((empty_at - now).max(0), self.drop_micros);
        u32::try_from(drops).map_or(self.burst, |drops| drops.min(self.burst))
    }

    /// How long so many drops take to leak.
    fn micros(&self, drops: u32) -> i64 {
        i64::from(drops) * self.drop_micros
    }

    /// How many drops the bucket can hold.
    pub fn burst(&self) -> u32 {
        self.burst
    }
}

fn ceiling(dividend: i64, divisor: i64) -> i64 {
    (dividend + divisor - 1) / divisor
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The state after a call: makes the write, if the call was admitted.
    fn after(empty_at: Option<i64>, admission: Result<Pour, BucketFull>) -> Option<i64> {
        match admission {
            Ok(Pour::Begin { empty_at }) => Some(empty_at),
            Ok(Pour::Add { micros, .. }) => empty_at.map(|empty_at| empty_at + micros),
            Err(_) => empty_at,
        }
    }

    #[test]
    fn there_is_no_limit_without_a_burst_or_a_rate() {
        for (burst, per_second, limit) in [
            (40, 2, Some(RateLimit { burst: 40, drop_micros: 500_000 })),
            (1_000, 500, Some(RateLimit { burst: 1_000, drop_micros: 2_000 })),
            (0, 2, None),
            (40, 0, None),
            (0, 0, None),
        ] {
            assert_eq!(RateLimit::new(burst, per_second), limit);
            // Callers are told how much the bucket holds.
            assert_eq!(limit.map_or(burst, |limit| limit.burst()), burst);
        }
    }

    #[test]
    fn a_bucket_of_forty_admits_forty_calls_at_once_and_then_two_a_second() {
        let limit = RateLimit { burst: 40, drop_micros: 500_000 };
        let mut empty_at = None;
        for call in 1..=40 {
            empty_at = after(empty_at, limit.admit(1, empty_at, 0));
            assert_eq!(empty_at.map(|empty_at| limit.level(empty_at, 0)), Some(call));
        }
        for (now, admission) in [
            (0, Err(BucketFull { seconds: 1 })),
            (499_999, Err(BucketFull { seconds: 1 })),
            (500_000, Ok(Pour::Add { micros: 500_000, latest: 20_000_000 })),
            (20_000_000, Ok(Pour::Begin { empty_at: 20_500_000 })),
        ] {
            assert_eq!(limit.admit(1, empty_at, now), admission, "at {now}");
        }
        assert_eq!(limit.level(20_000_000, 10_000_000), 20);
    }

    #[test]
    fn a_full_bucket_tells_when_the_next_call_fits() {
        let limit = RateLimit { burst: 1, drop_micros: 2_500_000 };
        assert_eq!(limit.admit(1, Some(2_500_000), 0), Err(BucketFull { seconds: 3 }));
    }

    #[test]
    fn several_drops_fit_together_or_not_at_all() {
        let limit = RateLimit { burst: 10, drop_micros: 1_000_000 };
        for (drops, empty_at, admission) in [
            (10, None, Ok(Pour::Begin { empty_at: 10_000_000 })),
            (7, Some(3_000_000), Ok(Pour::Add { micros: 7_000_000, latest: 3_000_000 })),
            (8, Some(3_000_000), Err(BucketFull { seconds: 1 })),
            (10, Some(3_500_000), Err(BucketFull { seconds: 4 })),
            (99, Some(3_500_000), Err(BucketFull { seconds: 4 })),
            (99, None, Ok(Pour::Begin { empty_at: 10_000_000 })),
        ] {
            assert_eq!(limit.admit(drops, empty_at, 0), admission, "{drops} drops");
        }
    }

    proptest! {
        #[test]
        fn admitted_calls_never_exceed_the_burst_plus_the_leaked_drops(
            burst in 1_u32..50,
            drop_micros in 1_000_i64..2_000_000,
            gaps in prop::collection::vec(0_i64..2_000_000, 1..200),
        ) {
            let limit = RateLimit { burst, drop_micros };
            let (mut now, mut empty_at, mut admitted) = (0, None, 0_i64);
            for gap in gaps {
                now += gap;
                let admission = limit.admit(1, empty_at, now);
                match admission {
                    Ok(_) => admitted += 1,
                    Err(BucketFull { seconds }) => {
                        let then = limit.admit(1, empty_at, now + seconds * 1_000_000);
                        prop_assert!(then.is_ok(), "there is room when it said so");
                    }
                }
                empty_at = after(empty_at, admission);
                prop_assert!(admitted <= i64::from(burst) + now / drop_micros + 1);
                prop_assert!(empty_at.is_some_and(|empty_at| limit.level(empty_at, now) <= burst));
            }
        }
    }
}
