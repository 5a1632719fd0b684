//! Runs in a simulated SQS that copies messages, redrives them, loses receives and delays, while
//! the function dies anywhere and the history loses writes.

mod kinds;
mod messages;
mod world;

use std::collections::BTreeMap;

use kinds::{Answer, Fault, Post, Redrive};
use proptest::prelude::*;
use storehook_domain::{
    delivery::{lane::Lane, message::DeliveryMessage, run::RunId, schedule::AGES, subscriber::Subscriber},
    event::{StoreEvent, origin::RecordOrigin},
    history::{record::DeliveryRecord, state::DeliveryState},
    installation::app::AppId,
    webhook::WebhookId,
};
use world::World;

/// How many steps end any delivery: 48 hours of receives in both lanes, for each message that is
/// sent.
const STEPS: usize = 20_000;

/// What happens next in the world.
#[derive(Debug, Clone, Copy)]
struct Step {
    fault: Fault,
    answer: Answer,
    latency: i64,
    jitter: f64,
    /// Whether another receive begins before this one ends.
    overlaps: bool,
    which: usize,
    /// Whether SQS shows a message twice now.
    is_shown_twice: bool,
}

#[expect(clippy::expect_used, reason = "the record is a constant")]
fn message(run: RunId) -> DeliveryMessage<'static> {
    let record = br#"{"shop": "a.example", "topic": "orders/paid", "event_id": "e1", "payload": {"id": 1}}"#;
    let origin =
        RecordOrigin { shard_id: "s", sequence_number: "1", arrived_at: jiff::Timestamp::UNIX_EPOCH };
    let event = StoreEvent::parse(record, &origin).expect("an event");
    let app = AppId::parse("demo").expect("an app");
    let mut message = DeliveryMessage::of(
        &event,
        None,
        &Subscriber::by_topic(WebhookId::new(7), app),
        jiff::Timestamp::UNIX_EPOCH,
    );
    message.run = run;
    message
}

fn redrive() -> impl Strategy<Value = Redrive> {
    (any::<bool>(), any::<bool>()).prop_map(|(keeps_count, keeps_id)| Redrive { keeps_count, keeps_id })
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        12 => Just(Fault::None),
        1 => Just(Fault::DiesAtOnce),
        1 => Just(Fault::DiesAfterPost),
        1 => Just(Fault::DiesAfterWrite),
        1 => Just(Fault::WriteIsLost),
    ]
}

fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        1 => Just(Answer::Takes),
        8 => Just(Answer::Fails),
        1 => (1..900_u64).prop_map(Answer::AsksForDelay),
        1 => (1..50_000_u64).prop_map(Answer::AsksForTime),
    ]
}

fn step(
    fault: impl Strategy<Value = Fault>,
    answer: impl Strategy<Value = Answer>,
) -> impl Strategy<Value = Step> {
    (fault, answer, 0..30_000_i64, 0.0..=1.0_f64, any::<bool>(), any::<usize>(), prop::bool::weighted(0.05))
        .prop_map(|(fault, answer, latency, jitter, overlaps, which, is_shown_twice)| Step {
            fault,
            answer,
            latency,
            jitter,
            overlaps,
            which,
            is_shown_twice,
        })
}

/// Lets the world go on until it is quiet: by these steps, and then with failing attempts and no
/// faults.
fn live(world: &mut World, steps: &[Step], copies: bool) {
    let calm = Step {
        fault: Fault::None,
        answer: Answer::Fails,
        latency: 100,
        jitter: 0.5,
        overlaps: false,
        which: 0,
        is_shown_twice: false,
    };
    for number in 0..STEPS {
        if world.is_quiet() {
            return;
        }
        let step = steps.get(number).copied().unwrap_or(calm);
        if copies && step.is_shown_twice {
            world.show_twice(step.which);
        }
        world.receive(step.fault);
        if !step.overlaps || world.under_way() > 3 {
            world.finish(step.which, step.answer, step.latency, step.jitter);
        }
    }
}

fn ends(world: &World) -> Result<&DeliveryRecord, TestCaseError> {
    prop_assert!(world.is_quiet(), "every delivery ends");
    world.record.as_ref().ok_or_else(|| TestCaseError::fail("no record"))
}

