//! The admin API in the test's own process, on a stack's own tables, with a gate before AWS.
//!
//! Through the gate a test sees every call that a request makes of DynamoDB, SQS and Kinesis, and
//! decides the order in which the calls of several requests are made. Everything else is real: the
//! requests, the service, AWS as the emulator has it.

use std::sync::Arc;

use admin_api::{App, Settings, service};
use anyhow::{Context as _, Result, ensure};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::IntoResponse,
};
use serde_json::{Value, json};
use storehook::stack::local_stack::{LOCAL_CREDENTIALS, LOCAL_REGION};
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
};

use crate::{api::http_client, stack::Stack};

/// The admin API in this process.
pub struct DirectApi {
    /// Where it answers.
    pub url: String,
    /// Where the gate is, for others who call AWS through it.
    pub gate_url: String,
    /// The calls of AWS, as they come to the gate.
    pub calls: mpsc::UnboundedReceiver<Call>,
}

/// A call of AWS that waits at the gate.
pub struct Call {
    /// What it does: `GetItem`, `TransactWriteItems`.
    pub operation: String,
    /// What it says.
    pub body: Value,
    decide: oneshot::Sender<Decision>,
}

/// What becomes of a call.
enum Decision {
    Pass,
    Answer(StatusCode, Value),
    LoseResponse,
}

impl Call {
    /// Lets the call through.
    pub fn let_through(self) {
        // Whoever made it may have given up meanwhile.
        _ = self.decide.send(Decision::Pass);
    }

    /// Lets the call through, and answers it with a fault: whoever made it cannot tell that it was
    /// made.
    pub fn lose_response(self) {
        _ = self.decide.send(Decision::LoseResponse);
    }

    /// Answers the call in AWS's place.
    pub fn answer(self, status: StatusCode, json: Value) {
        _ = self.decide.send(Decision::Answer(status, json));
    }
}

struct Gate {
    endpoint_url: String,
    client: reqwest::Client,
    calls: mpsc::UnboundedSender<Call>,
}

impl DirectApi {
    /// The API on a stack's table, with so large a bucket for each installation's calls; "0" is no
    /// limit. It ends with the test's runtime.
    pub async fn on(stack: &Stack, rate_limit_burst: &str) -> Result<Self> {
        let (sender, calls) = mpsc::unbounded_channel();
        let gate = Gate { endpoint_url: stack.endpoint_url.clone(), client: http_client()?, calls: sender };
        let (gate_listener, gate_url) = listen().await?;
        serve(gate_listener, Router::new().fallback(pass).with_state(Arc::new(gate)));
        let (listener, url) = listen().await?;
        let (id, secret) = LOCAL_CREDENTIALS;
        let [registry, history, stream] = ["registry", "history", "events"].map(|name| stack.resource(name));
        let queue_url = stack.queue_url("delivery").await?;
        let jobs_url = stack.queue_url("jobs").await?;
        let environment = [
            ("AWS_ACCESS_KEY_ID", id),
            ("AWS_SECRET_ACCESS_KEY", secret),
            ("AWS_REGION", LOCAL_REGION),
            ("AWS_ENDPOINT_URL", &gate_url),
            ("REGISTRY_TABLE", &registry),
            ("HISTORY_TABLE", &history),
            ("STREAM_NAME", &stream),
            ("DELIVERY_QUEUE_URL", &queue_url),
            ("JOBS_QUEUE_URL", &jobs_url),
            ("RATE_LIMIT_BURST", rate_limit_burst),
            ("PUBLIC_URL", &url),
        ];
        let environment = environment.into_iter().collect();
        let sdk = storehook_aws::lambda_sdk_config(&environment)?;
        let app = App::new(&sdk, Settings::read(&environment)?);
        serve(listener, Router::new().fallback_service(service(app)));
        Ok(Self { url, gate_url, calls })
    }
}

impl DirectApi {
    /// Lets every call through from now on.
    pub fn let_all_through(mut self) {
        tokio::spawn(async move {
            while let Some(call) = self.calls.recv().await {
                call.let_through();
            }
        });
    }

    /// Awaits a response, letting every call through, and returns what they were.
    pub async fn observe<T>(
        &mut self,
        response: impl Future<Output = Result<T>>,
    ) -> Result<(T, Vec<String>)> {
        let (response, calls) = self.decide(response, Call::let_through).await?;
        Ok((response, calls.into_iter().map(|(operation, _)| operation).collect()))
    }

    /// Awaits a response, doing this with each call, and returns what each was and said.
    pub async fn decide<T>(
        &mut self,
        response: impl Future<Output = Result<T>>,
        mut decision: impl FnMut(Call),
    ) -> Result<(T, Vec<(String, Value)>)> {
        let mut calls = Vec::new();
        let mut response = std::pin::pin!(response);
        loop {
            tokio::select! {
                response = &mut response => return Ok((response?, calls)),
                Some(call) = self.calls.recv() => {
                    calls.push((call.operation.clone(), call.body.clone()));
                    decision(call);
                }
            }
        }
    }
}

impl Stack {
    /// The shared stack, with its admin API in this process: for tests that make many calls and are
    /// not about the way to the function, which takes 50 ms a call in the emulator.
    pub async fn with_direct_api() -> Result<Self> {
        let mut stack = Self::shared().await?;
        // The limit of the deployed one: no test comes near it, and its headers are there.
        let direct = DirectApi::on(&stack, "1000").await?;
        stack.api_url = direct.url.clone();
        direct.let_all_through();
        Ok(stack)
    }
}

/// A free port, and its URL.
async fn listen() -> Result<(TcpListener, String)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    Ok((listener, url))
}

fn serve(listener: TcpListener, router: Router) {
    tokio::spawn(async move { axum::serve(listener, router).await });
}

/// Holds a call until it is let through, and passes it on.
async fn pass(State(gate): State<Arc<Gate>>, headers: HeaderMap, body: Bytes) -> impl IntoResponse {
    forward(&gate, headers, body).await.map_err(|error| (StatusCode::BAD_GATEWAY, format!("{error:#}")))
}

async fn forward(gate: &Gate, mut headers: HeaderMap, body: Bytes) -> Result<(StatusCode, HeaderMap, Bytes)> {
    let target = headers.get("x-amz-target").context("not a call of AWS")?.to_str()?;
    let operation = target.split('.').next_back().unwrap_or_default().to_owned();
    let (decide, decided) = oneshot::channel();
    gate.calls.send(Call { operation, body: serde_json::from_slice(&body)?, decide })?;
    let decision = decided.await?;
    if let Decision::Answer(status, json) = decision {
        return Ok(answer(status, &json));
    }
    headers.remove(header::HOST);
    let response = gate.client.post(&gate.endpoint_url).headers(headers).body(body).send().await?;
    if let Decision::LoseResponse = decision {
        ensure!(response.status().is_success(), "the call whose response is to be lost was refused");
        return Ok(answer(StatusCode::INTERNAL_SERVER_ERROR, &json!({"__type": "InternalServerError"})));
    }
    let (status, mut headers) = (response.status(), response.headers().clone());
    headers.remove(header::TRANSFER_ENCODING);
    headers.remove(header::CONNECTION);
    Ok((status, headers, response.bytes().await?))
}

fn answer(status: StatusCode, json: &Value) -> (StatusCode, HeaderMap, Bytes) {
    let json_type = HeaderValue::from_static("application/x-amz-json-1.0");
    (status, HeaderMap::from_iter([(header::CONTENT_TYPE, json_type)]), json.to_string().into())
}
