//! Tests of the decision: the age of a message, its copies, and what becomes of it.

use super::*;
use crate::{
    delivery::outcome::FailedAttempt,
    history::record::tests::{attempted, copy, fast, message, retry, slow, time},
};

type TestResult = Result<(), Box<dyn std::error::Error>>;

const HOUR: u64 = 60 * 60;

fn received<'a, 'p>(message: &'a DeliveryMessage<'p>, receive: Receive<'a>, count: u32) -> Received<'a, 'p> {
    Received { message, receive, count, sent_at: time(0) }
}

/// Another machine's clock cannot make a delivery younger.
#[test]
fn a_delivery_is_as_old_as_the_earlier_of_two_clocks_says() -> TestResult {
    for (enqueued_at, sent_at, now, age) in
        [(0, 0, 60, 60), (0, 10, 60, 60), (10, 0, 60, 60), (50, 20, 60, 40), (60, 60, 0, 0)]
    {
        let message = DeliveryMessage { enqueued_at: time(enqueued_at), ..message("event")? };
        let received = Received { sent_at: time(sent_at), ..received(&message, fast("m-1"), 1) };
        assert_eq!(received.age(time(now)).as_secs(), age, "{enqueued_at} {sent_at} {now}");
    }
    Ok(())
}

/// An operator's machine may have any clock. A delay's copy gets its time from the delivery function.
#[test]
fn a_redriven_delivery_is_as_old_as_sqs_says() -> TestResult {
    for (enqueued_at, sent_at, now, age) in [(0, 100, 160, 60), (500, 100, 160, 60), (100, 100, 160, 60)] {
        let message = DeliveryMessage { enqueued_at: time(enqueued_at), ..message("redrive:d")? };
        let received = Received { sent_at: time(sent_at), ..received(&message, fast("m-1"), 1) };
        assert_eq!(received.age(time(now)).as_secs(), age, "{enqueued_at}");
        let copy = received.delayed(&Known::NoRecord, Duration::ZERO).ok_or("no copy")?;
        let received = Received { message: &copy, sent_at: time(150), ..received };
        assert_eq!(received.age(time(now)).as_secs(), age, "the copy of {enqueued_at}");
    }
    Ok(())
}

#[test]
fn a_copy_names_the_first_message_of_its_run_or_is_not_made() -> TestResult {
    let record = Known::Record(Box::new(attempted(200, Disposition::Delay(Duration::ZERO))?));
    let (event, copy, redelivery) = (message("event")?, copy(1)?, message("redeliver:r")?);
    for (what, message, receive, known, first) in [
        ("a first message", &event, fast("m-9"), &Known::NoRecord, Some("m-9")),
        ("one that SQS redrove, by the record", &event, slow("m-9"), &record, Some("m-1")),
        ("one of another run than the record's", &redelivery, fast("m-9"), &record, Some("m-9")),
        ("a copy, whatever is known", &copy, slow("m-9"), &Known::Nothing, Some("m-1")),
        ("one in its own lane", &event, fast("m-9"), &Known::Nothing, Some("m-9")),
        ("one that SQS redrove, and nobody knows from where", &event, slow("m-9"), &Known::Nothing, None),
        // Without a history no holder is ever known, so any name will do.
        ("the same, with the history off", &event, slow("m-9"), &Known::Off, Some("m-9")),
    ] {
        let delayed = received(message, receive, 1).delayed(known, Duration::ZERO);
        let named = delayed.as_ref().and_then(|copy| copy.delay.as_ref());
        assert_eq!(named.map(|delay| delay.first_message_id.as_str()), first, "{what}");
    }
    Ok(())
}

/// Past the schedule nobody can tell whether the last attempt was made, except at a first receive.
#[test]
fn without_a_history_a_late_message_is_attempted_at_its_first_receive_alone() -> TestResult {
    let (event, schedule) = (message("event")?, RetrySchedule::default());
    let end = i64::try_from(schedule.ends_at().as_secs())?;
    for (age, count, known, admission) in [
        (end - 1, 2, Known::Off, Admission::Attempt),
        (end + 1, 1, Known::Off, Admission::Attempt),
        (end + 1, 2, Known::Off, Admission::Exhausted),
        (end + 1, 2, Known::Nothing, Admission::Exhausted),
        (end + 1, 2, Known::NoRecord, Admission::Attempt),
    ] {
        let received = received(&event, slow("m-1"), count);
        assert_eq!(received.admission(&known, &schedule, time(age)), admission, "{age} s, {known:?}");
    }
    Ok(())
}

/// DynamoDB deletes an expired record some time later, and until then it says nothing.
#[test]
fn an_expired_record_holds_no_message_back() -> TestResult {
    let (event, schedule) = (message("event")?, RetrySchedule::default());
    let record = attempted(200, Disposition::Ack)?;
    let expires_at = Timestamp::from_second(record.expires_at)?;
    let known = Known::Record(Box::new(record));
    for (now, admission) in [(time(1), Admission::Delivered), (expires_at, Admission::Attempt)] {
        assert_eq!(received(&event, fast("m-1"), 1).admission(&known, &schedule, now), admission);
    }
    Ok(())
}

#[test]
fn the_admission_and_the_outcome_decide_what_becomes_of_a_message() {
    use Admission::{Attempt, Delivered, Exhausted, LastAttempt, Superseded, Wait};
    let schedule = RetrySchedule::default();
    let failed = Outcome::failed(FailedAttempt::Status(500));
    let ten_seconds = retry(10);
    for (admission, outcome, disposition) in [
        (Delivered, None, Disposition::Ack),
        (Superseded, None, Disposition::Ack),
        (Attempt, Some(&Outcome::Delivered), Disposition::Ack),
        (LastAttempt, Some(&Outcome::Delivered), Disposition::Ack),
        (Exhausted, None, Disposition::Exhausted(Duration::ZERO)),
        (LastAttempt, Some(&failed), schedule.after_last_attempt()),
        (Attempt, Some(&failed), ten_seconds),
        (
            Attempt,
            Some(&Outcome::Delayed(Duration::from_secs(HOUR))),
            Disposition::Delay(Duration::from_secs(HOUR)),
        ),
        // Without an attempt the message comes again by the same schedule.
        (Attempt, None, ten_seconds),
        (LastAttempt, None, ten_seconds),
        (Wait(time(7)), None, retry(7)),
    ] {
        let decided =
            super::disposition(admission, outcome, &schedule, Lane::Fast, Duration::ZERO, time(0), 0.0);
        assert_eq!(decided, disposition, "{admission:?} {outcome:?}");
    }
}

/// A copy of a dead letter that was moved by hand would be a stranger.
#[test]
fn a_crowded_message_is_sent_again_unless_it_is_known_by_its_own_id() {
    let schedule = RetrySchedule::default();
    let wait = Duration::from_secs(10);
    for (admission, age, disposition) in [
        (Admission::Attempt, 0, Disposition::Delay(wait)),
        (Admission::LastAttempt, 0, Disposition::retry(wait)),
        (Admission::Attempt, 100 * HOUR, Disposition::retry(Duration::from_secs(900))),
    ] {
        assert_eq!(
            crowded(admission, &schedule, Duration::from_secs(age), 0.0),
            disposition,
            "{admission:?}"
        );
    }
}
