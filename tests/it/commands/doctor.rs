//! `storehook doctor`, at receivers of every kind.

use std::process::Stdio;

use anyhow::{Context as _, Result};
use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, StatusCode},
};
use reqwest::StatusCode as Status;
use serde_json::Value;
use storehook_domain::{delivery::signature::verify_standard_signatures, installation::secret::SharedSecret};
use storehook_tests::Receiver;
use tokio::{io::AsyncWriteExt as _, net::TcpListener, process::Command};

use super::{SECRET, ended, storehook, told};

/// A receiver that does all as Standard Webhooks says.
async fn good_receiver() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/hook", listener.local_addr()?);
    let secret = SharedSecret::parse(SECRET)?;
    let receive = async move |headers: HeaderMap, body: Bytes| {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
        let age = storehook_aws::now().as_second() - timestamp.parse().unwrap_or(0);
        let is_signed =
            verify_standard_signatures(&secret, id, timestamp, &body, header("webhook-signature"));
        if is_signed && age.abs() <= 300 { StatusCode::NO_CONTENT } else { StatusCode::UNAUTHORIZED }
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(receive)).await });
    Ok(url)
}

async fn doctor(arguments: &[&str]) -> Result<Command> {
    let mut command = storehook(&[&["doctor"], arguments].concat()).await?;
    command.env("STOREHOOK_SECRET", SECRET);
    Ok(command)
}

/// The verdicts of a diagnosis by the names of their checks.
fn verdict<'a>(diagnosis: &'a Value, name: &str) -> &'a str {
    let checks = diagnosis["checks"].as_array().into_iter().flatten();
    let check = checks.into_iter().find(|check| check["name"] == name);
    check.and_then(|check| check["verdict"].as_str()).unwrap_or_default()
}

#[tokio::test]
async fn a_good_receiver_passes_in_both_forms() -> Result<()> {
    let url = good_receiver().await?;
    let table = told(doctor(&[&url]).await?, 0).await?;
    for line in [
        "check            verdict  found",
        "right signature  ok       responded with 204",
        "wrong signature  ok       responded with 401",
        "old timestamp    ok       responded with 401",
        "HTTP version     ok       HTTP/1.1",
    ] {
        assert!(table.lines().any(|told| told == line), "{line}: {table}");
    }
    assert!(!table.contains(SECRET));
    // Nobody delivers to loopback without being told to, but that is not the receiver's fault.
    let diagnosis: Value = serde_json::from_str(&told(doctor(&[&url, "--json"]).await?, 0).await?)?;
    assert_eq!((&diagnosis["good"], &diagnosis["url"]), (&Value::from(true), &Value::from(url)));
    for (name, expected) in [
        ("address", "warning"),
        ("certificate", "skipped"),
        ("right signature", "ok"),
        ("redirect", "ok"),
        ("duplicate", "ok"),
        ("wrong signature", "ok"),
        ("no signature", "ok"),
        ("old timestamp", "ok"),
    ] {
        assert_eq!(verdict(&diagnosis, name), expected, "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn a_receiver_that_takes_everything_is_told_so_with_status_1() -> Result<()> {
    let receiver = Receiver::responding(Status::OK).await?;
    let table = told(doctor(&[&receiver.url]).await?, 1).await?;
    assert!(table.contains("wrong signature: Verify the signature before anything else"), "{table}");
    let sent = receiver.so_far();
    assert_eq!(sent.len(), 5);
    assert!(sent.iter().all(|sent| sent.header("x-spiffy-stores-test") == "true"));

    let diagnosis: Value = serde_json::from_str(&told(doctor(&[&receiver.url, "--json"]).await?, 1).await?)?;
    assert_eq!(diagnosis["good"], false);
    for (name, expected) in [
        ("right signature", "ok"),
        ("wrong signature", "wrong"),
        ("no signature", "wrong"),
        ("old timestamp", "warning"),
    ] {
        assert_eq!(verdict(&diagnosis, name), expected, "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn an_integration_is_asked_for_its_verdicts() -> Result<()> {
    let receiver = Receiver::deciding(&["ok", "ok", "fail", "fail", "fail"]).await?;
    let diagnosis = told(doctor(&[&receiver.url, "--json", "--protocol", "integration"]).await?, 0).await?;
    let diagnosis: Value = serde_json::from_str(&diagnosis)?;
    for name in ["right signature", "duplicate", "wrong signature", "no signature", "old timestamp"] {
        assert_eq!(verdict(&diagnosis, name), "ok", "{name}");
    }
    let body: Value = serde_json::from_slice(&receiver.so_far()[0].body)?;
    assert_eq!(body["event"], "orders/create");
    Ok(())
}

#[tokio::test]
async fn an_endpoint_that_does_not_respond_says_why() -> Result<()> {
    let port = TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
    let table = told(doctor(&[&format!("http://127.0.0.1:{port}/")]).await?, 1).await?;
    let line = "right signature  wrong    the host refused the connection (";
    assert!(table.lines().any(|told| told.starts_with(line)), "{table}");
    Ok(())
}

#[tokio::test]
async fn the_secret_may_come_from_standard_input_and_must_come_from_somewhere() -> Result<()> {
    let url = good_receiver().await?;
    let mut command = storehook(&["doctor", &url, "--secret", "-"]).await?;
    let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut input = process.stdin.take().context("no input")?;
    input.write_all(format!("{SECRET}\n").as_bytes()).await?;
    drop(input);
    assert!(process.wait_with_output().await?.status.success());

    let output = ended(storehook(&["doctor", &url, "--local-dir", "target/it/no-stack"]).await?).await?;
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.starts_with("error: the secret is missing: set STOREHOOK_SECRET"), "{error}");
    Ok(())
}
