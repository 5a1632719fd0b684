//! Tests of direct calls, over the wire.

use serde_json::{Value, json};

use super::*;
use crate::{AwsConfig, stand_in::StandIn};

type TestResult = Result<(), Box<dyn std::error::Error>>;

fn direct(aws: &StandIn) -> Result<Direct, Box<dyn std::error::Error>> {
    Ok(AwsConfig::read(&aws.environment(&[]))?.direct(Service::DynamoDb))
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

#[tokio::test]
async fn a_call_without_a_connection_is_unclear() -> TestResult {
    let settings = [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b"), ("AWS_REGION", "us-east-1")];
    let nowhere = settings.into_iter().chain([("AWS_ENDPOINT_URL", "http://127.0.0.1:1")]);
    let direct = AwsConfig::read(&nowhere.collect())?.direct(Service::Sqs);
    assert_eq!(direct.call("SendMessage", &json!({})).await, Answer::Unclear);
    assert_eq!(direct.read::<Value>("SendMessage", &json!({})).await, None);
    Ok(())
}
