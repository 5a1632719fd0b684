//! What the panel weighs on the wire.

use anyhow::{Context as _, Result};
use reqwest::{Method, header};
use storehook_tests::Stack;

use super::client::Visitor;

/// The most bytes of all files and of one of each page, compressed.
const LIMIT: usize = 100 * 1024;

#[tokio::test]
async fn the_whole_panel_is_small_on_the_wire() -> Result<()> {
    let stack = Stack::with_direct_api().await?;
    let installed = stack.install().await?;
    let webhook = installed.api.create_webhook("orders/create", "https://receiver.example.com/").await?;
    let visitor = Visitor::signed_in(&stack, &installed).await?;
    let overview = visitor.get("/panel").await?.text().await?;
    let files = overview.split('"').filter(|text| text.starts_with("/panel/assets/"));
    let pages = [
        "/panel".to_owned(),
        "/panel/webhooks".to_owned(),
        "/panel/webhooks/new".to_owned(),
        format!("/panel/webhooks/{webhook}"),
        format!("/panel/webhooks/{webhook}/edit"),
        format!("/panel/webhooks/{webhook}/delete"),
        format!("/panel/webhooks/{webhook}/replays/new"),
        "/panel/deliveries".to_owned(),
        "/panel/events".to_owned(),
        "/panel/topics".to_owned(),
        "/panel/push".to_owned(),
        "/panel/secrets".to_owned(),
    ];
    let mut total = 0;
    for path in files.map(str::to_owned).chain(pages) {
        let response = visitor.send(Method::GET, &path, None, &[("accept-encoding", "gzip")]).await?;
        assert!(response.status().is_success(), "{path}: {}", response.status());
        let encoding = response.headers().get(header::CONTENT_ENCODING).context(path.clone())?;
        assert_eq!(encoding, "gzip", "{path}");
        let bytes = response.bytes().await?.len();
        eprintln!("{bytes:6} {path}");
        total += bytes;
    }
    eprintln!("{total:6} in all");
    assert!(total <= LIMIT, "{total} bytes");
    Ok(())
}
