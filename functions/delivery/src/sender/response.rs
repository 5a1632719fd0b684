//! The response: its head, and a bounded part of its body.
//!
//! Whatever an endpoint sends, a response takes at most the time of the attempt and [`HEAD_LIMIT`]
//! + [`BODY_LIMIT`] of memory, plus a buffer.

use std::future::Future;

use http::{HeaderMap, Version, header::RETRY_AFTER};
use http_body_util::BodyExt as _;
use hyper::body::{Frame, Incoming};
use storehook_domain::delivery::outcome::{BodyEnd, Response};
use tokio::time::{Instant, timeout_at};

use crate::sender::failure::Failure;

/// The longest head that is read, in bytes.
pub(super) const HEAD_LIMIT: usize = 64 * 1024;

/// The most header lines that are read.
pub(super) const HEAD_LINES: usize = 500;

/// How much of a body is read, in bytes.
pub(super) const BODY_LIMIT: usize = 16 * 1024;

/// Waits for the response until the deadline, and reads it.
pub(super) async fn receive(
    sending: impl Future<Output = hyper::Result<http::Response<Incoming>>>,
    deadline: Instant,
) -> Result<Response, Failure> {
    let response = timeout_at(deadline, sending).await.map_err(|_| Failure::TimedOut)?;
    let (head, mut incoming) = response.map_err(Failure::Exchange)?.into_parts();
    // On HTTP/1.1, hyper has checked the limits.
    if head.version == Version::HTTP_2 && is_too_large(&head.headers) {
        return Err(Failure::HeadTooLarge);
    }
    let retry_after = head.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let mut response = Response {
        status: head.status.as_u16(),
        retry_after: retry_after.map(str::to_owned),
        body: Vec::new(),
        end: BodyEnd::Read,
    };
    // After a complete body, the connection is free for the next delivery. A body over the limit is
    // cut off, and that ends an HTTP/1.1 connection.
    response.end =
        timeout_at(deadline, read(&mut incoming, &mut response.body)).await.unwrap_or(BodyEnd::TimedOut);
    Ok(response)
}

async fn read(incoming: &mut Incoming, body: &mut Vec<u8>) -> BodyEnd {
    while body.len() < BODY_LIMIT
        && let Some(frame) = incoming.frame().await
    {
        match frame.map(Frame::into_data) {
            Ok(Ok(chunk)) => body.extend_from_slice(&chunk[..chunk.len().min(BODY_LIMIT - body.len())]),
            Ok(Err(_trailers)) => {}
            Err(_) => return BodyEnd::Cut,
        }
    }
    BodyEnd::Read
}

/// Whether the headers would exceed a limit if they were lines of HTTP/1.1.
fn is_too_large(headers: &HeaderMap) -> bool {
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    headers.len() > HEAD_LINES || bytes > HEAD_LIMIT
}
