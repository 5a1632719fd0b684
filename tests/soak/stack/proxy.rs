//! The proxy between the functions and the emulator: it lets calls fail, by the faults of the simulator.
//!
//! The functions, and the poller of the stream, call AWS here. Most calls pass as they are. A fault hits a
//! call, or the process that makes it, and touches everything that the process works on.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::{Response, StatusCode, header, request::Parts},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use storehook_simulator::{
    faults::{self, CallFault, Fault, Faults},
    soak::subjects_in,
};
use tokio::sync::watch;

use super::{
    batches,
    emulator::Emulator,
    invocations::{Invocations, Met},
    processes::Process,
    server::Handled,
};

/// How long a slow call takes, half of it before it is carried out. The SDK gives up an attempt after two
/// seconds.
const SLOW: Duration = Duration::from_secs(6);

/// The proxy.
#[derive(Clone)]
pub(super) struct Proxy {
    pub(super) faults: Faults,
    pub(super) invocations: Arc<Invocations>,
    /// `None` until the emulator is there: the proxy comes first.
    pub(super) emulator: watch::Receiver<Option<Emulator>>,
}

/// A call of AWS.
struct Call {
    service: faults::Service,
    operation: String,
    parts: Parts,
    body: Bytes,
}

impl Proxy {
    /// Handles a request.
    pub(super) async fn handle(mut self, caller: Option<Arc<Process>>, parts: Parts, body: Bytes) -> Handled {
        let emulator = self.emulator.wait_for(Option::is_some).await.ok()?.clone()?;
        let target = parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
        let Some((service, operation)) = target.and_then(|target| target.split_once('.')) else {
            return self.other(&emulator, parts, body).await;
        };
        let service = match service {
            "DynamoDB_20120810" => faults::Service::DynamoDb,
            "AmazonSQS" => faults::Service::Sqs,
            _ => faults::Service::Kinesis,
        };
        let call = Call { service, operation: operation.to_owned(), parts, body };
        let named = subjects_in(&String::from_utf8_lossy(&call.body));
        let Met { subjects, fault } = match &caller {
            Some(process) => self.invocations.call(process, &call.operation, named),
            None => Met { subjects: named, fault: None },
        };
        let made = self.make(&emulator, caller.as_ref().zip(fault), &call);
        let handled = self.faults.observed(subjects, made).await;
        if let Some(process) = &caller {
            self.invocations.responded(process);
        }
        if call.operation == "GetRecords" {
            let is_read = |response: &Response<Bytes>| {
                let read: Value = serde_json::from_slice(response.body()).unwrap_or_default();
                read["Records"].as_array().is_some_and(Vec::is_empty)
            };
            self.invocations.read(handled.as_ref().is_some_and(is_read));
        }
        handled.map(|response| response.map(Body::from))
    }

    /// What is not a call of DynamoDB, SQS or Kinesis: the poller invokes the fan-out.
    async fn other(&self, emulator: &Emulator, parts: Parts, body: Bytes) -> Handled {
        if !parts.uri.path().ends_with("/invocations") {
            return emulator.pass(&parts, body).await.ok().map(|response| response.map(Body::from));
        }
        let events = events_in(&body);
        self.invocations.of_stream_begins(events.clone());
        let invoke = async {
            let response = emulator.pass(&parts, body).await.ok()?;
            (!self.faults.happens(Fault::Reread)).then_some(response)
        };
        let response = self.faults.observed(events, invoke).await;
        self.invocations.of_stream_ended();
        response.map(|response| response.map(Body::from))
    }

