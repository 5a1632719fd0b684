//! Tests of responses: how much of them is read, and how bad ones fail.

use super::*;

/// The result of sending if the endpoint sends these bytes and closes the connection.
async fn sent_what_is_cut(protocol: Protocol, response: &str) -> Result<Sent, Box<dyn Error>> {
    let response = Arc::new(response.as_bytes().to_vec());
    let endpoint = Endpoint::serving(move |_, mut socket| {
        let response = response.clone();
        async move {
            _ = socket.read(&mut [0; 4096]).await?;
            socket.write_all(&response).await
        }
    });
    send_to(&sender(LONG)?, protocol, &endpoint.await?.url()).await
}

#[tokio::test]
async fn each_response_has_its_outcome() -> TestResult {
    let sender = sender(LONG)?;
    for (answer, outcome) in [
        (OK, Ok(200)),
        ("HTTP/1.1 204 No Content\r\n\r\n", Ok(204)),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", Ok(200)),
        ("HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n", Ok(200)),
        ("HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n", Ok(500)),
        ("HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n", Ok(302)),
        ("no HTTP at all\r\n\r\n", Err(FailedAttempt::ResponseMalformed)),
        ("HTTP/1.1 2000 OK\r\n\r\n", Err(FailedAttempt::ResponseMalformed)),
        ("HTTP/1.1 099 No\r\n\r\n", Err(FailedAttempt::ResponseMalformed)),
        ("HTTP/3.0 200 OK\r\n\r\n", Err(FailedAttempt::ResponseMalformed)),
    ] {
        let endpoint = Endpoint::answering(answer).await?;
        assert_eq!(send(&sender, &endpoint.url()).await?, outcome, "{answer:?}");
    }
    Ok(())
}

#[tokio::test]
async fn heads_have_at_most_64_kib_and_500_lines() -> TestResult {
    let head_of = |bytes: usize| {
        let (before, after) = ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx-long: ", "\r\n\r\n");
        format!("{before}{}{after}", "x".repeat(bytes - before.len() - after.len()))
    };
    let lines = |count: usize| {
        let more: String = (1..count).map(|number| format!("x-{number}: 1\r\n")).collect();
        format!("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n{more}\r\n")
    };
    let sender = sender(LONG)?;
    for (what, answer, outcome) in [
        ("150 lines", lines(150), Ok(200)),
        ("500 lines", lines(500), Ok(200)),
        ("501 lines", lines(501), Err(FailedAttempt::ResponseHeadTooLarge)),
        ("64 KiB", head_of(64 * 1024), Ok(200)),
        ("one byte more", head_of(64 * 1024 + 1), Err(FailedAttempt::ResponseHeadTooLarge)),
    ] {
        let endpoint = Endpoint::answering(answer).await?;
        assert_eq!(send(&sender, &endpoint.url()).await?, outcome, "{what}");
    }
    Ok(())
}

