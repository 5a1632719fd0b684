//! Replays in the history table: how far each is.
//!
//! A change of a record is written on the condition that its `version` is the one that the change
//! was made from. Two messages of one step, or a step and a stop, can so not both win.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use storehook_domain::{job::replay::record::ReplayRecord, webhook::WebhookId};

use super::store::HistoryTable;
use crate::table::{self, Item, TableError, key, number, text};

/// A replay's item.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReplayItem {
    pk: String,
    sk: String,
    /// The replay's record.
    #[serde(flatten)]
    pub record: ReplayRecord,
}

impl ReplayItem {
    /// The item of a replay.
    pub fn of(record: ReplayRecord) -> Self {
        let pk = partition_of(record.replay.webhook_id);
        Self { pk, sk: record.replay.id.clone(), record }
    }

    /// The key of a replay's item.
    pub fn key_of(webhook_id: WebhookId, replay_id: &str) -> Item {
        key(&partition_of(webhook_id), replay_id)
    }
}

fn partition_of(webhook_id: WebhookId) -> String {
    format!("REPLAY#{webhook_id}")
}

impl HistoryTable {
    /// Loads a replay as it is now, strongly consistent; `None` if there is none, or it has
    /// expired.
    ///
    /// # Errors
    ///
    /// The call failed, or the item is malformed.
    pub async fn load_replay(
        &self,
        webhook_id: WebhookId,
        replay_id: &str,
        now: Timestamp,
    ) -> Result<Option<ReplayRecord>, TableError> {
        let key = ReplayItem::key_of(webhook_id, replay_id);
        let get = self.client.get_item().table_name(&self.name).set_key(Some(key)).consistent_read(true);
        let item = get.send().await?.item.map(table::from_item::<ReplayItem>).transpose()?;
        Ok(item.map(|item| item.record.as_of(now)).filter(|record| record.is_kept(now)))
    }

    /// Loads a webhook's replays as they are now, the latest first: of one page of the table, which
    /// holds about two thousand.
    ///
    /// # Errors
    ///
    /// The call failed.
    pub async fn load_replays(
        &self,
        webhook_id: WebhookId,
        now: Timestamp,
    ) -> Result<Vec<ReplayRecord>, TableError> {
        let query = self.client.query().table_name(&self.name).key_condition_expression("pk = :pk");
        let query = query.expression_attribute_values(":pk", text(partition_of(webhook_id)));
        let items = query.consistent_read(true).send().await?.items.unwrap_or_default().into_iter();
        let items = items.filter_map(|item| table::readable::<ReplayItem>(item, "replay record"));
        let mut records: Vec<_> = items.map(|item| item.record.as_of(now)).collect();
        records.retain(|record| record.is_kept(now));
        records.sort_by_key(|record| std::cmp::Reverse(record.replay.began_at));
        Ok(records)
    }

    /// Writes a new replay. Returns false if one with its id is there that has not expired.
    ///
    /// # Errors
    ///
    /// The call failed.
    pub async fn put_new_replay(&self, record: &ReplayRecord, now: Timestamp) -> Result<bool, TableError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(table::to_item(ReplayItem::of(record.clone()))?))
            .condition_expression("attribute_not_exists(pk) OR expires_at <= :now")
            .expression_attribute_values(":now", number(now.as_second()));
        Ok(table::conditional(put.send().await)?.is_ok())
    }

    /// Writes a replay over the version before its own. Returns false if somebody else wrote first.
    ///
    /// # Errors
    ///
    /// The call failed.
    pub async fn put_replay(&self, record: &ReplayRecord) -> Result<bool, TableError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(table::to_item(ReplayItem::of(record.clone()))?))
            .condition_expression("version = :version")
            .expression_attribute_values(":version", number(record.version.saturating_sub(1)));
        Ok(table::conditional(put.send().await)?.is_ok())
    }
}
