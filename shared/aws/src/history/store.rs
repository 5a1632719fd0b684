//! The history table, for whoever records deliveries or sends them again.

use std::time::Duration;

use aws_sdk_dynamodb::{Client, types::ReturnValuesOnConditionCheckFailure};
use jiff::{SignedDuration, Timestamp};
use storehook_domain::{
    delivery::{envelope::Envelope, id::DeliveryId, message::DeliveryMessage},
    history::record::DeliveryRecord,
    payload::digest::PayloadDigest,
};

use super::{DeliveryItem, PayloadItem, PayloadOwner, PayloadQuery, WriteError, put_payloads};
use crate::{
    Retention,
    table::{self, TableError, number},
};

/// How long a caller waits for the history: nothing must wait long for a slow table.
pub const HISTORY_TIME: Duration = Duration::from_secs(2);

/// The history table, and how long its items are kept.
#[derive(Clone)]
pub struct HistoryTable {
    /// Its client.
    pub client: Client,
    /// Its name.
    pub name: String,
    /// How long its items are kept.
    pub retention: Retention,
}

/// What became of writing a record.
#[derive(Debug)]
pub enum Write {
    /// It was written.
    Made,
    /// Somebody else wrote first: the record that is there now, or nothing where it was forgotten.
    Conflict(Option<Box<DeliveryRecord>>),
}

impl HistoryTable {
    /// Loads a delivery's record, strongly consistent.
    pub async fn load(&self, id: &DeliveryId) -> Result<Option<DeliveryRecord>, TableError> {
        let get = self.client.get_item().table_name(&self.name).set_key(Some(DeliveryItem::key_of(id)));
        let item = get.consistent_read(true).send().await?.item;
        Ok(item.map(table::from_item::<DeliveryItem>).transpose()?.map(|item| item.record))
    }

    /// Writes a record over the version that it was made from; 0 is of none. A conflict with one's own write,
    /// which the SDK made twice, is none.
    pub async fn put(&self, after: &DeliveryRecord, version: u64) -> Result<Write, TableError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(table::to_item(DeliveryItem::of(after.clone()))?))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let put = match version {
            0 => put.condition_expression("attribute_not_exists(pk)"),
            version => put
                .condition_expression("version = :version")
                .expression_attribute_values(":version", number(version)),
        };
        let Err(conflict) = table::conditional(put.send().await)? else { return Ok(Write::Made) };
        let found = conflict.item.map(table::from_item::<DeliveryItem>).transpose()?;
        let found = found.map(|item| Box::new(item.record));
        Ok(if found.as_deref() == Some(after) { Write::Made } else { Write::Conflict(found) })
    }

    /// Keeps a message's payload with this owner for so long. Returns the payload's digest.
    pub async fn keep_payload(
        &self,
        message: &DeliveryMessage<'_>,
        owner: PayloadOwner<'_>,
        kept_for: SignedDuration,
        now: Timestamp,
    ) -> Result<PayloadDigest, WriteError> {
        let digest = PayloadDigest::of(message.payload());
        let item = PayloadItem {
            owner,
            digest: &digest,
            payload: &message.payload().in_message(),
            expires_at: now.as_second() + kept_for.as_secs(),
        };
        put_payloads(&self.client, &self.name, &[item]).await?;
        Ok(digest)
    }

    /// Loads the payload of a delivery; `None` where it is not kept, or not any more.
    pub async fn load_payload(
        &self,
        record: &DeliveryRecord,
        now: Timestamp,
    ) -> Result<Option<String>, TableError> {
        let Envelope { id, shop, payload_digest, .. } = &record.envelope;
        let Some(digest) = payload_digest else { return Ok(None) };
        for owner in [PayloadOwner::Event(shop, &id.event_id), PayloadOwner::Delivery(id)] {
            let query = PayloadQuery { owner, digest };
            if let Some(payload) = query.load(&self.client, &self.name, now).await? {
                return Ok(Some(payload));
            }
        }
        Ok(None)
    }
}
