//! Tests of responses over HTTP/2: how much of them is read, and how bad ones fail.

use super::{
    http2::{answer_http1, over_tls, serve_http2, speaks_http2},
    *,
};

#[tokio::test]
async fn response_heads_have_the_limits_of_http_1_1() -> TestResult {
    for (lines, bytes, outcome) in [
        (500, 10, Ok(200)),
        (501, 10, Err(FailedAttempt::ResponseHeadTooLarge)),
        (1, 60 * 1024, Ok(200)),
        (1, 70 * 1024, Err(FailedAttempt::ResponseHeadTooLarge)),
        (1, 1024 * 1024, Err(FailedAttempt::ResponseHeadTooLarge)),
        (100, 10 * 1024, Err(FailedAttempt::ResponseHeadTooLarge)),
    ] {
        let (_endpoint, sender, url) = over_tls(&["h2"], LONG, move |_, socket| {
            serve_http2(socket, 100, move |_, _, mut respond| async move {
                let mut response = http::Response::new(());
                for number in 0..lines {
                    let (Ok(name), Ok(value)) =
                        (http::HeaderName::try_from(format!("x-{number}")), "x".repeat(bytes).parse())
                    else {
                        continue;
                    };
                    response.headers_mut().insert(name, value);
                }
                respond.send_response(response, true).map(drop)
            })
        })
        .await?;
        assert_eq!(send(&sender, &url).await?, outcome, "{lines} lines of {bytes} bytes");
    }
    Ok(())
}

/// Frames of HTTP/2 (RFC 9113 §6): SETTINGS, and on the first stream HEADERS with `:status: 200`,
/// DATA, the end of the stream, and RST_STREAM.
const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
const HEAD: &[u8] = &[0, 0, 1, 1, 4, 0, 0, 0, 1, 0x88];
const BODY: &[u8] = &[0, 0, 2, 0, 0, 0, 0, 0, 1, b'o', b'k'];
const END: &[u8] = &[0, 0, 0, 0, 1, 0, 0, 0, 1];
const RESET: &[u8] = &[0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 2];

/// The result of sending if the endpoint sends these frames at once and closes the connection.
async fn sent_what_is_cut(frames: Vec<u8>) -> Result<Sent, Box<dyn Error>> {
    let (_endpoint, sender, url) = over_tls(&["h2"], LONG, move |_, mut socket| {
        let frames = frames.clone();
        async move {
            let mut request = Vec::new();
            socket.write_all(SETTINGS).await?;
            // The request's own body comes last.
            while !request.ends_with(b"{}") && socket.read_buf(&mut request).await? > 0 {}
            socket.write_all(&frames).await?;
            socket.shutdown().await
        }
    })
    .await?;
    send_to(&sender, Protocol::Integration, &url).await
}

#[tokio::test]
async fn a_response_says_whether_its_body_was_cut() -> TestResult {
    for (frames, body, end) in [
        (vec![HEAD, BODY, END], "ok", BodyEnd::Read),
        (vec![HEAD, BODY], "ok", BodyEnd::Cut),
        (vec![HEAD], "", BodyEnd::Cut),
        (vec![HEAD, RESET], "", BodyEnd::Cut),
        (vec![HEAD, BODY, RESET], "ok", BodyEnd::Cut),
    ] {
        let sent = sent_what_is_cut(frames.concat()).await?;
        let expected = Response { status: 200, body: body.into(), end, retry_after: None };
        assert_eq!(sent, Sent::Responded(expected), "{frames:?}");
    }
    Ok(())
}

/// HTTP/2 forbids these responses (RFC 9113 §8.1.1, §8.2.2), and servers send them nonetheless.
#[tokio::test]
async fn an_endpoint_whose_response_http_2_forbids_gets_http_1_1_next() -> TestResult {
    for (name, value) in [
        ("connection", "keep-alive"),
        ("keep-alive", "timeout=5"),
        ("proxy-connection", "close"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "h2c"),
        ("content-length", "many"),
        // The response has no body.
        ("content-length", "2"),
    ] {
        // HEADERS with `:status: 200` and one more field (RFC 7541 §6.2.2), and END_STREAM.
        let field = [&[0, name.len() as u8], name.as_bytes(), &[value.len() as u8], value.as_bytes()];
        let field = field.concat();
        let head = [&[0, 0, 1 + field.len() as u8, 1, 5, 0, 0, 0, 1, 0x88], field.as_slice()].concat();
        let (endpoint, sender, url) = over_tls(&["h2", "http/1.1"], LONG, move |_, mut socket| {
            let head = head.clone();
            async move {
                if !speaks_http2(&socket) {
                    return answer_http1(socket, OK).await;
                }
                let mut request = Vec::new();
                socket.write_all(SETTINGS).await?;
                while !request.ends_with(b"{}") && socket.read_buf(&mut request).await? > 0 {}
                socket.write_all(&head).await?;
                while socket.read(&mut [0; 4096]).await? > 0 {}
                Ok(())
            }
        })
        .await?;
        let sent = [send(&sender, &url).await?, send(&sender, &url).await?, send(&sender, &url).await?];
        assert_eq!(sent, [Err(FailedAttempt::ResponseMalformed), Ok(200), Ok(200)], "{name}: {value}");
        assert_eq!(endpoint.connections(), 2, "{name}: {value}");
    }
    Ok(())
}
