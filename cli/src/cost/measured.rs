//! What a delivery is made of, by the code: how large each part is.
//!
//! The parts are those of a delivery of the sample order, built by the same code that the functions
//! run. A payload of another size has random digits in the place of the order, because digits
//! compress about as well as an order does.

use std::time::Duration;

use anyhow::{Result, ensure};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use storehook_aws::{
    history::DeliveryItem,
    registry::{InstallationItem, WebhookItem},
    table::{Item, size_of, to_item},
};
use storehook_domain::{
    delivery::{
        body_shape::BodyShape,
        disposition::Disposition,
        envelope::KeptPayload,
        lane::Lane,
        message::DeliveryMessage,
        outcome::{FailedAttempt, Outcome},
        request::{DeliveryRequest, platform::Platform},
        subscriber::Subscriber,
    },
    event::{
        StoreEvent, id::EventId, origin::RecordOrigin, pushed::event_record, samples::sample_of, topic::Topic,
    },
    history::{
        attempt::{Attempt, RequestRecord, ResponseRecord},
        record::DeliveryRecord,
        run::Receive,
    },
    installation::{Installation, secret::SharedSecret, shop::ShopDomain, token::TokenHash},
    payload::{limits::PAYLOAD_LIMIT, page::PageId},
    webhook::Webhook,
};

use crate::cost::payloads::{digits, items_of};

/// What the history's index `deliveries` holds of a delivery's item. Attributes that the item does
/// not have take no room: only a held delivery says what for.
pub const INDEXED: [&str; 8] =
    ["webhook_shard", "position", "state", "latency_ms", "expires_at", "held_for", "pk", "sk"];

/// The shortest payload that there is a measure for, in bytes.
pub const SHORTEST_PAYLOAD: usize = 100;

/// What one delivery is made of, in bytes where nothing else is said.
pub struct Measured {
    /// The event's record, with its partition key.
    pub record: usize,
    /// The delivery's message.
    pub message: usize,
    /// The read units of what its attempt needs of the registry.
    pub registry_reads: usize,
    /// The POST: headers and body.
    pub request: usize,
    /// The items of the payloads of a batch.
    pub payloads: Vec<Item>,
    /// The item of the delivery after its only attempt.
    pub delivery: Item,
    /// The item of a delivery after a failed attempt.
    pub failed: Item,
}

/// Measures a delivery with the history on or off, whose event came in a batch of so many. Without a
/// size the payload is the sample order.
///
/// # Errors
///
/// The payload is too short to be measured, or too long to be sent.
pub fn measure(payload_bytes: Option<usize>, batch: usize, is_history_on: bool) -> Result<Measured> {
    let shop = ShopDomain::parse("mynewstore.spiffystores.com")?;
    let id = EventId::parse("6f0b54d6-4f7c-4b0f-9d5e-0c2a1f3b7e11")?;
    let now: Timestamp = "2026-11-21T15:00:00.123456Z".parse()?;
    let topic = Topic::parse("orders/create")?;
    let payload = match payload_bytes {
        Some(bytes) => payload_of(bytes)?,
        None => sample_order()?.to_owned(),
    };
    let record = event_record(&shop, topic.as_str(), &id, now, None, &payload);
    let origin = RecordOrigin { shard_id: "", sequence_number: "", arrived_at: now };
    let event = StoreEvent::parse(record.as_bytes(), &origin)?;
    let (webhook, installation) = (webhook(&shop)?, installation(&shop)?);
    let kept = is_history_on.then(|| {
        let alone = KeptPayload::alone(event.payload);
        let page = (batch > 1).then(|| PageId::of([&alone.digest]));
        KeptPayload { page, ..alone }
    });
    let subscriber = Subscriber::by_topic(webhook.id, webhook.app.clone());
    let delivery = DeliveryMessage::of(&event, kept.as_ref(), &subscriber, now);
    let request = DeliveryRequest::build(&delivery, &webhook, &installation, &Platform::default(), now)?;
    let headers = request.redacted_headers(&webhook.custom_headers);
    let header_bytes: usize = headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
    let request = header_bytes + request.body.len();
    let attempted = |outcome, disposition| {
        let attempt = attempt(&webhook, headers.clone(), outcome, now);
        let receive = Receive { message_id: "059f36b4-87a3-44ab-83d2-661975800001", lane: Lane::Fast };
        let history = DeliveryRecord::begin(&delivery, SignedDuration::from_hours(24));
        history.attempted(&delivery, receive, attempt, disposition, now)
    };
    let history = attempted(Outcome::Delivered, Disposition::Ack);
    let failure = Outcome::failed(FailedAttempt::Status(500));
    let failed = attempted(failure, Disposition::retry(Duration::from_secs(10)));
    let registry = [
        to_item(WebhookItem::of(webhook.clone()))?,
        to_item(InstallationItem::of(installation, &TokenHash::of("shtk_a"), now))?,
        // The failure run: there is none, and to find that out is a unit, too.
        Item::new(),
    ];
    Ok(Measured {
        record: record.len() + event.partition_key().len(),
        message: delivery.to_message().len(),
        registry_reads: registry.iter().map(|item| size_of(item).div_ceil(4 * 1024).max(1)).sum(),
        request,
        payloads: items_of(&payload, batch, &shop, &id)?,
        delivery: to_item(DeliveryItem::of(history))?,
        failed: to_item(DeliveryItem::of(failed))?,
    })
}

