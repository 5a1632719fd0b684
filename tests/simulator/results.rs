//! The results of a simulation.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;

use crate::{
    deployment::{DEAD, FAST, HISTORY, JOBS, REJECTED, SLOW},
    ledger::event_id_of,
    simulation::End,
};

/// What became of deliveries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Fates {
    pub(crate) published: u64,
    pub(crate) delivered: u64,
    pub(crate) dead: u64,
    pub(crate) held: u64,
    pub(crate) cancelled: u64,
    /// They wait on the stream or in a queue.
    pub(crate) waiting: u64,
    /// Nothing knows of them any more.
    pub(crate) lost: u64,
}

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
    /// The same to the acceptance.
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
        let expected = |tenant: &&crate::ledger::TenantLedger| tenant.published * tenant.webhooks as u64;
        let seen: u64 = healthy.iter().map(|tenant| tenant.to_first_post.len() as u64).sum();
        let sum =
            |count: fn(&crate::ledger::TenantLedger) -> u64| ledger.tenants.iter().map(count).sum::<u64>();
        let troubled = ledger.tenants.iter().filter(|tenant| tenant.is_troubled);
        let queues = [FAST, SLOW].map(|queue| end.aws.sqs.tally(queue));
        let receives = [FAST, SLOW, JOBS].map(|queue| end.aws.sqs.tally(queue).receives).iter().sum();
        let (reads, writes) = {
            let dynamodb = end.aws.dynamodb();
            (dynamodb.reads, dynamodb.writes)
        };
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
            is_quiet: end.is_quiet,
            took: end.took,
            fates: {
                drop(ledger);
                fates(end)
            },
        }
    }
}

/// What became of each delivery: what its endpoint saw decides, then where it waits, then the
/// history.
fn fates(end: &End) -> Fates {
    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    enum Fate {
        Unknown,
        Cancelled,
        Held,
        Dead,
        Waiting,
        Delivered,
    }
    let mut fates: BTreeMap<String, Fate> = BTreeMap::new();
    let mut is = |delivery_id: &str, fate: Fate| {
        let known = fates.entry(delivery_id.to_owned()).or_insert(Fate::Unknown);
        *known = fate.max(*known);
    };
    let ledger = end.ledger();
    for id in ledger.accepted_ids() {
        is(id, Fate::Delivered);
    }
    for item in end.aws.dynamodb().items(HISTORY) {
        let text = |value: Option<&Value>| Some(value?["S"].as_str()?.to_owned());
        let id = text(item.get("envelope").map(|envelope| &envelope["M"]["id"]));
        let (Some(id), Some(state)) = (id, text(item.get("state"))) else { continue };
        let fate = match state.as_str() {
            "cancelled" => Fate::Cancelled,
            "held" => Fate::Held,
            "dead" => Fate::Dead,
            // It waits only where its message does.
            _ => Fate::Unknown,
        };
        is(&id, fate);
    }
    for (queue, fate) in [(FAST, Fate::Waiting), (SLOW, Fate::Waiting), (DEAD, Fate::Dead)] {
        for body in end.aws.sqs.bodies(queue) {
            let message: Value = serde_json::from_str(&body).unwrap_or_default();
            let id = message["envelope"]["id"].as_str().unwrap_or_default();
            is(id, fate);
        }
    }
    let mut count = Fates::default();
    let on_the_way: BTreeMap<String, Fate> =
        waiting_events(end).into_iter().map(|id| (id, Fate::Waiting)).collect();
    let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
    for (id, fate) in &fates {
        *seen.entry(event_id_of(id)).or_default() += 1;
        let counter = match fate {
            Fate::Unknown => &mut count.lost,
            Fate::Cancelled => &mut count.cancelled,
            Fate::Held => &mut count.held,
            Fate::Dead => &mut count.dead,
            Fate::Waiting => &mut count.waiting,
            Fate::Delivered => &mut count.delivered,
        };
        *counter += 1;
    }
    for event_id in ledger.events() {
        let tenant =
            event_id.trim_start_matches('t').split_once('-').and_then(|(tenant, _)| tenant.parse().ok());
        let tenant: Option<usize> = tenant;
        let width =
            tenant.and_then(|tenant| ledger.tenants.get(tenant)).map_or(0, |tenant| tenant.webhooks as u64);
        let rest = width.saturating_sub(seen.get(event_id).copied().unwrap_or_default());
        count.published += width;
        match on_the_way.contains_key(event_id) {
            true => count.waiting += rest,
            false => count.lost += rest,
        }
    }
    count
}

/// The ids of the events that wait on the stream, in a job, or among what was rejected.
fn waiting_events(end: &End) -> Vec<String> {
    let records =
        end.aws.stream.rest().into_iter().map(|record| String::from_utf8_lossy(&record.data).into_owned());
    let queues = [JOBS, REJECTED].into_iter().flat_map(|queue| end.aws.sqs.bodies(queue));
    let texts = records.chain(queues.map(|body| body.to_string()));
    texts
        .filter_map(|text| Some(text.split_once(r#""event_id":"#)?.1.split('"').nth(1)?.to_owned()))
        .collect()
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
