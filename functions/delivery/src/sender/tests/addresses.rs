//! Tests of addresses: their paths and queries reach the endpoint as they are shown.

use h2::server;
use proptest::prelude::*;

use super::{
    http2::{over_tls, serve_http2},
    *,
};

/// Responds to each request with a body: its target, as it came.
async fn answer_target(mut socket: TcpStream) -> io::Result<()> {
    let mut request = [0; 4096];
    loop {
        let length = socket.read(&mut request).await?;
        let Some(target) = request[..length].split(|byte| *byte == b' ').nth(1) else { return Ok(()) };
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", target.len());
        socket.write_all(&[head.as_bytes(), target].concat()).await?;
    }
}

/// The target of the request to this URL, as it came to the endpoint.
async fn target_of(sender: &Sender, url: &str) -> Result<String, Box<dyn Error>> {
    match send_to(sender, Protocol::Webhook, url).await? {
        Sent::Responded(response) => Ok(String::from_utf8(response.body)?),
        sent => Err(format!("{sent:?}").into()),
    }
}

/// Paths and queries of addresses, of every character that an address may have there.
fn paths() -> impl Strategy<Value = String> {
    let path = "(/|/([a-zA-Z0-9._~!$&'()*+,;=:@%|^\\[\\]-]|%2[eE]|%[0-9a-fA-F]{2}){1,12}){1,4}";
    let query = "(\\?([a-zA-Z0-9/?._~!$&()*+,;=:@%|^\\[\\]`{}-]|%[0-9a-fA-F]{2}){0,24})?";
    (path, query)
        .prop_map(|(path, query)| path + &query)
        .prop_filter("it is an address", |path| Address::parse(&format!("http://a.com{path}")).is_ok())
}

#[test]
fn the_path_and_query_of_an_address_reach_the_endpoint_unchanged() -> TestResult {
    let runtime = tokio::runtime::Runtime::new()?;
    let endpoint = runtime.block_on(Endpoint::serving(|_, socket| answer_target(socket)))?;
    let sender = sender(LONG)?;
    proptest!(|(path in paths())| {
        let target = runtime.block_on(target_of(&sender, &format!("http://{}{path}", endpoint.address)));
        prop_assert_eq!(target.map_err(|error| TestCaseError::fail(error.to_string()))?, path);
    });
    Ok(())
}

const PATHS: [(&str, &str); 6] = [
    ("", "/"),
    ("?", "/?"),
    ("?a=b", "/?a=b"),
    ("/b?sig=it%27s%2B1&x=a+b", "/b?sig=it%27s%2B1&x=a+b"),
    ("//a//?a?b", "//a//?a?b"),
    ("/%2F%00|^[]?|^[]`{}", "/%2F%00|^[]?|^[]`{}"),
];

#[tokio::test]
async fn http_1_1_and_http_2_send_the_same_path_and_query() -> TestResult {
    let plain = Endpoint::serving(|_, socket| answer_target(socket)).await?;
    let (_endpoint, trusting, url) = over_tls(&["h2"], LONG, |_, socket| {
        serve_http2(socket, 100, |_, request, mut respond: server::SendResponse<Bytes>| async move {
            let target = request.uri().path_and_query().map_or_else(String::new, ToString::to_string);
            respond.send_response(http::Response::new(()), false)?.send_data(target.into(), true)
        })
    })
    .await?;
    let sender = sender(LONG)?;
    for (path, target) in PATHS {
        let over_http1 = target_of(&sender, &format!("http://{}{path}", plain.address)).await?;
        let over_http2 = target_of(&trusting, &format!("{}{path}", url.trim_end_matches('/'))).await?;
        assert_eq!((over_http1.as_str(), over_http2.as_str()), (target, target));
    }
    Ok(())
}
