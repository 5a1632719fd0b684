//! The operator's program as a process of its own: its pipes, its exit status, its words.

mod aws_commands;
mod cost;
mod credentials;
mod doctor;
mod explain;
mod installations;
mod listen;
mod lists;
mod permissions;
mod redrive;
mod replay;
mod republish;
mod runbook;
mod status;

use std::{
    process::{Output, Stdio},
    slice,
};

use anyhow::{Context as _, Result};
use reqwest::StatusCode;
use serde_json::Value;
use storehook::stack::local_stack::{LOCAL_CREDENTIALS, LOCAL_REGION};
use storehook_domain::{
    delivery::signature::{body_signature, standard_signatures},
    installation::secret::SharedSecret,
    payload::limits::BODY_LIMIT,
};
use storehook_tests::{PATIENCE, Stack, client_builder, root};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Command,
};

const SECRET: &str = "a-secret-of-more-than-thirty-two-bytes";
const LISTEN: [&str; 5] = ["listen", "--port", "0", "--secret", SECRET];

pub(crate) async fn storehook(arguments: &[&str]) -> Result<Command> {
    let mut command = Command::new(Stack::program("storehook").await?);
    command.args(arguments).current_dir(root()).stdin(Stdio::null()).kill_on_drop(true);
    Ok(command)
}

pub(crate) async fn ended(mut command: Command) -> Result<Output> {
    let output = tokio::time::timeout(PATIENCE, command.output()).await;
    Ok(output.context("the command does not end")??)
}

/// The command with the stack that all tests share.
pub(crate) async fn local(arguments: &[&str]) -> Result<Command> {
    storehook(&[arguments, &["--local-dir", "target/it"]].concat()).await
}

/// The JSON that a command with that stack prints. It must end with this status.
pub(crate) async fn local_json(arguments: &[&str], status: i32) -> Result<Value> {
    let shown = told(local(arguments).await?, status).await?;
    serde_json::from_str(&shown).with_context(|| format!("{arguments:?}: {shown}"))
}

/// The command with a stack of its own, which the emulator has.
pub(crate) async fn storehook_on(stack: &Stack, arguments: &[&str]) -> Result<Command> {
    let mut command = storehook(&[&["--stack", &stack.name], arguments].concat()).await?;
    let (id, secret) = LOCAL_CREDENTIALS;
    command.envs([
        ("AWS_ENDPOINT_URL", stack.endpoint_url.as_str()),
        ("AWS_ACCESS_KEY_ID", id),
        ("AWS_SECRET_ACCESS_KEY", secret),
        ("AWS_REGION", LOCAL_REGION),
    ]);
    Ok(command)
}

/// The standard output of a command that must end with this status.
pub(crate) async fn told(command: Command, status: i32) -> Result<String> {
    let output = ended(command).await?;
    let (told, errors) = (String::from_utf8(output.stdout)?, String::from_utf8_lossy(&output.stderr));
    anyhow::ensure!(output.status.code() == Some(status), "{}: {told}{errors}", output.status);
    Ok(told)
}

/// The end of a command whose output nobody reads.
async fn unread(arguments: &[&str]) -> Result<Output> {
    let (reader, writer) = std::io::pipe()?;
    drop(reader);
    let folder = ["--local-dir", "target/it"];
    let folder = if arguments.contains(&folder[0]) { &[][..] } else { &folder[..] };
    let mut command = storehook(&[arguments, folder].concat()).await?;
    let output = command.stdout(writer).stderr(Stdio::piped()).spawn()?;
    // The command's own copy of the pipe must not keep it open.
    drop(command);
    let output = tokio::time::timeout(PATIENCE, output.wait_with_output()).await;
    output.with_context(|| format!("{arguments:?} does not end"))?.map_err(Into::into)
}

