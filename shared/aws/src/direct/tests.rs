//! Tests of direct calls, over the wire.

use std::time::UNIX_EPOCH;

use aws_smithy_async::time::StaticTimeSource;
use serde_json::{Value, json};

use super::*;
use crate::{Environment, stand_in::StandIn};

type TestResult = Result<(), Box<dyn std::error::Error>>;

fn direct(aws: &StandIn) -> Result<Direct, Box<dyn std::error::Error>> {
    Ok(Direct::new(&AwsConfig::read(&aws.environment(&[]))?, Service::DynamoDb))
}

/// Only what is certain is told. Whatever else happens, the SDK makes the call.
#[tokio::test]
async fn a_call_is_made_or_its_condition_failed_or_it_was_refused_or_it_is_unclear() -> TestResult {
    let failed = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";
    for (status, body, told) in [
        (200, json!({}), "Made"),
        (400, json!({"__type": failed}), "ConditionFailed"),
        (400, json!({"__type": "ConditionalCheckFailedException"}), "ConditionFailed"),
        (500, json!({"__type": failed}), "Unclear"),
        (400, json!({"__type": "x#ThrottlingException"}), "NotMade"),
        (400, json!({"__type": "x#TransactionConflictException"}), "NotMade"),
        (400, json!({"__type": "x#ExpiredTokenException"}), "NotMade"),
        (403, json!({}), "NotMade"),
        (503, json!("no"), "Unclear"),
    ] {
        let aws = StandIn::start().await?;
        aws.reply_with("PutItem", status.try_into()?, body.clone());
        let answer = format!("{:?}", direct(&aws)?.call("PutItem", &json!({"TableName": "t"})).await);
        assert_eq!(answer.split('(').next(), Some(told), "{status} {body}");
        assert_eq!(aws.calls("PutItem"), [json!({"TableName": "t"})]);
    }
    Ok(())
}

/// The connection is made over the network, so the clock of the test stands still only afterwards.
#[tokio::test]
async fn after_an_unclear_call_none_is_made_for_a_while() -> TestResult {
    let aws = StandIn::start().await?;
    let direct = direct(&aws)?;
    let call = async || direct.clone().call("PutItem", &json!({})).await;
    let made = Called::Made(Bytes::from_static(b"{}"));
    aws.refuse("PutItem", Value::Null);
    assert!(matches!(call().await, Called::ConditionFailed(_)));
    assert_eq!(call().await, made, "a condition is no trouble");
    aws.reply_with("PutItem", 500.try_into()?, json!({}));
    assert_eq!(call().await, Called::Unclear);
    tokio::time::pause();
    assert_eq!(call().await, Called::NotMade);
    tokio::time::advance(PAUSE - Duration::from_secs(1)).await;
    assert_eq!(call().await, Called::NotMade);
    assert_eq!(aws.calls("PutItem").len(), 3);
    tokio::time::advance(Duration::from_secs(1)).await;
    tokio::time::resume();
    assert_eq!(call().await, made);
    Ok(())
}

#[tokio::test]
async fn a_call_without_a_connection_is_unclear() -> TestResult {
    let settings = [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b"), ("AWS_REGION", "us-east-1")];
    let nowhere = settings.into_iter().chain([("AWS_ENDPOINT_URL", "http://127.0.0.1:1")]);
    let direct = Direct::new(&AwsConfig::read(&nowhere.collect())?, Service::Sqs);
    assert_eq!(direct.call("SendMessage", &json!({})).await, Called::Unclear);
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
