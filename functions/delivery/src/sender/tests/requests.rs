//! Tests of requests: what an endpoint gets, over both versions of HTTP.

use h2::server;
use http::HeaderValue;

use super::*;

const BODY: &str = r#"{"id":1}"#;

/// Sends a POST with a header and a body.
async fn post(sender: &Sender, url: &str) -> Result<Sent, Box<dyn Error>> {
    let headers =
        HeaderMap::from_iter([(http::HeaderName::from_static("x-topic"), HeaderValue::from_static("t"))]);
    let request = DeliveryRequest { headers, body: Cow::Owned(BODY.to_owned()) };
    Ok(sender.send(&Address::parse(url)?, Protocol::Webhook, request, &Bytes::new()).await)
}

#[tokio::test]
async fn an_http_1_1_request_has_the_path_the_host_and_the_body() -> TestResult {
    let (tell, told) = tokio::sync::oneshot::channel();
    let tell = Arc::new(std::sync::Mutex::new(Some(tell)));
    let endpoint = Endpoint::serving(move |_, mut socket| {
        let tell = tell.lock().unwrap().take();
        async move {
            let mut request = Vec::new();
            while !request.ends_with(BODY.as_bytes()) {
                socket.read_buf(&mut request).await?;
            }
            _ = tell.map(|tell| tell.send(request));
            socket.write_all(OK.as_bytes()).await
        }
    })
    .await?;
    post(&sender(LONG)?, &format!("{}?a=b", endpoint.url())).await?;
    let request = String::from_utf8(told.await?)?;
    let (head, body) = request.split_once("\r\n\r\n").ok_or("no head")?;
    let mut lines: Vec<_> = head.lines().collect();
    assert_eq!(lines.remove(0), "POST /hook?a=b HTTP/1.1");
    lines.sort_unstable();
    let host = format!("host: {}", endpoint.address);
    assert_eq!(lines, ["accept: */*", "content-length: 8", &host, "x-topic: t"]);
    assert_eq!(body, BODY);
    Ok(())
}

#[tokio::test]
async fn an_http_2_request_has_the_whole_url_and_the_body() -> TestResult {
    let (acceptor, roots) = tls_of(|_| {}, &["h2"])?;
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let endpoint = Endpoint::serving(move |_, socket| {
        let (acceptor, tell) = (acceptor.clone(), tell.clone());
        async move {
            let mut connection =
                server::handshake(acceptor.accept(socket).await?).await.map_err(io::Error::other)?;
            while let Some(request) = connection.accept().await {
                let (request, mut respond) = request.map_err(io::Error::other)?;
                let tell = tell.clone();
                tokio::spawn(async move {
                    let (head, mut body) = request.into_parts();
                    let body = body.data().await;
                    _ = tell.send((head, body));
                    respond.send_response(http::Response::new(()), true)
                });
            }
            Ok(())
        }
    })
    .await?;
    let url = format!("https://endpoint.example:{}/hook?a=b", endpoint.address.port());
    post(&sender_trusting(roots, LONG)?, &url).await?;
    let (head, body) = told.recv().await.ok_or("no request")?;
    assert_eq!((head.method.as_str(), head.uri.to_string()), ("POST", url));
    assert_eq!(
        (&head.headers["x-topic"], &head.headers["accept"]),
        (&HeaderValue::from_static("t"), &HeaderValue::from_static("*/*"))
    );
    assert_eq!(head.headers.get("host"), None, "the URL has it");
    assert_eq!(body.ok_or("no body")??, BODY);
    Ok(())
}
