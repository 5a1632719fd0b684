//! Runs and their holders: which messages are attempted.

use super::*;

/// Which messages may be attempted after `m-1` has failed, or has otherwise ended, in the fast
/// lane.
#[test]
fn one_message_makes_the_attempts_of_a_run() -> TestResult {
    use Admission::{Attempt, Delivered, Exhausted, LastAttempt, Superseded, Wait};
    let (event, redriven) = (message("event")?, slow("m-2"));
    let held = attempted(500, retry(10))?;
    let held = held.ended(&event, fast("m-1"), DeliveryState::Held, time(10)).ok_or("news")?;
    let retrying = attempted(500, retry(10))?;
    let delivered = attempted(200, Disposition::Ack)?;
    let dead = attempted(500, DEAD)?;
    let replay = message("replay:r")?;
    let redeliver = message("redeliver:x")?;
    let replayed = retrying.clone().attempted(&replay, fast("m-4"), attempt(10, 500)?, retry(10), time(10));
    let held_later = replayed.ended(&replay, fast("m-4"), DeliveryState::Held, time(20)).ok_or("news")?;
    for (what, record, message, receive, admission) in [
        ("the holder", &retrying, &event, fast("m-1"), Attempt),
        ("a copy", &retrying, &event, fast("m-2"), Superseded),
        ("the holder, redriven with its id", &retrying, &event, slow("m-1"), Attempt),
        ("the holder, redriven with another id", &retrying, &event, redriven, Attempt),
        ("the first copy of a delay", &retrying, &copy(1)?, fast("m-3"), Attempt),
        (
            "a copy of another message",
            &retrying,
            &DeliveryMessage {
                delay: Some(DelayedCopy { first_message_id: "m-2".to_owned(), number: 1 }),
                ..event.clone()
            },
            fast("m-3"),
            Superseded,
        ),
        ("a later run", &retrying, &replay, fast("m-4"), Attempt),
        ("any message of a held delivery", &held, &event, fast("m-9"), Attempt),
        ("a later run of a held delivery", &held, &replay, fast("m-9"), Attempt),
        ("any message of the run that was held", &held_later, &replay, fast("m-9"), Attempt),
        ("the holder of the run before it", &held_later, &event, fast("m-1"), Superseded),
        ("the holder of a delivered run", &delivered, &event, fast("m-1"), Delivered),
        ("a run that repeats nothing", &delivered, &replay, fast("m-4"), Delivered),
        ("a run that repeats deliveries", &delivered, &redeliver, fast("m-4"), Attempt),
        ("the holder of a dead run", &dead, &event, fast("m-1"), Exhausted),
        ("the holder of a dead run, redriven", &dead, &event, redriven, Exhausted),
        ("a dead letter that was moved by hand", &dead, &event, fast("m-7"), LastAttempt),
        ("a replay of a dead delivery", &dead, &replay, fast("m-4"), Attempt),
    ] {
        assert_eq!(record.admission(message, receive, time(10)), admission, "{what}");
    }
    let overdue = time(10 + 4 * 3_600);
    assert_eq!(
        retrying.admission(&event, fast("m-7"), overdue),
        LastAttempt,
        "its dead letter, moved by hand"
    );
    assert_eq!(retrying.admission(&event, slow("m-1"), overdue), Attempt, "the holder is only late");
    let mut other = event.clone();
    other.envelope.payload_digest = Some(PayloadDigest::parse(&"a".repeat(32))?);
    for (record, admission) in
        [(&retrying, Superseded), (&held, Superseded), (&dead, Superseded), (&delivered, Delivered)]
    {
        assert_eq!(record.admission(&other, fast("m-7"), time(10)), admission, "another event of that id");
    }
    // Ten seconds are not over yet. Two machines' clocks may differ by two seconds.
    assert_eq!(retrying.admission(&event, fast("m-1"), time(7)), Wait(time(10)));
    assert_eq!(retrying.admission(&event, fast("m-1"), time(8)), Attempt);
    assert_eq!(retrying.admission(&event, fast("m-2"), time(7)), Superseded, "a copy does not wait");
    Ok(())
}

#[test]
fn a_redriven_message_takes_its_place_once() -> TestResult {
    let event = message("event")?;
    let record = attempted(500, retry(10))?;
    let record = record.attempted(&event, slow("m-2"), attempt(40, 500)?, retry(120), time(40));
    assert_eq!((record.runs[0].holder.message_id.as_str(), record.runs[0].holder.lane), ("m-2", Lane::Slow));
    for (receive, admission) in [
        (slow("m-2"), Admission::Attempt),
        (slow("m-3"), Admission::Superseded),
        (fast("m-1"), Admission::Superseded),
    ] {
        assert_eq!(record.admission(&event, receive, time(160)), admission, "{receive:?}");
    }
    Ok(())
}

