//! When an attempt was due, to measure how late it is.
//!
//! The history knows it. Without one, the first attempt is due when the message is queued, and a retry
//! at a point of the schedule, lengthened by its jitter. Nobody knows the jitter, so a retry counts as
//! late only where the longest one does not explain it. Nobody knows how long a copy was delayed
//! either, so its attempt is not measured.

use jiff::Timestamp;

use super::{Known, Received};
use crate::delivery::schedule::RetrySchedule;

impl Received<'_, '_> {
    /// When the attempt was due that is made `now`, as far as anybody knows.
    pub fn due_at(&self, known: &Known, schedule: &RetrySchedule, now: Timestamp) -> Option<Timestamp> {
        match known {
            Known::Record(record) if record.is_kept(now) => {
                let is_begun = record.runs.iter().any(|run| run.id == self.message.run);
                // A held delivery, and a dead one that was moved by hand, are due at no time.
                if is_begun { record.next_attempt_at } else { Some(self.queued_at()) }
            }
            Known::Record(_) | Known::NoRecord => Some(self.queued_at()),
            Known::Nothing | Known::Off if self.message.delay.is_some() => None,
            Known::Nothing | Known::Off if self.is_first_receive() => Some(self.queued_at()),
            Known::Nothing | Known::Off => {
                self.queued_at().checked_add(schedule.latest_due(self.age(now))).ok()
            }
        }
    }

    /// Whether SQS hands the message over for the first time.
    fn is_first_receive(&self) -> bool {
        self.count == 1 && self.message.lane == self.receive.lane
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        delivery::{disposition::Disposition, message::DeliveryMessage},
        history::record::{
            DeliveryRecord,
            tests::{attempted, copy, fast, message, retry, slow, time},
        },
    };

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    #[test]
    fn the_history_knows_when_an_attempt_is_due() -> TestResult {
        let after = |seconds, disposition| -> Result<Known, Box<dyn std::error::Error>> {
            Ok(Known::Record(Box::new(attempted(seconds, disposition)?)))
        };
        let failed = after(500, retry(40))?;
        let Known::Record(expired) = failed.clone() else { return Err("no record".into()) };
        let expired = Known::Record(Box::new(DeliveryRecord { expires_at: 0, ..*expired }));
        let (event, replay, copy) = (message("event")?, message("replay:r")?, copy(1)?);
        let delay = after(200, Disposition::Delay(Duration::from_secs(60)))?;
        for (what, message, known, due) in [
            ("a first attempt", &event, &Known::NoRecord, Some(0)),
            ("a copy that found no room before its first attempt", &copy, &Known::NoRecord, Some(0)),
            ("a retry", &event, &failed, Some(40)),
            ("a copy after a delay", &copy, &delay, Some(60)),
            ("the first attempt of another run", &replay, &failed, Some(0)),
            ("a held delivery", &event, &after(500, Disposition::Hold)?, None),
            ("a delivery whose record has expired", &event, &expired, Some(0)),
        ] {
            let sent_at = time(0);
            let received = Received { message, receive: fast("m-1"), count: 2, sent_at };
            let at = received.due_at(known, &RetrySchedule::default(), time(90));
            assert_eq!(at, due.map(time), "{what}");
        }
        Ok(())
    }

    #[test]
    fn without_a_history_a_retry_is_late_where_the_longest_jitter_does_not_explain_it() -> TestResult {
        let (event, copy) = (message("event")?, copy(1)?);
        let slow_from_the_start = DeliveryMessage { lane: slow("m").lane, ..message("event")? };
        for (what, message, receive, count, age, due) in [
            ("a first receive", &event, fast("m"), 1, 7, Some(0)),
            ("a first receive in the slow lane", &slow_from_the_start, slow("m"), 1, 90, Some(0)),
            ("a retry within its jitter", &event, fast("m"), 2, 10, Some(10)),
            ("a late retry", &event, fast("m"), 2, 39, Some(11)),
            ("a retry that SQS redrove", &event, slow("m"), 1, 159, Some(43)),
            ("a copy", &copy, fast("m"), 1, 90, None),
        ] {
            for known in [Known::Off, Known::Nothing] {
                let received = Received { message, receive, count, sent_at: time(0) };
                let at = received.due_at(&known, &RetrySchedule::default(), time(age));
                assert_eq!(at, due.map(time), "{what}");
            }
        }
        Ok(())
    }
}
