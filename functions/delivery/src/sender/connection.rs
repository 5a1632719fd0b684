//! A connection, and one POST on it.
//!
//! An HTTP/1.1 connection has no task of its own: it is polled while its POST is awaited, and rests
//! in between. That saves two task switches for each POST, and dropping the POST drops the
//! connection. An HTTP/2 connection is shared, so it has its own task, and a POST holds one of its
//! streams.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use bytes::Bytes;
use futures::{
    FutureExt as _,
    future::{Fuse, FusedFuture as _},
};
use http_body_util::Full;
use hyper::{
    client::conn::{http1, http2},
    rt::{Read, Write},
};
use hyper_util::rt::TokioExecutor;
use storehook_domain::delivery::outcome::Response;
use tokio::time::Instant;

use crate::sender::{
    failure::Failure,
    noted::{Noted, response_of},
    post::Post,
    response,
};

/// The stream of an HTTP/1.1 connection: TCP, or TLS on top of it.
pub(super) trait Socket: Read + Write + Send + Unpin {}

impl<T: Read + Write + Send + Unpin> Socket for T {}

/// A connection.
pub(super) enum Connection {
    /// For one POST at a time.
    Http1(Box<Http1>),
    /// For as many POSTs as the other end allows.
    Http2(Http2),
}

impl Connection {
    /// Sends the POST, and reads the response until the deadline.
    pub(super) async fn post(&mut self, post: &Post, deadline: Instant) -> Result<Response, Failure> {
        match self {
            Self::Http1(connection) => connection.post(post, deadline).await,
            Self::Http2(connection) => connection.post(post, deadline).await,
        }
    }
}

/// An HTTP/1.1 connection.
pub(super) struct Http1 {
    requests: http1::SendRequest<Full<Bytes>>,
    driver: Fuse<http1::Connection<Box<dyn Socket>, Full<Bytes>>>,
    /// The first bytes of the response.
    noted: Noted,
}

impl Http1 {
    pub(super) fn new(
        requests: http1::SendRequest<Full<Bytes>>,
        driver: http1::Connection<Box<dyn Socket>, Full<Bytes>>,
        noted: Noted,
    ) -> Self {
        Self { requests, driver: driver.fuse(), noted }
    }

    async fn post(&mut self, post: &Post, deadline: Instant) -> Result<Response, Failure> {
        let sending = self.requests.send_request(post.over_http1());
        let mut receiving = pin!(response::receive(sending, deadline));
        let result = poll_fn(|context| {
            // If the connection ends, the response ends with it, and its error says how.
            _ = self.driver.poll_unpin(context);
            receiving.as_mut().poll(context)
        })
        .await;
        let noted = self.noted.take();
        match result {
            Err(Failure::Exchange(error)) if error.is_parse() => {
                response_of(&noted).ok_or(Failure::Exchange(error))
            }
            result => result,
        }
    }

    /// Whether it can take another POST: it is open, and the last response was read completely.
    pub(super) async fn is_idle(&mut self) -> bool {
        poll_fn(|context| Poll::Ready(self.is_idle_now(context))).await
    }

    fn is_idle_now(&mut self, context: &mut Context<'_>) -> bool {
        _ = self.driver.poll_unpin(context);
        !self.driver.is_terminated() && self.requests.is_ready()
    }
}

/// The task of an HTTP/2 connection. It knows how many streams the other end allows.
type Http2Driver = http2::Connection<Box<dyn Socket>, Full<Bytes>, TokioExecutor>;

/// A share in an HTTP/2 connection.
#[derive(Clone)]
pub(super) struct Http2 {
    requests: http2::SendRequest<Full<Bytes>>,
    /// `None` once it has ended.
    driver: Arc<Mutex<Option<Http2Driver>>>,
    /// One for each share: the pool's share, and those of the POSTs under way.
    shares: Arc<()>,
}

impl Http2 {
    /// Starts a connection's task. Each POST on it learns how the connection ends, so nobody else
    /// needs the result.
    pub(super) fn new(requests: http2::SendRequest<Full<Bytes>>, driver: Http2Driver) -> Self {
        let driver = Arc::new(Mutex::new(Some(driver)));
        let moved = driver.clone();
        tokio::spawn(poll_fn(move |context| {
            let mut driver = lock(&moved);
            let ended =
                driver.as_mut().map_or(Poll::Ready(()), |driver| driver.poll_unpin(context).map(drop));
            if ended.is_ready() {
                // A driver that is kept would take further POSTs, and never send them.
                *driver = None;
            }
            ended
        }));
        Self { requests, driver, shares: Arc::default() }
    }

    async fn post(&mut self, post: &Post, deadline: Instant) -> Result<Response, Failure> {
        response::receive(self.requests.send_request(post.over_http2()), deadline).await
    }

    /// Whether the other end allows one more stream. Ask the pool's share.
    pub(super) fn has_room(&self) -> bool {
        let under_way = Arc::strong_count(&self.shares) - 1;
        let most = lock(&self.driver).as_ref().map_or(0, Http2Driver::current_max_send_streams);
        !self.is_closed() && under_way < most
    }

    /// Whether it has ended.
    pub(super) fn is_closed(&self) -> bool {
        self.requests.is_closed()
    }

    /// Whether this is the same connection.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shares, &other.shares)
    }
}

fn lock(driver: &Mutex<Option<Http2Driver>>) -> MutexGuard<'_, Option<Http2Driver>> {
    driver.lock().unwrap_or_else(PoisonError::into_inner)
}