/// The sample order, the usual payload.
///
/// # Errors
///
/// Never: its topic is one of the catalogue.
pub fn sample_order() -> Result<&'static str> {
    Ok(sample_of(&Topic::parse("orders/create")?))
}

/// What the history's index holds of a delivery's item.
pub fn indexed(item: &Item) -> Item {
    let kept = INDEXED.iter().filter_map(|name| Some(((*name).to_owned(), item.get(*name)?.clone())));
    kept.collect()
}

/// A payload of this size.
fn payload_of(bytes: usize) -> Result<String> {
    ensure!(
        (SHORTEST_PAYLOAD..=PAYLOAD_LIMIT).contains(&bytes),
        "a payload has {SHORTEST_PAYLOAD} to {PAYLOAD_LIMIT} bytes: change --payload-kb"
    );
    let (head, tail) = (r#"{"id":327475578523353102,"digits":""#, r#""}"#);
    let digits: String = digits().take(bytes - head.len() - tail.len()).collect();
    Ok([head, &digits, tail].concat())
}

fn webhook(shop: &ShopDomain) -> Result<Webhook> {
    Ok(serde_json::from_value(json!({
        "id": 1001, "shop": shop, "app": "my-app", "topic": "orders/create", "format": "json",
        "address": "https://app.example.com/webhooks/orders", "protocol": "webhook", "status": "active",
        "fields": [], "metafield_namespaces": [], "custom_headers": {}, "created_at": "2026-11-21T15:00:00Z",
        "updated_at": "2026-11-21T15:00:00Z", "version": 1,
    }))?)
}

fn installation(shop: &ShopDomain) -> Result<Installation> {
    Ok(Installation {
        shop: shop.clone(),
        app: "my-app".parse()?,
        store_id: "0c1c9920-5c9c-012d-bd34-000c295ec56b".to_owned(),
        time_zone: "America/New_York".to_owned(),
        scopes: vec![],
        secrets: vec![SharedSecret::parse(&"s".repeat(32))?.into()],
        uninstalled_at: None,
    })
}

fn attempt(webhook: &Webhook, headers: Vec<(String, String)>, outcome: Outcome, at: Timestamp) -> Attempt {
    Attempt {
        at,
        latency: Duration::from_millis(150),
        address: webhook.address.as_str().to_owned(),
        request: Some(RequestRecord { headers, shape: BodyShape::of(webhook) }),
        status: Some(if outcome == Outcome::Delivered { 200 } else { 500 }),
        response: Some(ResponseRecord::of(br#"{"ok": true}"#)),
        outcome,
        details: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_has_the_size_that_was_asked_for_and_compresses_as_an_order_does() -> Result<()> {
        for bytes in [SHORTEST_PAYLOAD, 4_900, 100_000, PAYLOAD_LIMIT] {
            let payload = payload_of(bytes)?;
            assert_eq!(payload.len(), bytes);
            assert!(measure(Some(bytes), 1, true)?.record > bytes);
        }
        let stored = |measured: Measured| measured.payloads.iter().map(size_of).sum::<usize>();
        let (order, digits) = (measure(None, 1, true)?, measure(Some(sample_order()?.len()), 1, true)?);
        let (order, digits) = (stored(order), stored(digits));
        assert!((order * 2 / 3..order * 2).contains(&digits), "{order} and {digits} bytes");
        for bytes in [0, SHORTEST_PAYLOAD - 1, PAYLOAD_LIMIT + 1] {
            assert!(payload_of(bytes).is_err(), "{bytes}");
        }
        Ok(())
    }
}
