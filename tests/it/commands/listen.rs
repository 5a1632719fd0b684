//! `storehook listen` that forwards, and that follows a deployed webhook.

use std::{process::Stdio, slice};

use anyhow::{Context as _, Result};
use reqwest::StatusCode;
use serde_json::Value;
use storehook_domain::{
    delivery::signature::{standard_signatures, verify_standard_signatures},
    installation::secret::SharedSecret,
};
use storehook_tests::{Installed, PATIENCE, Receiver, Stack, client_builder, record};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

use super::{LISTEN, SECRET, ended, storehook};

const PAYLOAD: &str = r#"{"id": 327475578523353102,  "price": 199.0}"#;

/// A command that goes on, and the lines that it prints.
async fn started(mut command: Command) -> Result<(Child, Lines<BufReader<ChildStdout>>)> {
    let mut process = command.stdout(Stdio::piped()).spawn()?;
    let lines = BufReader::new(process.stdout.take().context("no output")?).lines();
    Ok((process, lines))
}

async fn next(lines: &mut Lines<BufReader<ChildStdout>>) -> Result<String> {
    let line = tokio::time::timeout(PATIENCE, lines.next_line()).await;
    line.context("no line comes")??.context("the command has ended")
}

/// The command that follows a webhook of this installation.
async fn following(installed: &Installed, webhook: u64, options: &[&str]) -> Result<Command> {
    let webhook = webhook.to_string();
    let follow = ["listen", "--local-dir", "target/it", "--webhook", &webhook];
    let mut command = storehook(&[&follow, options].concat()).await?;
    command.env("STOREHOOK_TOKEN", &installed.token);
    Ok(command)
}

#[tokio::test]
async fn a_followed_webhooks_requests_are_made_here_as_they_were_made_there() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let (there, here) =
        (Receiver::responding(StatusCode::OK).await?, Receiver::responding(StatusCode::CREATED).await?);
    let webhook = installed.api.create_webhook("orders/create", &there.url).await?;
    stack.publish([record(&installed.shop, "orders/create", "before", PAYLOAD)]).await?;
    there.wait_for(1).await?;

    let forward = ["--json", "--forward-to", &here.url];
    let (_forwards, mut json) = started(following(&installed, webhook, &forward).await?).await?;
    let mut verifies = following(&installed, webhook, &[]).await?;
    verifies.env("STOREHOOK_SECRET", installed.secret.reveal());
    let (_verifies, mut text) = started(verifies).await?;
    let begun: Value = serde_json::from_str(&next(&mut json).await?)?;
    assert_eq!(begun["following"], webhook);
    assert_eq!(next(&mut text).await?, format!("following webhook {webhook} (Ctrl-C stops)"));

    stack.publish([record(&installed.shop, "orders/create", "o-1", PAYLOAD)]).await?;
    let made = here.wait_for(1).await?.remove(0);
    let sent = there.wait_for(2).await?.remove(1);
    assert_eq!(made.body, sent.body);
    for name in [
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
        "x-spiffy-stores-hmac-sha256",
        "content-type",
    ] {
        assert_eq!(made.header(name), sent.header(name), "{name}");
    }
    let (id, timestamp) = (made.header("webhook-id"), made.header("webhook-timestamp"));
    assert!(verify_standard_signatures(
        &installed.secret,
        id,
        timestamp,
        &made.body,
        made.header("webhook-signature")
    ));
    let line: Value = serde_json::from_str(&next(&mut json).await?)?;
    assert_eq!((&line["id"], &line["attempt"]), (&format!("{webhook}-o-1").into(), &1.into()));
    assert_eq!((&line["status_there"], &line["forwarded"]["status"]), (&200.into(), &201.into()));
    assert_eq!(line["standard_signature"], "not_verified");
    let line = next(&mut text).await?;
    let told = format!(
        " orders/create {webhook}-o-1 {} bytes, body signature ok, standard signature ok, attempt 1: 200 there",
        PAYLOAD.len()
    );
    assert!(line.ends_with(&told), "{line}");
    assert_eq!(here.so_far().len(), 1, "what was delivered before is not made again");
    Ok(())
}

#[tokio::test]
async fn whoever_may_not_follow_is_told_what_to_do() -> Result<()> {
    let stack = Stack::shared().await?;
    let (installed, other) = (stack.install().await?, stack.install().await?);
    let webhook = other.api.create_webhook("orders/create", "https://203.0.113.1/").await?;
    let mut unknown = following(&installed, 1, &[]).await?;
    unknown.env("STOREHOOK_TOKEN", "shtk_unknown");
    let mut none = storehook(&["listen", "--webhook", "1", "--local-dir", "target/it/no-stack"]).await?;
    none.env_remove("STOREHOOK_TOKEN");
    for (command, told) in [
        (unknown, "error: the API does not know the token: set STOREHOOK_TOKEN"),
        (following(&installed, webhook, &[]).await?, "error: the token's app has no such webhook"),
        (none, "error: no local stack is running"),
    ] {
        let output = ended(command).await?;
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1));
        assert!(error.starts_with(told), "{error}");
    }
    Ok(())
}

#[tokio::test]
async fn the_receiver_forwards_and_prints_lines_of_json() -> Result<()> {
    let other_end = Receiver::responding(StatusCode::IM_A_TEAPOT).await?;
    let options = ["--json", "--forward-to", &other_end.url];
    let mut command = storehook(&[&LISTEN[..], &options].concat()).await?;
    // Whoever follows webhooks has it in the environment.
    command.env("STOREHOOK_TOKEN", "shtk_a");
    let (_receiver, mut lines) = started(command).await?;
    let begun: Value = serde_json::from_str(&next(&mut lines).await?)?;
    let url = format!("{}hook", begun["listening"].as_str().context("no URL")?);
    let secret = SharedSecret::parse(SECRET)?;
    let now = jiff::Timestamp::from_second(7)?;
    let signatures = standard_signatures(slice::from_ref(&secret), "7-e1", now, b"{}");
    let request =
        client_builder()?.build()?.post(url).header("webhook-id", "7-e1").header("webhook-timestamp", "7");
    let response = request.header("webhook-signature", signatures).body("{}").send().await?;
    assert_eq!(response.status(), StatusCode::IM_A_TEAPOT);
    let line: Value = serde_json::from_str(&next(&mut lines).await?)?;
    assert_eq!((&line["id"], &line["path"], &line["bytes"]), (&"7-e1".into(), &"/hook".into(), &2.into()));
    assert_eq!((&line["standard_signature"], &line["body_signature"]), (&"ok".into(), &"wrong".into()));
    assert_eq!(line["forwarded"]["status"], 418);
    assert_eq!(other_end.so_far()[0].body, "{}");
    Ok(())
}
