//! Lambda's Runtime API: hands a function one invocation after the other ("Using the Lambda runtime API for
//! custom runtimes", AWS Lambda Developer Guide).

use std::{sync::Arc, time::Instant};

use anyhow::{Context as _, Result, bail};
use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use jiff::ToSpan as _;
use tokio::{
    net::TcpListener,
    sync::{Mutex, mpsc},
};

/// The Runtime API of one execution environment. It ends with the bench's runtime.
pub(super) struct RuntimeApi {
    /// Host and port.
    pub(super) authority: String,
    events: mpsc::UnboundedSender<Bytes>,
    polls: mpsc::UnboundedReceiver<Instant>,
    responses: mpsc::UnboundedReceiver<Result<Bytes, Bytes>>,
}

struct Served {
    events: Mutex<mpsc::UnboundedReceiver<Bytes>>,
    polled: mpsc::UnboundedSender<Instant>,
    responded: mpsc::UnboundedSender<Result<Bytes, Bytes>>,
}

impl RuntimeApi {
    pub(super) async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let authority = listener.local_addr()?.to_string();
        let (events, handed_out) = mpsc::unbounded_channel();
        let (polled, polls) = mpsc::unbounded_channel();
        let (responded, responses) = mpsc::unbounded_channel();
        let served = Arc::new(Served { events: Mutex::new(handed_out), polled, responded });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/{end}", post(end))
            .route("/2018-06-01/runtime/init/error", post(init_error))
            .layer(axum::extract::DefaultBodyLimit::disable())
            .with_state(served);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { authority, events, polls, responses })
    }

    /// When the function asks for its next invocation.
    pub(super) async fn polled(&mut self) -> Result<Instant> {
        tokio::select! {
            polled = self.polls.recv() => polled.context("the Runtime API has ended"),
            Some(Err(error)) = self.responses.recv() => bail!("{}", String::from_utf8_lossy(&error)),
        }
    }

    /// Hands out an invocation, and returns the response to it.
    pub(super) async fn invoke(&mut self, event: Bytes) -> Result<Bytes> {
        self.events.send(event)?;
        match self.responses.recv().await.context("the Runtime API has ended")? {
            Ok(response) => Ok(response),
            Err(error) => bail!("the function failed: {}", String::from_utf8_lossy(&error)),
        }
    }
}

async fn next(State(served): State<Arc<Served>>) -> Response {
    // The bench may have ended meanwhile.
    _ = served.polled.send(Instant::now());
    let event = served.events.lock().await.recv().await;
    let Some(event) = event else { return StatusCode::GONE.into_response() };
    let deadline = storehook_aws::now() + 60.seconds();
    let headers = [
        ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd".to_owned()),
        ("lambda-runtime-deadline-ms", deadline.as_millisecond().to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:000000000000:function:bench".to_owned(),
        ),
        (
            "lambda-runtime-trace-id",
            "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0".to_owned(),
        ),
        ("content-type", "application/json".to_owned()),
    ];
    (headers, event).into_response()
}

async fn end(
    State(served): State<Arc<Served>>,
    Path((_, end)): Path<(String, String)>,
    body: Bytes,
) -> StatusCode {
    _ = served.responded.send(if end == "response" { Ok(body) } else { Err(body) });
    StatusCode::ACCEPTED
}

async fn init_error(State(served): State<Arc<Served>>, body: Bytes) -> StatusCode {
    _ = served.responded.send(Err(body));
    StatusCode::ACCEPTED
}
