//! Responses whose head can be read, though hyper refuses it.
//!
//! hyper refuses a whole response if it does not know where the body ends: the `Content-Length` is
//! no number, two of them differ, or HTTP/1.0 has a `Transfer-Encoding`. But the status still tells
//! what the endpoint did with the delivery. So a connection notes the first bytes of the response
//! that it waits for, and the head is read from them. The body counts as cut.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use http::{StatusCode, header::RETRY_AFTER};
use storehook_domain::delivery::outcome::{BodyEnd, Response};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::sender::response::{HEAD_LIMIT, HEAD_LINES};

/// The first bytes that arrived: at most as many as a head may have.
#[derive(Clone, Default)]
pub(super) struct Noted(Arc<Mutex<Vec<u8>>>);

impl Noted {
    /// Takes the bytes, so that the next response begins anew.
    pub(super) fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.bytes())
    }

    fn add(&self, bytes: &[u8]) {
        let mut noted = self.bytes();
        let room = HEAD_LIMIT.saturating_sub(noted.len());
        noted.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The response with the first head in these bytes that is not informational. `None` if that head
/// is no HTTP or is not complete.
pub(super) fn response_of(mut noted: &[u8]) -> Option<Response> {
    loop {
        let mut headers = [httparse::EMPTY_HEADER; HEAD_LINES];
        let mut head = httparse::Response::new(&mut headers);
        // As the connector sets up hyper.
        let mut parser = httparse::ParserConfig::default();
        parser
            .allow_obsolete_multiline_headers_in_responses(true)
            .allow_spaces_after_header_name_in_responses(true)
            .ignore_invalid_headers_in_responses(true);
        let httparse::Status::Complete(length) = parser.parse_response(&mut head, noted).ok()? else {
            return None;
        };
        let status = StatusCode::from_u16(head.code?).ok()?;
        if status.is_informational() {
            noted = &noted[length..];
            continue;
        }
        let retry_after = head.headers.iter().find(|header| RETRY_AFTER == header.name);
        let retry_after = retry_after.and_then(|header| str::from_utf8(header.value).ok());
        return Some(Response {
            status: status.as_u16(),
            retry_after: retry_after.map(str::to_owned),
            body: Vec::new(),
            end: BodyEnd::Cut,
        });
    }
}

/// A stream that notes what is read from it.
pub(super) struct Noting<S> {
    pub(super) stream: S,
    pub(super) noted: Noted,
}

impl<S: AsyncRead + Unpin> AsyncRead for Noting<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.noted.add(&buffer.filled()[before..]);
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Noting<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
