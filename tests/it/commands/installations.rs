//! Installations as the operator manages them: install, list, token, rotate, panel-link, uninstall.

use anyhow::{Context as _, Result};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use storehook_tests::{Api, Stack, eventually};

use super::{ended, local, local_json, storehook, told};

/// A shop of its own, and the options that name an app on it.
fn named(shop: &str) -> [&str; 4] {
    ["--shop", shop, "--app", "managed"]
}

async fn status_of(stack: &Stack, token: &str) -> Result<StatusCode> {
    let api = Api::new(&stack.api_url, token)?;
    Ok(api.call(Method::GET, "/admin/webhooks/count.json", None).await?.status)
}

fn text(value: &Value) -> Result<&str> {
    value.as_str().context("no text")
}

#[tokio::test]
async fn an_installation_is_managed_from_its_beginning_to_its_end_in_json() -> Result<()> {
    let stack = Stack::shared().await?;
    let shop = named("managed-json.example");
    let with = |command: &[&'static str]| [command, &shop[..], &["--json", "--yes"]].concat();

    let installed = local_json(&[&["install"], &shop[..], &["--json"]].concat(), 0).await?;
    let token = text(&installed["token"])?.to_owned();
    let (secret, standard) = (text(&installed["shared_secret"])?, text(&installed["webhook_secret"])?);
    assert!(token.starts_with("shtk_") && standard.starts_with("whsec_"), "shown once");
    assert_eq!(status_of(&stack, &token).await?, StatusCode::OK);

    let list = ["list", "--shop", "managed-json.example", "--json"];
    let listed = local_json(&list, 0).await?;
    let listed = &listed["installations"];
    assert_eq!(listed.as_array().map(Vec::len), Some(1));
    for (member, expected) in [
        ("app", json!("managed")),
        ("state", json!("installed")),
        ("token", json!("works")),
        ("scopes", json!(["webhooks"])),
        ("webhooks", json!(0)),
        ("secrets", json!(1)),
        ("uninstalled_at", json!(null)),
    ] {
        assert_eq!(listed[0][member], expected, "{member}");
    }
    let shown = listed.to_string();
    assert!(!shown.contains(secret) && !shown.contains(&token), "never a secret twice: {shown}");

    let rotated = local_json(&with(&["token", "rotate"]), 0).await?;
    let new_token = text(&rotated["token"])?;
    assert_eq!(status_of(&stack, &token).await?, StatusCode::UNAUTHORIZED, "the old one stops at once");
    assert_eq!(status_of(&stack, new_token).await?, StatusCode::OK);

    let new = local_json(&with(&["rotate", "--overlap-hours", "1"]), 0).await?;
    assert_ne!(new["shared_secret"], installed["shared_secret"]);
    assert!(text(&new["previous_until"])?.parse::<jiff::Timestamp>()? > storehook_aws::now());
    assert_eq!(local_json(&list, 0).await?["installations"][0]["secrets"], 2);
    assert_eq!(local_json(&with(&["rotate", "--finish"]), 0).await?["ended"], 1);
    assert_eq!(local_json(&list, 0).await?["installations"][0]["secrets"], 1);
    assert_eq!(local_json(&with(&["rotate", "--finish"]), 0).await?["ended"], 0, "there is nothing to end");

    let link = local_json(&[&["panel-link"], &shop[..], &["--json"]].concat(), 0).await?;
    assert!(text(&link["url"])?.contains("/panel/link?code="), "{link}");
    assert_eq!(link["valid_seconds"], 600);

    assert_eq!(local_json(&with(&["token", "revoke"]), 0).await?["token"], "revoked");
    assert_eq!(status_of(&stack, new_token).await?, StatusCode::UNAUTHORIZED);
    assert_eq!(local_json(&list, 0).await?["installations"][0]["token"], "revoked");
    let again = local_json(&with(&["token", "rotate"]), 0).await?;
    assert_eq!(
        status_of(&stack, text(&again["token"])?).await?,
        StatusCode::OK,
        "a revoked token can be replaced"
    );

    assert_eq!(local_json(&with(&["uninstall"]), 0).await?["state"], "ended");
    assert_eq!(status_of(&stack, text(&again["token"])?).await?, StatusCode::UNAUTHORIZED);
    assert_eq!(local_json(&list, 0).await?["installations"][0]["state"], "ended");
    assert_eq!(
        local_json(&with(&["uninstall"]), 0).await?["state"],
        "ended",
        "a second time changes nothing"
    );
    Ok(())
}

#[tokio::test]
async fn an_installation_is_managed_from_its_beginning_to_its_end_in_text() -> Result<()> {
    Stack::shared().await?;
    let shop = named("managed-text.example");
    let with = |command: &[&'static str]| [command, &shop[..], &["--yes"]].concat();
    for (arguments, lines) in [
        (
            [&["install"], &shop[..]].concat(),
            &[
                "managed is installed on managed-text.example. Keep these keys",
                "  token            shtk_",
                "whsec_",
            ][..],
        ),
        (
            vec!["list", "--shop", "managed-text.example"],
            &[
                "shop                  app      state      token  scopes    webhooks  secrets",
                "1 installation",
            ],
        ),
        (with(&["token", "rotate"]), &["managed on managed-text.example has a new token. Keep it", "shtk_"]),
        (
            with(&["rotate"]),
            &["has a new secret. Keep it", "  shared secret    ", "Older secrets sign until 20"],
        ),
        (
            with(&["rotate", "--finish"]),
            &["1 older secret of managed on managed-text.example has stopped signing"],
        ),
        (with(&["rotate", "--finish"]), &["was not being rotated: only one signs"]),
        ([&["panel-link"], &shop[..]].concat(), &["/panel/link?code="]),
        (with(&["token", "revoke"]), &["the token of managed on managed-text.example is revoked"]),
        (with(&["uninstall"]), &["managed is uninstalled from managed-text.example: ended"]),
    ] {
        let shown = told(local(&arguments).await?, 0).await?;
        for line in lines {
            assert!(shown.contains(line), "{arguments:?}: {shown}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_change_that_does_harm_needs_a_yes_where_nobody_can_be_asked() -> Result<()> {
    Stack::shared().await?;
    let shop = named("asked.example");
    told(local(&[&["install"], &shop[..]].concat()).await?, 0).await?;
    for command in
        [&["token", "rotate"][..], &["token", "revoke"], &["rotate"], &["rotate", "--finish"], &["uninstall"]]
    {
        let output = ended(local(&[command, &shop[..]].concat()).await?).await?;
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{command:?}: {error}");
        assert!(error.contains("there is no terminal: add --yes to do it"), "{command:?}: {error}");
    }
    let list = ["list", "--shop", "asked.example", "--json"];
    let listed = local_json(&list, 0).await?;
    assert_eq!(
        (&listed["installations"][0]["token"], &listed["installations"][0]["secrets"]),
        (&json!("works"), &json!(1))
    );
    Ok(())
}

#[tokio::test]
async fn what_is_not_installed_is_told_with_what_to_do() -> Result<()> {
    let stack = Stack::shared().await?;
    let nowhere = named("nowhere.example");
    let gone = named("gone.example");
    told(local(&[&["install"], &gone[..]].concat()).await?, 0).await?;
    told(local(&[&["uninstall"], &gone[..], &["-y"]].concat()).await?, 0).await?;
    let revoked = named("revoked.example");
    told(local(&[&["install"], &revoked[..]].concat()).await?, 0).await?;
    told(local(&[&["token", "revoke"], &revoked[..], &["-y"]].concat()).await?, 0).await?;
    for (arguments, expected) in [
        (
            [&["token", "rotate"], &nowhere[..]].concat(),
            "is not installed on nowhere.example: `storehook list` shows",
        ),
        ([&["rotate", "-y"], &nowhere[..]].concat(), "is not installed on nowhere.example"),
        ([&["webhooks"], &nowhere[..]].concat(), "is not installed on nowhere.example"),
        ([&["uninstall", "-y"], &nowhere[..]].concat(), "is not installed on nowhere.example"),
        ([&["panel-link"], &gone[..]].concat(), "was uninstalled from gone.example"),
        ([&["rotate", "-y"], &gone[..]].concat(), "was uninstalled from gone.example"),
        ([&["panel-link"], &revoked[..]].concat(), "is revoked: `storehook token rotate` makes another one"),
    ] {
        let output = ended(local(&arguments).await?).await?;
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {error}");
        assert!(error.contains(expected), "{arguments:?}: {error}");
    }
    // An app that was uninstalled can be installed again.
    told(local(&[&["install"], &gone[..]].concat()).await?, 0).await?;
    eventually("the new installation to be listed", || async {
        let listed = local_json(&["list", "--shop", "gone.example", "--json"], 0).await?;
        Ok((listed["installations"][0]["state"] == "installed").then_some(()))
    })
    .await?;
    drop(stack);
    Ok(())
}

#[tokio::test]
async fn what_is_published_is_told_in_both_forms() -> Result<()> {
    Stack::shared().await?;
    let order = ["--topic", "carts/create", "--payload", "events/payloads/cart.json"];
    let publish = [&["publish", "--shop", "published.example"], &order[..]].concat();
    assert_eq!(told(local(&publish).await?, 0).await?, "published 1 event to storehook-events\n");
    let published = local_json(&[&publish[..], &["--json"]].concat(), 0).await?;
    assert_eq!(published, json!({"events": 1, "stream": "storehook-events"}));
    Ok(())
}

#[tokio::test]
async fn the_local_stack_tells_in_both_forms_that_none_is_running() -> Result<()> {
    let stop = ["local", "--stop", "--local-dir", "target/it/none"];
    assert_eq!(told(storehook(&stop).await?, 0).await?, "no local stack is running\n");
    let stopped = told(storehook(&[&stop[..], &["--json"]].concat()).await?, 0).await?;
    assert_eq!(serde_json::from_str::<Value>(&stopped)?, json!({"was_running": false}));
    Ok(())
}

#[tokio::test]
async fn completions_are_printed_for_every_shell() -> Result<()> {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = told(storehook(&["completions", shell]).await?, 0).await?;
        for command in ["explain", "redrive", "uninstall"] {
            assert!(script.contains(command), "{shell}: {command}");
        }
    }
    Ok(())
}
