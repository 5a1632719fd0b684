use std::collections::{BTreeMap, VecDeque};

use jiff::ToSpan as _;
use proptest::prelude::*;

use super::*;
use crate::{
    delivery::id::DeliveryId,
    installation::{app::AppId, shop::ShopDomain},
    job::replay::ReplayState,
    webhook::WebhookId,
};

type TestResult = Result<(), Box<dyn std::error::Error>>;

const NOW: &str = "2026-11-21T15:00:00Z";

fn replay() -> Result<Replay, Box<dyn std::error::Error>> {
    Ok(Replay {
        id: "r1".to_owned(),
        webhook_id: WebhookId::new(7),
        shop: ShopDomain::parse("a.example")?,
        app: AppId::parse("demo")?,
        from: Timestamp::UNIX_EPOCH,
        to: NOW.parse()?,
        state: ReplayState::Dead,
        per_second: 50,
        began_at: NOW.parse()?,
    })
}

fn begun() -> Result<ReplayRecord, Box<dyn std::error::Error>> {
    Ok(ReplayRecord::begin(replay()?, SignedDuration::from_hours(24)))
}

fn position(index: u64) -> Option<DeliveryPosition> {
    let id = DeliveryId::parse(&format!("7-e{index:03}")).ok()?;
    Some(DeliveryPosition::of(Timestamp::UNIX_EPOCH, &id))
}

fn sent(sent: u64, next: Option<u64>) -> StepOutcome {
    let counts = Counts { found: sent, sent, expired: 0 };
    StepOutcome { counts, next: next.and_then(position), took: SignedDuration::from_secs(1) }
}

#[test]
fn a_step_is_made_by_one_message_and_queues_the_next_one() -> TestResult {
    let now = NOW.parse()?;
    let record = begun()?;
    let (first, pause) = record.next_step().ok_or("no step")?;
    assert_eq!((first.number, &first.after, pause), (1, &None, Duration::ZERO));
    assert_eq!(record.turn(&first, "m-1"), Turn::Make);

    let record = record.after_step(&first, "m-1", &sent(250, Some(1)), now).ok_or("not noted")?;
    assert_eq!((record.steps, record.version, record.counts.sent), (1, 2, 250));
    let (second, pause) = record.next_step().ok_or("no step")?;
    assert_eq!((second.number, &second.after, pause), (2, &position(1), Duration::from_secs(4)));
    assert_eq!(record.turn(&first, "m-1"), Turn::QueueNext, "the same message once more");
    assert_eq!(record.turn(&first, "m-2"), Turn::End, "another message of the same step");
    assert_eq!(record.turn(&second, "m-3"), Turn::Make);
    assert_eq!(record.clone().after_step(&first, "m-2", &sent(250, Some(1)), now), None);

    let record = record.after_step(&second, "m-3", &sent(3, None), now).ok_or("not noted")?;
    assert_eq!((record.status, record.ended_at), (ReplayStatus::Done, Some(now)));
    assert_eq!((record.counts.found, record.next_step()), (253, None));
    assert_eq!(record.turn(&second, "m-3"), Turn::End);
    assert_eq!(record.stopped(now), None);
    Ok(())
}

/// A step sends what its pace gives in a few seconds, and the API shows its replay's status.
#[test]
fn a_step_and_a_status_are_as_the_api_promises() -> TestResult {
    let (step, _) = begun()?.next_step().ok_or("it runs")?;
    assert_eq!((step.replay.per_second, step.size()), (50, 250));
    assert_eq!(ReplayStatus::ALL.map(ReplayStatus::as_str), ["running", "done", "stopped"]);
    Ok(())
}

#[test]
fn a_stopped_replay_makes_no_further_step_but_counts_what_was_sent() -> TestResult {
    let now = NOW.parse()?;
    let (step, _) = begun()?.next_step().ok_or("no step")?;
    let stopped = begun()?.stopped(now).ok_or("not stopped")?;
    assert_eq!((stopped.status, stopped.ended_at, stopped.version), (ReplayStatus::Stopped, Some(now), 2));
    assert_eq!((stopped.turn(&step, "m-1"), stopped.next_step()), (Turn::End, None));
    // The step was under way.
    let later = now.checked_add(1.second())?;
    for next in [Some(1), None] {
        let noted = stopped.clone().after_step(&step, "m-1", &sent(9, next), later).ok_or("not noted")?;
        assert_eq!((noted.status, noted.ended_at, noted.counts.sent), (ReplayStatus::Stopped, Some(now), 9));
        assert_eq!(noted.next_step(), None);
    }
    Ok(())
}

