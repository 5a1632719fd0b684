//! AWS in this process, behind the SDK's HTTP connector ([`InProcess`]). A call takes [`LATENCY`] on
//! the virtual clock.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::FutureExt as _;
use serde_json::{Value, json};
use storehook_aws::stand_in::InProcess;

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

impl Aws {
    /// DynamoDB's tables.
    pub(crate) fn dynamodb(&self) -> MutexGuard<'_, DynamoDb> {
        self.dynamodb.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the SDK connects to.
    pub(crate) fn in_process(&self) -> InProcess {
        let aws = self.clone();
        InProcess(Arc::new(move |target, call| {
            let aws = aws.clone();
            async move {
                // Half of the time before the service sees the call, half of it after.
                tokio::time::sleep(LATENCY / 2).await;
                let response = aws.respond(&target, &call).unwrap_or_else(|Refusal(name, mut body)| {
                    body["__type"] = name.into();
                    body
                });
                tokio::time::sleep(LATENCY / 2).await;
                response
            }
            .boxed()
        }))
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
