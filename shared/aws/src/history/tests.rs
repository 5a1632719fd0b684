//! Tests of the history's items: they can be read back, and they fit into DynamoDB's limit.

use std::time::Duration;

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};
use storehook_domain::{
    delivery::{
        body_shape::BodyShape,
        disposition::Disposition,
        envelope::KeptPayload,
        lane::Lane,
        message::DeliveryMessage,
        outcome::{FailedAttempt, Outcome},
        subscriber::Subscriber,
    },
    event::{StoreEvent, origin::RecordOrigin},
    history::{
        attempt::{Attempt, RequestRecord, ResponseRecord},
        record::{ATTEMPTS_KEPT, DETAILS_LIMIT, admission::Admission},
        run::Receive,
    },
    installation::{app::AppId, shop::ShopDomain},
    payload::{
        digest::PayloadDigest,
        limits::PAYLOAD_LIMIT,
        page::{self, PAGE_LIMIT, PageId},
    },
    webhook::Webhook,
};

use super::{
    packed::{DICTIONARY, RECORD_LIMIT},
    payload_pages::text_of as page_of,
    payloads::whole,
    *,
};
use crate::{
    causes,
    table::{from_item, size_of, to_item},
};
use storehook_domain::{
    event::id::EventId,
    history::{record::DeliveryRecord, state::DeliveryState},
    webhook::WebhookId,
};

type TestResult = Result<(), Box<dyn std::error::Error>>;

const ITEM_LIMIT: usize = 400 * 1024;
const NOW: i64 = 1_795_000_000;
const RECEIVE: Receive<'static> =
    Receive { message_id: "059f36b4-87a3-44ab-83d2-661975800001", lane: Lane::Fast };

fn with_delivery<T>(
    record: &str,
    then: impl FnOnce(&DeliveryMessage<'_>) -> Result<T, Box<dyn std::error::Error>>,
) -> Result<T, Box<dyn std::error::Error>> {
    let origin = RecordOrigin { shard_id: "s", sequence_number: "1", arrived_at: Timestamp::UNIX_EPOCH };
    let event = StoreEvent::parse(record.as_bytes(), &origin)?;
    let enqueued_at = Timestamp::from_second(NOW)?;
    let kept = KeptPayload::alone(event.payload);
    then(&DeliveryMessage::of(
        &event,
        Some(&kept),
        &Subscriber::by_topic(WebhookId::new(7), AppId::parse("demo")?),
        enqueued_at,
    ))
}

fn webhook(address: &str, list: &[String]) -> serde_json::Result<Webhook> {
    serde_json::from_value(serde_json::json!({
        "id": 7, "shop": "a.example", "app": "demo", "topic": "order:new", "address": address, "format": "xml",
        "protocol": "webhook", "status": "active", "fields": list, "metafield_namespaces": list,
        "custom_headers": {}, "created_at": "2026-11-21T15:00:00Z", "updated_at": "2026-11-21T15:00:00Z", "version": 3,
    }))
}

fn attempt(webhook: &Webhook, headers: Vec<(String, String)>, response: &[u8]) -> Attempt {
    Attempt {
        at: Timestamp::UNIX_EPOCH,
        latency: Duration::from_secs(30),
        address: webhook.address.as_str().to_owned(),
        request: Some(RequestRecord { headers, shape: BodyShape::of(webhook) }),
        status: Some(503),
        response: Some(ResponseRecord::of(response)),
        outcome: Outcome::failed(FailedAttempt::Status(503)),
        details: Some("\u{10ffff}".repeat(DETAILS_LIMIT + 1)),
    }
}

#[test]
fn a_delivery_reads_back_from_its_item() -> TestResult {
    let record =
        r#"{"shop": "a.example", "topic": "orders/create", "event_id": "e-1", "payload": {"id": 1}}"#;
    with_delivery(record, |delivery| {
        let webhook = webhook("https://b.example/", &["id".to_owned()])?;
        let begun = DeliveryRecord::begin(delivery, SignedDuration::from_hours(24));
        let attempt = attempt(&webhook, vec![("webhook-id".to_owned(), "7-e-1".to_owned())], b"{}");
        let retry = Disposition::retry(Duration::from_secs(10));
        let record = begun.attempted(delivery, RECEIVE, attempt, retry, Timestamp::from_second(NOW)?);
        let item = to_item(DeliveryItem::of(record.clone()))?;
        let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
        assert_eq!(text("pk").as_deref(), Some("DELIVERY#7-e-1"));
        assert_eq!(text("position").as_deref(), Some("01795000000000000#e-1"));
        assert!(list_shards(WebhookId::new(7)).any(|shard| Some(shard) == text("webhook_shard")));
        let expires_at = item.get("expires_at").and_then(|value| value.as_n().ok()).cloned();
        assert_eq!(expires_at, Some((NOW + 86_400).to_string()), "to the second, as a number");
        assert_eq!(from_item::<DeliveryItem>(item.clone())?.record, record);
        let indexed: IndexedDelivery = from_item(item)?;
        assert_eq!((indexed.state, indexed.expires_at), (DeliveryState::Retrying, NOW + 86_400));
        assert_eq!(
            record.admission(delivery, RECEIVE, Timestamp::from_second(NOW + 10)?),
            Admission::Attempt
        );
        Ok(())
    })
}

#[test]
fn the_largest_delivery_fits_an_item() -> TestResult {
    let record = format!(
        r#"{{"shop": "{}.example", "topic": "{}:b", "event_id": "{}", "payload": {{"id": "{}"}}}}"#,
        "a".repeat(63),
        "t".repeat(62),
        "e".repeat(64),
        "i".repeat(128),
    );
    with_delivery(&record, |delivery| {
        let webhook = webhook(&format!("https://b.example/{}", "p".repeat(2_030)), &["x".repeat(2_044)])?;
        // Ten custom headers, whose values are never kept, and twenty of ours.
        let own = (0..10).map(|index| (format!("{index}{}", "n".repeat(127)), "***".to_owned()));
        let ours = (0..20).map(|_| ("x".repeat(64), "v".repeat(512)));
        let headers: Vec<_> = own.chain(ours).collect();
        let mut record = DeliveryRecord::begin(delivery, SignedDuration::from_hours(24));
        for _ in 0..ATTEMPTS_KEPT + 1 {
            let attempt = attempt(&webhook, headers.clone(), &vec![0xff; 20_000]);
            let retry = Disposition::retry(Duration::ZERO);
            record = record.attempted(delivery, RECEIVE, attempt, retry, Timestamp::UNIX_EPOCH);
        }
        assert_eq!((record.attempts.len(), record.attempt_count), (ATTEMPTS_KEPT, ATTEMPTS_KEPT as u64 + 1));
        let json = serde_json::to_string(&record)?.len();
        assert!((90_000..RECORD_LIMIT / 5).contains(&json), "{json}");
        // Even if nothing of it could be compressed.
        assert!(json < ITEM_LIMIT, "{json}");
        let item = to_item(DeliveryItem::of(record.clone()))?;
        assert_eq!(from_item::<DeliveryItem>(item)?.record, record);
        Ok(())
    })
}

/// An item as of before records were packed: the record's members are attributes.
#[test]
fn a_delivery_reads_back_from_an_item_of_before() -> TestResult {
    let record = r#"{"shop": "a.example", "topic": "a:b", "event_id": "e-1", "payload": {"id": 1}}"#;
    with_delivery(record, |delivery| {
        let record = DeliveryRecord::begin(delivery, SignedDuration::from_hours(24));
        let key =
            serde_json::json!({"pk": "DELIVERY#7-e-1", "sk": "DELIVERY", "webhook_shard": "WEBHOOK#7#1"});
        let mut item = to_item(&record)?;
        item.extend(to_item(key)?);
        assert_eq!(from_item::<DeliveryItem>(item)?.record, record);
        Ok(())
    })
}

#[test]
fn a_record_that_this_release_cannot_unpack_is_malformed() -> TestResult {
    for (packed, told) in [
        (&[][..], "a record has no bytes"),
        (&[2, 1, 2], "the dictionary 2 of a record is unknown"),
        (&[1, 1, 2], "a record could not be compressed or decompressed"),
    ] {
        let record = AttributeValue::B(Blob::new(packed));
        let item = [("record".to_owned(), record)].into();
        let error = from_item::<DeliveryItem>(item).err().ok_or("it was read")?;
        assert!(causes(&error).contains(told), "{error}");
    }
    Ok(())
}

/// Records that were packed with it could not be read any more.
#[test]
fn a_dictionary_never_changes() {
    assert_eq!(
        hex::encode(Sha256::digest(DICTIONARY)),
        "914beaf21ead4af070476d879e085405b4f57c9b58484f5a9df80a8130926b93"
    );
}

/// Text that does not compress, from a generator with a fixed seed.
fn noise(length: usize) -> String {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b' ' + 2 + ((state >> 33) % 57) as u8)
    };
    (0..length).map(|_| next()).collect()
}

