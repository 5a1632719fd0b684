//! The connection pool, bounded.
//!
//! The HTTP client bounds idle connections for each host and not in all, and a Lambda
//! environment has 1,024 file descriptors. So a client serves [`HOSTS`] different hosts at
//! the most, each with [`IDLE_PER_HOST`] idle connections, and is then replaced; its idle
//! connections close with it, and what is under way on it goes on to its end. A busy few
//! hosts keep their connections for ever.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use reqwest::Client;
use tokio::time::Instant;

/// How many different hosts one client serves: with [`IDLE_PER_HOST`], 800 idle connections.
const HOSTS: usize = 200;

/// How many idle connections are kept for each host.
pub(crate) const IDLE_PER_HOST: usize = 4;

/// How long an idle connection is kept. Load balancers commonly close theirs after 60 s; to
/// close first is to not send into a connection that is being closed.
pub(crate) const IDLE_LIMIT: Duration = Duration::from_secs(50);

/// The environment's HTTP client.
pub(crate) struct Pool {
    build: Box<dyn Fn() -> reqwest::Result<Client> + Send + Sync>,
    current: Mutex<Current>,
}

struct Current {
    client: Client,
    /// The hosts that it serves, with when each has last answered to the end, if nothing has broken since.
    hosts: HashMap<String, Option<Instant>>,
}

impl Pool {
    /// A pool of clients that are built so.
    pub(crate) fn new(
        build: impl Fn() -> reqwest::Result<Client> + Send + Sync + 'static,
    ) -> reqwest::Result<Self> {
        let current = Mutex::new(Current { client: build()?, hosts: HashMap::new() });
        Ok(Self { build: Box::new(build), current })
    }

    /// The client for a host, and whether it may have kept a connection to it.
    pub(crate) fn client_for(&self, host: &str) -> reqwest::Result<(Client, bool)> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let is_kept = match current.hosts.get(host) {
            Some(answered_at) => answered_at.is_some_and(|at| at.elapsed() < IDLE_LIMIT),
            None => {
                if current.hosts.len() == HOSTS {
                    *current = Current { client: (self.build)()?, hosts: HashMap::new() };
                }
                current.hosts.insert(host.to_owned(), None);
                false
            }
        };
        Ok((current.client.clone(), is_kept))
    }

    /// Notes that a host has answered to the end, or that something has broken.
    pub(crate) fn note(&self, host: &str, has_answered: bool) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answered_at) = current.hosts.get_mut(host) {
            *answered_at = has_answered.then(Instant::now);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use super::*;
    use crate::sender::tls;

    #[test]
    fn a_client_serves_so_many_hosts_and_is_then_replaced() -> Result<(), Box<dyn std::error::Error>> {
        let built = Arc::new(AtomicUsize::new(0));
        let (counter, tls) = (built.clone(), tls()?);
        let pool = Pool::new(move || {
            counter.fetch_add(1, Ordering::SeqCst);
            Client::builder().tls_backend_preconfigured(tls.clone()).build()
        })?;
        for round in 0..3 {
            for number in 0..HOSTS {
                let host = format!("{number}.example");
                let (_, is_kept) = pool.client_for(&host)?;
                assert_eq!(is_kept, round == 1, "round {round}: as it has answered, and nothing has broken");
                pool.note(&host, round == 0);
            }
            assert_eq!(built.load(Ordering::SeqCst), 1, "round {round}: the same hosts keep their client");
        }
        pool.client_for("one-more.example")?;
        assert_eq!(built.load(Ordering::SeqCst), 2);
        Ok(())
    }
}
