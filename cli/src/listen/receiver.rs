//! A receiver on this machine.
//!
//! It takes every body that Storehook can send. A request that it cannot read gets the status that
//! says so, and a line, too. A request that is forwarded gets the response of the other end.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, Result};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, State, rejection::BytesRejection},
    http::{HeaderMap, Response, StatusCode, Uri, header},
};
use storehook_domain::{installation::secret::SharedSecret, payload::limits::BODY_LIMIT};
use tokio::{net::TcpListener, sync::mpsc};

use super::{
    forward::{Answer, Forward},
    printer::Printer,
    verified::{Refused, Verified},
};
use crate::output::{self, OutputError};

/// What the receiver needs for each request.
pub struct Receiver {
    /// What verifies the signatures.
    pub secret: SharedSecret,
    /// The status that it responds with.
    pub status: StatusCode,
    /// How long it waits before the response.
    pub delay: Duration,
    /// Where requests are forwarded to.
    pub forward: Option<Forward>,
    /// Prints deliveries.
    pub printer: Printer,
}

/// A receiver, and where a failure to print goes. The first one ends the receiver.
struct Served {
    receiver: Receiver,
    output_failed: mpsc::Sender<OutputError>,
}

impl Receiver {
    /// Receives until it is stopped, or nobody reads its output any more.
    ///
    /// # Errors
    ///
    /// The output or the socket failed.
    pub async fn serve(self, listener: TcpListener) -> Result<()> {
        let (output_failed, mut failure) = mpsc::channel(1);
        let server = axum::serve(listener, router(self, output_failed));
        let stopped = async {
            // Without a handler Ctrl-C still ends the process, only less politely.
            _ = tokio::signal::ctrl_c().await;
        };
        tokio::select! {
            result = server.with_graceful_shutdown(stopped).into_future() => result.context("the receiver failed"),
            Some(error) = failure.recv() => Err(OutputError::into(error)),
            () = output::closed() => Err(OutputError::Closed.into()),
        }
    }
}

fn router(receiver: Receiver, output_failed: mpsc::Sender<OutputError>) -> Router {
    let limit = DefaultBodyLimit::max(BODY_LIMIT);
    let served = Arc::new(Served { receiver, output_failed });
    Router::new().fallback(receive).layer(limit).with_state(served)
}

async fn receive(
    State(served): State<Arc<Served>>,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response<Body> {
    let Served { receiver, output_failed } = &*served;
    let (printed, response) = match body {
        Ok(body) => {
            let mut verified = Verified::of(Some(&receiver.secret), &headers, &body);
            verified.path = Some(uri.path().to_owned());
            let response = receiver.answer(&mut verified, &headers, body.clone()).await;
            (receiver.printer.print(&verified, &headers, &body), response)
        }
        Err(unread) => {
            let (status, refused) = (unread.status(), Refused::of(&uri, &headers, &unread));
            (receiver.printer.print_refused(&refused, &headers), of_status(status))
        }
    };
    if let Err(error) = printed {
        // A second failure tells nothing new.
        _ = output_failed.try_send(error);
    }
    tokio::time::sleep(receiver.delay).await;
    response
}

impl Receiver {
    /// The response to a delivery: its own, or that of the other end.
    async fn answer(&self, verified: &mut Verified, headers: &HeaderMap, body: Bytes) -> Response<Body> {
        let Some(forward) = &self.forward else { return of_status(self.status) };
        let (forwarded, Answer { status, content_type, body }) = forward.send(headers.clone(), body).await;
        verified.forwarded = Some(forwarded);
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        response.headers_mut().extend(content_type.map(|value| (header::CONTENT_TYPE, value)));
        response
    }
}

fn of_status(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use tower::ServiceExt as _;

    use super::*;
    use crate::output::Form;

    fn receiver(forward: Option<Forward>) -> Result<Router> {
        let (output_failed, _failure) = mpsc::channel(1);
        let receiver = Receiver {
            secret: SharedSecret::parse(&"s".repeat(32))?,
            status: StatusCode::OK,
            delay: Duration::ZERO,
            forward,
            printer: Printer { form: Form::Text, is_verbose: false },
        };
        Ok(router(receiver, output_failed))
    }

    #[tokio::test]
    async fn every_body_that_storehook_sends_is_received_and_longer_ones_are_refused() -> Result<()> {
        let router = receiver(None)?;
        for (length, status) in [
            (0, StatusCode::OK),
            (3 * 1024 * 1024, StatusCode::OK),
            (BODY_LIMIT, StatusCode::OK),
            (BODY_LIMIT + 1, StatusCode::PAYLOAD_TOO_LARGE),
        ] {
            let request = Request::post("/hook").body(Body::from(vec![b' '; length]))?;
            let response = router.clone().oneshot(request).await?;
            assert_eq!(response.status(), status, "{length} bytes");
        }
        Ok(())
    }

    #[tokio::test]
    async fn a_forwarded_request_gets_the_response_of_the_other_end() -> Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/other?q=1", listener.local_addr()?);
        let echo = async |headers: HeaderMap, uri: Uri, body: Bytes| {
            let id = headers.get("webhook-id").and_then(|id| id.to_str().ok()).unwrap_or("none").to_owned();
            (StatusCode::ACCEPTED, format!("{uri} {id} {}", String::from_utf8_lossy(&body)))
        };
        let server = axum::serve(listener, Router::new().fallback(echo));
        let server = tokio::spawn(server.into_future());
        let router = receiver(Some(Forward::to(url.parse()?)?))?;
        let request = || Request::post("/hook").header("webhook-id", "7-e1").header("connection", "close");
        let response = router.clone().oneshot(request().body(Body::from("{}"))?).await?;
        assert_eq!(response.status(), StatusCode::ACCEPTED);
        assert!(response.headers().contains_key("content-type"));
        let body = axum::body::to_bytes(response.into_body(), 1_000).await?;
        assert_eq!(body, "/other?q=1 7-e1 {}");
        server.abort();
        _ = server.await;
        let response = router.oneshot(request().body(Body::from("{}"))?).await?;
        assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
        Ok(())
    }
}
