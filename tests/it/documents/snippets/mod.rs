//! The snippets of `docs/publishing.md` run as they stand there, and what they publish is
//! delivered. The one in Ruby is not run: nothing else here needs Ruby.

mod rust;

use std::path::Path;

use anyhow::{Context as _, Result};
use reqwest::StatusCode;
use serde_json::{Value, json};
use storehook_tests::{Receiver, Stack, node_packages, root, succeeded};
use tokio::process::Command;

use super::{blocks, read};

/// The shop that the snippets name.
const SHOP: &str = "mynewstore.spiffystores.com";

#[tokio::test]
async fn the_python_snippet_publishes_an_event_that_arrives() -> Result<()> {
    // The local stack has made this environment.
    Stack::shared().await?;
    let python = root().join("target/emulator/bin/python");
    check("python", "outbox-1001", &python, &root().join("target/it"), "publish.py").await
}

#[tokio::test]
async fn the_node_snippet_publishes_an_event_that_arrives() -> Result<()> {
    let folder = node_packages().await?;
    check("js", "outbox-1002", Path::new("node"), &folder, "publish.mjs").await
}

#[tokio::test]
async fn the_rust_snippet_publishes_an_event_that_arrives() -> Result<()> {
    let document = read("docs/publishing.md")?;
    assert_eq!(blocks(&document, "rust"), [rust::TEXT.trim_end()], "publish.in is the snippet");
    let stack = Stack::shared().await?;
    let event_id = "outbox-1004";
    let receiver = receiver_of(&stack, "rust").await?;
    let event = json!({
        "shop": SHOP, "topic": "orders/create", "event_id": event_id, "triggered_at": "2026-11-21T15:00:00Z",
        "payload": {"id": 123456, "total_price": "19.99"},
    });
    let client = aws_sdk_kinesis::Client::new(&stack.sdk());
    let published = rust::publish_one(&client, &stack.resource("events"), event).await;
    published.map_err(|error| anyhow::anyhow!("{error}"))?;
    arrives(&receiver, event_id).await
}

/// Runs the snippet in this language by an interpreter, as a file in a folder, and waits for its
/// event.
async fn check(language: &str, event_id: &str, interpreter: &Path, folder: &Path, file: &str) -> Result<()> {
    let stack = Stack::shared().await?;
    let document = read("docs/publishing.md")?;
    let blocks = blocks(&document, language);
    let [snippet] = blocks[..] else { anyhow::bail!("{} snippets in {language}", blocks.len()) };
    std::fs::write(folder.join(file), snippet)?;

    let receiver = receiver_of(&stack, language).await?;
    let mut program = Command::new(interpreter);
    program.arg(file).current_dir(folder).env_remove("AWS_PROFILE").env_remove("AWS_SESSION_TOKEN");
    program.env("AWS_ENDPOINT_URL", &stack.endpoint_url);
    program.env("AWS_REGION", "us-east-1").env("AWS_DEFAULT_REGION", "us-east-1");
    program.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
    succeeded(&format!("the snippet in {language}"), &program.output().await?)?;
    arrives(&receiver, event_id).await
}

/// A receiver of the shop's orders.
async fn receiver_of(stack: &Stack, language: &str) -> Result<Receiver> {
    let installed = stack.install_on(&SHOP.parse()?, &format!("snippet-{language}")).await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    installed.api.create_webhook("orders/create", &receiver.url).await?;
    Ok(receiver)
}

/// Waits for the event of a snippet.
async fn arrives(receiver: &Receiver, event_id: &str) -> Result<()> {
    let is_it =
        |delivered: &storehook_tests::Delivered| delivered.header("x-spiffy-stores-event-id") == event_id;
    let delivered = receiver.wait_until(event_id, |delivered| delivered.iter().any(is_it)).await?;
    let delivered = delivered.iter().find(|delivered| is_it(delivered)).context("it arrived")?;
    let body: Value = serde_json::from_slice(&delivered.body)?;
    assert_eq!(body, json!({"id": 123456, "total_price": "19.99"}));
    for (name, value) in [
        ("x-spiffy-stores-topic", "orders/create"),
        ("x-spiffy-stores-shop-domain", SHOP),
        ("x-spiffy-stores-order-id", "123456"),
        ("x-spiffy-stores-triggered-at", "2026-11-21T15:00:00Z"),
    ] {
        assert_eq!(delivered.header(name), value, "{name}");
    }
    Ok(())
}
