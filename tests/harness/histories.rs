//! Histories that a test makes up, to see many deliveries without making them.

use anyhow::Result;
use aws_sdk_dynamodb::types::{PutRequest, WriteRequest};
use jiff::{SignedDuration, Timestamp};
use storehook_aws::{
    history::{DeliveryItem, PayloadItem, PayloadOwner, ReplayItem, put_payloads},
    table::{from_item, to_item},
};
use storehook_domain::{
    delivery::{envelope::KeptPayload, message::DeliveryMessage, subscriber::Subscriber},
    event::{StoreEvent, origin::RecordOrigin, pushed::event_record},
    history::{record::DeliveryRecord, state::DeliveryState},
    job::replay::{Replay, ReplayState, record::ReplayRecord},
};

use crate::{installed::Installed, stack::Stack};

/// How many items one call writes.
const BATCH: usize = 25;

/// How long made-up histories are kept.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24);

impl Stack {
    /// Puts the history of a delivery of this event for each of these, with its payload: when it
    /// was queued, and what has become of it.
    pub async fn have_delivered(
        &self,
        installed: &Installed,
        webhook_id: u64,
        deliveries: &[(&str, Timestamp, DeliveryState)],
    ) -> Result<()> {
        let client = aws_sdk_dynamodb::Client::new(&self.sdk());
        let table = self.resource("history");
        let made = deliveries
            .iter()
            .map(|(event_id, at, state)| made_up(installed, webhook_id, event_id, *at, *state));
        let made = made.collect::<Result<Vec<_>>>()?;
        for some in made.chunks(BATCH) {
            let payloads = some.iter().filter_map(|(history, payload)| {
                let item = PayloadItem {
                    owner: PayloadOwner::Event(&installed.shop, &history.envelope.id.event_id),
                    digest: history.envelope.payload_digest.as_ref()?,
                    payload,
                    expires_at: history.expires_at,
                };
                Some(item.parts())
            });
            let items: Vec<_> =
                payloads.collect::<std::io::Result<Vec<_>>>()?.into_iter().flatten().collect();
            put_payloads(&client, None, &table, &items).await?;
            let puts = some.iter().map(|(history, _)| {
                let item = to_item(DeliveryItem::of(history.clone()))?;
                let put = PutRequest::builder().set_item(Some(item)).build()?;
                Ok(WriteRequest::builder().put_request(put).build())
            });
            let puts = puts.collect::<Result<Vec<_>>>()?;
            client.batch_write_item().request_items(&table, puts).send().await?;
        }
        Ok(())
    }
}

impl Stack {
    /// Puts a history in the place of the one that is there.
    pub async fn put_history(&self, history: &DeliveryRecord) -> Result<()> {
        let client = aws_sdk_dynamodb::Client::new(&self.sdk());
        let item = to_item(DeliveryItem::of(history.clone()))?;
        client.put_item().table_name(self.resource("history")).set_item(Some(item)).send().await?;
        Ok(())
    }
}

impl Stack {
    /// Puts the record of a replay of all dead deliveries that has just begun, without its first
    /// step.
    pub async fn have_replay(
        &self,
        installed: &Installed,
        webhook_id: u64,
        replay_id: &str,
    ) -> Result<ReplayRecord> {
        let now = storehook_aws::now();
        let replay = Replay {
            id: replay_id.to_owned(),
            webhook_id: webhook_id.to_string().parse()?,
            shop: installed.shop.clone(),
            app: installed.app.clone(),
            from: Timestamp::UNIX_EPOCH,
            to: now,
            state: ReplayState::Dead,
            per_second: 50,
            began_at: now,
        };
        let record = ReplayRecord::begin(replay, KEPT_FOR);
        self.put_replay(&record).await?;
        Ok(record)
    }

    /// Puts the record of a replay in the place of the one that is there.
    pub async fn put_replay(&self, record: &ReplayRecord) -> Result<()> {
        let client = aws_sdk_dynamodb::Client::new(&self.sdk());
        let item = to_item(ReplayItem::of(record.clone()))?;
        client.put_item().table_name(self.resource("history")).set_item(Some(item)).send().await?;
        Ok(())
    }

    /// What is kept of a replay.
    pub async fn replay_of(&self, webhook_id: u64, replay_id: &str) -> Result<Option<ReplayRecord>> {
        let client = aws_sdk_dynamodb::Client::new(&self.sdk());
        let key = ReplayItem::key_of(webhook_id.to_string().parse()?, replay_id);
        let get = client.get_item().table_name(self.resource("history")).consistent_read(true);
        let item = get.set_key(Some(key)).send().await?.item;
        Ok(item.map(from_item::<ReplayItem>).transpose()?.map(|item| item.record))
    }
}

/// A history in this state, and its payload, which names its event.
fn made_up(
    installed: &Installed,
    webhook_id: u64,
    event_id: &str,
    at: Timestamp,
    state: DeliveryState,
) -> Result<(DeliveryRecord, String)> {
    let payload = format!(r#"{{"id": "{event_id}", "price": "19.99"}}"#);
    let record = event_record(&installed.shop, "orders/create", &event_id.parse()?, at, None, &payload);
    let origin = RecordOrigin { shard_id: "", sequence_number: "", arrived_at: at };
    let event = StoreEvent::parse(record.as_bytes(), &origin)?;
    let kept = KeptPayload::alone(event.payload);
    let delivery = DeliveryMessage::of(
        &event,
        Some(&kept),
        &Subscriber::by_topic(webhook_id.to_string().parse()?, installed.app.clone()),
        at,
    );
    let kept_until = storehook_aws::now().as_second() + KEPT_FOR.as_secs();
    let begun = DeliveryRecord::begin(&delivery, KEPT_FOR);
    let latency_ms = (state == DeliveryState::Delivered).then_some(40);
    let history = DeliveryRecord {
        state,
        version: 1,
        next_attempt_at: None,
        latency_ms,
        expires_at: kept_until,
        ..begun
    };
    Ok((history, payload))
}
