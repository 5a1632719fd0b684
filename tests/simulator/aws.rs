//! AWS in this process, behind the SDK's HTTP connector ([`InProcess`]). A call takes [`LATENCY`] on
//! the virtual clock, unless a [fault](CallFault) strikes.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::FutureExt as _;
use serde_json::{Value, json};
use storehook_aws::stand_in::{InProcess, Reply};

use crate::{
    clock,
    dynamodb::DynamoDb,
    faults::{CallFault, Fault, Faults, Service},
    kinesis::Stream,
    refusal::Refusal,
    sqs::Sqs,
};

/// How long each call takes: about what DynamoDB and SQS take within a region.
pub(crate) const LATENCY: Duration = Duration::from_millis(8);

/// How long a slow call takes. The SDK gives up an attempt after two seconds.
const SLOW: Duration = Duration::from_secs(6);

/// DynamoDB, SQS and Kinesis.
#[derive(Clone)]
pub(crate) struct Aws {
    pub(crate) dynamodb: Arc<Mutex<DynamoDb>>,
    pub(crate) sqs: Sqs,
    pub(crate) stream: Stream,
    pub(crate) faults: Faults,
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
                let fault = aws.fault(&target);
                let latency = if fault == Some(CallFault::Slow) { SLOW } else { LATENCY };
                // Half of the time before the service sees the call, half of it after.
                tokio::time::sleep(latency / 2).await;
                let refused = |name: &str| json!({"__type": name});
                let reply = match fault {
                    Some(CallFault::Throttled) => refused("ThrottlingException").into(),
                    Some(CallFault::Failed) => Reply::Failure(refused("InternalServerError")),
                    Some(CallFault::Lost) => {
                        _ = aws.respond(&target, &call);
                        Reply::Broken
                    }
                    Some(CallFault::Slow) | None => Reply::from(match aws.respond(&target, &call) {
                        Ok(response) => response,
                        Err(Refusal(name, mut body)) => {
                            body["__type"] = name.into();
                            body
                        }
                    }),
                };
                tokio::time::sleep(latency / 2).await;
                reply
            }
            .boxed()
        }))
    }

    /// What goes wrong with a call, if anything does.
    fn fault(&self, target: &str) -> Option<CallFault> {
        let service = match target.split_once('.')?.0 {
            "DynamoDB_20120810" => Service::DynamoDb,
            "AmazonSQS" => Service::Sqs,
            _ => Service::Kinesis,
        };
        let all = [CallFault::Throttled, CallFault::Failed, CallFault::Lost, CallFault::Slow];
        all.into_iter().find(|fault| self.faults.happens(Fault::Call(service, *fault)))
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
