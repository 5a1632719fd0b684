//! Soaks that are small enough for each build. `docs/reliability.md` has the large ones.

use std::time::Duration;

use super::{course, ended::Ended, plan::Plan, report, verdict};
use crate::faults::{Fault, Rates};

const DAY: Duration = Duration::from_secs(86_400);

/// Runs a plan, and checks that it is not void.
fn check(plan: &Plan) -> Ended {
    let ended = course::run(plan).unwrap();
    let reasons = verdict::reasons(plan, &ended);
    assert!(reasons.is_empty(), "{}\n{reasons:#?}", report::of(plan, &ended));
    ended
}

#[test]
fn under_all_faults_at_once_nothing_is_lost() {
    let ended = check(&Plan::of(2_000, 1));
    let books = &ended.books;
    assert!(
        [books.delivered, books.dead, books.held, books.cancelled].iter().all(|count| *count > 0),
        "{books:?}"
    );
    assert!(ended.faults.len() > 20, "{:?}", ended.faults);
}

#[test]
fn without_faults_nothing_comes_twice() {
    let ended = check(&Plan { rates: Rates::NONE, ..Plan::of(500, 2) });
    assert_eq!(ended.books.twice, 0);
}

#[test]
fn after_days_everything_has_expired() {
    let ended = check(&Plan::of(300, 3).over(3 * DAY));
    assert!(ended.sizes.len() > 10);
}

/// Lambda tells a function when it must end, by another clock than the function's.
#[test]
fn wrong_clocks_hold_nothing_up() {
    let ended = check(&Plan { rates: Rates::NONE.with(Fault::ClockJumped, 0.3), ..Plan::of(200, 5) });
    let slowest = ended.receipts.to_first_post.at(1.0);
    assert!(slowest < Duration::from_secs(30), "{slowest:?}");
}

/// A soak that could not find a loss would show nothing.
#[test]
fn deliveries_that_a_queue_loses_are_found() {
    let plan = Plan { rates: Rates::NONE.with(Fault::DeliveryLost, 0.1), ..Plan::of(200, 4) };
    let ended = course::run(&plan).unwrap();
    assert!(ended.books.lost > 0, "{}", report::of(&plan, &ended));
    assert!(!verdict::reasons(&plan, &ended).is_empty());
}
