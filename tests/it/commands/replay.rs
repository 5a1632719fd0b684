//! `storehook replay`: the dead and held deliveries of an installation are sent again.

use anyhow::{Context as _, Result};
use jiff::ToSpan as _;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use storehook_domain::history::state::DeliveryState;
use storehook_tests::{Installed, Receiver, Stack, record};
use tokio::process::Command;

use super::{ended, storehook, told};

async fn replay(installed: &Installed, options: &[&str]) -> Result<Command> {
    let which = [
        "replay",
        "--local-dir",
        "target/it",
        "--shop",
        installed.shop.as_str(),
        "--app",
        installed.app.as_str(),
    ];
    storehook(&[&which[..], options].concat()).await
}

/// A delivery that was held while its webhook was paused.
async fn held(stack: &Stack, installed: &Installed, webhook: u64, event: &str) -> Result<()> {
    set_status(installed, webhook, "paused").await?;
    stack.publish([record(&installed.shop, "orders/create", event, r#"{"id": 1}"#)]).await?;
    stack.wait_until(&format!("{webhook}-{event}"), DeliveryState::Held).await?;
    Ok(())
}

async fn set_status(installed: &Installed, webhook: u64, status: &str) -> Result<()> {
    let body = json!({"webhook": {"status": status}});
    let path = format!("/admin/webhooks/{webhook}.json");
    let response = installed.api.call(Method::PUT, &path, Some(body)).await?;
    anyhow::ensure!(response.status == StatusCode::OK, "{}", response.json);
    Ok(())
}

#[tokio::test]
async fn held_deliveries_of_an_installation_are_counted_and_sent_again() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    let webhook = installed.api.create_webhook("orders/create", &receiver.url).await?;
    let paused = installed.api.create_webhook("products/create", &receiver.url).await?;
    set_status(&installed, paused, "paused").await?;
    held(&stack, &installed, webhook, "o-1").await?;
    held(&stack, &installed, webhook, "o-2").await?;

    let table = told(replay(&installed, &["--dry-run", "--state", "held"]).await?, 0).await?;
    assert!(table.contains("would send 0 deliveries again (held)"), "{table}");
    assert!(table.contains(&format!("left out: webhook {webhook}, which is paused")), "{table}");
    // Resumed over the API its held deliveries stay, until somebody replays them.
    set_status(&installed, webhook, "active").await?;
    let table = told(replay(&installed, &["--dry-run", "--state", "held"]).await?, 0).await?;
    assert!(table.contains("would send 2 deliveries again (held)"), "{table}");
    let counted: Value = serde_json::from_str(
        &told(replay(&installed, &["--dry-run", "--state", "held", "--json"]).await?, 0).await?,
    )?;
    let expected = json!([{"webhook_id": webhook, "topic": "orders/create", "found": 2, "complete": true}]);
    assert_eq!(counted["webhooks"], expected);
    assert_eq!(counted["left_out"], json!([{"webhook_id": paused, "status": "paused"}]));
    assert!(receiver.so_far().is_empty());

    let webhook_option = webhook.to_string();
    let options = ["--state", "held", "--webhook", &webhook_option, "--id", "night-1"];
    let replays = told(replay(&installed, &[&options[..], &["--json"]].concat()).await?, 0).await?;
    let replays: Value = serde_json::from_str(&replays)?;
    let shown = &replays["replays"][0];
    assert_eq!((&shown["id"], &shown["state"]), (&json!("night-1"), &json!("done")));
    assert_eq!((&shown["found"], &shown["sent"], &shown["expired"]), (&json!(2), &json!(2), &json!(0)));
    let delivered = receiver.wait_for(2).await?;
    assert!(delivered.iter().all(|one| one.header("x-spiffy-stores-replay") == "true"));

    let table = told(replay(&installed, &options).await?, 0).await?;
    assert!(table.contains("2 deliveries sent again"), "the same replay is shown again: {table}");
    let path = format!("/admin/webhooks/{webhook}/replays.json");
    let listed = installed.api.call(Method::GET, &path, None).await?;
    assert_eq!(listed.json["replays"].as_array().map(Vec::len), Some(1), "{}", listed.json);
    assert_eq!(receiver.so_far().len(), 2);
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_replayed_is_refused_in_words() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let nobody = ["replay", "--local-dir", "target/it", "--shop", installed.shop.as_str(), "--app", "nobody"];
    for (command, status, told) in [
        (storehook(&nobody).await?, 1, "error: nobody is not installed on"),
        (
            replay(&installed, &["--webhook", "999999999"]).await?,
            1,
            "error: test-app has no webhook 999999999 on",
        ),
        (replay(&installed, &["--state", "retrying"]).await?, 2, "error: invalid value 'retrying'"),
        (
            replay(&installed, &["--since", "2026-11-21T15:00:00Z", "--until", "2026-11-21"]).await?,
            1,
            "error: --until is before --since",
        ),
        (replay(&installed, &["--state", "all"]).await?, 2, "error: this asks before it does harm"),
        (replay(&installed, &["--stop", "--id", "none"]).await?, 1, "error: there is no replay none"),
    ] {
        let output = ended(command).await?;
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{error}");
        assert!(error.starts_with(told), "{error}");
    }
    Ok(())
}

#[tokio::test]
async fn a_replay_goes_on_without_the_command_and_can_be_stopped() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    let webhook = installed.api.create_webhook("orders/create", &receiver.url).await?;
    let events = (0..30).map(|number| record(&installed.shop, "orders/create", &format!("o-{number}"), "{}"));
    stack.publish(events).await?;
    receiver.wait_for(30).await?;
    let until = (storehook_aws::now() + 1.hour()).to_string();
    let all = ["--state", "all", "--per-second", "1", "--until", &until, "--id", "slow", "--yes"];
    let begun = told(replay(&installed, &[&all[..], &["--no-wait"]].concat()).await?, 0).await?;
    assert!(begun.contains(" sent again so far; to see more, run it again with --id"), "{begun}");
    receiver.wait_for(31).await?;
    let stopped = told(replay(&installed, &["--stop", "--id", "slow", "--json"]).await?, 0).await?;
    let stopped: Value = serde_json::from_str(&stopped)?;
    assert_eq!(stopped["replays"][0]["state"], "stopped", "{stopped}");
    let sent = stopped["replays"][0]["sent"].as_u64().context("no count")?;
    assert!(sent < 30, "{sent}");
    assert_eq!(stopped["replays"][0]["webhook_id"], webhook);
    // Somebody else's stop is not the end that was wished for.
    told(replay(&installed, &all).await?, 1).await?;
    Ok(())
}