#[tokio::test]
async fn heads_are_read_as_servers_send_them() -> TestResult {
    let sender = sender(LONG)?;
    for head in [
        "HTTP/1.1 200 OK\r\nx-folded: one\r\n two\r\n\tthree\r\ncontent-length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\ncontent-length: 2\n\n",
        "\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n",
        "HTTP/1.1 200\r\ncontent-length: 2\r\n\r\n",
        "HTTP/1.1 200 \r\ncontent-length: 2\r\n\r\n",
        "HTTP/1.1 200 Très bien\r\ncontent-length: 2\r\nx-city: São Paulo\r\nx-empty:\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX-Spaced : 1\r\ncontent-length : 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX Spaced: 1\r\nno colon\r\nx-control: \u{1}\r\ncontent-length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n",
    ] {
        let endpoint = Endpoint::answering(format!("{head}ok")).await?;
        // Twice, so that the first response must have ended where it ends.
        for _ in 0..2 {
            let sent = send_to(&sender, Protocol::Integration, &endpoint.url()).await?;
            let expected = Response { status: 200, body: b"ok".into(), ..Response::default() };
            assert_eq!(sent, Sent::Responded(expected), "{head:?}");
        }
        assert_eq!(endpoint.connections(), 1, "{head:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_response_says_whether_its_body_was_cut() -> TestResult {
    for (response, body, end) in [
        ("HTTP/1.1 204 No Content\r\ncontent-length: 100\r\n\r\n", "", BodyEnd::Read),
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", "ok", BodyEnd::Read),
        // Without a length, the end of the connection is the end of the body.
        ("HTTP/1.1 200 OK\r\n\r\nok", "ok", BodyEnd::Read),
        ("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nok", "ok", BodyEnd::Cut),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n", "ok", BodyEnd::Cut),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\nnonsense\r\n", "ok", BodyEnd::Cut),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nnonsense\r\n", "", BodyEnd::Cut),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nnonsense", "ok", BodyEnd::Cut),
    ] {
        for protocol in Protocol::ALL {
            let sent = sent_what_is_cut(protocol, response).await?;
            let status = if response.contains("204") { 204 } else { 200 };
            let expected = Response { status, retry_after: None, body: body.into(), end };
            assert_eq!(sent, Sent::Responded(expected), "{response:?}");
        }
    }
    Ok(())
}

