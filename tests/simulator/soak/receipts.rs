//! The receipts: what each endpoint got of each delivery.
//!
//! A delivery is known from when its event is published until the audit has settled it.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use storehook_domain::delivery::id::DeliveryId;

use super::histogram::Histogram;
use crate::clock;

/// A delivery: its webhook and its event, by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) webhook: u32,
    pub(super) event: u32,
}

impl Key {
    /// The delivery with this id.
    pub(super) fn of(id: &str) -> Option<Self> {
        let id = DeliveryId::parse(id).ok()?;
        let event = id.event_id.as_str().strip_prefix('e')?.parse().ok()?;
        Some(Self { webhook: id.webhook_id.get().try_into().ok()?, event })
    }

    /// What faults touch if they touch the delivery.
    pub(super) fn subjects(self) -> [String; 3] {
        let Self { webhook, event } = self;
        [format!("{webhook}-e{event}"), format!("event e{event}"), format!("webhook {webhook}")]
    }
}

/// The deliveries and the events that a text names, as faults touch them.
pub fn subjects_in(text: &str) -> Vec<String> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-');
    let subjects = words.filter_map(|word| {
        let is_event = word.strip_prefix('e').is_some_and(|number| number.parse::<u32>().is_ok());
        Key::of(word).map(|_| word.to_owned()).or_else(|| is_event.then(|| format!("event {word}")))
    });
    subjects.collect::<BTreeSet<_>>().into_iter().collect()
}

/// What is known of a delivery.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Receipt {
    /// When its event was published, in milliseconds from the beginning.
    published: u32,
    /// POSTs that its endpoint got.
    pub(super) posts: u16,
    /// POSTs that the endpoint took.
    pub(super) taken: u16,
    /// Of these, those to which it responded that it had, in time and whole.
    pub(super) accepted: u16,
}

/// A webhook.
#[derive(Debug, Clone)]
pub(super) struct Subscriber {
    /// The secret of its installation.
    pub(super) secret: String,
    /// Whether its latency and its order count.
    pub(super) is_healthy: bool,
    /// Whether it was deleted, or its app was uninstalled.
    pub(super) is_gone: bool,
    /// The latest of its events that were POSTed.
    latest: u32,
}

/// All receipts.
#[derive(Default)]
pub struct Receipts {
    pub(super) open: HashMap<Key, Receipt>,
    pub(super) subscribers: BTreeMap<u32, Subscriber>,
    /// Deliveries that were published.
    pub published: u64,
    pub(super) posts: u64,
    /// From an event to the first POST, at healthy endpoints.
    pub(super) to_first_post: Histogram,
    /// First POSTs at healthy endpoints, and those that came after one of a later event.
    pub(super) first_posts: u64,
    pub(super) overtaken: u64,
    /// What must not be.
    pub(super) wrong: Vec<String>,
}

impl Subscriber {
    pub(super) fn new(secret: &str, is_healthy: bool) -> Self {
        Self { secret: secret.to_owned(), is_healthy, is_gone: false, latest: 0 }
    }
}

impl Receipts {
    /// An event is published to a webhook.
    pub(super) fn published(&mut self, key: Key) {
        let published = clock::elapsed().as_millis().try_into().unwrap_or(u32::MAX);
        self.open.insert(key, Receipt { published, ..Receipt::default() });
        self.published += 1;
    }

    /// An endpoint gets a POST. Returns how many it got of this delivery before.
    pub(super) fn posted(&mut self, key: Key) -> u16 {
        let Some(receipt) = self.open.get_mut(&key) else {
            self.note(format!("{key:?} was POSTed, and nobody published it"));
            return 0;
        };
        let before = receipt.posts;
        receipt.posts = before.saturating_add(1);
        self.posts += 1;
        if before == 0
            && let Some(subscriber) = self.subscribers.get_mut(&key.webhook)
            && subscriber.is_healthy
        {
            self.first_posts += 1;
            self.overtaken += u64::from(key.event < subscriber.latest);
            subscriber.latest = subscriber.latest.max(key.event);
            let published = Duration::from_millis(receipt.published.into());
            self.to_first_post.add(clock::elapsed().saturating_sub(published));
        }
        before
    }

    /// An endpoint takes a delivery. `accepts` says whether it will respond so.
    pub(super) fn taken(&mut self, key: Key, accepts: bool) {
        if let Some(receipt) = self.open.get_mut(&key) {
            receipt.taken = receipt.taken.saturating_add(1);
            receipt.accepted = receipt.accepted.saturating_add(accepts.into());
        }
    }

    /// Notes what must not be. The first ones are enough.
    pub(super) fn note(&mut self, wrong: String) {
        if self.wrong.len() < 20 {
            self.wrong.push(wrong);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_names_its_deliveries_and_events() {
        for (text, subjects) in [
            (r#"{"Keys":[{"pk":{"S":"DELIVERY#7-e1"}},{"pk":{"S":"SHOP#t1.example"}}]}"#, &["7-e1"][..]),
            (
                r#"{"MessageBody":"{\"envelope\":{\"id\":\"8-e12\",\"event_id\":\"e12\"}"}"#,
                &["8-e12", "event e12"],
            ),
            ("no subject", &[]),
        ] {
            assert_eq!(subjects_in(text), subjects, "{text}");
        }
    }
}
