use jiff::{SignedDuration, Timestamp};

use super::{
    noting::AfterPass,
    pass::{PassCounts, PassOutcome, shrunk},
    probe::PROBED_KEPT,
    step::RecoveryStep,
    *,
};
use crate::{
    delivery::id::DeliveryId,
    job::turn::Turn,
    webhook::{WebhookId, WebhookKey, health::failure_run::FailureRun},
};

type TestResult = Result<(), Box<dyn std::error::Error>>;

const RULES: RecoveryRules = RecoveryRules { waiting_limit: 2_000, most_per_second: 100, time_scale: 1.0 };

fn at(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1_000_000 + seconds)
}

fn webhook() -> Result<WebhookKey, Box<dyn std::error::Error>> {
    Ok(WebhookKey { id: WebhookId::new(7), shop: "a.example".parse()?, app: "demo".parse()? })
}

fn opened() -> Recovery {
    Recovery::opened(&FailureRun { since: at(-60), attempts: 100 }, None, at(0), &RULES)
}

/// The step that is next.
fn next(recovery: &Recovery) -> Result<RecoveryStep, Box<dyn std::error::Error>> {
    Ok(recovery.restarted(at(0)).next_step(&webhook()?, at(0)).ok_or("no step is next")?.0)
}

fn delivery(number: usize) -> Result<DeliveryId, Box<dyn std::error::Error>> {
    Ok(DeliveryId::parse(&format!("7-e{number}"))?)
}

#[test]
fn probes_come_after_1_2_4_8_and_then_every_15_minutes() -> TestResult {
    let (mut recovery, mut now) = (opened(), at(0));
    for (number, minutes) in [1, 2, 4, 8, 15, 15, 15].into_iter().enumerate() {
        let (step, pause) = recovery.next_step(&webhook()?, now).ok_or("no step")?;
        assert_eq!((step.number as usize, pause.as_secs()), (number + 1, minutes * 60));
        now = recovery.due_at.ok_or("not due")?;
        let Phase::Open(opening) = &recovery.phase else { return Err("closed".into()) };
        assert_eq!(recovery.next_probe(opening).to_string(), format!("probe:1000000000-{}", number + 1));
        recovery = recovery
            .after_probe(&step, "m", Some(&delivery(number)?), now, &RULES)
            .ok_or("another message made it")?;
    }
    Ok(())
}

#[test]
fn the_latest_ten_probes_are_remembered() -> TestResult {
    let mut recovery = opened();
    for number in (0..12).chain([5]) {
        let step = next(&recovery)?;
        recovery = recovery.after_probe(&step, "m", Some(&delivery(number)?), at(0), &RULES).ok_or("made")?;
    }
    let Phase::Open(opening) = &recovery.phase else { return Err("closed".into()) };
    let expected: Vec<_> =
        [2, 3, 4, 6, 7, 8, 9, 10, 11, 5].map(delivery).into_iter().collect::<Result<_, _>>()?;
    assert_eq!((opening.probed.len(), &opening.probed), (PROBED_KEPT, &expected));
    Ok(())
}

#[test]
fn a_step_is_made_by_one_message_and_when_it_is_due() -> TestResult {
    let recovery = opened();
    let first = next(&recovery)?;
    let made = recovery.after_probe(&first, "m-1", Some(&delivery(1)?), at(60), &RULES).ok_or("made")?;
    let second = next(&made)?;
    let of_another = RecoveryStep { opening: "1".to_owned(), ..second.clone() };
    let parked = made.parked(&second, "m-2");
    for (what, recovery, step, message_id, now, turn) in [
        ("it is due", &recovery, &first, "m-1", at(60), Turn::Make),
        ("it comes too early", &recovery, &first, "m-1", at(59), Turn::QueueNext),
        ("its message comes again", &made, &first, "m-1", at(61), Turn::QueueNext),
        ("another message comes for it", &made, &first, "m-2", at(61), Turn::End),
        ("the next one is due", &made, &second, "m-2", at(180), Turn::Make),
        ("a later one comes", &recovery, &second, "m-2", at(180), Turn::End),
        ("it is of another opening", &made, &of_another, "m-2", at(180), Turn::End),
        ("the webhook is paused", &parked, &next(&parked)?, "m-3", at(180), Turn::End),
    ] {
        assert_eq!(recovery.turn(step, message_id, now), turn, "{what}");
    }
    assert!(made.after_probe(&first, "m-2", None, at(61), &RULES).is_none(), "it is made");
    assert!(parked.next_step(&webhook()?, at(0)).is_none());
    Ok(())
}