#[test]
fn every_payload_reads_back_from_its_parts_and_each_fits_an_item() -> TestResult {
    let shop = ShopDomain::parse(&format!("{}.example", "a".repeat(63)))?;
    let event_id = EventId::parse(&"e".repeat(64))?;
    let digest = PayloadDigest::parse(&"a".repeat(32))?;
    let (before, after) = (Timestamp::from_second(NOW - 1)?, Timestamp::from_second(NOW)?);
    for (payload, parts) in [
        ("{}".to_owned(), 1),
        (format!(r#"{{"a":"{}"}}"#, "x".repeat(PAYLOAD_LIMIT - 8)), 1),
        (noise(400_000), 1),
        (noise(PAYLOAD_LIMIT), 3),
    ] {
        let item = PayloadItem {
            owner: PayloadOwner::Event(&shop, &event_id),
            digest: &digest,
            payload: &payload,
            expires_at: NOW,
        };
        let items = item.parts()?;
        assert!((1..=parts).contains(&items.len()), "{}", items.len());
        for item in &items {
            assert!(size_of(item) < ITEM_LIMIT);
        }
        assert_eq!(whole(&items, before).as_ref(), Some(&payload));
        assert_eq!(whole(&items, after), None, "it has expired");
        assert_eq!(whole(&items[1..], before), None, "a part is missing");
    }
    Ok(())
}

#[test]
fn every_payload_reads_back_from_its_page_until_that_expires() -> TestResult {
    let (before, after) = (Timestamp::from_second(NOW - 1)?, Timestamp::from_second(NOW)?);
    for payloads in [vec!["{}".to_owned(), r#"{"a":1}"#.to_owned()], vec![noise(PAGE_LIMIT - 10), noise(8)]] {
        let digests: Vec<_> = payloads.iter().map(|payload| PayloadDigest::of_text(payload)).collect();
        let texts: Vec<_> = payloads.iter().map(String::as_str).collect();
        let id = PageId::of(&digests);
        let item = PageItem { id: &id, payloads: &texts, expires_at: NOW }.item()?;
        assert!(size_of(&item) < ITEM_LIMIT);
        let page = page_of(&item, before).ok_or("not kept")?;
        for (payload, digest) in payloads.iter().zip(&digests) {
            assert_eq!(page::find(&page, digest), Some(payload.as_str()));
        }
        assert_eq!(page_of(&item, after), None, "it has expired");
    }
    Ok(())
}
