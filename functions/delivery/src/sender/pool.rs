//! The connections that are kept for the next deliveries.
//!
//! A TLS handshake costs as much as twenty POSTs. So each connection that is still good after its
//! POST is kept: as many for a host as a batch uses, and [`KEPT`] in all. When there are more, the
//! one that was unused for the longest time is dropped. So a few busy hosts keep their connections,
//! and thousands of hosts share the limit.
//!
//! An HTTP/1.1 connection is taken out for a POST and put back after it. An HTTP/2 connection stays
//! in the pool and is handed out as long as the other end allows one more stream; after that,
//! another connection is opened.
//!
//! What can go wrong:
//!
//! * The other end closes a kept connection. The pool notices when it takes the connection out, or
//!   the connection breaks and the sender replaces it at once.
//! * A middlebox silently drops a kept connection. The attempt on it times out. Then all
//!   connections of the host are dropped that had no response since the attempt began.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::sender::connection::Connection;

/// The most connections that are kept. Lambda gives an environment 1,024 file descriptors ("Lambda
/// quotas", AWS Lambda Developer Guide), and a batch uses up to [`USED`] at the same time.
pub(super) const KEPT: usize = 400;

/// The largest batch that the pool is made for.
const BATCH: usize = 100;

/// The most descriptors that a batch uses beside the kept connections. For each message: a
/// connection under way, a second one where two addresses are tried at once (happy eyeballs), and up
/// to three calls to AWS. Some more are the runtime's own.
const USED: usize = BATCH * (2 + 3) + 50;

const _: () = assert!(KEPT + USED < 1_000, "an environment has 1,024 descriptors");

/// How long an idle connection is kept. Load balancers commonly close idle connections after 60 s
/// ("Connection idle timeout", Elastic Load Balancing). Closing earlier avoids sending on a
/// connection that is being closed.
const IDLE_LIMIT: Duration = Duration::from_secs(50);

/// The most hosts that are known to want HTTP/1.1.
const HTTP1_HOSTS: usize = 1_000;

/// The environment's connections.
pub(super) struct Pool {
    /// How many are kept.
    limit: usize,
    /// The one that was unused for the longest time is first.
    kept: Mutex<VecDeque<Kept>>,
    /// The origins that asked for HTTP/1.1, or whose responses HTTP/2 forbids.
    http1: Mutex<HashSet<Arc<str>>>,
}

struct Kept {
    lease: Lease,
    /// When it was put in; for HTTP/2, when it was last handed out.
    at: Instant,
}

/// A connection for one POST alone, or a share of an HTTP/2 connection.
pub(super) struct Lease {
    /// Scheme, host and port.
    pub(super) origin: Arc<str>,
    pub(super) connection: Connection,
}

impl Pool {
    /// A pool that keeps this many connections.
    pub(super) fn of(limit: usize) -> Self {
        Self { limit, kept: Mutex::default(), http1: Mutex::default() }
    }

    /// A connection to an origin, which is open as far as the pool knows.
    pub(super) async fn take(&self, origin: &str) -> Option<Lease> {
        loop {
            let mut lease = self.pop(origin, Instant::now())?;
            let is_open = match &mut lease.connection {
                Connection::Http1(connection) => connection.is_idle().await,
                Connection::Http2(_) => true,
            };
            if is_open {
                return Some(lease);
            }
        }
    }

    /// Takes the connection that was used last. So connections that a smaller batch does not need
    /// grow old and are dropped.
    pub(super) fn pop(&self, origin: &str, now: Instant) -> Option<Lease> {
        let mut kept = self.kept();
        let expired = kept.iter().take_while(|kept| now - kept.at >= IDLE_LIMIT).count();
        kept.drain(..expired);
        let is_fit = |kept: &Kept| *kept.lease.origin == *origin && kept.lease.connection.has_room();
        let position = kept.iter().rposition(is_fit)?;
        let lease = kept.remove(position)?.lease;
        if let Connection::Http2(connection) = &lease.connection {
            let connection = Connection::Http2(connection.clone());
            kept.push_back(Kept { lease: Lease { origin: lease.origin.clone(), connection }, at: now });
        }
        Some(lease)
    }

    /// Keeps a connection.
    pub(super) fn keep(&self, lease: Lease) {
        let mut kept = self.kept();
        kept.push_back(Kept { lease, at: Instant::now() });
        if kept.len() > self.limit {
            kept.retain(|kept| !kept.lease.connection.is_known_closed());
        }
        let surplus = kept.len().saturating_sub(self.limit);
        let closing: Vec<_> = kept.drain(..surplus).collect();
        drop(kept);
        drop(closing);
    }

    /// Drops the connection of an attempt that began at `since` and timed out. Also drops the
    /// host's HTTP/1.1 connections that had no response since then: they are probably dead, too.
    pub(super) fn forget(&self, lost: &Lease, since: Instant) {
        self.kept().retain(|kept| match (&kept.lease.connection, &lost.connection) {
            _ if kept.lease.origin != lost.origin => true,
            (Connection::Http2(kept), Connection::Http2(lost)) => !kept.is(lost),
            (Connection::Http2(_), Connection::Http1(_)) => true,
            (Connection::Http1(_), _) => kept.at >= since,
        });
    }

    /// Notes that an origin wants HTTP/1.1.
    pub(super) fn require_http1(&self, origin: &str) {
        let mut http1 = self.http1();
        if http1.len() >= HTTP1_HOSTS {
            http1.clear();
        }
        http1.insert(origin.into());
        drop(http1);
        self.kept().retain(|kept| {
            *kept.lease.origin != *origin || matches!(kept.lease.connection, Connection::Http1(_))
        });
    }

    /// Whether an origin wants HTTP/1.1.
    pub(super) fn requires_http1(&self, origin: &str) -> bool {
        self.http1().contains(origin)
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn http1(&self) -> MutexGuard<'_, HashSet<Arc<str>>> {
        self.http1.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    fn has_room(&self) -> bool {
        match self {
            Self::Http1(_) => true,
            Self::Http2(connection) => connection.has_room(),
        }
    }

    /// Whether it was closed while it was kept. An HTTP/1.1 connection is not polled meanwhile, so
    /// it is checked when it is taken out.
    fn is_known_closed(&self) -> bool {
        match self {
            Self::Http1(_) => false,
            Self::Http2(connection) => connection.is_closed(),
        }
    }
}
