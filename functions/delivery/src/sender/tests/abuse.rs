//! Endpoints and name servers that mean harm: an attempt ends in its time, holds a bounded part of a
//! response in memory, and connects to nothing that is forbidden.

use std::net::Ipv6Addr;

use super::*;

/// How an endpoint holds an attempt up.
#[derive(Debug, Clone, Copy)]
enum Trickle {
    /// It reads nothing of the request.
    ReadsNothing,
    /// It sends its head byte by byte, and never its end.
    Head,
    /// It sends interim responses without an end.
    Interim,
    /// It sends a chunked body byte by byte.
    Chunks,
}

async fn trickle(way: Trickle, mut socket: TcpStream) -> io::Result<()> {
    let (begin, again) = match way {
        Trickle::ReadsNothing => return std::future::pending().await,
        Trickle::Head => ("HTTP/1.1 200 OK\r\nx-long: ", "x"),
        Trickle::Interim => ("", "HTTP/1.1 102 Processing\r\n\r\n"),
        Trickle::Chunks => ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "1\r\nx\r\n"),
    };
    _ = socket.read(&mut [0; 4096]).await?;
    socket.write_all(begin.as_bytes()).await?;
    loop {
        socket.write_all(again.as_bytes()).await?;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn an_endpoint_that_trickles_holds_an_attempt_no_longer_than_its_time() -> TestResult {
    let message = Bytes::from("x".repeat(8 * 1024 * 1024));
    for (way, has_head) in [
        (Trickle::ReadsNothing, false),
        (Trickle::Head, false),
        (Trickle::Interim, false),
        (Trickle::Chunks, true),
    ] {
        let endpoint = Endpoint::serving(move |_, socket| trickle(way, socket)).await?;
        let sender = sender(SHORT)?;
        let body = Cow::Borrowed(std::str::from_utf8(&message)?);
        let request = DeliveryRequest { headers: HeaderMap::new(), body };
        let sent = sender.send(&Address::parse(&endpoint.url())?, Protocol::Webhook, request, &message).await;
        match sent {
            Sent::Responded(response) if has_head => {
                assert_eq!((response.status, response.end), (200, BodyEnd::TimedOut));
            }
            Sent::Unanswered { reason, .. } if !has_head => {
                assert_eq!(reason, FailedAttempt::TimedOut, "{way:?}")
            }
            sent => return Err(format!("{way:?}: {sent:?}").into()),
        }
    }
    Ok(())
}

/// Compression was not asked for. A body that is compressed all the same is read as it is, up to the limit, and
/// never unpacked.
#[tokio::test]
async fn a_compressed_response_is_not_unpacked() -> TestResult {
    // What gzip makes of any number of zeros begins so, and goes on with zeros.
    let mut bomb = vec![
        0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3, 0xec, 0xc1, 1, 1, 0, 0, 0, 0x80, 0x90, 0xfe, 0xaf, 0xee, 8, 10,
    ];
    bomb.resize(64 * 1024, 0);
    for encoding in ["gzip", "deflate", "br", "zstd", "gzip, gzip"] {
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-encoding: {encoding}\r\ncontent-length: {}\r\n\r\n",
            bomb.len()
        );
        let endpoint = Endpoint::answering([head.into_bytes(), bomb.clone()].concat()).await?;
        let sent = send_to(&sender(LONG)?, Protocol::Integration, &endpoint.url()).await?;
        let body = bomb[..16 * 1024].to_vec();
        assert_eq!(
            sent,
            Sent::Responded(Response { status: 200, body, ..Response::default() }),
            "{encoding}"
        );
    }
    Ok(())
}

/// A name server may answer anything: a forbidden address among a thousand others, in any of IPv6's
/// disguises, at the end of a chain of names (which the system's look-up follows: only addresses come out of it),
/// or another one at each question.
#[tokio::test]
async fn no_answer_of_a_name_server_leads_to_a_forbidden_network() -> TestResult {
    let forbidden: &[&str] = &[
        "127.0.0.1",
        "0.0.0.0",
        "10.0.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.168.0.1",
        "192.0.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "168.63.129.16",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "3fff::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "100::1",
    ];
    let public = |number: u16| IpAddr::from(Ipv6Addr::new(0x2606, 0x4700, 0, 0, 0, 0, 1, number));
    let endpoint = Endpoint::answering(OK).await?;
    let url = format!("http://hostile.example:{}/", endpoint.address.port());
    let settings = Settings { connect_timeout: LONG, attempt_timeout: LONG, ..settings([])? };
    for text in forbidden {
        let forbidden: IpAddr = text.parse()?;
        let mut many: Vec<_> = (0..1_000).map(public).collect();
        many.insert(500, forbidden);
        for answer in [vec![forbidden], vec![public(1), forbidden], vec![forbidden, public(1)], many] {
            let (look_up, asked) = leading_to(vec![answer]);
            let sender = Sender::with(&settings, Tls::public()?, look_up);
            assert_eq!(send(&sender, &url).await?, Err(FailedAttempt::NotAllowed), "{text}");
            assert_eq!(asked.load(Ordering::SeqCst), 1, "{text}");
        }
    }
    assert_eq!(endpoint.connections(), 0);
    Ok(())
}
