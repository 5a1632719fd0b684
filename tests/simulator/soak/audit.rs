//! The audit: what became of each delivery, by the tables and the dead-letter queue, held against the
//! receipts.

use std::collections::HashSet;

use serde_json::{Value, json};
use storehook_aws::{history::DeliveryItem, stand_in::from_json};
use storehook_domain::history::{record::DeliveryRecord, state::DeliveryState};

use super::{
    books::Books,
    receipts::{Key, Receipt, Receipts},
};
use crate::faults::{Fault, Faults};

/// An audit, which settles deliveries one by one.
pub struct Audit<'a> {
    faults: &'a Faults,
    receipts: &'a mut Receipts,
    books: &'a mut Books,
    /// The deliveries among the dead letters.
    letters: HashSet<Key>,
}

impl<'a> Audit<'a> {
    /// An audit of what has these receipts. `letters` are the bodies of the dead letters.
    pub fn new(
        faults: &'a Faults,
        letters: impl IntoIterator<Item = impl AsRef<str>>,
        receipts: &'a mut Receipts,
        books: &'a mut Books,
    ) -> Self {
        let key_of = |body: &str| {
            let message: Value = serde_json::from_str(body).ok()?;
            Key::of(message["envelope"]["id"].as_str()?)
        };
        let letters = letters.into_iter().filter_map(|body| key_of(body.as_ref())).collect();
        Self { faults, receipts, books, letters }
    }

    /// Settles the deliveries whose records these items of the history are.
    pub fn settle_items(&mut self, items: impl IntoIterator<Item = Value>) {
        items.into_iter().for_each(|item| self.settle_item(&item));
    }

    /// Settles all other deliveries, which have no record.
    pub fn end(&mut self) {
        let rest: Vec<_> = self.receipts.open.keys().copied().collect();
        for key in rest {
            self.settle(key, None);
        }
    }

    fn settle_item(&mut self, item: &Value) {
        // Payloads are no deliveries.
        let Some(DeliveryItem { record }) = from_json(item) else { return };
        match Key::of(&record.envelope.id.to_string()) {
            Some(key) => self.settle(key, Some(&record)),
            None => self.receipts.note(format!("there is a record of {}", record.envelope.id)),
        }
    }

    /// Notes how a delivery ended.
    fn settle(&mut self, key: Key, record: Option<&DeliveryRecord>) {
        let Some(receipt) = self.receipts.open.remove(&key) else {
            self.receipts.note(format!("{key:?} has a record, and nobody published it"));
            return;
        };
        self.count_twice(key, receipt);
        let is_gone = self.receipts.subscribers.get(&key.webhook).is_none_or(|webhook| webhook.is_gone);
        let is_letter = self.letters.contains(&key);
        match record.map(|record| record.state) {
            Some(DeliveryState::Delivered) => {
                if receipt.taken == 0 {
                    self.receipts.note(format!("{key:?} is recorded as delivered, without a receipt"));
                }
                self.books.delivered += 1;
            }
            _ if receipt.accepted > 0 => {
                self.books.delivered += 1;
                self.books.unrecorded += 1;
                if self.touched(key).is_empty() {
                    self.receipts.note(format!("{key:?} was accepted, without a record and without a fault"));
                }
            }
            Some(DeliveryState::Held) => self.books.held += 1,
            Some(DeliveryState::Cancelled) if is_gone => self.books.cancelled += 1,
            Some(DeliveryState::Cancelled) => {
                self.books.cancelled += 1;
                self.receipts.note(format!("{key:?} was cancelled, and its webhook is there"));
            }
            _ if is_letter => self.books.dead += 1,
            // Before anything is recorded, or where a fault prevented it.
            Some(DeliveryState::Pending | DeliveryState::Retrying) | None if is_gone => {
                self.books.cancelled += 1
            }
            state => {
                self.books.lost += 1;
                let record = record.map(|record| json!(record).to_string()).unwrap_or_default();
                self.receipts.note(format!("{key:?} is lost: {state:?}, {receipt:?}, {record}"));
            }
        }
    }

    fn count_twice(&mut self, key: Key, receipt: Receipt) {
        let twice = u64::from(receipt.taken.saturating_sub(1));
        let unanswered = u64::from(receipt.taken - receipt.accepted).min(twice);
        self.books.twice += twice;
        self.books.unanswered += unanswered;
        if twice == unanswered {
            return;
        }
        let causes: Vec<_> = self.touched(key).into_iter().filter(|fault| fault.may_repeat()).collect();
        for fault in &causes {
            *self.books.causes.entry(fault.name()).or_default() += 1;
        }
        if causes.is_empty() {
            self.receipts.note(format!("{key:?} came twice, without a fault: {receipt:?}"));
        }
    }

    /// The faults that touched a delivery.
    fn touched(&self, key: Key) -> Vec<Fault> {
        self.faults.that_touched(&key.subjects())
    }
}
