//! Tests of HTTP/2: when connections are shared, and how they end.

use std::{pin::pin, sync::Mutex};

use h2::{Reason, server};
use tokio::sync::{Barrier, Notify};

use super::*;

pub(super) type Stream = tokio_rustls::server::TlsStream<TcpStream>;

/// An endpoint over TLS that serves connections with `serve`, a sender that trusts it, and its URL.
pub(super) async fn over_tls<F>(
    protocols: &[&str],
    attempt_timeout: Duration,
    serve: impl Fn(usize, Stream) -> F + Clone + Send + Sync + 'static,
) -> Result<(Endpoint, Sender, String), Box<dyn Error>>
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let (acceptor, roots) = tls_of(|_| {}, protocols)?;
    let endpoint = Endpoint::serving(move |number, socket| {
        let (acceptor, serve) = (acceptor.clone(), serve.clone());
        async move { serve(number, acceptor.accept(socket).await?).await }
    });
    let endpoint = endpoint.await?;
    let url = format!("https://endpoint.example:{}/", endpoint.address.port());
    Ok((endpoint, sender_trusting(roots, attempt_timeout)?, url))
}

/// Serves HTTP/2 with this many streams at once; `answer` responds to each request.
pub(super) async fn serve_http2<F>(
    socket: Stream,
    streams: u32,
    answer: impl Fn(usize, http::Request<h2::RecvStream>, server::SendResponse<Bytes>) -> F,
) -> io::Result<()>
where
    F: Future<Output = Result<(), h2::Error>> + Send + 'static,
{
    let handshake = server::Builder::new().max_concurrent_streams(streams).handshake(socket).await;
    let mut connection = handshake.map_err(io::Error::other)?;
    let mut number = 0;
    while let Some(request) = connection.accept().await {
        number += 1;
        let (request, respond) = request.map_err(io::Error::other)?;
        tokio::spawn(answer(number, request, respond));
    }
    Ok(())
}

pub(super) async fn answer_ok(mut respond: server::SendResponse<Bytes>) -> Result<(), h2::Error> {
    respond.send_response(http::Response::new(()), false)?.send_data(Bytes::from_static(b"ok"), true)
}

