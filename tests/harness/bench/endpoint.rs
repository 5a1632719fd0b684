//! An endpoint that takes every delivery at once and counts it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use anyhow::Result;
use axum::{Router, body::Bytes, extract::State};
use tokio::net::TcpListener;

/// An endpoint on loopback. It ends with the bench's runtime.
pub struct Endpoint {
    /// Where it answers.
    pub url: String,
    posts: Arc<AtomicUsize>,
}

impl Endpoint {
    /// An endpoint that responds with 200 and an empty body.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/webhooks/orders?source=storehook", listener.local_addr()?);
        let posts = Arc::new(AtomicUsize::new(0));
        let router = Router::new().fallback(count).with_state(Arc::clone(&posts));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { url, posts })
    }

    /// How many POSTs have come so far.
    pub fn posts(&self) -> usize {
        self.posts.load(Ordering::SeqCst)
    }
}

async fn count(State(posts): State<Arc<AtomicUsize>>, _body: Bytes) {
    posts.fetch_add(1, Ordering::SeqCst);
}
