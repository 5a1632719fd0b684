//! Direct calls: one signed request each, without the SDK's machinery.
//!
//! For each call the SDK resolves the endpoint and the identity anew, merges its settings, runs some
//! thirty interceptors and keeps books about retries. That takes several times the CPU time of the
//! request itself (`docs/benchmarks.md`), and a delivery makes two calls. So the calls that are made for
//! each delivery or message are sent here, over the SDK's own connections.
//!
//! A direct call makes one attempt, and tells only what is certain: the response of a call that was
//! made, or that its condition or the service refused it. Everything else is [`Called::Unclear`]: no
//! connection, no response in time, an error of the service. Then the caller makes the same call by the
//! SDK, whose result counts. A write whose response was lost may be made twice, as by the SDK itself. One
//! exception: a batch that may be in a queue is sent again with a delay ([`crate::queue`]).
//!
//! After a call that was not made or is unclear, all calls of the service go by the SDK for [`PAUSE`]. So a service in
//! trouble gets one attempt more than the SDK would make, not one more for each call.
//!
//! What the SDK does for a call, and who does it for a direct one:
//!
//! | what | direct |
//! |---|---|
//! | Endpoint of region and partition, `AWS_ENDPOINT_URL` | The SDK's rules, asked once ([`Service`]). |
//! | Credentials | The SDK's provider, asked once. Lambda sets them when it starts an execution environment, and never changes them ("Defined runtime environment variables", AWS Lambda Developer Guide). Credentials that expire leave all calls to the SDK. |
//! | Signature | The SDK's own crate, `aws-sigv4`, with the time of the SDK's configuration. |
//! | TLS, connections, time limit of a connection | The SDK's own connector. |
//! | Time limit of an attempt | The same, 2 s. With the call of the SDK that may follow it is 8 s in all, unless the caller has a limit of its own. |
//! | Retries, waits, their quota | The SDK, after a call that was not made or is unclear ("Retry behavior", AWS SDKs and Tools Reference Guide). |
//! | A clock that is wrong | The SDK, as well. It corrects its own signatures by the `Date` of responses. With such a clock direct calls fail, one in each [`PAUSE`]. |
//! | Errors | The SDK, except the condition of a write that was not met. |
//! | A response that was cut off | The connector fails it by its `Content-Length`, and its JSON is not whole. |
//! | Unprocessed keys, failed entries of a batch | Nobody: the SDK leaves them to its callers as well. |
//! | Paging | The caller asks for each page. |
//! | Tokens of transactions | No direct call has them. |
//! | `User-Agent`, ids of the call and of its attempt | Missing: AWS only logs them. |

mod site;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use aws_smithy_async::time::SharedTimeSource;
use aws_smithy_runtime_api::client::{
    http::{HttpConnector as _, SharedHttpConnector},
    orchestrator::HttpRequest,
};
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::{sync::OnceCell, time::Instant};

use crate::{
    SdkConfig,
    direct::site::Site,
    sdk::{ATTEMPT_TIMEOUT, AwsConfig},
};

pub use site::Service;

/// How long no direct call is made after one that failed.
pub const PAUSE: Duration = Duration::from_secs(10);

/// The direct calls of a service.
#[derive(Clone)]
pub struct Direct(Arc<Calls>);

struct Calls {
    sdk: SdkConfig,
    connector: SharedHttpConnector,
    service: Service,
    /// Where the service is and who calls it: found out by the first call.
    site: OnceCell<Site>,
    /// When direct calls may be made again.
    paused_until: Mutex<Option<Instant>>,
}

/// What a direct call came to.
#[derive(Debug, PartialEq, Eq)]
pub enum Called {
    /// The call was made. This is the JSON of its response.
    Made(Bytes),
    /// The condition of a write was not met (`ConditionalCheckFailedException`). This is the JSON of
    /// the error, with the item that is there if the call asked for it.
    ConditionFailed(Bytes),
    /// The call was not made: the service refused it, by throttling for example, or direct calls
    /// pause. The SDK has to make it.
    NotMade,
    /// Nobody knows whether the call was made. The caller makes it by the SDK; a batch of messages with a
    /// delay.
    Unclear,
}

