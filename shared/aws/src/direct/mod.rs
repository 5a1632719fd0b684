//! Direct calls: one signed request each, without the SDK's machinery.
//!
//! For each call the SDK resolves the endpoint and the identity anew, merges its settings, runs some
//! thirty interceptors and keeps books about retries. That takes several times the CPU time of the
//! request itself (`docs/benchmarks.md`), and a delivery makes two calls. So the calls that are made for
//! each delivery or message are sent here, over the SDK's own connections.
//!
//! A direct call makes one attempt, and tells only what is certain: the response of a call that was
//! made, or that its condition refused it. Everything else is [`Answer::Unclear`]: no connection, no
//! response in time, throttling, an error of any kind. Then the caller makes the call by the SDK, which
//! tells these apart, waits, and tries again. So each direct call stands beside the same call of the SDK
//! and adds one attempt to it. A write whose response was lost may be made twice, as by the SDK itself.

mod site;

use std::time::Duration;

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
use tokio::sync::OnceCell;

use crate::{SdkConfig, direct::site::Site};

pub use site::Service;

/// How long a direct call may take: as long as one attempt of the SDK.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(2);

/// The direct calls of a service.
#[derive(Clone)]
pub struct Direct {
    sdk: SdkConfig,
    connector: SharedHttpConnector,
    service: Service,
    /// Where the service is and who calls it: found out by the first call.
    site: OnceCell<Site>,
}

/// What a direct call came to.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// The call was made. This is the JSON of its response.
    Made(Bytes),
    /// The condition of a write was not met (`ConditionalCheckFailedException`). This is the JSON of
    /// the error, with the item that is there if the call asked for it.
    ConditionFailed(Bytes),
    /// Nobody knows whether the call was made. The SDK has to make it.
    Unclear,
}

/// An error of DynamoDB.
#[derive(Deserialize)]
struct ErrorBody<'a> {
    #[serde(rename = "__type", borrow)]
    kind: &'a str,
}

impl Direct {
    /// The direct calls of a service, with this configuration of the SDK and its connections.
    pub(crate) fn new(sdk: &SdkConfig, connector: SharedHttpConnector, service: Service) -> Self {
        Self { sdk: sdk.clone(), connector, service, site: OnceCell::new() }
    }

    /// Makes a call once, and reads its response.
    ///
    /// `None` if its condition failed, it is unclear whether it was made, or its response cannot be
    /// read.
    pub async fn read<T: for<'de> Deserialize<'de>>(
        &self,
        operation: &str,
        input: &impl Serialize,
    ) -> Option<T> {
        match self.call(operation, input).await {
            Answer::Made(output) => serde_json::from_slice(&output).ok(),
            Answer::ConditionFailed(_) | Answer::Unclear => None,
        }
    }

    /// Makes a call once.
    pub async fn call(&self, operation: &str, input: &impl Serialize) -> Answer {
        let Ok(input) = serde_json::to_vec(input) else { return Answer::Unclear };
        let attempt = tokio::time::timeout(ATTEMPT_TIMEOUT, self.attempt(operation, input));
        attempt.await.ok().flatten().unwrap_or(Answer::Unclear)
    }

    async fn attempt(&self, operation: &str, input: Vec<u8>) -> Option<Answer> {
        let site = self.site.get_or_try_init(|| Site::of(self.service, &self.sdk)).await.ok()?;
        let time = self.sdk.time_source().unwrap_or_default();
        let request = signed(site, self.service, operation, input, &time)?;
        let response = self.connector.call(request).await.ok()?;
        let status = response.status();
        let output = ByteStream::new(response.into_body()).collect().await.ok()?.into_bytes();
        Some(match status.as_u16() {
            200 => Answer::Made(output),
            400 if has_failed_condition(&output) => Answer::ConditionFailed(output),
            _ => Answer::Unclear,
        })
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

#[cfg(test)]
mod tests;
