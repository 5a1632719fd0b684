//! The commands of the runbook: they can be typed as they are there, and they work.
//!
//! Those of the program run against a stack of its own that has something of everything: a webhook with
//! a dead letter, and a rejected event. The shop, the app and the ids of the runbook are those of the
//! test.

use std::collections::BTreeSet;

use anyhow::Result;
use clap::Parser as _;
use reqwest::StatusCode;
use serde_json::json;
use storehook::command_line::CommandLine;
use storehook_tests::{Installed, Receiver, Stack, deliver_queued_at, root};

use super::{ended, storehook_on};
use crate::documents::read;

/// The lines of the runbook's code that begin with the program, each with the lines that it goes on in.
fn commands() -> Result<Vec<Vec<String>>> {
    let runbook = read("docs/runbook.md")?.replace("\\\n", " ");
    let blocks = runbook.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let lines = blocks.flat_map(str::lines).map(str::trim).filter(|line| line.starts_with("storehook "));
    Ok(lines.map(|line| line.split_whitespace().map(str::to_owned).collect()).collect())
}

#[test]
fn every_command_of_the_runbook_can_be_typed() -> Result<()> {
    let commands = commands()?;
    assert!(commands.len() >= 10, "{commands:?}");
    for command in &commands {
        CommandLine::try_parse_from(command).map_err(|error| anyhow::anyhow!("{command:?}: {error}"))?;
    }
    let names: BTreeSet<_> = commands.iter().filter_map(|words| words.get(3)).map(String::as_str).collect();
    for name in ["status", "redrive", "republish", "explain", "replay", "token", "rotate"] {
        assert!(names.contains(name), "the runbook lacks {name}");
    }
    Ok(())
}

#[tokio::test]
async fn every_command_of_the_runbook_works() -> Result<()> {
    let stack = Stack::deploy("storehook-runbook", &[]).await?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    let webhook = installed.api.create_webhook("orders/create", &receiver.url).await?;
    let long_ago = storehook_aws::now() - jiff::SignedDuration::from_hours(60);
    deliver_queued_at(&stack, &installed, webhook, "o-1", long_ago).await?;
    reject(&stack).await?;
    let exported = root().join("target/it/rejected.jsonl");
    if exported.exists() {
        std::fs::remove_file(&exported)?;
    }
    for command in commands()? {
        let words: Vec<_> = command.iter().skip(3).map(|word| here(word, &installed, webhook)).collect();
        let words: Vec<_> = words.iter().map(String::as_str).chain(["--yes"]).collect();
        let output = ended(storehook_on(&stack, &words).await?).await?;
        // `status` ends with 1 if something is wrong: there are rejected events. So does `republish` if
        // some of them stay.
        let may_find = ["status", "republish"].contains(&words[0]);
        let status = output.status.code();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(status == Some(0) || status == Some(1) && may_find, "{words:?}: {status:?} {told}");
    }
    Ok(())
}

/// A word of the runbook, for this test.
fn here(word: &str, installed: &Installed, webhook: u64) -> String {
    match word {
        "mynewstore.spiffystores.com" => installed.shop.to_string(),
        "my-app" => installed.app.to_string(),
        "1" => webhook.to_string(),
        "6f0b54d6-4f7c-4b0f-9d5e-0c2a1f3b7e11" => "o-1".to_owned(),
        "rejected.jsonl" => "target/it/rejected.jsonl".to_owned(),
        word => word.to_owned(),
    }
}

/// Puts a record into the rejected queue.
async fn reject(stack: &Stack) -> Result<()> {
    let event = storehook_tests::stream_event("no event");
    let (response, _) = stack.invoke("fan-out", &event).await?;
    assert_eq!(response, json!({"batchItemFailures": []}));
    Ok(())
}
