//! Tests of the receiver: what it takes, and what it prints.

use axum::{body::Body, http::Request};
use storehook_domain::delivery::signature::{body_signature, standard_signatures};
use tower::ServiceExt as _;

use super::*;

#[test]
fn one_line_shows_a_delivery_with_both_verdicts() -> Result<()> {
    let secret = SharedSecret::parse(&"s".repeat(32))?;
    let body = br#"{"id":1}"#;
    let mut headers = HeaderMap::new();
    headers.insert("x-acme-topic", "orders/create".parse()?);
    headers.insert("x-acme-hmac-sha256", body_signature(&secret, body).parse()?);
    headers.insert("webhook-id", "7-e1".parse()?);
    headers.insert("webhook-timestamp", "7".parse()?);
    let standard =
        standard_signatures(std::slice::from_ref(&secret), "7-e1", jiff::Timestamp::from_second(7)?, body);
    headers.insert("webhook-signature", standard.parse()?);
    let line = summary(&secret, &Uri::from_static("/hook"), &headers, body);
    assert!(
        line.ends_with("orders/create 7-e1 /hook 8 bytes, body signature ok, standard signature ok"),
        "{line}"
    );
    let line = summary(&secret, &Uri::from_static("/hook"), &headers, b"{}");
    assert!(line.ends_with("body signature WRONG, standard signature WRONG"), "{line}");
    Ok(())
}

#[tokio::test]
async fn every_body_that_storehook_sends_is_received_and_longer_ones_are_refused() -> Result<()> {
    let secret = SharedSecret::parse(&"s".repeat(32))?;
    let args = Args {
        port: 0,
        bind: Ipv4Addr::LOCALHOST.into(),
        secret: None,
        status: StatusCode::OK,
        delay: 0.0,
        verbose: false,
    };
    let (output_failed, _failure) = mpsc::channel(1);
    let router = router(Receiver { args, secret, output_failed });
    for (length, status) in [
        (0, StatusCode::OK),
        (3 * 1024 * 1024, StatusCode::OK),
        (BODY_LIMIT, StatusCode::OK),
        (BODY_LIMIT + 1, StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let request = Request::post("/hook").body(Body::from(vec![b' '; length]))?;
        let response = router.clone().oneshot(request).await?;
        assert_eq!(response.status(), status, "{length} bytes");
    }
    Ok(())
}

#[test]
fn a_body_and_a_path_cannot_steer_the_terminal() -> Result<()> {
    assert_eq!(
        printable("{\"note\":\t\"\u{1b}[2J\u{9b}1m é\"}\n\r".as_bytes()),
        "{\"note\":\t\"\\u{1b}[2J\\u{9b}1m é\"}\n\\r"
    );
    let (secret, uri) = (SharedSecret::parse(&"s".repeat(32))?, Uri::try_from("/\u{9b}2J/é")?);
    let line = summary(&secret, &uri, &HeaderMap::new(), b"");
    assert!(line.contains(" /\\u{9b}2J/é 0 bytes"), "{line}");
    Ok(())
}
