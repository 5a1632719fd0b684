//! How many connections deliveries over HTTP/1.1 open: to one host by the size of a batch, and to
//! thousands.
//!
//! `cargo bench -p storehook-tests --bench connections [-- --count 20000]`. It needs no stack: the sender
//! alone sends to a receiver in the bench's own process, batch after batch, each message of a batch
//! at the same time, as the delivery function does. Each place of a batch costs one connection, so
//! a reuse of 99 % takes a hundred batches.

use std::{
    borrow::Cow,
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use anyhow::{Result, ensure};
use axum::{Router, body::Bytes, http::HeaderMap, routing::post, serve::ListenerExt as _};
use delivery::{Sender, Sent, Settings};
use futures::future;
use serde_json::json;
use storehook_aws::Environment;
use storehook_domain::{
    delivery::request::DeliveryRequest,
    webhook::{Protocol, address::Address},
};
use storehook_tests::bench::{Arguments, Report, rounded};
use tokio::net::TcpListener;

const HOSTS: usize = 3_000;

const BODY: &str = r#"{"id": 1}"#;

#[tokio::main]
async fn main() -> Result<()> {
    let posts = Arguments::read().count_or(20_000);
    let mut report = Report::of("connections");
    for batch in [1, 10, 100] {
        let (port, connections) = receiver().await?;
        let address = address(0, port)?;
        let sender = Sender::new(&settings()?)?;
        let began = Instant::now();
        for _ in 0..posts / batch {
            let sent = future::join_all((0..batch).map(|_| send(&sender, &address))).await;
            let failed = sent.into_iter().find(|sent| !matches!(sent, Sent::Responded(_)));
            ensure!(failed.is_none(), "{failed:?}");
        }
        let (posts, opened) = (posts / batch * batch, connections.load(Ordering::SeqCst));
        let reuse = 100.0 * (1.0 - opened as f64 / posts as f64);
        let rate = posts as f64 / began.elapsed().as_secs_f64();
        report.add(json!({
            "batch": batch, "hosts": 1, "POSTs": posts, "connections": opened, "reuse %": rounded(reuse, 2),
            "POSTs a second": rounded(rate, 0), "most open at once": null,
        }))?;
    }
    let (port, connections) = receiver().await?;
    let (sender, mut most) = (Sender::new(&settings()?)?, 0);
    for first in (0..HOSTS).step_by(100) {
        let addresses = (first..first + 100).map(|host| address(host, port)).collect::<Result<Vec<_>>>()?;
        future::join_all(addresses.iter().map(|address| send(&sender, address))).await;
        most = most.max(descriptors()? / 2);
    }
    report.add(json!({
        "batch": 100, "hosts": HOSTS, "POSTs": HOSTS, "connections": connections.load(Ordering::SeqCst),
        "reuse %": null, "POSTs a second": null, "most open at once": most,
    }))?;
    report.write()
}

/// One of the addresses of this machine: each is a host to the sender.
fn address(host: usize, port: u16) -> Result<Address> {
    Ok(Address::parse(&format!("http://127.0.{}.{}:{port}/", host / 250, host % 250 + 1))?)
}

/// This process's open files: both ends of each connection, and few others.
fn descriptors() -> Result<usize> {
    Ok(std::fs::read_dir("/proc/self/fd")?.count())
}

async fn send(sender: &Sender, address: &Address) -> Sent {
    let request = DeliveryRequest { headers: HeaderMap::new(), body: Cow::Borrowed(BODY) };
    sender.send(address, Protocol::Webhook, request, &Bytes::from_static(BODY.as_bytes())).await
}

/// An endpoint on all addresses of this machine that answers 200, and the count of its connections.
async fn receiver() -> Result<(u16, Arc<AtomicUsize>)> {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
    let port = listener.local_addr()?.port();
    let connections = Arc::new(AtomicUsize::new(0));
    let count = connections.clone();
    let listener = listener.tap_io(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
    });
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/", post(async || "ok"))).await });
    Ok((port, connections))
}

fn settings() -> Result<Settings> {
    let unused = [
        "REGISTRY_TABLE",
        "HISTORY_TABLE",
        "STREAM_NAME",
        "DELIVERY_QUEUE_ARN",
        "DELIVERY_QUEUE_URL",
        "RETRY_QUEUE_ARN",
        "RETRY_QUEUE_URL",
        "JOBS_QUEUE_URL",
    ];
    let unused = unused.into_iter().map(|name| (name, "-"));
    let environment: Environment = unused.chain([("ALLOWED_CIDRS", "127.0.0.0/8")]).collect();
    Ok(Settings::read(&environment)?)
}
