//! Signing in and out, and what a session sees.

use anyhow::{Context as _, Result, ensure};
use futures::FutureExt as _;
use reqwest::{Method, StatusCode};
use serde_json::json;
use storehook_tests::Stack;

use crate::browser::{Browser, Look, Test};

pub(crate) const TESTS: [(&str, Test); 4] = [
    ("a_token_signs_in_and_a_wrong_one_is_told_so", || tokens().boxed()),
    ("a_link_signs_in_once_and_looking_at_it_uses_nothing_up", || links().boxed()),
    ("signing_out_everywhere_ends_every_session", || everywhere().boxed()),
    ("a_session_sees_nothing_of_another_app", || another_app().boxed()),
];

async fn tokens() -> Result<()> {
    let stack = Stack::with_direct_api().await?;
    let installed = stack.install().await?;
    let browser = Browser::open(&stack.api_url, Look::DESKTOP).await?;
    browser.goto("/panel/deliveries?state=dead").await?;
    browser.see("Sign in").await?;
    browser.fill("Access token", "shtk_wrong").await?;
    browser.press("Sign in").await?;
    browser.see("is unknown, or it was revoked").await?;
    ensure!(browser.driver.title().await?.starts_with("Error: "), "the title tells the error");
    browser.fill("Access token", &installed.token).await?;
    browser.press("Sign in").await?;
    browser.see(installed.shop.as_str()).await?;
    assert_eq!(browser.path().await?, "/panel/deliveries?state=dead", "it leads where somebody wanted to go");
    browser.press("Sign out").await?;
    browser.see("You are signed out.").await?;
    browser.goto("/panel").await?;
    browser.see("Access token").await?;
    browser.close().await
}

async fn links() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let made = installed.api.call(Method::POST, "/admin/panel_links.json", Some(json!({}))).await?;
    assert_eq!(made.status, StatusCode::CREATED);
    let url = made.json["panel_link"]["url"].as_str().context("no URL")?.to_owned();
    // The emulator's own name for the API, which browsers resolve to loopback.
    let (base, path) = url.split_once("/panel/").context("not a link to the panel")?;
    let path = format!("/panel/{path}");
    let browser = Browser::open(base, Look::DESKTOP).await?;
    for _ in 0..2 {
        browser.goto(&path).await?;
        browser.see("works once").await?;
    }
    browser.press("Sign in").await?;
    browser.see(installed.shop.as_str()).await?;
    browser.goto(&path).await?;
    browser.press("Sign in").await?;
    browser.see("This link does not work any more").await?;
    browser.close().await
}

async fn everywhere() -> Result<()> {
    let stack = Stack::with_direct_api().await?;
    let installed = stack.install().await?;
    let one = Browser::open(&stack.api_url, Look::DESKTOP).await?;
    let other = Browser::open(&stack.api_url, Look::DESKTOP).await?;
    one.sign_in(&installed).await?;
    other.sign_in(&installed).await?;
    one.press("Sign out everywhere").await?;
    one.see("All sessions of this app on this shop are signed out.").await?;
    other.goto("/panel").await?;
    other.see("Access token").await?;
    one.sign_in(&installed).await?;
    one.close().await?;
    other.close().await
}

async fn another_app() -> Result<()> {
    let stack = Stack::with_direct_api().await?;
    let installed = stack.install().await?;
    let address = "https://receiver.example.com/of-the-other-app";
    let webhook = installed.api.create_webhook("orders/create", address).await?;
    let at = storehook_aws::now();
    stack
        .have_delivered(
            &installed,
            webhook,
            &[("e1", at, storehook_domain::history::state::DeliveryState::Dead)],
        )
        .await?;
    let spy = stack.install_on(&installed.shop, "spy").await?;
    let browser = Browser::open(&stack.api_url, Look::DESKTOP).await?;
    browser.sign_in(&spy).await?;
    for path in [
        format!("/panel/webhooks/{webhook}"),
        format!("/panel/webhooks/{webhook}/edit"),
        format!("/panel/webhooks/{webhook}/delete"),
        format!("/panel/webhooks/{webhook}/replays"),
        format!("/panel/webhooks/{webhook}/replays/new"),
        format!("/panel/deliveries?webhook={webhook}"),
        format!("/panel/deliveries/{webhook}-e1"),
    ] {
        browser.goto(&path).await?;
        browser.see("There is nothing here").await?;
    }
    for path in ["/panel", "/panel/webhooks", "/panel/deliveries", "/panel/events?id=e1"] {
        browser.goto(path).await?;
        let source = browser.driver.source().await?;
        ensure!(!source.contains("of-the-other-app"), "{path} shows another app's webhook");
    }
    browser.close().await
}
