//! The scenarios, each for a simulated hour, and a few deliveries until they end.
//!
//! The scale is 1:1,000 here, because the build of the tests is not optimized. The program runs
//! them at 1:100.

use std::time::Duration;

use storehook_domain::delivery::schedule::AGES;

use crate::{
    behaviour::Behaviour,
    comparison::{Baselines, Comparison},
    deployment::Options,
    fates::Fates,
    faults::Rates,
    results::Results,
    scale::Scale,
    scenarios::{self, Group, Scenario, Trouble},
    simulation,
    sqs::Counting,
};

const HOUR: Duration = Duration::from_secs(3_600);

fn options() -> Options {
    Options {
        scale: Scale(1_000.0),
        seed: 1,
        time: HOUR,
        quiet_within: Duration::ZERO,
        counting: Counting::Anew,
        environment: Vec::new(),
    }
}

fn scenario(name: &str) -> Scenario {
    scenarios::all().into_iter().find(|scenario| scenario.name == name).unwrap()
}

/// Runs a scenario for an hour. Nothing may be lost. Only crashes may deliver anything twice.
fn check(name: &str) -> Comparison {
    let mut scenario = scenario(name);
    // The outage, shortened to fit into the hour.
    scenario.outage = scenario.outage.map(|_| HOUR / 6..HOUR / 2);
    let compared = Baselines::default().compare(scenario, &options()).unwrap();
    for run in &compared.runs {
        let Fates { published, delivered, dead, held, cancelled, waiting, lost } = run.results.fates;
        assert_eq!(lost, 0, "{name}: {:?}", run.results);
        assert_eq!(published, delivered + dead + held + cancelled + waiting, "{name}");
        let has_faults = compared.scenario.faults != Rates::NONE;
        assert!(has_faults || run.results.duplicates == 0, "{name}: {:?}", run.results);
        assert!(run.results.fates.delivered > 0, "{name}: {:?}", run.results);
    }
    costs_nobody_else(name, &compared);
    compared
}

/// With the breaker on, healthy tenants' events are first sent in at most twice the time that they
/// take alone, and each queue stays under half of its 120,000 messages in flight. (The clock is
/// virtual, so these figures are the same in each run.)
fn costs_nobody_else(name: &str, compared: &Comparison) {
    let limit = usize::try_from(options().scale.limit(60_000.0)).unwrap();
    for run in compared.runs.iter().filter(|run| run.is_on) {
        let (p99, alone) = (run.results.first_post.p99, compared.alone.first_post.p99);
        assert!(p99 <= 2 * alone, "{name}: {p99:?} beside {alone:?} alone");
        let most = run.results.most_in_flight_fast.max(run.results.most_in_flight_slow);
        // Of forty dead endpoints, each gets an event in 100 seconds at this scale. A breaker's counts
        // are not scaled, so theirs take the whole hour to open; at full size they take a minute.
        assert!(most <= limit || name == "dead-40", "{name}: {most} in flight, of {limit}");
    }
}

#[test]
fn a_dead_endpoint_loses_nothing() {
    check("dead");
}

#[test]
fn forty_dead_endpoints_lose_nothing() {
    check("dead-40");
}

#[test]
fn an_endpoint_that_fails_in_part_loses_nothing() {
    check("fails-part");
}

#[test]
fn a_tarpit_loses_nothing() {
    check("tarpit");
}

#[test]
fn an_integration_that_delays_for_ever_loses_nothing() {
    check("delays");
}

#[test]
fn an_app_that_pushes_at_its_limit_loses_nothing() {
    check("pushes");
}

#[test]
fn an_outage_of_the_pollers_loses_nothing() {
    let compared = check("outage");
    // Half of the events waited for the end of the outage.
    assert!(compared.alone.first_post.p99 > HOUR / 4, "{:?}", compared.alone);
}

#[test]
fn an_endpoint_that_asks_for_hours_loses_nothing() {
    check("retry-after");
}

#[test]
fn an_endpoint_that_flaps_loses_nothing() {
    check("flaps");
}

#[test]
fn lost_jobs_and_crashes_lose_no_delivery() {
    check("lossy");
}

/// Few deliveries of a tenant whose endpoint behaves like this, until all is quiet.
fn to_the_end(behaviour: Behaviour, counting: Counting) -> Results {
    let group = Group { per_second: 50.0, behaviour, ..Group::HEALTHY };
    let trouble = Some(Trouble { tenants: 1, group });
    let scenario = Scenario { trouble, ..scenario("dead") };
    let options = Options {
        time: Duration::from_secs(100),
        quiet_within: 72 * HOUR,
        counting,
        environment: vec![("BREAKER_FAILURES".to_owned(), "0".to_owned())],
        ..options()
    };
    let results = Results::of(&simulation::run(&scenario, &options).unwrap());
    assert!(results.is_quiet, "{results:?}");
    assert_eq!((results.fates.lost, results.fates.waiting, results.duplicates), (0, 0, 0), "{results:?}");
    assert_eq!(results.missing, 0, "{results:?}");
    results
}

#[test]
fn a_delivery_to_a_dead_endpoint_has_all_its_attempts_and_dies_after_two_days() {
    for counting in [Counting::Anew, Counting::CarriedOn] {
        let results = to_the_end(Behaviour::Dead, counting);
        assert!(results.fates.dead > 0, "{results:?}");
        assert_eq!(results.troubled_posts, results.fates.dead * AGES.len() as u64, "{results:?}");
        assert!((48 * HOUR..50 * HOUR).contains(&results.took), "{results:?}");
    }
}

#[test]
fn what_fails_in_part_or_flaps_is_delivered_in_the_end() {
    for behaviour in [Behaviour::FailsPart(0.3), Behaviour::Flaps(Duration::from_secs(30))] {
        let results = to_the_end(behaviour, Counting::Anew);
        assert_eq!(results.fates.delivered, results.fates.published, "{results:?}");
    }
}

/// What a breaker held comes back by itself: nothing stays held once the endpoint works.
#[test]
fn what_a_breaker_held_is_delivered_in_the_end() {
    let [without, with] = [0, 2].map(|failures| {
        let environment = vec![("BREAKER_FAILURES".to_owned(), failures.to_string())];
        let options = Options { quiet_within: 72 * HOUR, environment, ..options() };
        let results = Results::of(&simulation::run(&scenario("flaps"), &options).unwrap());
        assert!(results.is_quiet, "{results:?}");
        assert_eq!((results.fates.delivered, results.missing), (results.fates.published, 0), "{results:?}");
        results
    });
    assert!(with.troubled_posts < without.troubled_posts, "no breaker opened: {with:?}");
}

#[test]
fn a_simulation_is_decided_by_its_seed() {
    let run = |seed| {
        let options = Options { seed, time: HOUR / 12, ..options() };
        Results::of(&simulation::run(&scenario("lossy"), &options).unwrap())
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}