#[test]
fn a_breaker_with_nothing_to_probe_with_closes() -> TestResult {
    let recovery = opened();
    let closed = recovery.after_probe(&next(&recovery)?, "m", None, at(60), &RULES).ok_or("made")?;
    assert_eq!((closed.is_open(), closed.due_at), (false, Some(at(60))));
    Ok(())
}

#[test]
fn a_lost_step_shows_after_a_minute() {
    let recovery = opened();
    for (seconds, is_overdue) in [(60, false), (119, false), (120, true)] {
        assert_eq!(recovery.is_overdue(at(seconds)), is_overdue, "{seconds} s");
    }
    assert!(!recovery.restarted(at(120)).is_overdue(at(179)), "one message starts it again");
    assert!(!Recovery { due_at: None, ..recovery }.is_overdue(at(10_000)));
}

/// One pass: a step that finds so many held deliveries and sends them, to the end.
fn pass(recovery: &Recovery, held: u64, now: Timestamp) -> Result<AfterPass, Box<dyn std::error::Error>> {
    let counts = PassCounts { held, sent: held, waiting: 0 };
    let outcome = PassOutcome { counts, ..PassOutcome::default() };
    let after = recovery.after_pass_step(&next(recovery)?, "m", &outcome, now, &RULES);
    after.ok_or("another message made it".into())
}

#[test]
fn a_catch_up_ends_with_two_quiet_passes_two_minutes_apart() -> TestResult {
    let mut recovery = opened().closed(at(300)).ok_or("it was open")?;
    let mut now = at(300);
    for (held, pause) in [(5, 60), (5, 120), (1, 240), (1, 480), (1, 900), (1, 900), (0, 120)] {
        let AfterPass::Goes(after) = pass(&recovery, held, now)? else { return Err("it ended".into()) };
        let due = after.due_at.ok_or("not due")?;
        assert_eq!(due.duration_since(now).as_secs(), pause, "{held} held");
        (recovery, now) = (*after, due);
    }
    let revived = recovery.with_held(now, &RULES).ok_or("that is news")?;
    let AfterPass::Goes(again) = pass(&revived, 0, now)? else { return Err("it ended".into()) };
    assert_eq!(pass(&again, 0, again.due_at.ok_or("not due")?)?, AfterPass::Done);
    assert_eq!(pass(&recovery, 0, now)?, AfterPass::Done);
    Ok(())
}

#[test]
fn what_was_held_moves_the_begin_of_the_passes() {
    let recovery = opened();
    assert_eq!(recovery.from, at(-60 - 48 * 60 * 60));
    assert_eq!(recovery.with_held(at(0), &RULES), None);
    let earlier = recovery.with_held(at(-90 * 60 * 60), &RULES).map(|after| after.from);
    assert_eq!(earlier, Some(at(-90 * 60 * 60)));
    let again =
        Recovery::opened(&FailureRun { since: at(9_000), attempts: 1 }, Some(&recovery), at(9_001), &RULES);
    assert_eq!(again.from, recovery.from, "what was held before is still held");
    let overflowing = Recovery::overflowing(at(-90 * 60 * 60), at(0), &RULES);
    assert_eq!((overflowing.from, overflowing.is_open()), (at(-90 * 60 * 60), false));
}

#[test]
fn the_rate_doubles_each_minute_up_to_the_operators_limit() -> TestResult {
    let closed = opened().closed(at(0)).ok_or("it was open")?;
    let Phase::CatchUp(catch_up) = &closed.phase else { return Err("open".into()) };
    for (seconds, rate) in [(0, 10), (59, 10), (60, 20), (120, 40), (180, 80), (240, 100), (1_000_000, 100)] {
        assert_eq!(catch_up.rate(at(seconds), &RULES), rate, "{seconds} s");
    }
    for (waiting, size) in [(0, 50), (1_970, 30), (2_000, 0), (9_000, 0)] {
        assert_eq!(catch_up.step_size(waiting, at(0), &RULES), size, "{waiting} wait");
    }
    let unlimited = RecoveryRules { waiting_limit: 0, ..RULES };
    assert_eq!(catch_up.step_size(9_000, at(0), &unlimited), 50);
    Ok(())
}

