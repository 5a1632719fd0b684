//! How long the history is kept.
//!
//! DynamoDB deletes expired items by itself (TTL), typically within a few days after they expire
//! ("Using time to live in DynamoDB"). Until then reads still return them, so readers check
//! `expires_at`.

use jiff::SignedDuration;

use crate::environment::{Environment, SettingError};

/// The fewest days that deliveries are kept if they are. A record says who makes the attempts, so
/// it must outlive the schedule's 48 hours.
const FEWEST_DAYS: i64 = 3;

/// How long deliveries and payloads are kept: the settings `HISTORY_DELIVERY_DAYS` (default 30, and
/// 3 for 1 and 2) and `HISTORY_PAYLOAD_DAYS` (default 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    deliveries: SignedDuration,
    payloads: SignedDuration,
}

impl Retention {
    /// Reads both settings.
    ///
    /// # Errors
    ///
    /// One of them is no number of days.
    pub fn read(environment: &Environment) -> Result<Self, SettingError> {
        let days = |name, default| {
            let days: u16 = environment.count(name, default)?;
            Ok(SignedDuration::from_hours(i64::from(days) * 24))
        };
        Ok(Self {
            deliveries: days("HISTORY_DELIVERY_DAYS", 30)?,
            payloads: days("HISTORY_PAYLOAD_DAYS", 7)?,
        })
    }

    /// How long a delivery is kept; `None` if the history is off.
    pub fn deliveries(&self) -> Option<SignedDuration> {
        let fewest = SignedDuration::from_hours(FEWEST_DAYS * 24);
        (!self.deliveries.is_zero()).then_some(self.deliveries.max(fewest))
    }

    /// How long an event's payload is kept; `None` if it is not. Without deliveries, payloads are
    /// not kept either: nobody would find them.
    pub fn payloads(&self) -> Option<SignedDuration> {
        (!self.payloads.is_zero()).then_some(self.payloads).filter(|_| self.deliveries().is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_off_and_a_record_outlives_the_schedule() -> Result<(), SettingError> {
        for (deliveries, payloads, expected) in [
            ("", "", (Some(30), Some(7))),
            ("90", "1", (Some(90), Some(1))),
            ("1", "1", (Some(3), Some(1))),
            ("30", "0", (Some(30), None)),
            ("0", "7", (None, None)),
        ] {
            let environment: Environment =
                [("HISTORY_DELIVERY_DAYS", deliveries), ("HISTORY_PAYLOAD_DAYS", payloads)]
                    .into_iter()
                    .collect();
            let retention = Retention::read(&environment)?;
            let days = |kept: Option<SignedDuration>| kept.map(|kept| kept.as_hours() / 24);
            assert_eq!((days(retention.deliveries()), days(retention.payloads())), expected);
        }
        for value in ["-1", "7d", "1000000"] {
            let environment: Environment = [("HISTORY_DELIVERY_DAYS", value)].into_iter().collect();
            assert!(Retention::read(&environment).is_err(), "{value}");
        }
        Ok(())
    }
}
