//! What became of deliveries. Each published event has one for every webhook that gets it.
//!
//! First counts what endpoints saw, then where a message waits or ended, then the history.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use storehook_aws::{history::DeliveryItem, stand_in::from_json};
use storehook_domain::history::state::DeliveryState;

use crate::{
    deployment::{DEAD, FAST, HISTORY, JOBS, REJECTED, SLOW},
    ledger::{Ledger, event_id_of},
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

/// What became of one delivery. If two are true, the one that is listed later counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    /// Its record says that an attempt is to come. It comes only if a message waits.
    Unknown,
    Cancelled,
    Held,
    Dead,
    Waiting,
    Delivered,
}

impl Fates {
    /// What became of all deliveries of a simulation.
    pub(crate) fn of(end: &End, ledger: &Ledger) -> Self {
        let (known, waiting) = (known(end, ledger), waiting_events(end));
        let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
        let mut fates = Self::default();
        for (id, fate) in &known {
            *seen.entry(event_id_of(id)).or_default() += 1;
            *fates.counter(*fate) += 1;
        }
        for (event_id, tenant) in ledger.events() {
            let width = ledger.tenants.get(tenant).map_or(0, |tenant| tenant.webhooks as u64);
            fates.published += width;
            // Deliveries that nobody has received yet have no record.
            let rest = width.saturating_sub(seen.get(event_id).copied().unwrap_or_default());
            let fate = if waiting.contains(event_id) { Fate::Waiting } else { Fate::Unknown };
            *fates.counter(fate) += rest;
        }
        fates
    }

    fn counter(&mut self, fate: Fate) -> &mut u64 {
        match fate {
            Fate::Unknown => &mut self.lost,
            Fate::Cancelled => &mut self.cancelled,
            Fate::Held => &mut self.held,
            Fate::Dead => &mut self.dead,
            Fate::Waiting => &mut self.waiting,
            Fate::Delivered => &mut self.delivered,
        }
    }
}

/// The deliveries of which something is known.
fn known(end: &End, ledger: &Ledger) -> BTreeMap<String, Fate> {
    let mut known: BTreeMap<String, Fate> = BTreeMap::new();
    let mut note = |delivery_id: &str, fate: Fate| {
        let before = known.entry(delivery_id.to_owned()).or_insert(fate);
        *before = fate.max(*before);
    };
    for id in ledger.accepted_ids() {
        note(id, Fate::Delivered);
    }
    for item in end.aws.dynamodb().items(HISTORY) {
        // Payloads are no deliveries.
        let Some(DeliveryItem { record, .. }) = from_json(&json!(item)) else { continue };
        let fate = match record.state {
            DeliveryState::Cancelled => Fate::Cancelled,
            DeliveryState::Held => Fate::Held,
            DeliveryState::Dead => Fate::Dead,
            DeliveryState::Pending | DeliveryState::Retrying | DeliveryState::Delivered => Fate::Unknown,
        };
        note(&record.envelope.id.to_string(), fate);
    }
    for (queue, fate) in [(FAST, Fate::Waiting), (SLOW, Fate::Waiting), (DEAD, Fate::Dead)] {
        for body in end.aws.sqs.bodies(queue) {
            let message: Value = serde_json::from_str(&body).unwrap_or_default();
            note(message["envelope"]["id"].as_str().unwrap_or_default(), fate);
        }
    }
    known
}

/// The ids of the events that wait on the stream, in a job, or among what was rejected.
fn waiting_events(end: &End) -> BTreeSet<String> {
    let records = end.aws.stream.rest();
    let records = records.iter().map(|record| String::from_utf8_lossy(&record.data).into_owned());
    let queues = [JOBS, REJECTED].into_iter().flat_map(|queue| end.aws.sqs.bodies(queue));
    let texts = records.chain(queues.map(|body| body.to_string()));
    let after = |text: String| Some(text.split_once(r#""event_id":"#)?.1.split('"').nth(1)?.to_owned());
    texts.filter_map(after).collect()
}