/// The endpoint took the delivery, whatever it says about the body that follows.
#[tokio::test]
async fn a_head_counts_even_if_the_length_of_its_body_cannot_be_read() -> TestResult {
    for (head, status, retry_after) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: many\r\n", 200, None),
        ("HTTP/1.1 200 OK\r\ncontent-length: -1\r\n", 200, None),
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n", 200, None),
        ("HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551615\r\n", 200, None),
        ("HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n", 200, None),
        ("HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n", 200, None),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 OK\r\ncontent-length: many\r\n", 202, None),
        ("\r\nHTTP/1.1 200 OK\r\nno colon\r\nx-folded: a\r\n b\r\nx : y\r\ncontent-length:\r\n", 200, None),
        ("HTTP/1.1 503 Busy\r\nRetry-After: 120\r\ncontent-length: many\r\n", 503, Some("120")),
        ("HTTP/1.1 302 Found\r\ncontent-length: many\r\n", 302, None),
    ] {
        for protocol in Protocol::ALL {
            let sent = sent_what_is_cut(protocol, &format!("{head}\r\nok")).await?;
            let retry_after = retry_after.map(str::to_owned);
            let expected = Response { status, retry_after, body: Vec::new(), end: BodyEnd::Cut };
            assert_eq!(sent, Sent::Responded(expected), "{head:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_kept_connection_reads_the_head_of_its_own_response() -> TestResult {
    let endpoint = Endpoint::serving(|_, mut socket| async move {
        _ = socket.read(&mut [0; 4096]).await?;
        socket.write_all(OK.as_bytes()).await?;
        _ = socket.read(&mut [0; 4096]).await?;
        socket.write_all(b"HTTP/1.1 500 Oops\r\ncontent-length: many\r\n\r\n").await
    });
    let (endpoint, sender) = (endpoint.await?, sender(LONG)?);
    assert_eq!(send(&sender, &endpoint.url()).await?, Ok(200));
    assert_eq!(send(&sender, &endpoint.url()).await?, Ok(500));
    assert_eq!(endpoint.connections(), 1);
    Ok(())
}

#[tokio::test]
async fn a_silent_endpoint_times_out() -> TestResult {
    let endpoint = Endpoint::answering("").await?;
    assert_eq!(send(&sender(SHORT)?, &endpoint.url()).await?, Err(FailedAttempt::TimedOut));
    Ok(())
}

#[tokio::test]
async fn an_endless_body_times_out_but_its_head_counts() -> TestResult {
    let endpoint = Endpoint::answering("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc").await?;
    let sent = send_to(&sender(SHORT)?, Protocol::Webhook, &endpoint.url()).await?;
    let expected = Response { status: 200, body: b"abc".into(), end: BodyEnd::TimedOut, retry_after: None };
    assert_eq!(sent, Sent::Responded(expected));
    Ok(())
}

#[tokio::test]
async fn an_endless_body_is_read_up_to_the_limit() -> TestResult {
    let mut answer = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n".to_vec();
    answer.resize(answer.len() + 16 * 1024 + 1, b'x');
    let endpoint = Endpoint::answering(answer).await?;
    // Reading it to the end would take longer than the limit.
    let sent = send_to(&sender(LONG)?, Protocol::Integration, &endpoint.url()).await?;
    let body = vec![b'x'; 16 * 1024];
    assert_eq!(sent, Sent::Responded(Response { status: 200, body, ..Response::default() }));
    Ok(())
}

/// The chunk that crosses the limit is cut off there.
#[tokio::test]
async fn the_limit_of_a_body_counts_all_its_chunks() -> TestResult {
    let chunk = format!("3000\r\n{}\r\n", "x".repeat(0x3000));
    let answer = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunk}{chunk}0\r\n\r\n");
    let endpoint = Endpoint::answering(answer).await?;
    let sent = send_to(&sender(LONG)?, Protocol::Webhook, &endpoint.url()).await?;
    let Sent::Responded(response) = sent else { return Err(format!("{sent:?}").into()) };
    assert_eq!(response.body.len(), 16 * 1024);
    Ok(())
}

/// An integration works on the event before it responds, and has its own time for that.
#[tokio::test]
async fn an_integration_has_more_time_than_a_webhook() -> TestResult {
    let endpoint = Endpoint::serving(|_, mut socket| async move {
        _ = socket.read(&mut [0; 4096]).await?;
        tokio::time::sleep(2 * SHORT).await;
        socket.write_all(OK.as_bytes()).await
    });
    let (endpoint, sender) = (endpoint.await?, sender(SHORT)?);
    for (protocol, is_in_time) in [(Protocol::Webhook, false), (Protocol::Integration, true)] {
        let sent = send_to(&sender, protocol, &endpoint.url()).await?;
        assert_eq!(matches!(sent, Sent::Responded(_)), is_in_time, "{protocol:?}: {sent:?}");
    }
    Ok(())
}

#[tokio::test]
async fn retry_after_is_read() -> TestResult {
    let endpoint =
        Endpoint::answering("HTTP/1.1 503 Busy\r\nRetry-After: 120\r\ncontent-length: 0\r\n\r\n").await?;
    let sent = send_to(&sender(LONG)?, Protocol::Webhook, &endpoint.url()).await?;
    let expected = Response { status: 503, retry_after: Some("120".to_owned()), ..Response::default() };
    assert_eq!(sent, Sent::Responded(expected));
    Ok(())
}

/// The endpoint responds and closes before it has read the whole request. The unread bytes reset
/// the connection while another thread still writes to it.
#[tokio::test(flavor = "multi_thread")]
async fn a_response_before_the_end_of_the_request_counts() -> TestResult {
    let endpoint = Endpoint::serving(|_, mut socket| async move {
        _ = socket.read(&mut [0; 4096]).await?;
        socket.write_all(OK.as_bytes()).await
    });
    let (address, sender) = (Address::parse(&endpoint.await?.url())?, sender(LONG)?);
    let message = Bytes::from("x".repeat(8 * 1024 * 1024));
    let body = Cow::Borrowed(std::str::from_utf8(&message)?);
    for _ in 0..50 {
        let request = DeliveryRequest { headers: HeaderMap::new(), body: body.clone() };
        let sent = sender.send(&address, Protocol::Webhook, request, &message).await;
        assert!(matches!(&sent, Sent::Responded(response) if response.status == 200), "{sent:?}");
    }
    Ok(())
}
