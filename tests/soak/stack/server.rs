//! A server whose handler may break the connection instead of responding.

use std::{convert::Infallible, future::Future, io, sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::{Request, Response, request::Parts},
};
use futures::{StreamExt as _, stream};
use http_body_util::BodyExt as _;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::processes::Process;

/// What a handler comes to; `None` breaks the connection.
pub(super) type Handled = Option<Response<Body>>;

/// Serves without end. The handler gets whoever calls, if that is a function's process.
pub(super) fn serve<R>(
    listener: TcpListener,
    handle: impl Fn(Option<Arc<Process>>, Parts, Bytes) -> R + Clone + Send + 'static,
) where
    R: Future<Output = Handled> + Send + 'static,
{
    tokio::spawn(async move {
        loop {
            let Ok((stream, peer)) = listener.accept().await else {
                // Too many open files, for example: some will be closed.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let (caller, handle) = (Process::at(peer), handle.clone());
            let service = service_fn(move |request: Request<Incoming>| {
                let (caller, handle) = (caller.clone(), handle.clone());
                async move {
                    let (parts, body) = request.into_parts();
                    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
                    // A task: what has begun goes on when the caller gives up.
                    let handled = tokio::spawn(handle(caller, parts, body)).await;
                    let handled = handled.unwrap_or_else(|_| {
                        // A panic is a mistake of the soak itself, which would show nothing then.
                        std::process::abort()
                    });
                    handled.ok_or_else(|| io::Error::from(io::ErrorKind::ConnectionReset))
                }
            });
            tokio::spawn(async move {
                // It ends with an error where the handler wants so, or the caller has gone.
                _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
}

/// A body that ends before its end.
pub(super) fn cut(body: Bytes) -> Body {
    let first = stream::iter([Ok::<_, Infallible>(body)]).map(|part| part.map_err(io::Error::other));
    let end = stream::once(async {
        // So that the first part is on its way by then.
        tokio::time::sleep(Duration::from_millis(20)).await;
        Err(io::Error::from(io::ErrorKind::ConnectionReset))
    });
    Body::from_stream(first.chain(end))
}
