//! A table and its indexes.
//!
//! Items are kept as JSON text, because a simulated day makes millions of them. An item whose
//! `expires_at` has passed is gone the next time it is read. DynamoDB may take days to delete it; the
//! unit tests of the code cover items that have expired and are still there.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

use super::value::{Item, KeyPart, typed};
use crate::refusal::Refusal;

/// A key of an item: its partition and its sort key.
pub(super) type Key = (KeyPart, KeyPart);

/// The names of the two key attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeySchema {
    pub(crate) partition: String,
    pub(crate) sort: String,
}

/// An index, as the template has it.
#[derive(Debug, Clone)]
pub(crate) struct IndexSchema {
    pub(crate) name: String,
    pub(crate) keys: KeySchema,
    /// What an entry holds besides the keys; `None` is everything.
    pub(crate) attributes: Option<Vec<String>>,
}

/// A table, as the template has it.
#[derive(Debug, Clone)]
pub(crate) struct TableSchema {
    pub(crate) keys: KeySchema,
    pub(crate) indexes: Vec<IndexSchema>,
    /// The attribute that holds when an item expires.
    pub(crate) expiry: Option<String>,
}

/// A table with its items.
pub(crate) struct Table {
    pub(super) schema: TableSchema,
    items: BTreeMap<Key, Box<str>>,
    /// The entries of each index: their own key, then the item's.
    entries: Vec<BTreeSet<(Key, Key)>>,
}

impl KeySchema {
    /// The key of an item; `None` if it lacks an attribute.
    pub(super) fn of(&self, item: &Item) -> Option<Key> {
        Some((KeyPart::of(item.get(&self.partition)?)?, KeyPart::of(item.get(&self.sort)?)?))
    }
}

impl Table {
    /// An empty table.
    pub(super) fn new(schema: TableSchema) -> Self {
        let entries = schema.indexes.iter().map(|_| BTreeSet::new()).collect();
        Self { schema, items: BTreeMap::new(), entries }
    }

    /// The key of an item.
    pub(super) fn key_of(&self, item: &Item) -> Result<Key, Refusal> {
        self.schema.keys.of(item).ok_or_else(|| Refusal::invalid("an item lacks its key"))
    }

    /// An item that has not expired.
    pub(super) fn get(&mut self, key: &Key, now: i64) -> Option<Item> {
        let item = item_of(self.items.get(key)?);
        if self.is_expired(&item, now) {
            self.remove(key);
            return None;
        }
        Some(item)
    }

    fn is_expired(&self, item: &Item, now: i64) -> bool {
        let expiry = self.schema.expiry.as_ref().and_then(|name| item.get(name));
        let expiry = expiry.and_then(|value| typed(value)?.1.as_str()?.parse::<i64>().ok());
        expiry.is_some_and(|expiry| expiry <= now)
    }

    /// Puts an item in the place of the one with its key.
    pub(super) fn put(&mut self, item: &Item) -> Result<(), Refusal> {
        let key = self.key_of(item)?;
        self.remove(&key);
        for (index, entries) in self.schema.indexes.iter().zip(&mut self.entries) {
            if let Some(entry) = index.keys.of(item) {
                entries.insert((entry, key.clone()));
            }
        }
        let text = serde_json::to_string(item).map_err(|error| Refusal::invalid(error.to_string()))?;
        self.items.insert(key, text.into());
        Ok(())
    }

    /// Removes an item.
    pub(super) fn remove(&mut self, key: &Key) {
        let Some(before) = self.items.remove(key) else { return };
        if self.entries.is_empty() {
            return;
        }
        let before = item_of(&before);
        for (index, entries) in self.schema.indexes.iter().zip(&mut self.entries) {
            if let Some(entry) = index.keys.of(&before) {
                entries.remove(&(entry, key.clone()));
            }
        }
    }

    /// The keys of the items of a partition, in order: of the table, or of the index with this
    /// position.
    pub(super) fn partition(&self, index: Option<usize>, partition: &KeyPart) -> Vec<(Key, Key)> {
        // A number sorts before every text.
        let first = (partition.clone(), KeyPart::Number(i128::MIN));
        match index.and_then(|index| self.entries.get(index)) {
            Some(entries) => {
                let from = (first.clone(), first);
                let range = entries.range((Bound::Included(from), Bound::Unbounded));
                range.take_while(|((found, _), _)| found == partition).cloned().collect()
            }
            None => {
                let range = self.items.range((Bound::Included(first), Bound::Unbounded)).map(|(key, _)| key);
                let range = range.take_while(|(found, _)| found == partition);
                range.map(|key| (key.clone(), key.clone())).collect()
            }
        }
    }

    /// Takes out the items that have expired.
    pub(super) fn expire(&mut self, now: i64) -> Vec<Item> {
        let all = self.items.iter().map(|(key, text)| (key.clone(), item_of(text)));
        let expired: Vec<_> = all.filter(|(_, item)| self.is_expired(item, now)).collect();
        expired.iter().for_each(|(key, _)| self.remove(key));
        expired.into_iter().map(|(_, item)| item).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// Every item, for the results of a simulation.
    pub(crate) fn items(&self) -> impl Iterator<Item = Item> {
        self.items.values().map(|text| item_of(text))
    }
}

fn item_of(text: &str) -> Item {
    serde_json::from_str(text).unwrap_or_default()
}
