//! Tests of jobs over the wire, against a stand-in for DynamoDB and SQS.

use std::sync::{Arc, Mutex};

use axum::{Json, Router, body::Bytes, extract::State, http::HeaderMap, http::StatusCode, routing::post};
use jiff::ToSpan as _;
use serde_json::{Value, json};

use super::*;
use crate::tests::stand_in::{dependencies_on, target_of};

type TestResult = Result<(), Box<dyn std::error::Error>>;

/// The calls that were made, each with what it said. DynamoDB denies all of them.
type Calls = Arc<Mutex<Vec<(String, Value)>>>;

async fn respond(State(calls): State<Calls>, headers: HeaderMap, body: Bytes) -> (StatusCode, Json<Value>) {
    let (service, operation) = target_of(&headers);
    let is_denied = service.starts_with("DynamoDB");
    calls.lock().unwrap().push((operation.to_owned(), serde_json::from_slice(&body).unwrap_or_default()));
    if is_denied {
        return (StatusCode::BAD_REQUEST, Json(json!({"__type": "AccessDeniedException"})));
    }
    (StatusCode::OK, Json(json!({"MessageId": "m", "MD5OfMessageBody": "d"})))
}

/// Works one message off that came for the so-many-th time. Returns the response and the calls.
async fn work_off(
    body: &str,
    receives: u32,
) -> Result<(Value, Vec<(String, Value)>), Box<dyn std::error::Error>> {
    let calls = Calls::default();
    let router = Router::new().fallback(post(respond)).with_state(calls.clone());
    let dependencies = dependencies_on(router).await?;
    let message = json!({"messageId": "m-1", "receiptHandle": "r-1", "body": body,
                         "attributes": {"ApproximateReceiveCount": receives.to_string()}});
    let batch: SqsEvent = serde_json::from_value(json!({"Records": [message]}))?;
    let times = Times::begin(storehook_aws::now, storehook_aws::now() + 60.seconds());
    let response = super::work_off(&dependencies, batch, times).await;
    let calls = calls.lock().map_err(|error| error.to_string())?.clone();
    Ok((serde_json::to_value(response)?, calls))
}

#[tokio::test]
async fn a_step_that_cannot_reach_the_history_waits_longer_each_time() -> TestResult {
    let step = concat!(
        r#"{"replay":{"replay":{"id":"r1","webhook_id":7,"shop":"a.example","app":"demo","#,
        r#""from":"1970-01-01T00:00:00Z","to":"2026-11-21T15:00:00Z","state":"dead","per_second":50,"#,
        r#""began_at":"2026-11-21T15:00:00Z"},"number":1}}"#,
    );
    for (receives, wait) in [(1, 10), (3, 40), (40, 900)] {
        let (response, calls) = work_off(step, receives).await?;
        assert_eq!(response, json!({"batchItemFailures": [{"itemIdentifier": "m-1"}]}));
        let hidden =
            json!({"QueueUrl": "https://sqs/jobs", "ReceiptHandle": "r-1", "VisibilityTimeout": wait});
        assert_eq!(calls.last(), Some(&("ChangeMessageVisibility".to_owned(), hidden)), "{receives}");
    }
    Ok(())
}

#[tokio::test]
async fn a_message_that_is_no_job_goes_to_the_rejected_queue() -> TestResult {
    let (response, calls) = work_off("nonsense", 1).await?;
    assert_eq!(response, json!({"batchItemFailures": []}));
    let rejected = json!({"QueueUrl": "https://sqs/rejected", "MessageBody": "nonsense"});
    assert_eq!(calls, [("SendMessage".to_owned(), rejected)]);
    Ok(())
}
