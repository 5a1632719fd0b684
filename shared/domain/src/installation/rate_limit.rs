//! The rate limit: a leaky bucket for each installation.
//!
//! Each call pours one drop into the bucket, which holds `burst` of them and loses
//! `per_second` of them a second. All of a bucket's state is one number, the time at which
//! it will have run empty: a drop moves that time later by the time that a drop takes.
//! Which write that calls for depends on what the time is when the write is made, so
//! [`RateLimit::admit`] says both the write and what it rests on, and whoever makes it
//! does so on that condition, or asks again with the time that it found.

/// How many calls an installation may make. Times are microseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    burst: u32,
    drop_micros: i64,
}

/// How a call is poured into its bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pour {
    /// The bucket is empty, and is to run empty at this time, if it still is empty by now.
    Begin {
        /// The time to write.
        empty_at: i64,
    },
    /// The bucket holds some drops, and is to run empty later by so much, if it still holds some by
    /// now and runs empty no later than at `latest`.
    Add {
        /// How much later.
        micros: i64,
        /// The latest time at which a bucket that has room for one more drop runs empty.
        latest: i64,
    },
}

/// The bucket is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many calls; there is room again in {seconds} s")]
pub struct BucketFull {
    /// After how many whole seconds it has room again, at least 1.
    pub seconds: i64,
}

impl RateLimit {
    /// The limit of so many calls at once and so many a second in the long run; `None`, which is no
    /// limit, where either is 0.
    pub fn new(burst: u32, per_second: u32) -> Option<Self> {
        let drop_micros = 1_000_000_i64.checked_div(per_second.into())?.max(1);
        (burst > 0).then_some(Self { burst, drop_micros })
    }

    /// Judges a call at `now`, of a bucket that runs empty at `empty_at`.
    pub fn admit(&self, empty_at: Option<i64>, now: i64) -> Result<Pour, BucketFull> {
        let latest = now + i64::from(self.burst - 1) * self.drop_micros;
        match empty_at {
            Some(empty_at) if empty_at > latest => {
                Err(BucketFull { seconds: ceiling(empty_at - latest, 1_000_000) })
            }
            Some(empty_at) if empty_at > now => Ok(Pour::Add { micros: self.drop_micros, latest }),
            _ => Ok(Pour::Begin { empty_at: now + self.drop_micros }),
        }
    }

    /// How many drops a bucket holds that runs empty at `empty_at`.
    pub fn level(&self, empty_at: i64, now: i64) -> u32 {
        let drops = ceiling((empty_at - now).max(0), self.drop_micros);
        u32::try_from(drops).map_or(self.burst, |drops| drops.min(self.burst))
    }

    /// How many drops a bucket can hold.
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

    /// Makes the write that a call asks for, if any.
    fn after(empty_at: Option<i64>, admission: Result<Pour, BucketFull>) -> Option<i64> {
        match admission {
            Ok(Pour::Begin { empty_at }) => Some(empty_at),
            Ok(Pour::Add { micros, .. }) => empty_at.map(|empty_at| empty_at + micros),
            Err(_) => empty_at,
        }
    }

    #[test]
    fn no_limit_is_no_burst_or_no_rate() {
        for (burst, per_second, limit) in [
            (40, 2, Some(RateLimit { burst: 40, drop_micros: 500_000 })),
            (1_000, 500, Some(RateLimit { burst: 1_000, drop_micros: 2_000 })),
            (0, 2, None),
            (40, 0, None),
            (0, 0, None),
        ] {
            assert_eq!(RateLimit::new(burst, per_second), limit);
        }
    }

    #[test]
    fn a_bucket_of_forty_takes_forty_calls_at_once_and_then_two_a_second() {
        let limit = RateLimit { burst: 40, drop_micros: 500_000 };
        let mut empty_at = None;
        for call in 1..=40 {
            empty_at = after(empty_at, limit.admit(empty_at, 0));
            assert_eq!(empty_at.map(|empty_at| limit.level(empty_at, 0)), Some(call));
        }
        for (now, admission) in [
            (0, Err(BucketFull { seconds: 1 })),
            (499_999, Err(BucketFull { seconds: 1 })),
            (500_000, Ok(Pour::Add { micros: 500_000, latest: 20_000_000 })),
            (20_000_000, Ok(Pour::Begin { empty_at: 20_500_000 })),
        ] {
            assert_eq!(limit.admit(empty_at, now), admission, "at {now}");
        }
        assert_eq!(limit.level(20_000_000, 10_000_000), 20);
    }

    #[test]
    fn a_slow_bucket_says_how_long_it_is_full() {
        let limit = RateLimit { burst: 1, drop_micros: 2_500_000 };
        assert_eq!(limit.admit(Some(2_500_000), 0), Err(BucketFull { seconds: 3 }));
    }

    proptest! {
        #[test]
        fn no_more_is_admitted_than_the_burst_and_what_has_leaked(
            burst in 1_u32..50,
            drop_micros in 1_000_i64..2_000_000,
            gaps in prop::collection::vec(0_i64..2_000_000, 1..200),
        ) {
            let limit = RateLimit { burst, drop_micros };
            let (mut now, mut empty_at, mut admitted) = (0, None, 0_i64);
            for gap in gaps {
                now += gap;
                let admission = limit.admit(empty_at, now);
                match admission {
                    Ok(_) => admitted += 1,
                    Err(BucketFull { seconds }) => {
                        let then = limit.admit(empty_at, now + seconds * 1_000_000);
                        prop_assert!(then.is_ok(), "it has room when it said so");
                    }
                }
                empty_at = after(empty_at, admission);
                prop_assert!(admitted <= i64::from(burst) + now / drop_micros + 1);
                prop_assert!(empty_at.is_some_and(|empty_at| limit.level(empty_at, now) <= burst));
            }
        }
    }
}
