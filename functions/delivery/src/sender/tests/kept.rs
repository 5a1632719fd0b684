//! Tests of kept connections: how many are kept, and what becomes of a bad one.

use tokio::sync::{Barrier, Notify};

use super::{
    http2::{answer_ok, serve_http2},
    *,
};

#[tokio::test]
async fn batches_of_one_size_reuse_their_connections() -> TestResult {
    for batch in [1, 10, 100] {
        let endpoint = Endpoint::answering(OK).await?;
        let sender = sender(LONG)?;
        for _ in 0..20 {
            for outcome in send_batch(&sender, &endpoint.url(), batch).await? {
                assert_eq!(outcome, Ok(200));
            }
        }
        let opened = endpoint.connections();
        assert!(opened <= batch, "{opened} connections for batches of {batch}");
    }
    Ok(())
}

/// 127.0.0.0/8 is as many hosts as a test needs.
#[tokio::test]
async fn the_number_of_kept_connections_is_bounded_for_any_number_of_hosts() -> TestResult {
    const KEPT: usize = 20;
    const BATCH: usize = 10;
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
    let port = listener.local_addr()?.port();
    let (opened, closed) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (count_opened, count_closed) = (opened.clone(), closed.clone());
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            count_opened.fetch_add(1, Ordering::SeqCst);
            let closed = count_closed.clone();
            tokio::spawn(async move {
                _ = answer_each(socket, Arc::new(OK.into()), usize::MAX).await;
                closed.fetch_add(1, Ordering::SeqCst);
            });
        }
    });
    let sender = Sender { pool: Pool::of(KEPT), ..sender(LONG)? };
    for batch in 0..30 {
        let urls = (0..BATCH).map(|number| format!("http://127.0.{batch}.{}:{port}/", number + 1));
        let sent = futures::future::try_join_all(urls.map(|url| {
            let sender = &sender;
            async move { send(sender, &url).await }
        }));
        assert!(sent.await?.iter().all(|outcome| *outcome == Ok(200)));
    }
    assert_eq!(opened.load(Ordering::SeqCst), 30 * BATCH);
    // The endpoint learns of each closed connection a little later.
    let bounded = async {
        while opened.load(Ordering::SeqCst) - closed.load(Ordering::SeqCst) > KEPT {
            tokio::task::yield_now().await;
        }
    };
    Ok(tokio::time::timeout(LONG, bounded).await?)
}

#[tokio::test]
async fn a_kept_connection_that_breaks_is_replaced_at_once() -> TestResult {
    let endpoint = Endpoint::serving(|_, socket| answer_each(socket, Arc::new(OK.into()), 2)).await?;
    let sender = sender(LONG)?;
    for number in 1..=3 {
        assert_eq!(send(&sender, &endpoint.url()).await?, Ok(200), "delivery {number}");
    }
    assert_eq!(endpoint.connections(), 2);
    Ok(())
}

#[tokio::test]
async fn a_connection_that_its_response_closes_is_not_kept() -> TestResult {
    for answer in [
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok",
        "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok",
        // Bytes after the response.
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n",
    ] {
        let endpoint = Endpoint::answering(answer).await?;
        let sender = sender(LONG)?;
        for number in 1..=3 {
            assert_eq!(send(&sender, &endpoint.url()).await?, Ok(200), "{answer:?}");
            assert_eq!(endpoint.connections(), number, "{answer:?}");
        }
    }
    Ok(())
}

/// Serves one request when `all` have come, and then is silent, as if a middlebox had dropped the
/// connection.
async fn answer_once(all: Arc<Barrier>, mut socket: TcpStream) -> io::Result<()> {
    let mut request = [0; 4096];
    _ = socket.read(&mut request).await?;
    all.wait().await;
    socket.write_all(OK.as_bytes()).await?;
    while socket.read(&mut request).await? > 0 {}
    Ok(())
}

#[tokio::test]
async fn an_attempt_that_times_out_drops_dead_connections() -> TestResult {
    let all = Arc::new(Barrier::new(3));
    let endpoint = Endpoint::serving(move |number, socket| {
        let all = all.clone();
        async move {
            match number {
                1..=3 => answer_once(all, socket).await,
                _ => answer_each(socket, Arc::new(OK.into()), usize::MAX).await,
            }
        }
    });
    let (endpoint, sender) = (endpoint.await?, sender(SHORT)?);
    assert_eq!(send_batch(&sender, &endpoint.url(), 3).await?, [Ok(200), Ok(200), Ok(200)]);
    assert_eq!(send(&sender, &endpoint.url()).await?, Err(FailedAttempt::TimedOut));
    for _ in 0..3 {
        assert_eq!(send(&sender, &endpoint.url()).await?, Ok(200));
    }
    assert_eq!(endpoint.connections(), 4);
    Ok(())
}

