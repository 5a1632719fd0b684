//! What comes before a function hands it: records of the stream, messages, jobs.

use anyhow::Result;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde_json::{Value, json};
use storehook_domain::{
    delivery::{envelope::KeptPayload, message::DeliveryMessage, subscriber::Subscriber},
    event::{StoreEvent, origin::RecordOrigin},
    installation::app::AppId,
    webhook::WebhookId,
};

use super::aws::{APP, SHOP};
use crate::events::record;

/// An order as a store publishes it, of so many bytes.
pub fn order(bytes: usize) -> String {
    let line_item = |number: usize| {
        json!({
            "id": 866_550_311_766_439_020_u64 + number as u64, "variant_id": 808_950_810_u64, "title": "IPod Nano - 8GB",
            "quantity": 1, "price": "199.00", "grams": 567, "sku": "IPOD2008PINK", "vendor": null,
            "fulfillment_service": "manual", "product_id": 632_910_392_u64, "requires_shipping": true, "taxable": true,
            "gift_card": false, "name": "IPod Nano - 8GB - pink", "properties": [], "fulfillment_status": null,
            "tax_lines": [{"title": "State Tax", "price": "11.94", "rate": 0.06}],
        })
    };
    let of = |line_items: usize, note: usize| {
        let order = json!({
            "id": 820_982_911_946_154_508_u64, "email": "jon@doe.ca", "closed_at": null,
            "created_at": "2026-11-21T10:00:00-05:00", "updated_at": "2026-11-21T10:00:00-05:00", "number": 234,
            "note": "x".repeat(note), "token": "123456abcd", "gateway": null, "test": false, "total_price": "403.00",
            "subtotal_price": "393.00", "currency": "USD", "financial_status": "voided", "name": "#9999",
            "customer": {"id": 115_310_627_314_723_954_u64, "email": "john@test.com", "first_name": "John"},
            "line_items": (0..line_items).map(line_item).collect::<Value>(),
        });
        order.to_string()
    };
    let line_items = (0..).find(|number| of(number + 1, 0).len() > bytes).unwrap_or_default();
    of(line_items, bytes.saturating_sub(of(line_items, 0).len()))
}

/// A delivery in a queue.
pub struct Message {
    /// The number of its event. No two deliveries of a bench have the same.
    pub number: usize,
    /// Its webhook.
    pub webhook: u64,
}

/// A batch of deliveries of this payload, as Lambda hands it over from the delivery queue. They have a
/// digest where the history is on.
pub fn messages_event(messages: &[Message], payload: &str, has_digest: bool) -> Result<Value> {
    let records = messages.iter().map(|message| {
        let id = format!("059f36b4-87a3-44ab-83d2-{:012}", message.number);
        Ok(sqs_message(&id, "storehook-delivery", body_of(message, payload, has_digest)?))
    });
    Ok(json!({"Records": records.collect::<Result<Value>>()?}))
}

/// A job, as Lambda hands it over from the jobs queue.
pub fn jobs_event(number: usize, body: String) -> Value {
    json!({"Records": [sqs_message(&format!("159f36b4-87a3-44ab-83d2-{number:012}"), "storehook-jobs", body)]})
}

/// Records of the stream with this payload, as Lambda hands them over. They are events of these numbers.
pub fn records_event(numbers: impl Iterator<Item = usize>, payload: &str) -> Value {
    let records = numbers.map(|number| {
        let sequence_number = format!("4959033827149025660855969253836157109592157598913665{number:04}");
        json!({
            "kinesis": {
                "kinesisSchemaVersion": "1.0", "partitionKey": "bench",
                "data": STANDARD.encode(record(&SHOP, "orders/create", &event_id(number), payload)),
                "approximateArrivalTimestamp": storehook_aws::now().as_second(),
                "sequenceNumber": sequence_number,
            },
            "eventSource": "aws:kinesis", "eventVersion": "1.0", "eventName": "aws:kinesis:record",
            "eventID": format!("shardId-000000000006:{sequence_number}"),
            "invokeIdentityArn": "arn:aws:iam::000000000000:role/storehook", "awsRegion": "us-east-1",
            "eventSourceARN": "arn:aws:kinesis:us-east-1:000000000000:stream/storehook-events",
        })
    });
    json!({"Records": records.collect::<Value>()})
}

fn event_id(number: usize) -> String {
    format!("01JD3V5W9K8MZP{number:012}")
}

/// The body as fan-out makes it.
fn body_of(message: &Message, payload: &str, has_digest: bool) -> Result<String> {
    let record = record(&SHOP, "orders/create", &event_id(message.number), payload);
    let origin = RecordOrigin { shard_id: "", sequence_number: "", arrived_at: Timestamp::UNIX_EPOCH };
    let event = StoreEvent::parse(record.as_bytes(), &origin)?;
    let subscriber = Subscriber::by_topic(WebhookId::new(message.webhook), AppId::parse(APP)?);
    let kept = has_digest.then(|| KeptPayload::alone(event.payload));
    Ok(DeliveryMessage::of(&event, kept.as_ref(), &subscriber, storehook_aws::now()).to_message())
}

fn sqs_message(id: &str, queue: &str, body: String) -> Value {
    let now = storehook_aws::now().as_millisecond().to_string();
    json!({
        "messageId": id, "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a".repeat(10), "body": body,
        "attributes": {
            "ApproximateReceiveCount": "1", "SentTimestamp": now, "ApproximateFirstReceiveTimestamp": now,
            "SenderId": "AROAIOSFODNN7EXAMPLE:storehook-fan-out", "MessageGroupId": format!("{SHOP}/{APP}"),
            "AWSTraceHeader": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0",
        },
        "messageAttributes": {}, "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3", "eventSource": "aws:sqs",
        "eventSourceARN": format!("arn:aws:sqs:us-east-1:000000000000:{queue}"), "awsRegion": "us-east-1",
    })
}
