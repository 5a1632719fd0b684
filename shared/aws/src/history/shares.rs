//! Shares of large fan-outs in the history table: which of their steps are done.
//!
//! They are noted whether or not deliveries are recorded. A step is written on the condition that
//! the one before it is the last: of two messages that made it, one notes it.

use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use storehook_domain::job::fan_out::{FanOutShare, record::ShareRecord};

use super::store::HistoryTable;
use crate::table::{self, Item, TableError, key, number};

/// A share's item.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ShareItem {
    pk: String,
    sk: String,
    #[serde(flatten)]
    record: ShareRecord,
}

impl ShareItem {
    /// The item of a share.
    pub fn of(share: &FanOutShare, record: ShareRecord) -> Self {
        Self { pk: partition_of(share), sk: sort_key_of(share), record }
    }
}

fn partition_of(share: &FanOutShare) -> String {
    format!("SHARE#{}", share.id)
}

fn sort_key_of(share: &FanOutShare) -> String {
    format!("{}-{}", share.range.from, share.range.to)
}

fn key_of(share: &FanOutShare) -> Item {
    key(&partition_of(share), &sort_key_of(share))
}

impl HistoryTable {
    /// Loads what is noted of a share, strongly consistent; `None` if nothing is, or it has expired.
    ///
    /// # Errors
    ///
    /// The call failed, or the item is malformed.
    pub async fn load_share(
        &self,
        share: &FanOutShare,
        now: Timestamp,
    ) -> Result<Option<ShareRecord>, TableError> {
        let get = self.client.get_item().table_name(&self.name).set_key(Some(key_of(share)));
        let item = get.consistent_read(true).send().await?.item;
        let item = item.map(table::from_item::<ShareItem>).transpose()?;
        Ok(item.map(|item| item.record).filter(|record| record.is_kept(now)))
    }

    /// Notes a step of a share. Returns what is noted then: another message, or a write of this one
    /// whose response was lost, may have noted the step before. `None` if DynamoDB does not say what
    /// is there.
    ///
    /// # Errors
    ///
    /// The call failed, or the item that is there is malformed.
    pub async fn note_share(
        &self,
        share: &FanOutShare,
        record: ShareRecord,
        now: Timestamp,
    ) -> Result<Option<ShareRecord>, TableError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(table::to_item(ShareItem::of(share, record.clone()))?))
            .condition_expression("attribute_not_exists(pk) OR steps = :before OR expires_at <= :now")
            .expression_attribute_values(":before", number(record.steps.saturating_sub(1)))
            .expression_attribute_values(":now", number(now.as_second()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let Err(conflict) = table::conditional(put.send().await)? else { return Ok(Some(record)) };
        let found = conflict.item.map(table::from_item::<ShareItem>).transpose()?;
        Ok(found.map(|item| item.record))
    }
}