#[tokio::test]
async fn a_slow_response_keeps_the_connections_that_respond_meanwhile() -> TestResult {
    let endpoint = Endpoint::serving(|number, socket| async move {
        let answer = if number == 1 { "" } else { OK };
        answer_each(socket, Arc::new(answer.into()), usize::MAX).await
    });
    let (endpoint, sender) = (endpoint.await?, sender(SHORT)?);
    let outcomes = send_batch(&sender, &endpoint.url(), 3).await?;
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Err(FailedAttempt::TimedOut)).count(), 1);
    assert_eq!(send_batch(&sender, &endpoint.url(), 2).await?, [Ok(200), Ok(200)]);
    assert_eq!(endpoint.connections(), 3);
    Ok(())
}

/// Load balancers close a connection that was idle for a minute.
#[tokio::test]
async fn a_connection_that_was_idle_for_50_seconds_is_not_used_again() -> TestResult {
    let limit = Duration::from_secs(50);
    let (endpoint, sender) = (Endpoint::answering(OK).await?, sender(LONG)?);
    let origin = format!("http://{}", endpoint.address);
    let before = Instant::now();
    assert_eq!(send(&sender, &endpoint.url()).await?, Ok(200));
    let kept = sender.pool.pop(&origin, before + limit).ok_or("it was idle for less")?;
    sender.pool.keep(kept);
    assert!(sender.pool.pop(&origin, Instant::now() + limit).is_none());
    Ok(())
}

/// The memory that they take is bounded. A host that is forgotten asks again.
#[test]
fn at_most_1000_hosts_are_known_to_want_http_1_1() {
    let pool = Pool::of(1);
    let host = |number: usize| format!("https://{number}.example");
    (0..1_000).for_each(|number| pool.require_http1(&host(number)));
    assert!((0..1_000).all(|number| pool.requires_http1(&host(number))));
    assert!(!pool.requires_http1(&host(1_000)));
    pool.require_http1(&host(1_000));
    assert!(pool.requires_http1(&host(1_000)) && !pool.requires_http1(&host(0)));
}

/// An endpoint over HTTP/2 that closes its first connection when it is told to.
async fn closing_over_http2(close: Arc<Notify>) -> Result<(Endpoint, RootCertStore), Box<dyn Error>> {
    let (acceptor, roots) = tls_of(|_| {}, &["h2"])?;
    let endpoint = Endpoint::serving(move |_, socket| {
        let (acceptor, close) = (acceptor.clone(), close.clone());
        async move {
            let socket = acceptor.accept(socket).await?;
            tokio::select! {
                served = serve_http2(socket, 100, |_, _, respond| answer_ok(respond)) => served,
                () = close.notified() => Ok(()),
            }
        }
    });
    Ok((endpoint.await?, roots))
}

/// Waits until the pool knows of the end of a connection, a little after the endpoint closed it.
async fn until_known(pool: &Pool, origin: &str) -> TestResult {
    let known = async {
        while pool.pop(origin, Instant::now()).is_some() {
            tokio::task::yield_now().await;
        }
    };
    Ok(tokio::time::timeout(LONG, known).await?)
}

#[tokio::test]
async fn a_kept_http_2_connection_that_its_endpoint_closes_is_replaced() -> TestResult {
    let close = Arc::new(Notify::new());
    let (endpoint, roots) = closing_over_http2(close.clone()).await?;
    let sender = sender_trusting(roots, LONG)?;
    let origin = format!("https://endpoint.example:{}", endpoint.address.port());
    assert_eq!(send(&sender, &origin).await?, Ok(200));
    close.notify_one();
    until_known(&sender.pool, &origin).await?;
    assert_eq!(send(&sender, &origin).await?, Ok(200));
    assert_eq!(endpoint.connections(), 2);
    Ok(())
}

/// A closed connection must not push out one that is still good.
#[tokio::test]
async fn a_full_pool_drops_closed_connections_first() -> TestResult {
    let close = Arc::new(Notify::new());
    let (closed, roots) = closing_over_http2(close.clone()).await?;
    let (oldest, newest) = (Endpoint::answering(OK).await?, Endpoint::answering(OK).await?);
    let sender = Sender { pool: Pool::of(2), ..sender_trusting(roots, LONG)? };
    let origin = format!("https://endpoint.example:{}", closed.address.port());
    for url in [&oldest.url(), &origin] {
        assert_eq!(send(&sender, url).await?, Ok(200));
    }
    close.notify_one();
    until_known(&sender.pool, &origin).await?;
    for endpoint in [&newest, &oldest, &newest] {
        assert_eq!(send(&sender, &endpoint.url()).await?, Ok(200));
    }
    assert_eq!((oldest.connections(), newest.connections()), (1, 1));
    Ok(())
}
