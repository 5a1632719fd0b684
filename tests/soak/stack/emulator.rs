//! The emulator, behind the proxy.

use anyhow::{Context as _, Result, bail};
use axum::{
    body::Bytes,
    http::{HeaderMap, Response, header, request::Parts},
};
use serde_json::Value;
use storehook::stack::local_stack::{LOCAL_CREDENTIALS, LOCAL_REGION};
use storehook_aws::{
    AwsConfig,
    direct::{Called, Direct, Service},
};
use storehook_tests::client_builder;

/// The emulator.
#[derive(Clone)]
pub(super) struct Emulator {
    url: String,
    client: reqwest::Client,
    aws: AwsConfig,
}

impl Emulator {
    /// The emulator at this URL.
    pub(super) fn at(url: &str) -> Result<Self> {
        let (id, secret) = LOCAL_CREDENTIALS;
        let environment = [
            ("AWS_ACCESS_KEY_ID", id),
            ("AWS_SECRET_ACCESS_KEY", secret),
            ("AWS_REGION", LOCAL_REGION),
            ("AWS_ENDPOINT_URL", url),
        ];
        let aws = AwsConfig::read(&environment.into_iter().collect())?;
        Ok(Self { url: url.to_owned(), client: client_builder()?.build()?, aws })
    }

    /// Passes a request on as it is.
    pub(super) async fn pass(&self, parts: &Parts, body: Bytes) -> Result<Response<Bytes>> {
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let request = self.client.request(parts.method.clone(), format!("{}{path}", self.url));
        let response = request.headers(parts.headers.clone()).body(body).send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut passed = Response::new(response.bytes().await?);
        (*passed.status_mut(), *passed.headers_mut()) = (status, without_framing(headers));
        Ok(passed)
    }

    /// Makes a call in the name of the account: nobody else can sign what the proxy has changed.
    ///
    /// # Errors
    ///
    /// Nobody knows whether it was made, or it was refused.
    pub(super) async fn call(&self, service: Service, operation: &str, input: &Value) -> Result<Value> {
        // Anew for each call: one whose answer is unclear pauses the next ones.
        match Direct::new(&self.aws, service).call(operation, input).await {
            Called::Made(output) => serde_json::from_slice(&output).context("no JSON"),
            Called::ConditionFailed(_) | Called::NotMade | Called::Unclear => {
                bail!("{operation} was not made, or late")
            }
        }
    }
}

/// Without what depends on how a body is sent, or what it was before.
fn without_framing(mut headers: HeaderMap) -> HeaderMap {
    for name in [header::TRANSFER_ENCODING, header::CONNECTION, header::CONTENT_LENGTH] {
        headers.remove(name);
    }
    headers.remove("x-amz-crc32");
    headers
}