#[test]
fn a_breaker_that_opens_again_has_another_name_and_ends_the_catch_up() -> TestResult {
    let closed = opened().closed(at(0)).ok_or("it was open")?;
    let run = FailureRun { since: at(0), attempts: 1_000 };
    let again = Recovery::opened(&run, Some(&closed), at(0), &RULES);
    assert_ne!(again.opening, closed.opening);
    assert_eq!(again.turn(&next(&closed)?, "m", at(60)), Turn::End);
    assert_eq!(again.closed(at(1)).and_then(|closed| closed.closed(at(1))), None, "it closes once");
    Ok(())
}

#[test]
fn a_recovery_reads_back_from_its_item() -> TestResult {
    let closed = opened().closed(at(0)).ok_or("it was open")?;
    for recovery in [opened(), closed] {
        let text = serde_json::to_string(&recovery)?;
        assert_eq!(serde_json::from_str::<Recovery>(&text)?, recovery, "{text}");
    }
    Ok(())
}

/// What is held may be older than the schedule's 48 hours: it was held long ago.
#[test]
fn passes_begin_where_something_is_still_held() -> TestResult {
    let hours = |hours: i64| hours * 60 * 60;
    let closed = opened().closed(at(0)).ok_or("it was open")?;
    let after = |recovery: &Recovery, oldest: Option<i64>, now: i64| {
        let counts = PassCounts { held: 1, sent: 1, waiting: 0 };
        let outcome = PassOutcome { counts, oldest: oldest.map(at), ..PassOutcome::default() };
        match recovery.after_pass_step(&next(recovery)?, "m", &outcome, at(now), &RULES) {
            Some(AfterPass::Goes(after)) => Ok::<_, Box<dyn std::error::Error>>(*after),
            _ => Err("it ended".into()),
        }
    };
    let old = closed.with_held(at(-hours(90)), &RULES).ok_or("that is news")?;
    let later = after(&old, Some(-hours(80)), 0)?;
    assert_eq!(later.from, at(-hours(90)), "it was held during the pass");
    let later = after(&later, Some(-hours(80)), 60)?;
    assert_eq!(later.from, at(-hours(80)), "the oldest that the pass saw");
    assert_eq!(after(&later, None, hours(1))?.from, at(180 - hours(48)), "nothing is that old");
    let held = later.with_held(at(-hours(70)), &RULES).ok_or("that is news")?;
    assert_eq!(after(&held, None, hours(1))?.from, at(-hours(70)), "the pass may have been past it");
    Ok(())
}

/// The number may be wrong, and must not stop a recovery for ever.
#[test]
fn a_step_without_a_place_comes_again_and_the_number_that_waits_shrinks() -> TestResult {
    let closed = opened().closed(at(0)).ok_or("it was open")?;
    let full = PassOutcome { is_full: true, ..PassOutcome::default() };
    let Some(AfterPass::Goes(after)) = closed.after_pass_step(&next(&closed)?, "m", &full, at(0), &RULES)
    else {
        return Err("it ended".into());
    };
    assert_eq!((after.due_at, &after.phase), (Some(at(60)), &closed.phase));
    assert_eq!((shrunk(2_000, &RULES), shrunk(10, &RULES)), (1_960, 0));
    Ok(())
}

/// A change of the webhook makes the next step come at once.
#[test]
fn a_quiet_pass_that_comes_early_does_not_end_the_recovery() -> TestResult {
    let closed = opened().closed(at(0)).ok_or("it was open")?;
    let AfterPass::Goes(quiet) = pass(&closed, 0, at(0))? else { return Err("it ended".into()) };
    let AfterPass::Goes(early) = pass(&quiet, 0, at(30))? else { return Err("it ended".into()) };
    assert_eq!(early.due_at, Some(at(120)));
    assert_eq!(pass(&early, 0, at(120))?, AfterPass::Done);
    Ok(())
}