    /// Makes a call, unless a fault prevents it. Something may befall its process before that or after it.
    /// `None` breaks the connection.
    async fn make(
        &self,
        emulator: &Emulator,
        befalls: Option<(&Arc<Process>, Fault)>,
        call: &Call,
    ) -> Option<Response<Bytes>> {
        let is_early = self.faults.part() < 0.5;
        let befall = || {
            if let Some((process, fault)) = befalls {
                process.befall(fault, &self.faults);
            }
        };
        if is_early {
            befall();
            if befalls.is_some_and(|(_, fault)| fault == Fault::Killed) {
                return None;
            }
        }
        let fault = self.fault(call);
        let half = if fault == Some(CallFault::Slow) { SLOW / 2 } else { Duration::ZERO };
        tokio::time::sleep(half).await;
        let response = match fault {
            Some(CallFault::Throttled) => refusal(StatusCode::BAD_REQUEST, throttled(call.service)),
            Some(CallFault::Failed) => refusal(StatusCode::SERVICE_UNAVAILABLE, "InternalServerError"),
            Some(CallFault::Lost | CallFault::Slow) | None => self.carry_out(emulator, call).await?,
        };
        tokio::time::sleep(half).await;
        if !is_early {
            befall();
        }
        (fault != Some(CallFault::Lost)).then_some(response)
    }

    /// What goes wrong with a call, if anything does.
    fn fault(&self, call: &Call) -> Option<CallFault> {
        let all = [CallFault::Throttled, CallFault::Failed, CallFault::Lost, CallFault::Slow];
        all.into_iter().find(|fault| self.faults.happens(Fault::Call(call.service, *fault)))
    }

    /// Carries a call out, or a part of it. `None` if nobody knows whether it was.
    async fn carry_out(&self, emulator: &Emulator, call: &Call) -> Option<Response<Bytes>> {
        let pass = || async {
            match emulator.pass(&call.parts, call.body.clone()).await {
                Ok(response) => Some(response),
                Err(_) => self.unclear(call.service),
            }
        };
        let faults = &self.faults;
        let input = || serde_json::from_slice::<Value>(&call.body).unwrap_or_default();
        match call.operation.as_str() {
            "GetRecords" if faults.happens(Fault::IteratorExpired) => {
                Some(refusal(StatusCode::BAD_REQUEST, "ExpiredIteratorException"))
            }
            "BatchGetItem" => {
                let response = pass().await?;
                let (parts, body) = response.into_parts();
                let Ok(mut output) = serde_json::from_slice(&body) else {
                    return Some(Response::from_parts(parts, body));
                };
                let body = if batches::leave_unread(faults, &input(), &mut output) {
                    output.to_string().into()
                } else {
                    body
                };
                Some(Response::from_parts(parts, body))
            }
            "BatchWriteItem" => match batches::unwritten(faults, input()) {
                None => pass().await,
                Some(writes) => match writes.make(emulator).await {
                    Ok(output) => Some(json_response(StatusCode::OK, &output)),
                    Err(_) => self.unclear(call.service),
                },
            },
            "SendMessageBatch" => match batches::sent(faults, input()) {
                None => pass().await,
                Some(messages) => match messages.make(emulator).await {
                    Ok(output) => Some(json_response(StatusCode::OK, &output)),
                    Err(_) => self.unclear(call.service),
                },
            },
            _ => pass().await,
        }
    }

    /// The emulator itself did not respond in time: as if the answer were lost.
    fn unclear(&self, service: faults::Service) -> Option<Response<Bytes>> {
        self.faults.count(Fault::Call(service, CallFault::Lost));
        None
    }
}

/// The events that the fan-out is invoked with.
fn events_in(invocation: &Bytes) -> Vec<String> {
    let invocation: Value = serde_json::from_slice(invocation).unwrap_or_default();
    let records = invocation["Records"].as_array().into_iter().flatten();
    let texts = records.filter_map(|record| STANDARD.decode(record["kinesis"]["data"].as_str()?).ok());
    texts.flat_map(|text| subjects_in(&String::from_utf8_lossy(&text))).collect()
}

/// The error of a call that comes too often (each service's API Reference, "Common Errors").
fn throttled(service: faults::Service) -> &'static str {
    match service {
        faults::Service::DynamoDb => "ThrottlingException",
        faults::Service::Sqs => "com.amazonaws.sqs#RequestThrottled",
        faults::Service::Kinesis => "ProvisionedThroughputExceededException",
    }
}

fn refusal(status: StatusCode, name: &str) -> Response<Bytes> {
    json_response(status, &json!({"__type": name, "message": "a fault of the soak"}))
}

fn json_response(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    let json = header::HeaderValue::from_static("application/x-amz-json-1.0");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