fn by_run(posts: &[Post]) -> BTreeMap<String, Vec<&Post>> {
    let mut runs: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for post in posts {
        runs.entry(post.run.to_string()).or_default().push(post);
    }
    runs
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// A dead endpoint gets its twenty attempts, each at its point, whatever copies there are, and
    /// then one dead letter.
    #[test]
    fn without_faults_a_run_makes_one_attempt_at_each_point(
        redrive in redrive(),
        copies in 1..4_usize,
        steps in prop::collection::vec(step(Just(Fault::None), Just(Answer::Fails)), 0..80),
    ) {
        let mut world = World::new(redrive);
        for _ in 0..copies {
            world.send(message(RunId::Event));
        }
        // An attempt that outlasts a gap of the table passes the point after it over.
        let short = |step: Step| Step { overlaps: false, latency: step.latency % 5_000, ..step };
        let steps: Vec<_> = steps.into_iter().map(short).collect();
        live(&mut world, &steps, false);
        let record = ends(&world)?;
        prop_assert_eq!(record.state, DeliveryState::Dead);
        let points: Vec<_> = world.posts.iter().map(|post| post.point).collect();
        prop_assert_eq!(points, (1..=AGES.len()).collect::<Vec<_>>());
        prop_assert_eq!(&world.dead_letters, &[RunId::Event]);
    }

    /// Whatever happens, every delivery ends delivered or as a dead letter; and each repeat is
    /// explained by a crash, a lost write, or receives at the same moment.
    #[test]
    fn with_any_faults_every_delivery_ends_and_each_repeat_has_a_reason(
        redrive in redrive(),
        runs in prop::collection::vec(
            prop_oneof![
                3 => Just(RunId::Event),
                1 => Just(RunId::Replay("r".to_owned())),
                1 => Just(RunId::Redrive("m".to_owned())),
                1 => Just(RunId::Redeliver("x".to_owned())),
            ],
            1..5,
        ),
        steps in prop::collection::vec(step(fault(), answer()), 0..200),
    ) {
        let mut world = World::new(redrive);
        for run in runs {
            world.send(message(run));
        }
        live(&mut world, &steps, true);
        prop_assert!(world.is_quiet(), "every delivery ends");
        let is_delivered = world.posts.iter().any(|post| post.delivered);
        prop_assert!(is_delivered || !world.dead_letters.is_empty(), "nothing is lost");
        // Where a write was lost, the record learns of the end by the attempt that never came.
        let shown = world.record.clone().map(|record| record.as_of(world.later()).state);
        prop_assert!(!matches!(shown, Some(DeliveryState::Pending | DeliveryState::Retrying)), "{shown:?}");
        let mut repeats = 0;
        for posts in by_run(&world.posts).values() {
            let mut points: Vec<_> = posts.iter().filter(|post| !post.delivered).map(|post| post.point).collect();
            points.sort_unstable();
            let len = points.len();
            points.dedup();
            repeats += len - points.len();
            repeats += posts.iter().filter(|post| post.delivered).count().saturating_sub(1);
        }
        // An endpoint that asks for a delay or for time may be attempted twice between two points.
        let asked = steps.iter().filter(|step| !matches!(step.answer, Answer::Takes | Answer::Fails)).count();
        prop_assert!(
            repeats <= world.faults + world.overlaps + asked,
            "{repeats} repeats, {} faults, {} overlaps", world.faults, world.overlaps
        );
    }

    /// What is recorded as delivered is not attempted again in its run, however often SQS shows it.
    #[test]
    fn a_delivered_run_is_not_attempted_again(
        redrive in redrive(),
        copies in 1..4_usize,
        steps in prop::collection::vec(step(fault(), answer()), 0..200),
    ) {
        let mut world = World::new(redrive);
        for _ in 0..copies {
            world.send(message(RunId::Event));
        }
        let steps: Vec<_> = steps.into_iter().map(|step| Step { overlaps: false, ..step }).collect();
        live(&mut world, &steps, true);
        prop_assert!(world.is_quiet(), "every delivery ends");
        prop_assert!(world.posts.iter().all(|post| !post.was_delivered));
    }
}

#[test]
fn a_failing_message_leaves_the_fast_lane_after_forty_seconds() {
    let points = Lane::Fast.max_receive_count();
    assert_eq!(AGES[points], 40, "its last wait ends when the slow lane's first attempt is due");
    assert!(Lane::Slow.max_receive_count() >= 2 * AGES.len());
}
