//! Records of the stream, plain and aggregated. An event that is read makes a message that SQS takes and
//! that reads back with the same payload, and its record reads back as the same event.

use jiff::Timestamp;
use md5::{Digest as _, Md5};
use storehook_domain::{
    delivery::{message::DeliveryMessage, subscriber::Subscriber},
    event::{StoreEvent, aggregated, origin::RecordOrigin},
    installation::app::AppId,
    payload::limits::SQS_MESSAGE_LIMIT,
    webhook::WebhookId,
};

const ORIGIN: RecordOrigin<'_> =
    RecordOrigin { shard_id: "s", sequence_number: "1", arrived_at: Timestamp::UNIX_EPOCH };

/// Reads the bytes as a record, and as the message of an aggregated one.
pub fn stream_record(bytes: &[u8]) {
    read(bytes);
    // No fuzzer finds an MD5.
    let digest = Md5::digest(bytes);
    read(&[&[0xf3, 0x89, 0x9a, 0xc2], bytes, &digest[..]].concat());
}

fn read(record: &[u8]) {
    match aggregated::inner_records(record) {
        None => event(record),
        Some(Ok(inner)) => {
            assert!(inner.len() <= aggregated::INNER_LIMIT);
            let bytes: usize = inner.iter().map(Vec::len).sum();
            assert!(bytes <= record.len(), "the parts are no larger than the whole");
            inner.iter().for_each(|record| event(record));
        }
        Some(Err(_)) => {}
    }
}

fn event(record: &[u8]) {
    let Ok(event) = StoreEvent::parse(record, &ORIGIN) else { return };
    let app = AppId::parse("demo").expect("an app");
    let subscriber = Subscriber::by_topic(WebhookId::new(u64::MAX), app);
    let message = DeliveryMessage::of(&event, None, &subscriber, Timestamp::UNIX_EPOCH).to_message();
    assert!(message.len() <= SQS_MESSAGE_LIMIT, "{} bytes", message.len());
    let read = DeliveryMessage::parse(message.as_bytes()).expect("a message reads back");
    assert_eq!(read.payload().as_str(), event.payload.in_message());
    let again = event.to_record();
    let again = StoreEvent::parse(again.get().as_bytes(), &ORIGIN).expect("a record reads back");
    assert_eq!((&again.id, &again.shop, &again.topic), (&event.id, &event.shop, &event.topic));
    assert_eq!(again.payload.as_str(), event.payload.in_message());
}