pub(super) async fn answer_http1(mut socket: Stream, answer: &str) -> io::Result<()> {
    while socket.read(&mut [0; 4096]).await? > 0 {
        socket.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}

pub(super) fn speaks_http2(socket: &Stream) -> bool {
    socket.get_ref().1.alpn_protocol() == Some(b"h2")
}

#[tokio::test]
async fn the_endpoint_decides_between_http_2_and_http_1_1() -> TestResult {
    for (protocols, is_http2) in [(&["h2", "http/1.1"][..], true), (&["http/1.1"], false), (&[], false)] {
        let (endpoint, sender, url) = over_tls(protocols, LONG, move |_, socket| async move {
            assert_eq!(speaks_http2(&socket), is_http2);
            if is_http2 {
                serve_http2(socket, 100, |_, _, respond| answer_ok(respond)).await
            } else {
                answer_http1(socket, OK).await
            }
        })
        .await?;
        for _ in 0..3 {
            assert_eq!(send(&sender, &url).await?, Ok(200), "{protocols:?}");
        }
        assert_eq!(endpoint.connections(), 1, "{protocols:?}");
    }
    Ok(())
}

const BATCH: usize = 10;

/// Sends a first delivery if asked to, and then three batches. The endpoint responds to a batch
/// when all of its requests have come. Returns how many connections were opened.
async fn connections_for(streams: u32, has_first: bool) -> Result<usize, Box<dyn Error>> {
    let (first, all) = (Arc::new(Barrier::new(1)), Arc::new(Barrier::new(BATCH)));
    let (endpoint, sender, url) = over_tls(&["h2"], LONG, move |connection, socket| {
        let (first, all) = (first.clone(), all.clone());
        serve_http2(socket, streams, move |number, _, respond| {
            let is_first = has_first && (connection, number) == (1, 1);
            let barrier = if is_first { first.clone() } else { all.clone() };
            async move {
                barrier.wait().await;
                answer_ok(respond).await
            }
        })
    })
    .await?;
    if has_first {
        assert_eq!(send(&sender, &url).await?, Ok(200));
    }
    for _ in 0..3 {
        assert_eq!(send_batch(&sender, &url, BATCH).await?, vec![Ok(200); BATCH]);
    }
    Ok(endpoint.connections())
}

#[tokio::test]
async fn a_batch_shares_a_connection_that_allows_many_streams() -> TestResult {
    assert_eq!(connections_for(100, true).await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_batch_opens_more_connections_if_each_allows_one_stream() -> TestResult {
    for has_first in [true, false] {
        assert_eq!(connections_for(1, has_first).await?, BATCH);
    }
    Ok(())
}

#[tokio::test]
async fn a_dead_connection_is_replaced_within_the_attempt() -> TestResult {
    let swallow = Arc::new(Notify::new());
    let swallowed = swallow.clone();
    let (endpoint, sender, url) = over_tls(&["h2"], 2 * SHORT, move |connection, socket| {
        let swallowed = swallowed.clone();
        async move {
            let mut serving = pin!(serve_http2(socket, 100, |_, _, respond| answer_ok(respond)));
            tokio::select! {
                biased;
                // Open, but nobody responds.
                () = swallowed.notified(), if connection == 1 => std::future::pending().await,
                served = &mut serving => served,
            }
        }
    })
    .await?;
    assert_eq!(send(&sender, &url).await?, Ok(200));
    swallow.notify_one();
    assert_eq!(send(&sender, &url).await?, Ok(200));
    assert_eq!(endpoint.connections(), 2);
    Ok(())
}

/// The pings are answered: the endpoint is slow but still there.
#[tokio::test]
async fn a_connection_is_not_used_again_after_a_timeout() -> TestResult {
    let (endpoint, sender, url) = over_tls(&["h2"], SHORT, |connection, socket| {
        serve_http2(socket, 100, move |number, _, respond| async move {
            match (connection, number) {
                (1, 2) => std::future::pending().await,
                _ => answer_ok(respond).await,
            }
        })
    })
    .await?;
    assert_eq!(send(&sender, &url).await?, Ok(200));
    assert_eq!(send(&sender, &url).await?, Err(FailedAttempt::TimedOut));
    assert_eq!(send(&sender, &url).await?, Ok(200));
    assert_eq!(endpoint.connections(), 2);
    Ok(())
}

#[tokio::test]
async fn an_endpoint_that_asks_for_http_1_1_keeps_getting_it() -> TestResult {
    const CLOSES: &str = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    for asks_at in [1, 2] {
        let spoken = Arc::new(Mutex::new(Vec::new()));
        let noted = spoken.clone();
        let (_endpoint, sender, url) = over_tls(&["h2", "http/1.1"], LONG, move |_, socket| {
            let is_http2 = speaks_http2(&socket);
            noted.lock().unwrap().push(is_http2);
            let answer = move |number, _, mut respond: server::SendResponse<Bytes>| async move {
                if number == asks_at {
                    respond.send_reset(Reason::HTTP_1_1_REQUIRED);
                    return Ok(());
                }
                answer_ok(respond).await
            };
            async move {
                if is_http2 {
                    serve_http2(socket, 100, answer).await
                } else {
                    answer_http1(socket, CLOSES).await
                }
            }
        })
        .await?;
        for _ in 0..4 {
            assert_eq!(send(&sender, &url).await?, Ok(200));
        }
        assert_eq!(*spoken.lock().unwrap(), [vec![true], vec![false; 5 - asks_at]].concat());
    }
    Ok(())
}

#[tokio::test]
async fn a_reset_stream_fails_the_attempt_and_a_refused_stream_is_sent_again() -> TestResult {
    for (reason, outcome, connections) in [
        (Reason::INTERNAL_ERROR, Err(FailedAttempt::ConnectionReset), 1),
        (Reason::REFUSED_STREAM, Ok(200), 2),
    ] {
        let (endpoint, sender, url) = over_tls(&["h2"], LONG, move |connection, socket| {
            serve_http2(socket, 100, move |number, _, mut respond| async move {
                if (connection, number) == (1, 2) {
                    respond.send_reset(reason);
                    return Ok(());
                }
                answer_ok(respond).await
            })
        })
        .await?;
        assert_eq!(send(&sender, &url).await?, Ok(200));
        assert_eq!(send(&sender, &url).await?, outcome, "{reason}");
        assert_eq!(endpoint.connections(), connections, "{reason}");
    }
    Ok(())
}
