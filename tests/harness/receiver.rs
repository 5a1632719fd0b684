//! A real endpoint on loopback that records what it is sent.

use std::{future::Future, net::Ipv4Addr, sync::Arc};

use anyhow::{Context as _, Result};
use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use futures::future::BoxFuture;
use jiff::Timestamp;
use serde_json::json;
use tokio::{net::TcpListener, sync::watch};

use crate::waiting::PATIENCE;

/// One POST that an endpoint was sent.
#[derive(Debug, Clone)]
pub struct Delivered {
    /// When it came.
    pub at: Timestamp,
    /// Its path.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// The status of its response.
    pub status: StatusCode,
}

impl Delivered {
    /// A header's value, or "".
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

type Responder = dyn Fn(usize, HeaderMap) -> BoxFuture<'static, Response> + Send + Sync;

/// An endpoint. It ends with the test's runtime.
pub struct Receiver {
    /// Where it answers.
    pub url: String,
    arrived: watch::Receiver<usize>,
    answered: watch::Receiver<Vec<Delivered>>,
}

struct Recorder {
    respond: Box<Responder>,
    arrived: watch::Sender<usize>,
    answered: watch::Sender<Vec<Delivered>>,
}

impl Receiver {
    /// An endpoint that always responds with this status.
    pub async fn responding(status: StatusCode) -> Result<Self> {
        Self::responding_with(move |_| async move { status }).await
    }

    /// An endpoint whose response to each request depends on how many came before it.
    pub async fn responding_with<F>(respond: impl Fn(usize) -> F + Send + Sync + 'static) -> Result<Self>
    where
        F: Future<Output: IntoResponse> + Send + 'static,
    {
        Self::responding_to_requests(move |before, _| respond(before)).await
    }

    /// An integration endpoint that gives these results one after the other, and the last one from
    /// then on.
    pub async fn deciding(results: &'static [&'static str]) -> Result<Self> {
        Self::responding_to_requests(move |before, headers| async move {
            let id = headers.get("x-spiffy-stores-event-id").and_then(|id| id.to_str().ok());
            let result = results[before.min(results.len() - 1)];
            Json(json!({"event_id": id, "result": result, "details": {"seen": before}}))
        })
        .await
    }

    /// An endpoint whose response depends on the request's headers too.
    pub async fn responding_to_requests<F>(
        respond: impl Fn(usize, HeaderMap) -> F + Send + Sync + 'static,
    ) -> Result<Self>
    where
        F: Future<Output: IntoResponse> + Send + 'static,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}/", listener.local_addr()?);
        let (arrived_sender, arrived) = watch::channel(0);
        let (answered_sender, answered) = watch::channel(Vec::new());
        let recorder = Recorder {
            respond: Box::new(move |before, headers| {
                let response = respond(before, headers);
                Box::pin(async move { response.await.into_response() })
            }),
            arrived: arrived_sender,
            answered: answered_sender,
        };
        let router = Router::new().fallback(record).with_state(Arc::new(recorder));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { url, arrived, answered })
    }

    /// Waits until this many requests have come, answered or not.
    pub async fn wait_for_arrivals(&self, count: usize) -> Result<()> {
        let mut arrived = self.arrived.clone();
        let wait = arrived.wait_for(|arrived| *arrived >= count);
        tokio::time::timeout(PATIENCE, wait)
            .await
            .with_context(|| format!("{count} requests did not come"))??;
        Ok(())
    }

    /// Waits until what has been answered satisfies a condition, and returns it.
    pub async fn wait_until(
        &self,
        what: &str,
        is_met: impl Fn(&[Delivered]) -> bool,
    ) -> Result<Vec<Delivered>> {
        let mut answered = self.answered.clone();
        let wait = answered.wait_for(|answered| is_met(answered));
        let met = tokio::time::timeout(PATIENCE, wait).await;
        match met {
            Ok(answered) => Ok(answered?.clone()),
            Err(_) => {
                anyhow::bail!("waited in vain for {what}; {} requests came", self.answered.borrow().len())
            }
        }
    }

    /// Waits until this many requests have been answered, and returns them.
    pub async fn wait_for(&self, count: usize) -> Result<Vec<Delivered>> {
        self.wait_until(&format!("{count} requests"), |answered| answered.len() >= count).await
    }

    /// What has been answered so far.
    pub fn so_far(&self) -> Vec<Delivered> {
        self.answered.borrow().clone()
    }
}

async fn record(
    State(recorder): State<Arc<Recorder>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let at = storehook_aws::now();
    let mut before = 0;
    recorder.arrived.send_modify(|arrived| {
        before = *arrived;
        *arrived += 1;
    });
    let response = (recorder.respond)(before, headers.clone()).await;
    let delivered = Delivered { at, path: uri.path().to_owned(), headers, body, status: response.status() };
    recorder.answered.send_modify(|answered| answered.push(delivered));
    response
}