/// An error of DynamoDB.
#[derive(Deserialize)]
struct ErrorBody<'a> {
    #[serde(rename = "__type", borrow)]
    kind: &'a str,
}

impl Direct {
    /// The direct calls of a service, as this configuration reaches it.
    pub fn new(aws: &AwsConfig, service: Service) -> Self {
        Self(Arc::new(Calls {
            sdk: aws.sdk.clone(),
            connector: aws.connector(),
            service,
            site: OnceCell::new(),
            paused_until: Mutex::new(None),
        }))
    }

    /// Makes a call once, and reads its response.
    ///
    /// `None` if it was not made, it is unclear whether it was, or its response cannot be read.
    pub async fn read<T: for<'de> Deserialize<'de>>(
        &self,
        operation: &str,
        input: &impl Serialize,
    ) -> Option<T> {
        match self.call(operation, input).await {
            Called::Made(output) => serde_json::from_slice(&output).ok(),
            Called::ConditionFailed(_) | Called::NotMade | Called::Unclear => None,
        }
    }

    /// Makes a call once.
    pub async fn call(&self, operation: &str, input: &impl Serialize) -> Called {
        if self.0.is_paused() {
            return Called::NotMade;
        }
        let Ok(input) = serde_json::to_vec(input) else { return Called::NotMade };
        let attempt = tokio::time::timeout(ATTEMPT_TIMEOUT, self.0.attempt(operation, input));
        let called = attempt.await.ok().flatten().unwrap_or(Called::Unclear);
        if matches!(called, Called::NotMade | Called::Unclear) {
            self.0.pause();
        }
        called
    }
}

impl Calls {
    async fn attempt(&self, operation: &str, input: Vec<u8>) -> Option<Called> {
        let site = self.site.get_or_try_init(|| Site::of(self.service, &self.sdk)).await.ok()?;
        let time = self.sdk.time_source().unwrap_or_default();
        let request = signed(site, self.service, operation, input, &time)?;
        let response = self.connector.call(request).await.ok()?;
        let status = response.status();
        let output = ByteStream::new(response.into_body()).collect().await.ok()?.into_bytes();
        Some(match status.as_u16() {
            200 => Called::Made(output),
            400 if has_failed_condition(&output) => Called::ConditionFailed(output),
            400..500 => Called::NotMade,
            _ => Called::Unclear,
        })
    }

    fn is_paused(&self) -> bool {
        let until = *self.paused_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| Instant::now() < until)
    }

    fn pause(&self) {
        *self.paused_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + PAUSE);
    }
}

/// Whether DynamoDB says that the condition of a write was not met.
fn has_failed_condition(output: &[u8]) -> bool {
    let error: Result<ErrorBody<'_>, _> = serde_json::from_slice(output);
    // Its kind is `com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException`.
    error.is_ok_and(|error| error.kind.rsplit('#').next() == Some("ConditionalCheckFailedException"))
}

/// A call as a request, with Signature Version 4 ("AWS Signature Version 4 for API requests", AWS
/// Identity and Access Management User Guide).
fn signed(
    site: &Site,
    service: Service,
    operation: &str,
    input: Vec<u8>,
    time: &SharedTimeSource,
) -> Option<HttpRequest> {
    let target = format!("{}.{operation}", service.target_prefix());
    let headers = [("content-type", "application/x-amz-json-1.0"), ("x-amz-target", &target)];
    let body = SignableBody::Bytes(&input);
    let signable = SignableRequest::new("POST", &site.endpoint, headers.into_iter(), body).ok()?;
    let parameters = v4::SigningParams::builder()
        .identity(&site.identity)
        .region(&site.region)
        .name(service.signing_name())
        .time(time.now())
        .settings(SigningSettings::default())
        .build();
    let (instructions, _) = sign(signable, &parameters.ok()?.into()).ok()?.into_parts();
    let mut request = HttpRequest::new(SdkBody::empty());
    request.set_method("POST").ok()?;
    request.set_uri(site.endpoint.as_str()).ok()?;
    for (name, value) in headers.into_iter().chain(instructions.headers()) {
        request.headers_mut().insert(name.to_owned(), value.to_owned());
    }
    *request.body_mut() = SdkBody::from(input);
    Some(request)
}

#[cfg(all(test, feature = "stand-in"))]
mod tests;
