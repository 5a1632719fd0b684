//! Tests of direct calls, over the wire.

use std::{collections::HashMap, time::UNIX_EPOCH};

use aws_smithy_async::time::StaticTimeSource;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use storehook_domain::{
    delivery::{fan_out::QueueEntry, message::DeliveryMessage, subscriber::Subscriber},
    event::{StoreEvent, origin::RecordOrigin},
    history::record::DeliveryRecord,
    installation::app::AppId,
    webhook::WebhookId,
};

use super::*;
use crate::{
    Environment, Retention, batch_get::batch_get, history::HistoryTable, queue, stand_in::StandIn, table::key,
};

type TestResult = Result<(), Box<dyn std::error::Error>>;

fn direct(aws: &StandIn) -> Result<Direct, Box<dyn std::error::Error>> {
    Ok(Direct::new(&AwsConfig::read(&aws.environment(&[]))?, Service::DynamoDb))
}

/// Only what is certain is told. Whatever else happens, the SDK makes the call.
#[tokio::test]
async fn a_call_is_made_or_its_condition_failed_or_it_is_unclear() -> TestResult {
    let failed = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";
    for (status, body, is_made, has_failed) in [
        (200, json!({}), true, false),
        (400, json!({"__type": failed}), false, true),
        (400, json!({"__type": "ConditionalCheckFailedException"}), false, true),
        (500, json!({"__type": failed}), false, false),
        (400, json!({"__type": "x#ThrottlingException"}), false, false),
        (400, json!({"__type": "x#TransactionConflictException"}), false, false),
        (400, json!({"__type": "x#ExpiredTokenException"}), false, false),
        (400, json!({}), false, false),
        (503, json!("no"), false, false),
    ] {
        let aws = StandIn::start().await?;
        aws.reply_with("PutItem", status.try_into()?, body.clone());
        let answer = direct(&aws)?.call("PutItem", &json!({"TableName": "t"})).await;
        let seen = (matches!(answer, Answer::Made(_)), matches!(answer, Answer::ConditionFailed(_)));
        assert_eq!(seen, (is_made, has_failed), "{status} {body}");
        assert_eq!(aws.calls("PutItem"), [json!({"TableName": "t"})]);
    }
    Ok(())
}

/// The connection is made over the network, so the clock of the test stands still only afterwards.
#[tokio::test]
async fn after_an_unclear_answer_no_call_is_made_for_a_while() -> TestResult {
    let aws = StandIn::start().await?;
    let direct = direct(&aws)?;
    let call = async || direct.clone().call("PutItem", &json!({})).await;
    let made = Answer::Made(Bytes::from_static(b"{}"));
    aws.refuse("PutItem", Value::Null);
    assert!(matches!(call().await, Answer::ConditionFailed(_)));
    assert_eq!(call().await, made, "a condition is no trouble");
    aws.reply_with("PutItem", 500.try_into()?, json!({}));
    assert_eq!(call().await, Answer::Unclear);
    tokio::time::pause();
    assert_eq!(call().await, Answer::Unclear);
    tokio::time::advance(PAUSE - Duration::from_secs(1)).await;
    assert_eq!(call().await, Answer::Unclear);
    assert_eq!(aws.calls("PutItem").len(), 3);
    tokio::time::advance(Duration::from_secs(1)).await;
    tokio::time::resume();
    assert_eq!(call().await, made);
    Ok(())
}

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
    world.fail("SendMessageBatch")?;
    let batch = [0, 1].map(|record| QueueEntry::of(record, &message));
    let untaken = queue::send_batch(&world.sqs, Some(&world.direct[1]), "https://sqs/q", &batch).await?;
    assert!(untaken.is_empty());
    world.check("SendMessageBatch");
    Ok(())
}

#[tokio::test]
async fn a_call_without_a_connection_is_unclear() -> TestResult {
    let settings = [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b"), ("AWS_REGION", "us-east-1")];
    let nowhere = settings.into_iter().chain([("AWS_ENDPOINT_URL", "http://127.0.0.1:1")]);
    let direct = Direct::new(&AwsConfig::read(&nowhere.collect())?, Service::Sqs);
    assert_eq!(direct.call("SendMessage", &json!({})).await, Answer::Unclear);
    assert_eq!(direct.read::<Value>("SendMessage", &json!({})).await, None);
    Ok(())
}

/// The signature is of the time that the SDK's configuration tells, and Lambda's token is a part of it.
#[tokio::test]
async fn a_request_is_signed_as_lambda_for_its_service_and_region() -> TestResult {
    let settings = [
        ("AWS_ACCESS_KEY_ID", "ASIA"),
        ("AWS_SECRET_ACCESS_KEY", "b"),
        ("AWS_SESSION_TOKEN", "c"),
        ("AWS_REGION", "eu-west-1"),
    ];
    let environment: Environment = settings.into_iter().collect();
    let sdk = AwsConfig::read(&environment)?.sdk;
    let time = SharedTimeSource::new(StaticTimeSource::new(UNIX_EPOCH + Duration::from_secs(1_795_000_000)));
    for (service, operation, host, target) in [
        (Service::Sqs, "SendMessageBatch", "sqs", "AmazonSQS.SendMessageBatch"),
        (Service::DynamoDb, "PutItem", "dynamodb", "DynamoDB_20120810.PutItem"),
    ] {
        let site = Site::of(service, &sdk).await.map_err(|error| error.to_string())?;
        let request = signed(&site, service, operation, b"{}".to_vec(), &time).ok_or("not signed")?;
        assert_eq!(request.uri(), format!("https://{host}.eu-west-1.amazonaws.com/"));
        let header = |name: &str| request.headers().get(name).unwrap_or_default();
        assert_eq!(header("x-amz-target"), target);
        assert_eq!(header("content-type"), "application/x-amz-json-1.0");
        assert_eq!(header("x-amz-date"), "20261118T110640Z");
        assert_eq!(header("x-amz-security-token"), "c");
        let scope = format!("AWS4-HMAC-SHA256 Credential=ASIA/20261118/eu-west-1/{host}/aws4_request, ");
        let signed = "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, ";
        assert!(header("authorization").starts_with(&(scope + signed)), "{}", header("authorization"));
    }
    Ok(())
}
