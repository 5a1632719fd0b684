//! Runs in a simulated SQS that copies messages, redrives them, loses receives and delays, while
//! the function dies anywhere, the history loses reads and writes and is silent for hours, and the
//! webhook is paused or deleted.

mod exhaustive;
mod history;
mod kinds;
mod messages;
mod queues;
mod steps;
mod world;

use std::collections::BTreeMap;

use kinds::{Answer, Fault, Post, Redrive};
use messages::message;
use proptest::prelude::*;
use steps::{Step, answer, fault, redrive, silence, skew, step};
use storehook_domain::{
    delivery::{lane::Lane, run::RunId, schedule::AGES},
    history::{record::DeliveryRecord, state::DeliveryState},
};
use world::World;

/// How many steps end any delivery: 48 hours of receives in both lanes, for each message that is
/// sent.
const STEPS: usize = 20_000;

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

/// Whether nobody can tell how a run that was begun has ended.
fn is_lost(world: &World, run: &RunId) -> bool {
    let ends = [&world.dead_letters, &world.held, &world.cancelled];
    let is_delivered = |post: &Post| post.delivered && (post.run == *run || !run.repeats_delivered());
    if ends.iter().any(|runs| runs.contains(run)) || world.posts.iter().any(is_delivered) {
        return false;
    }
    // A run that was attempted later takes its place. The event's own is the earliest.
    let mut runs = world.record.iter().flat_map(|record| &record.runs).map(|known| &known.id);
    let later = runs.clone().skip_while(|known| *known != run).skip(1).count();
    later == 0 && !(run.is_events_own() && runs.any(|known| known != run))
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
        run in prop_oneof![Just(RunId::Event), Just(RunId::Redrive("m".to_owned()))],
        skew in skew(),
        copies in 1..4_usize,
        steps in prop::collection::vec(step(Just(Fault::None), Just(Answer::Fails)), 0..80),
    ) {
        let mut world = World::new(redrive);
        world.skew = skew;
        for _ in 0..copies {
            world.send(message(run.clone()));
        }
        // An attempt that outlasts a gap of the table passes the point after it over.
        let short = |step: Step| Step { overlaps: false, latency: step.latency % 5_000, ..step };
        let steps: Vec<_> = steps.into_iter().map(short).collect();
        live(&mut world, &steps, false);
        let record = ends(&world)?;
        prop_assert_eq!(record.state, DeliveryState::Dead);
        let points: Vec<_> = world.posts.iter().map(|post| post.point).collect();
        prop_assert_eq!(points, (1..=AGES.len()).collect::<Vec<_>>());
        prop_assert_eq!(&world.dead_letters, &[run]);
    }

    /// Whatever happens, every run that was begun ends: delivered, as a dead letter, held or
    /// cancelled, or because a later run was attempted. And each repeat is explained by its own
    /// receive or the one before in its run: by a crash, a read or a write that was lost, another
    /// receive at the same moment, a delivery that was held, or an endpoint that asked for it.
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
        steps in prop::collection::vec(step(fault(), prop_oneof![
            30 => answer(),
            1 => Just(Answer::IsDeleted),
        ]), 0..200),
        silence in silence(),
        skew in skew(),
    ) {
        let mut world = World::new(redrive);
        (world.silence, world.skew) = (silence, skew);
        for run in runs {
            world.send(message(run));
        }
        live(&mut world, &steps, true);
        prop_assert!(world.is_quiet(), "every delivery ends");
        for run in &world.sent {
            prop_assert!(!is_lost(&world, run), "{run} is lost");
        }
        // Where a write was lost, the record learns of the end by the attempt that never came.
        let shown = world.record.clone().map(|record| record.as_of(world.later()).state);
        prop_assert!(!matches!(shown, Some(DeliveryState::Pending | DeliveryState::Retrying)), "{shown:?}");
        for posts in by_run(&world.posts).values() {
            for (index, post) in posts.iter().enumerate() {
                for earlier in &posts[..index] {
                    prop_assert!(!post.repeats_for_no_reason(earlier), "{post:?} after {earlier:?}");
                }
            }
        }
    }

    /// What is recorded as delivered is not attempted again in its run, however often SQS shows it.
    #[test]
    fn a_delivered_run_is_not_attempted_again(
        redrive in redrive(),
        copies in 1..4_usize,
        steps in prop::collection::vec(step(fault(), answer()), 0..200),
        silence in silence(),
    ) {
        let mut world = World::new(redrive);
        world.silence = silence;
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

/// Found by the machine above: SQS shows a message twice, and the copy comes two seconds before the next
/// attempt is due. It makes that attempt, and the message ends without one.
#[test]
fn a_copy_that_comes_a_little_early_makes_the_attempt_that_is_due() {
    let step = |answer, latency, is_shown_twice| Step {
        fault: Fault::None,
        answer,
        latency,
        jitter: 0.0,
        overlaps: false,
        which: 0,
        is_shown_twice,
    };
    let mut world = World::new(Redrive { keeps_count: false, keeps_id: false });
    world.send(message(RunId::Event));
    let steps = [
        step(Answer::Fails, 0, false),
        step(Answer::Fails, 28_000, true),
        step(Answer::Takes, 0, false),
        step(Answer::Takes, 0, false),
    ];
    live(&mut world, &steps, true);
    let points: Vec<_> = world.posts.iter().map(|post| (post.point, post.delivered)).collect();
    assert_eq!(points, [(1, false), (2, false), (3, true)]);
    assert!(world.is_quiet());
}
