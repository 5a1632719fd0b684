//! The results of a simulation.

use std::time::Duration;

use storehook_aws::metrics::Metric;

use crate::{
    deployment::{DEAD, FAST, JOBS, SLOW},
    fates::Fates,
    ledger::TenantLedger,
    simulation::End,
};

/// Two latencies.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Latency {
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
}

/// The results of a simulation.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Results {
    /// From an event to the first POST of each of its deliveries, for healthy tenants.
    pub(crate) first_post: Latency,
    /// From an event to the acceptance of each of its deliveries, for healthy tenants.
    pub(crate) acceptance: Latency,
    /// The worst p99 of a healthy tenant, from an event to the first POST.
    pub(crate) worst_p99: Duration,
    /// Deliveries of healthy tenants that no endpoint has seen.
    pub(crate) unseen: u64,
    pub(crate) fates: Fates,
    pub(crate) duplicates: u64,
    pub(crate) troubled_posts: u64,
    pub(crate) posts: u64,
    pub(crate) receives: u64,
    pub(crate) reads: u64,
    pub(crate) writes: u64,
    pub(crate) most_in_flight_fast: usize,
    pub(crate) most_in_flight_slow: usize,
    /// Messages sent by the functions' own counts that have neither ended nor are queued or dead.
    pub(crate) missing: i64,
    pub(crate) is_quiet: bool,
    pub(crate) took: Duration,
}

impl Results {
    /// The results at the end of a simulation.
    pub(crate) fn of(end: &End) -> Self {
        let ledger = end.ledger();
        let healthy: Vec<_> = ledger.tenants.iter().filter(|tenant| !tenant.is_troubled).collect();
        let first_posts = healthy.iter().flat_map(|tenant| tenant.to_first_post.iter().copied()).collect();
        let acceptances = healthy.iter().flat_map(|tenant| tenant.to_acceptance.iter().copied()).collect();
        let worst = healthy.iter().map(|tenant| latency(tenant.to_first_post.clone()).p99).max();
        let expected = |tenant: &&TenantLedger| tenant.published * tenant.webhooks as u64;
        let seen: u64 = healthy.iter().map(|tenant| tenant.to_first_post.len() as u64).sum();
        let sum = |count: fn(&TenantLedger) -> u64| ledger.tenants.iter().map(count).sum::<u64>();
        let troubled = ledger.tenants.iter().filter(|tenant| tenant.is_troubled);
        let queues = [FAST, SLOW].map(|queue| end.aws.sqs.tally(queue));
        let receives = [FAST, SLOW, JOBS].map(|queue| end.aws.sqs.tally(queue).receives).iter().sum();
        let (reads, writes) = {
            let dynamodb = end.aws.dynamodb();
            (dynamodb.reads, dynamodb.writes)
        };
        let left = [FAST, SLOW, DEAD].map(|queue| end.aws.sqs.depth(queue) as i64).iter().sum::<i64>();
        let missing = end.counted.counted(Metric::Sent) - end.counted.counted(Metric::Done) - left;
        Self {
            first_post: latency(first_posts),
            acceptance: latency(acceptances),
            worst_p99: worst.unwrap_or_default(),
            unseen: healthy.iter().map(expected).sum::<u64>().saturating_sub(seen),
            duplicates: sum(|tenant| tenant.duplicates),
            troubled_posts: troubled.map(|tenant| tenant.posts).sum(),
            posts: sum(|tenant| tenant.posts),
            receives,
            reads,
            writes,
            most_in_flight_fast: queues[0].most_in_flight,
            most_in_flight_slow: queues[1].most_in_flight,
            missing,
            is_quiet: end.is_quiet,
            took: end.took,
            fates: Fates::of(end, &ledger),
        }
    }
}

/// The p50 and the p99 of latencies.
fn latency(mut latencies: Vec<Duration>) -> Latency {
    latencies.sort_unstable();
    let at = |part: f64| {
        let index = ((latencies.len() as f64 * part).ceil() as usize).saturating_sub(1);
        latencies.get(index).copied().unwrap_or_default()
    };
    Latency { p50: at(0.5), p99: at(0.99) }
}
