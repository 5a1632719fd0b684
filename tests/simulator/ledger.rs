//! The ledger: what was published, what endpoints got, and when.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use crate::{behaviour::Behaviour, clock};

/// What happened to one tenant.
#[derive(Debug, Clone, Default)]
pub(crate) struct TenantLedger {
    pub(crate) is_troubled: bool,
    pub(crate) webhooks: usize,
    /// Events that were published.
    pub(crate) published: u64,
    /// POSTs that its endpoints got.
    pub(crate) posts: u64,
    /// Deliveries that were accepted, and how often a delivery was accepted once more.
    pub(crate) accepted: u64,
    pub(crate) duplicates: u64,
    /// From each event to the first POST of each of its deliveries.
    pub(crate) to_first_post: Vec<Duration>,
    /// From each event to each acceptance.
    pub(crate) to_acceptance: Vec<Duration>,
}

/// What happened.
#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) tenants: Vec<TenantLedger>,
    endpoints: HashMap<String, (usize, Behaviour)>,
    /// The tenant of each event, and when it was published.
    published: HashMap<String, (usize, Duration)>,
    posted: HashSet<String>,
    accepted: HashSet<String>,
}

impl Ledger {
    /// A tenant takes part.
    pub(crate) fn tenant(&mut self, tenant: TenantLedger) {
        self.tenants.push(tenant);
    }

    /// A tenant has an endpoint at this host.
    pub(crate) fn endpoint(&mut self, host: String, tenant: usize, behaviour: Behaviour) {
        self.endpoints.insert(host, (tenant, behaviour));
    }

    /// A tenant publishes an event.
    pub(crate) fn published(&mut self, tenant: usize, event_id: &str) {
        self.tenants[tenant].published += 1;
        self.published.insert(event_id.to_owned(), (tenant, clock::elapsed()));
    }

    /// The events that were published, each with its tenant.
    pub(crate) fn events(&self) -> impl Iterator<Item = (&str, usize)> {
        self.published.iter().map(|(event_id, (tenant, _))| (event_id.as_str(), *tenant))
    }

    /// An endpoint gets a POST. Returns its tenant, and what it does.
    pub(crate) fn post(&mut self, host: &str, delivery_id: &str) -> Option<(usize, Behaviour)> {
        let (tenant, behaviour) = *self.endpoints.get(host)?;
        self.tenants[tenant].posts += 1;
        if self.posted.insert(delivery_id.to_owned())
            && let Some(since) = self.since(delivery_id)
        {
            self.tenants[tenant].to_first_post.push(since);
        }
        Some((tenant, behaviour))
    }

    /// A tenant's endpoint accepts a delivery.
    pub(crate) fn accepted(&mut self, tenant: usize, delivery_id: &str) {
        if !self.accepted.insert(delivery_id.to_owned()) {
            self.tenants[tenant].duplicates += 1;
            return;
        }
        self.tenants[tenant].accepted += 1;
        if let Some(since) = self.since(delivery_id) {
            self.tenants[tenant].to_acceptance.push(since);
        }
    }

    /// The deliveries that were accepted.
    pub(crate) fn accepted_ids(&self) -> impl Iterator<Item = &str> {
        self.accepted.iter().map(String::as_str)
    }

    /// The time since a delivery's event; `None` if nobody published it.
    fn since(&self, delivery_id: &str) -> Option<Duration> {
        let (_, published) = self.published.get(event_id_of(delivery_id))?;
        Some(clock::elapsed().saturating_sub(*published))
    }
}

/// The event's id in a delivery's id.
pub(crate) fn event_id_of(delivery_id: &str) -> &str {
    let event_id = delivery_id.split_once('-').map_or("", |(_, event_id)| event_id);
    event_id.split_once('~').map_or(event_id, |(event_id, _)| event_id)
}
