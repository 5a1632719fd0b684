//! What a delivery of the sample order is made of, by the code: how large each part is.

use std::time::Duration;

use anyhow::{Context as _, Result};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use storehook_aws::{
    history::{DeliveryItem, PayloadItem, PayloadOwner},
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
        outcome::Outcome,
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
    payload::digest::PayloadDigest,
    webhook::Webhook,
};

use crate::stack::template::resource;

/// What one delivery of an order is made of, with the history on or off.
pub(super) struct Measured {
    pub(super) record: usize,
    pub(super) message: usize,
    pub(super) registry_reads: usize,
    pub(super) request: usize,
    pub(super) payload: Vec<Item>,
    pub(super) delivery: Item,
}

/// Measures it.
pub(super) fn measure(is_history_on: bool) -> Result<Measured> {
    let shop = ShopDomain::parse("mynewstore.spiffystores.com")?;
    let id = EventId::parse("6f0b54d6-4f7c-4b0f-9d5e-0c2a1f3b7e11")?;
    let now: Timestamp = "2026-11-21T15:00:00.123456Z".parse()?;
    let topic = Topic::parse("orders/create")?;
    let record = event_record(&shop, topic.as_str(), &id, now, None, sample_of(&topic));
    let origin = RecordOrigin { shard_id: "", sequence_number: "", arrived_at: now };
    let event = StoreEvent::parse(record.as_bytes(), &origin)?;
    let (webhook, installation) = (webhook(&shop)?, installation(&shop)?);
    let digest = PayloadDigest::of(event.payload);
    let kept = is_history_on.then(|| KeptPayload::alone(event.payload));
    let delivery = DeliveryMessage::of(
        &event,
        kept.as_ref(),
        &Subscriber::by_topic(webhook.id, webhook.app.clone()),
        now,
    );
    let request = DeliveryRequest::build(&delivery, &webhook, &installation, &Platform::default(), now)?;
    let headers = request.redacted_headers(&webhook.custom_headers);
    let header_bytes: usize = headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
    let request = header_bytes + request.body.len();
    let history = DeliveryRecord::begin(&delivery, SignedDuration::from_hours(24));
    let attempt = attempt(&webhook, headers, now);
    let receive = Receive { message_id: "059f36b4-87a3-44ab-83d2-661975800001", lane: Lane::Fast };
    let history = history.attempted(&delivery, receive, attempt, Disposition::Ack, now);
    let expires_at = history.expires_at;
    let payload = &event.payload.in_message();
    let payload =
        PayloadItem { owner: PayloadOwner::Event(&shop, &id), digest: &digest, payload, expires_at }
            .parts()?;
    let registry = [
        to_item(WebhookItem::of(webhook))?,
        to_item(InstallationItem::of(installation, &TokenHash::of("shtk_a"), now))?,
        // The failure run: there is none, and to find that out is a unit, too.
        Item::new(),
    ];
    Ok(Measured {
        record: record.len() + event.partition_key().len(),
        message: delivery.to_message().len(),
        registry_reads: registry.iter().map(|item| size_of(item).div_ceil(4 * 1024).max(1)).sum(),
        request,
        payload,
        delivery: to_item(DeliveryItem::of(history))?,
    })
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

fn attempt(webhook: &Webhook, headers: Vec<(String, String)>, at: Timestamp) -> Attempt {
    Attempt {
        at,
        latency: Duration::from_millis(150),
        address: webhook.address.as_str().to_owned(),
        request: Some(RequestRecord { headers, shape: BodyShape::of(webhook) }),
        status: Some(200),
        response: Some(ResponseRecord::of(br#"{"ok": true}"#)),
        outcome: Outcome::Delivered,
        details: None,
    }
}

/// What the index holds of a delivery's item. Attributes that the item does not have take no room:
/// only a held delivery says what for.
pub(super) fn indexed(item: &Item) -> Result<Item> {
    let index = &resource("HistoryTable")?["Properties"]["GlobalSecondaryIndexes"][0];
    let keys = index["KeySchema"].as_sequence().context("no keys")?.iter().map(|key| &key["AttributeName"]);
    let projected = index["Projection"]["NonKeyAttributes"].as_sequence().context("no projection")?;
    let names = keys.chain(projected).filter_map(|name| name.as_str()).chain(["pk", "sk"]);
    Ok(names.filter_map(|name| Some((name.to_owned(), item.get(name)?.clone()))).collect())
}