#[tokio::test]
async fn every_command_ends_quietly_when_nobody_reads_its_output() -> Result<()> {
    Stack::shared().await?;
    let shop = ["--shop", "pipes.example"];
    let order = ["--topic", "orders/create", "--payload", "events/payloads/order.json"];
    let cases = [
        LISTEN.to_vec(),
        // A stack of its own, which ends before it is ready.
        vec!["local", "--port", "0", "--local-dir", "target/it/no-stack"],
        vec!["local", "--stop", "--local-dir", "target/it/no-stack"],
        vec!["status"],
        vec!["list"],
        vec!["deliveries", "--webhook", "999999999"],
        vec!["explain", "pipes", "--no-queues"],
        vec!["completions", "bash"],
        vec!["redrive", "--dry-run", "--webhook", "999999999"],
        vec!["republish", "--dry-run"],
        vec!["cost"],
        [&["panel-link", "--app", "pipes"], &shop[..]].concat(),
        [&["webhooks", "--app", "pipes"], &shop[..]].concat(),
        [&["publish"], &order[..], &shop[..]].concat(),
        vec!["--help"],
    ];
    // Nobody has seen the new token or secret, and nobody will.
    for arguments in [&["install"][..], &["rotate", "--yes"], &["token", "rotate", "--yes"]] {
        let output = unread(&[arguments, &["--app", "pipes"], &shop[..]].concat()).await?;
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {told}");
        assert!(told.contains("the change is made, but nobody read the output"), "{arguments:?}: {told}");
    }
    for arguments in cases {
        let output = unread(&arguments).await?;
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {} {told}", output.status);
        // The panel's link has an explanation, and `local` tells what it does. Neither is a complaint.
        let is_told = |line: &str| {
            ["It signs one person in", "storehook: "].iter().any(|start| line.starts_with(start))
        };
        assert!(told.lines().all(is_told), "{arguments:?}: {told}");
    }
    Ok(())
}

#[tokio::test]
async fn the_receiver_prints_a_line_for_every_request_until_nobody_reads_it() -> Result<()> {
    let mut command = storehook(&LISTEN).await?;
    let mut receiver = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut lines = BufReader::new(receiver.stdout.take().context("no output")?).lines();
    let first = lines.next_line().await?.context("no line")?;
    let url = first.split(' ').find_map(|word| word.strip_suffix("/,")).context("no URL")?;
    let client = client_builder()?.build()?;
    let secret = SharedSecret::parse(SECRET)?;
    let now = jiff::Timestamp::from_second(7)?;
    let both_ok = "body signature ok, standard signature ok";
    for (path, length, signed, status, told) in [
        ("xml", 3 * 1024 * 1024, 3 * 1024 * 1024, StatusCode::OK, format!("/xml 3145728 bytes, {both_ok}")),
        ("most", BODY_LIMIT, BODY_LIMIT, StatusCode::OK, format!("/most 8388608 bytes, {both_ok}")),
        (
            "wrong",
            BODY_LIMIT,
            BODY_LIMIT - 1,
            StatusCode::OK,
            "/wrong 8388608 bytes, body signature WRONG, standard signature WRONG".to_owned(),
        ),
        (
            "over",
            BODY_LIMIT + 1,
            BODY_LIMIT + 1,
            StatusCode::PAYLOAD_TOO_LARGE,
            "/over refused: over 8388608 bytes, which Storehook never sends".to_owned(),
        ),
    ] {
        let (body, signed) = (vec![b' '; length], vec![b' '; signed]);
        let request = client
            .post(format!("{url}/{path}"))
            .header("x-spiffy-stores-hmac-sha256", body_signature(&secret, &signed))
            .header("webhook-id", "7-e1")
            .header("webhook-timestamp", "7")
            .header("webhook-signature", standard_signatures(slice::from_ref(&secret), "7-e1", now, &signed));
        let response = request.body(body).send().await?;
        assert_eq!(response.status(), status, "{path}");
        let line = lines.next_line().await?.context("no line")?;
        assert!(line.contains(&told), "{line}");
    }
    drop(lines);
    let output = tokio::time::timeout(PATIENCE, receiver.wait_with_output()).await;
    let output = output.context("the receiver does not end")??;
    assert!(output.status.success(), "{}", output.status);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    Ok(())
}

#[tokio::test]
async fn a_full_disk_is_an_error_and_no_panic() -> Result<()> {
    let full = std::path::Path::new("/dev/full");
    if !full.exists() {
        return Ok(());
    }
    let mut command = storehook(&LISTEN).await?;
    let output = command.stdout(std::fs::File::options().write(true).open(full)?).stderr(Stdio::piped());
    let output = output.spawn()?.wait_with_output().await?;
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(told.starts_with("error: cannot write to standard output: "), "{told}");
    Ok(())
}