#[test]
fn the_latest_copy_of_a_delay_goes_on() -> TestResult {
    let delay = Disposition::Delay(Duration::ZERO);
    let record = attempted(200, delay)?;
    let (first, second) = (copy(1)?, copy(2)?);
    assert_eq!(record.admission(&message("event")?, fast("m-1"), time(0)), Admission::Attempt);
    let record = record.attempted(&first, fast("c-1"), attempt(60, 200)?, delay, time(60));
    assert_eq!(record.runs[0].holder.first_message_id(), "m-1");
    for (what, message, id, admission) in [
        ("the copy itself", &first, "c-1", Admission::Attempt),
        ("a twin of the copy", &first, "c-1b", Admission::Superseded),
        ("the message that it was made of", &message("event")?, "m-1", Admission::Superseded),
        ("the next copy", &second, "c-2", Admission::Attempt),
    ] {
        assert_eq!(record.admission(message, fast(id), time(60)), admission, "{what}");
    }
    // A copy that was sent to the slow lane names that lane, so its receives there are no redrive.
    let slow_copy = DeliveryMessage { lane: Lane::Slow, ..copy(3)? };
    let record = record.attempted(&slow_copy, slow("c-3"), attempt(61, 500)?, retry(10), time(61));
    assert_eq!(record.admission(&slow_copy, slow("c-4"), time(71)), Admission::Superseded);
    Ok(())
}

#[test]
fn the_first_attempt_of_a_later_run_ends_the_earlier_run() -> TestResult {
    let (event, replay) = (message("event")?, message("replay:r")?);
    let record = attempted(500, retry(10))?;
    assert_eq!(record.admission(&event, fast("m-1"), time(10)), Admission::Attempt);
    let record = record.attempted(&replay, fast("m-4"), attempt(20, 500)?, retry(10), time(20));
    assert_eq!(record.admission(&event, fast("m-1"), time(40)), Admission::Superseded);
    assert_eq!(
        record.attempts.last().map(|attempt| (attempt.run.to_string(), attempt.number)),
        Some(("replay:r".to_owned(), 1))
    );
    // An attempt of the earlier run that was under way changes nothing, unless it delivered.
    for (status, disposition, state) in [
        (500, retry(99), DeliveryState::Retrying),
        (500, DEAD, DeliveryState::Retrying),
        (200, Disposition::Ack, DeliveryState::Delivered),
    ] {
        let after =
            record.clone().attempted(&event, fast("m-1"), attempt(11, status)?, disposition, time(22));
        assert_eq!(after.state, state, "{disposition:?}");
        let next = (state == DeliveryState::Retrying).then(|| time(30));
        assert_eq!(after.next_attempt_at, next, "{disposition:?}");
    }
    // A run that repeats deliveries goes on, even if an earlier run delivers meanwhile.
    let redeliver = message("redeliver:x")?;
    let record = record.attempted(&redeliver, fast("m-5"), attempt(30, 500)?, retry(10), time(30));
    let after = record.attempted(&replay, fast("m-4"), attempt(29, 200)?, Disposition::Ack, time(31));
    assert_eq!(after.state, DeliveryState::Retrying);
    assert_eq!(after.admission(&redeliver, fast("m-5"), time(40)), Admission::Attempt);
    Ok(())
}

#[test]
fn runs_are_ordered_by_their_first_attempt_after_the_events_own() -> TestResult {
    let record = DeliveryRecord::begin(&message("event")?, KEPT_FOR);
    let mut record = record;
    for (run, id, began_at) in
        [("replay:b", "m-2", 20), ("replay:a", "m-3", 10), ("event", "m-1", 30), ("redrive:c", "m-4", 40)]
    {
        let message = message(run)?;
        record = record.attempted(&message, fast(id), attempt(began_at, 500)?, retry(10), time(began_at));
    }
    let runs: Vec<_> = record.runs.iter().map(|run| run.id.to_string()).collect();
    assert_eq!(runs, ["event", "replay:a", "replay:b", "redrive:c"]);
    assert_eq!(record.admission(&message("event")?, fast("m-1"), time(99)), Admission::Superseded);
    for number in 0..RUNS_KEPT {
        let message = message(&format!("redeliver:{number}"))?;
        record = record.attempted(&message, fast("m"), attempt(50, 500)?, retry(10), time(50));
    }
    assert_eq!(record.runs.len(), RUNS_KEPT, "the latest are kept");
    assert!(record.runs.iter().all(|run| run.id.repeats_delivered()));
    Ok(())
}