#[test]
fn every_chain_ends() -> TestResult {
    let now = NOW.parse()?;
    let last = ReplayRecord { steps: MOST_STEPS - 1, ..begun()? };
    let (step, _) = last.next_step().ok_or("no step")?;
    let ended = last.after_step(&step, "m", &sent(0, Some(1)), now).ok_or("not noted")?;
    assert_eq!((ended.status, ended.next_step()), (ReplayStatus::Stopped, None));

    let latest = now.checked_add(LONGEST_REPLAY)?;
    let running = begun()?.as_of(latest.checked_sub(1.second())?);
    assert_eq!(running.status, ReplayStatus::Running);
    let ended = begun()?.as_of(latest);
    assert_eq!((ended.status, ended.ended_at), (ReplayStatus::Stopped, Some(latest)));
    let done = ReplayRecord { status: ReplayStatus::Done, ..begun()? };
    assert_eq!(done.clone().as_of(latest), done);
    Ok(())
}

#[test]
fn a_record_is_kept_as_long_as_deliveries_are() -> TestResult {
    let (record, now) = (begun()?, NOW.parse::<Timestamp>()?);
    assert!(record.is_kept(now.checked_add(86_399.seconds())?));
    assert!(!record.is_kept(now.checked_add(24.hours())?));
    Ok(())
}

/// A queue that copies messages and a function that dies.
struct World {
    record: ReplayRecord,
    queue: VecDeque<(String, ReplayStep)>,
    messages: u32,
    sent: BTreeMap<u64, u32>,
    crashes: u32,
}

/// What happens to a receive.
#[derive(Debug, Clone, Copy)]
enum Fault {
    None,
    /// SQS hands the message over once more, later.
    ReceivedTwice,
    /// The function dies after it sent the deliveries.
    DiesBeforeNoting,
    /// The function dies after it noted the step.
    DiesBeforeQueueing,
    /// The function dies after it queued the next step.
    DiesBeforeDeleting,
    /// The SDK queues the next step twice.
    QueuesTwice,
}

const DELIVERIES: u64 = 23;
const STEP: u64 = 4;

impl World {
    fn queue_next(&mut self) {
        if let Some((step, _)) = self.record.next_step() {
            self.messages += 1;
            self.queue.push_back((format!("m-{}", self.messages), step));
        }
    }

    fn receive(&mut self, fault: Fault, now: Timestamp) {
        let Some((id, step)) = self.queue.pop_front() else { return };
        let again = (id.clone(), step.clone());
        if matches!(fault, Fault::ReceivedTwice) {
            self.queue.push_back(again.clone());
        }
        let die = |world: &mut Self| {
            world.crashes += 1;
            world.queue.push_back(again.clone());
        };
        match self.record.turn(&step, &id) {
            Turn::End => return,
            Turn::QueueNext => {}
            Turn::Make => {
                let start = (1..=DELIVERIES).find(|index| step.after == position(*index)).unwrap_or(0);
                let end = (start + STEP).min(DELIVERIES);
                (start + 1..=end).for_each(|index| *self.sent.entry(index).or_default() += 1);
                if matches!(fault, Fault::DiesBeforeNoting) {
                    return die(self);
                }
                let outcome = sent(end - start, (end < DELIVERIES).then_some(end));
                match self.record.clone().after_step(&step, &id, &outcome, now) {
                    Some(noted) => self.record = noted,
                    None => return,
                }
            }
        }
        if matches!(fault, Fault::DiesBeforeQueueing) {
            return die(self);
        }
        self.queue_next();
        match fault {
            Fault::QueuesTwice => self.queue_next(),
            Fault::DiesBeforeDeleting => die(self),
            _ => {}
        }
    }
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        Just(Fault::None),
        Just(Fault::ReceivedTwice),
        Just(Fault::DiesBeforeNoting),
        Just(Fault::DiesBeforeQueueing),
        Just(Fault::DiesBeforeDeleting),
        Just(Fault::QueuesTwice),
    ]
}

proptest! {
    #[test]
    fn a_replay_ends_and_sends_everything_whatever_dies(faults in prop::collection::vec(fault(), 0..40)) {
        let now = NOW.parse().unwrap_or_default();
        let record = begun().map_err(|error| TestCaseError::fail(error.to_string()))?;
        let mut world =
            World { record, queue: VecDeque::new(), messages: 0, sent: BTreeMap::new(), crashes: 0 };
        world.queue_next();
        let mut faults = faults.into_iter();
        for _ in 0..500 {
            world.receive(faults.next().unwrap_or(Fault::None), now);
        }
        prop_assert!(world.queue.is_empty(), "every chain ends");
        prop_assert_eq!(world.record.status, ReplayStatus::Done);
        prop_assert_eq!(world.record.counts.sent, DELIVERIES, "each step is counted once");
        prop_assert_eq!(world.sent.len() as u64, DELIVERIES, "each delivery is sent");
        prop_assert!(world.sent.values().all(|count| *count <= 1 + world.crashes));
    }
}
