//! The history table, as those use it who keep deliveries and who send them again.

use aws_sdk_dynamodb::{
    Client, operation::put_item::PutItemError, types::ReturnValuesOnConditionCheckFailure,
};
use jiff::{SignedDuration, Timestamp};
use storehook_domain::{
    delivery::{id::DeliveryId, message::DeliveryMessage},
    history::record::DeliveryRecord,
    payload::digest::PayloadDigest,
};

use super::{DeliveryItem, PayloadItem, PayloadQuery, Place, WriteError, put_payloads};
use crate::{
    Retention,
    table::{self, TableError, number},
};

/// The history table, and how long what is in it is kept.
#[derive(Clone)]
pub struct HistoryTable {
    /// Its client.
    pub client: Client,
    /// Its name.
    pub name: String,
    /// How long what is written is kept.
    pub retention: Retention,
}

/// What became of a write.
#[derive(Debug)]
pub enum Write {
    /// It was made.
    Made,
    /// Somebody else has written meanwhile: what is there now, or nothing if it was forgotten.
    Outrun(Option<Box<DeliveryRecord>>),
}

impl HistoryTable {
    /// What is kept of a delivery, strongly consistent.
    pub async fn read(&self, id: &DeliveryId) -> Result<Option<DeliveryRecord>, TableError> {
        let get = self.client.get_item().table_name(&self.name).set_key(Some(DeliveryItem::key_of(id)));
        let item = get.consistent_read(true).send().await?.item;
        Ok(item.map(table::from_item::<DeliveryItem>).transpose()?.map(|item| item.history))
    }

    /// Writes a history over the version that it was made from; 0 is of none.
    ///
    /// The SDK makes a call again whose answer did not come, and then finds its own work: that is a write
    /// that was made.
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
        let Err(error) = put.send().await else { return Ok(Write::Made) };
        let Some(PutItemError::ConditionalCheckFailedException(refused)) = error.as_service_error() else {
            return Err(error.into());
        };
        let found = refused.item().cloned().map(table::from_item::<DeliveryItem>).transpose()?;
        let found = found.map(|item| Box::new(item.history));
        Ok(if found.as_deref() == Some(after) { Write::Made } else { Write::Outrun(found) })
    }

    /// Keeps a delivery's payload at this place for so long. Returns what it is kept under.
    pub async fn keep_payload(
        &self,
        delivery: &DeliveryMessage<'_>,
        place: Place<'_>,
        kept_for: SignedDuration,
        now: Timestamp,
    ) -> Result<PayloadDigest, WriteError> {
        let digest = PayloadDigest::of(delivery.payload());
        let item = PayloadItem {
            place,
            digest: &digest,
            payload: &delivery.payload().in_message(),
            expires_at: now.as_second() + kept_for.as_secs(),
        };
        put_payloads(&self.client, &self.name, &[item]).await?;
        Ok(digest)
    }

    /// The payload of a delivery's event; `None` where it is not kept, or not any more.
    pub async fn payload(
        &self,
        history: &DeliveryRecord,
        now: Timestamp,
    ) -> Result<Option<String>, TableError> {
        let Some(digest) = &history.payload_digest else { return Ok(None) };
        let of_event = PayloadQuery { place: Place::Event(&history.shop, &history.id.event_id), digest };
        match of_event.read(&self.client, &self.name, now).await? {
            Some(payload) => Ok(Some(payload)),
            None => {
                let of_delivery = PayloadQuery { place: Place::Delivery(&history.id), digest };
                of_delivery.read(&self.client, &self.name, now).await
            }
        }
    }
}
