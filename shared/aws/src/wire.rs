//! Tests, over the wire, that a call is the same directly and by the SDK.

use std::collections::HashMap;

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use storehook_domain::{
    delivery::{fan_out::QueueEntry, message::DeliveryMessage, subscriber::Subscriber},
    event::{StoreEvent, origin::RecordOrigin},
    history::record::DeliveryRecord,
    installation::app::AppId,
    webhook::WebhookId,
};

use crate::{
    AwsConfig, Retention,
    batch_get::batch_get,
    batch_put::batch_put,
    direct::{Direct, Service},
    history::HistoryTable,
    queue,
    stand_in::{StandIn, json_of_item},
    table::key,
};

type TestResult = Result<(), Box<dyn std::error::Error>>;

/// DynamoDB and SQS by the SDK and directly, and a delivery: after a failed direct call, the SDK must make
/// the very same one.
struct World {
    aws: StandIn,
    dynamodb: aws_sdk_dynamodb::Client,
    sqs: aws_sdk_sqs::Client,
    direct: [Direct; 2],
}

impl World {
    async fn start() -> Result<Self, Box<dyn std::error::Error>> {
        let aws = StandIn::start().await?;
        let config = AwsConfig::read(&aws.environment(&[]))?;
        Ok(Self {
            dynamodb: aws_sdk_dynamodb::Client::new(&config.sdk),
            sqs: aws_sdk_sqs::Client::new(&config.sdk),
            direct: [Service::DynamoDb, Service::Sqs].map(|service| Direct::new(&config, service)),
            aws,
        })
    }

    /// Fails the next direct call of an operation.
    fn fail(&self, operation: &str) -> TestResult {
        self.aws.reply_with(operation, 500.try_into()?, json!({}));
        Ok(())
    }

    /// Checks that the operation was called twice, and each time in the same way.
    fn check(&self, operation: &str) {
        let calls = self.aws.calls(operation);
        assert!(calls.len() == 2 && calls[0] == calls[1], "{operation}: {calls:?}");
    }
}

#[tokio::test]
async fn the_sdk_makes_the_same_read() -> TestResult {
    let world = World::start().await?;
    world.fail("BatchGetItem")?;
    let keys = HashMap::from([("a".to_owned(), vec![key("p", "s"), key("p", "t")])]);
    let read = batch_get(&world.dynamodb, Some(&world.direct[0]), keys, 0).await?;
    assert!(read.unread.is_empty());
    world.check("BatchGetItem");
    Ok(())
}

/// Values of every kind that items have are read as the SDK reads them.
#[tokio::test]
async fn items_are_read_as_by_the_sdk() -> TestResult {
    let world = World::start().await?;
    world.aws.put_json(json!({
        "pk": {"S": "p"}, "sk": {"S": "s"}, "version": {"N": "3"}, "is_on": {"BOOL": true}, "none": {"NULL": true},
        "record": {"B": "KLUv/QBY+/8="}, "list": {"L": [{"S": "a"}, {"M": {"x": {"N": "1.50"}}}]},
        "names": {"SS": ["a", "b"]},
    }));
    let keys = || HashMap::from([("a".to_owned(), vec![key("p", "s")])]);
    let directly = batch_get(&world.dynamodb, Some(&world.direct[0]), keys(), 0).await?;
    let by_sdk = batch_get(&world.dynamodb, None, keys(), 0).await?;
    assert_eq!(directly.items["a"].len(), 1);
    assert_eq!(directly.items, by_sdk.items);
    Ok(())
}

/// What is left unwritten is written again, and nothing else.
#[tokio::test]
async fn many_items_are_written_directly_as_by_the_sdk() -> TestResult {
    let world = World::start().await?;
    let item = |sort_key: &str| {
        let mut item = key("p", sort_key);
        item.insert("payload".to_owned(), AttributeValue::B(Blob::new([1, 2, 3])));
        item
    };
    let left = json!({"a": [{"PutRequest": {"Item": json_of_item(item("t"))}}]});
    world.fail("BatchWriteItem")?;
    world.aws.reply("BatchWriteItem", json!({"UnprocessedItems": left}));
    let items = ["s", "t"].map(item);
    assert_eq!(batch_put(&world.dynamodb, Some(&world.direct[0]), "a", items.into_iter(), 1).await?, 0);
    let calls = world.aws.calls("BatchWriteItem");
    assert_eq!(calls.len(), 3);
    assert_eq!(calls[0], calls[1]);
    assert_eq!(calls[2], json!({"RequestItems": left}));
    let fresh = World::start().await?;
    fresh.aws.reply("BatchWriteItem", json!({"UnprocessedItems": left}));
    fresh.aws.reply("BatchWriteItem", json!({"UnprocessedItems": left}));
    let items = ["s", "t"].map(item);
    assert_eq!(batch_put(&fresh.dynamodb, Some(&fresh.direct[0]), "a", items.into_iter(), 1).await?, 1);
    assert_eq!(fresh.aws.calls("BatchWriteItem")[1], json!({"RequestItems": left}));
    Ok(())
}

#[tokio::test]
async fn the_sdk_makes_the_same_writes_and_sends() -> TestResult {
    let origin = RecordOrigin { shard_id: "s", sequence_number: "1", arrived_at: Timestamp::UNIX_EPOCH };
    let record = json!({"shop": "a.example", "topic": "orders/create", "payload": {"id": 1}}).to_string();
    let event = StoreEvent::parse(record.as_bytes(), &origin)?;
    let subscriber = Subscriber::by_topic(WebhookId::new(7), AppId::parse("demo")?);
    let message = DeliveryMessage::of(&event, None, &subscriber, Timestamp::UNIX_EPOCH);
    let record = DeliveryRecord::begin(&message, SignedDuration::from_hours(1));
    for version in [0, 3] {
        let world = World::start().await?;
        world.fail("PutItem")?;
        let table = HistoryTable {
            client: world.dynamodb.clone(),
            direct: Some(world.direct[0].clone()),
            name: "history".to_owned(),
            retention: Retention::read(&world.aws.environment(&[]))?,
        };
        table.put(&record, version).await?;
        world.check("PutItem");
    }
    let world = World::start().await?;
    world.aws.refuse("SendMessageBatch", json!(null));
    let batch = [0, 1].map(|record| QueueEntry::of(record, &message));
    let untaken = queue::send_batch(&world.sqs, Some(&world.direct[1]), "https://sqs/q", &batch).await?;
    assert!(untaken.is_empty());
    world.check("SendMessageBatch");
    Ok(())
}
