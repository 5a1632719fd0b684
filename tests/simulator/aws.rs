//! AWS in this process, behind the SDK's HTTP connector.
//!
//! All of the SDK but its connection is real: it builds and signs requests, times them out, repeats
//! them and reads the responses. A call takes [`LATENCY`] on the virtual clock.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aws_smithy_runtime_api::{
    client::{
        http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
        runtime_components::RuntimeComponents,
    },
    http::StatusCode,
};
use serde_json::{Value, json};

use crate::{clock, dynamodb::DynamoDb, kinesis::Stream, refusal::Refusal, sqs::Sqs};

/// How long each call takes: about what DynamoDB and SQS take within a region.
pub(crate) const LATENCY: Duration = Duration::from_millis(8);

/// DynamoDB, SQS and Kinesis.
#[derive(Clone)]
pub(crate) struct Aws {
    pub(crate) dynamodb: Arc<Mutex<DynamoDb>>,
    pub(crate) sqs: Sqs,
    pub(crate) stream: Stream,
}

impl fmt::Debug for Aws {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Aws")
    }
}

impl Aws {
    /// DynamoDB's tables.
    pub(crate) fn dynamodb(&self) -> MutexGuard<'_, DynamoDb> {
        self.dynamodb.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn respond(&self, target: &str, call: &Value) -> Result<Value, Refusal> {
        let (service, operation) = target.split_once('.').unwrap_or_default();
        match service {
            "DynamoDB_20120810" => self.dynamodb().respond(operation, call, clock::now()),
            "AmazonSQS" => self.sqs.respond(operation, call),
            "Kinesis_20131202" => self.stream.respond(operation, call),
            _ => Err(Refusal("UnknownOperationException", json!({"message": target}))),
        }
    }
}

impl HttpClient for Aws {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Aws {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let aws = self.clone();
        HttpConnectorFuture::new(async move {
            // Half of the time before the service sees the call, half of it after.
            tokio::time::sleep(LATENCY / 2).await;
            let target = request.headers().get("x-amz-target").unwrap_or_default();
            let call = request.body().bytes().and_then(|body| serde_json::from_slice(body).ok());
            let (status, body) = match aws.respond(target, &call.unwrap_or_default()) {
                Ok(response) => (200, response),
                Err(Refusal(name, mut body)) => {
                    body["__type"] = name.into();
                    (400, body)
                }
            };
            tokio::time::sleep(LATENCY / 2).await;
            let status = StatusCode::try_from(status);
            let status = status.map_err(|error| ConnectorError::other(error.into(), None))?;
            Ok(HttpResponse::new(status, body.to_string().into()))
        })
    }
}
