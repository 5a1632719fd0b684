//! AWS in this process, behind the SDK's HTTP connector, for tests on a virtual clock.
//!
//! All of the SDK but its connection is real: it builds and signs requests, times them out, repeats
//! them and reads the responses. No socket is opened, so a call takes the time that its stand-in
//! waits.

use std::{fmt, sync::Arc};

use aws_smithy_runtime_api::{
    client::{
        http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector},
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
    },
    http::StatusCode,
};
use futures::future::BoxFuture;
use serde_json::Value;

use crate::{AwsConfig, SdkConfig};

/// How AWS answers a call.
#[derive(Debug, Clone)]
pub enum Reply {
    /// By this response. One with `__type` is an error.
    Response(Value),
    /// By the status 500 and this response.
    Failure(Value),
    /// Not at all: the connection breaks.
    Broken,
}

impl From<Value> for Reply {
    fn from(response: Value) -> Self {
        Self::Response(response)
    }
}

/// What answers a call: by its target, `AmazonSQS.SendMessage`, and its JSON.
type Respond = dyn Fn(String, Value) -> BoxFuture<'static, Reply> + Send + Sync;

/// AWS in this process.
#[derive(Clone)]
pub struct InProcess(pub Arc<Respond>);

impl fmt::Debug for InProcess {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("InProcess")
    }
}

impl InProcess {
    /// AWS by this configuration, in this process.
    pub fn config(self, sdk: SdkConfig) -> AwsConfig {
        AwsConfig::through(sdk, SharedHttpConnector::new(self))
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default().to_owned();
        let call = request.body().bytes().and_then(|body| serde_json::from_slice(body).ok());
        let response = (self.0)(target, call.unwrap_or_default());
        HttpConnectorFuture::new(async move {
            let (status, body) = match response.await {
                Reply::Response(body) if body["__type"].is_null() => (200, body),
                Reply::Response(body) => (400, body),
                Reply::Failure(body) => (500, body),
                Reply::Broken => return Err(ConnectorError::io("the connection broke".into())),
            };
            let status = StatusCode::try_from(status);
            status
                .map(|status| HttpResponse::new(status, body.to_string().into()))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}
