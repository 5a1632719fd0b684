//! The pace of endpoints, as this execution environment has seen it.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use storehook_domain::{
    delivery::lane::Lane,
    webhook::{
        WebhookId,
        health::pace::{Judgement, Pace},
    },
};

/// For how many webhooks the pace is known at once. Each takes about a hundred bytes.
const KNOWN: usize = 10_000;

/// The pace of webhooks, as this execution environment has seen it.
pub(crate) struct Lanes {
    /// An endpoint whose mean latency is longer than this is slow.
    slow_after: Duration,
    paces: Mutex<HashMap<WebhookId, Pace>>,
}

impl Lanes {
    pub(crate) fn new(slow_after: Duration) -> Self {
        Self { slow_after, paces: Mutex::default() }
    }

    /// Adds an attempt, and judges the webhook after enough of them.
    pub(super) fn add(&self, webhook_id: WebhookId, latency: Duration, lane: Lane) -> Option<Judgement> {
        let mut paces = self.paces.lock().unwrap_or_else(PoisonError::into_inner);
        if paces.len() >= KNOWN {
            paces.clear();
        }
        paces.entry(webhook_id).or_default().add(latency, !lane.is_fast(), self.slow_after)
    }
}