#[test]
fn after_two_copies_were_attempted_at_the_same_moment_one_goes_on() -> TestResult {
    let event = message("event")?;
    let first = attempted(500, retry(10))?;
    let both = first.clone().attempted(&event, fast("m-2"), attempt(0, 500)?, retry(50), time(0));
    assert_eq!((both.attempt_count, both.next_attempt_at), (2, Some(time(10))));
    assert_eq!(both.admission(&event, fast("m-2"), time(60)), Admission::Superseded);
    let mut other = event.clone();
    other.envelope.payload_digest = Some(PayloadDigest::parse(&"a".repeat(32))?);
    let stranger = first.clone().attempted(&other, fast("m-2"), attempt(0, 500)?, retry(50), time(0));
    assert_eq!(stranger.envelope, first.envelope, "the record stays that of the holder's event");
    assert!(stranger.has_other_payload);
    assert_eq!(stranger.response, first.response, "and so does what it shows");
    let delivered = first.attempted(&event, fast("m-2"), attempt(0, 200)?, Disposition::Ack, time(0));
    assert_eq!(delivered.state, DeliveryState::Delivered, "whoever delivered it");
    for disposition in [retry(20), DEAD, Disposition::Delay(Duration::ZERO)] {
        let after = delivered.clone().attempted(&event, fast("m-1"), attempt(1, 500)?, disposition, time(1));
        assert_eq!((after.state, after.runs[0].end), (DeliveryState::Delivered, Some(RunEnd::Delivered)));
    }
    Ok(())
}

#[test]
fn a_dead_letter_that_was_moved_by_hand_gets_one_attempt() -> TestResult {
    let event = message("event")?;
    let dead = attempted(500, DEAD)?;
    let again = dead.attempted(&event, fast("m-7"), attempt(500, 500)?, DEAD, time(500));
    assert_eq!((again.state, again.attempt_count), (DeliveryState::Dead, 2));
    for receive in [fast("m-7"), slow("m-7"), slow("m-8")] {
        assert_eq!(again.admission(&event, receive, time(501)), Admission::Exhausted, "{receive:?}");
    }
    assert_eq!(again.admission(&event, fast("m-9"), time(900)), Admission::LastAttempt, "moved once more");
    let spent = again.clone().attempted(&event, fast("m-9"), attempt(900, 500)?, DEAD, time(900));
    for id in ["m-1", "m-7", "m-9"] {
        assert_eq!(spent.admission(&event, fast(id), time(901)), Admission::Exhausted, "{id} had its turn");
    }
    let delivered = again.attempted(&event, fast("m-9"), attempt(900, 200)?, Disposition::Ack, time(900));
    assert_eq!((delivered.state, delivered.runs[0].end), (DeliveryState::Delivered, Some(RunEnd::Delivered)));
    Ok(())
}

/// An attempt that responded with this body.
fn attempt_with(body: &str, status: u16) -> Result<Attempt, Box<dyn std::error::Error>> {
    Ok(Attempt { response: Some(ResponseRecord::of(body.as_bytes())), ..attempt(50, status)? })
}

/// The holder of the latest run has the say, and so has whoever delivered.
#[test]
fn a_record_shows_the_attempts_of_the_latest_runs_holder_and_those_that_delivered() -> TestResult {
    let (event, replay) = (message("event")?, message("replay:r")?);
    let one_run = attempted(500, retry(10))?;
    let two_runs = one_run.clone().attempted(&replay, fast("m-4"), attempt(20, 500)?, retry(10), time(20));
    for (what, record, message, id, status, body) in [
        ("the holder", &one_run, &event, "m-1", 500, "new"),
        ("another message of the run", &one_run, &event, "m-2", 500, "ok"),
        ("the holder of the latest run", &two_runs, &replay, "m-4", 500, "new"),
        ("the holder of an earlier run", &two_runs, &event, "m-1", 500, "ok"),
        ("another one that delivered", &one_run, &event, "m-2", 200, "new"),
        ("an earlier one that delivered", &two_runs, &event, "m-1", 200, "new"),
    ] {
        let disposition = if status == 200 { Disposition::Ack } else { retry(10) };
        let after =
            record.clone().attempted(message, fast(id), attempt_with("new", status)?, disposition, time(50));
        assert_eq!(after.response.map(|response| response.body).as_deref(), Some(body), "{what}");
    }
    Ok(())
}

#[test]
fn a_failure_undoes_no_delivery() -> TestResult {
    let (event, replay, redeliver) = (message("event")?, message("replay:r")?, message("redeliver:x")?);
    // The event's own run delivers while the replay's latest attempt is under way.
    let record = attempted(500, retry(10))?;
    let record = record.attempted(&replay, fast("m-4"), attempt(20, 500)?, retry(10), time(20));
    let record = record.attempted(&event, fast("m-1"), attempt(21, 200)?, Disposition::Ack, time(21));
    let after = record.attempted(&replay, fast("m-4"), attempt(22, 500)?, retry(10), time(23));
    assert_eq!((after.state, after.next_attempt_at), (DeliveryState::Delivered, None));
    // One of two attempts of the same message at the same moment delivers.
    let record = attempted(200, Disposition::Ack)?;
    let record = record.attempted(&redeliver, fast("m-5"), attempt(30, 200)?, Disposition::Ack, time(31));
    let after = record.clone().attempted(&redeliver, fast("m-5"), attempt(30, 500)?, retry(10), time(32));
    assert_eq!(after.state, DeliveryState::Delivered);
    // A new redelivery that fails is another matter: its owner asked for it.
    let again = message("redeliver:y")?;
    let after = record.attempted(&again, fast("m-6"), attempt(40, 500)?, retry(10), time(41));
    assert_eq!(after.state, DeliveryState::Retrying);
    Ok(())
}
