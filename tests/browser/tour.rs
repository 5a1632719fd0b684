//! The README's tour, by clicking: on the deployed function, from the operator's link to the end of
//! the webhook. Once with JavaScript, once without.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use anyhow::{Context as _, Result, ensure};
use futures::FutureExt as _;
use reqwest::StatusCode;
use storehook::panel_link::panel_link;
use storehook_tests::{Receiver, Stack};

use crate::browser::{Browser, Look, Test};

pub(crate) const TESTS: [(&str, Test); 2] = [
    ("the_tour_works_by_clicking", || tour(true).boxed()),
    ("the_tour_works_without_javascript", || tour(false).boxed()),
];

async fn tour(has_scripts: bool) -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let is_broken = Arc::new(AtomicBool::new(false));
    let broken = Arc::clone(&is_broken);
    let receiver = Receiver::responding_with(move |_| {
        let is_broken = broken.load(Ordering::Relaxed);
        async move { if is_broken { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK } }
    });
    let receiver = receiver.await?;

    // Sign in by the operator's link.
    let panel_url = &Stack::file().await?.panel_url;
    let link = panel_link(&stack.connection(), &installed.shop, &installed.app, panel_url).await?;
    let (base, path) = link.split_once("/panel/").context("not a link to the panel")?;
    let browser = Browser::open(base, Look { has_scripts, ..Look::DESKTOP }).await?;
    browser.goto(&format!("/panel/{path}")).await?;
    browser.press("Sign in").await?;
    browser.see("No webhooks yet").await?;

    // Subscribe.
    browser.press("Create a webhook").await?;
    browser.fill("Topic", "order:new").await?;
    browser.fill("Address", "receiver").await?;
    browser.press("Create the webhook").await?;
    browser.see("is invalid").await?;
    ensure!(
        browser.field("Topic").await?.value().await?.as_deref() == Some("order:new"),
        "what was typed is lost"
    );
    browser.fill("Address", &receiver.url).await?;
    browser.press("Create the webhook").await?;
    browser.see("The webhook is created").await?;
    let webhook = browser.path().await?;
    let webhook = webhook.split('?').next().unwrap_or_default().to_owned();

    // A test event, and see it arrive.
    browser.press("Send a test event").await?;
    browser.see("The delivery is queued").await?;
    let received = receiver.wait_for(1).await?;
    assert_eq!(received[0].header("x-spiffy-stores-test"), "true");
    browser.follow("Delivered").await?;

    // Push an event, and find out what became of it.
    browser.goto("/panel/push?topic=orders/create").await?;
    browser.fill("Event id (optional)", "tour-1").await?;
    browser.press("Push the event").await?;
    receiver.wait_for(2).await?;
    browser.press("See who got event tour-1").await?;
    browser.see("Why was this not sent?").await?;
    browser.reload_until("delivered").await?;

    // Break the endpoint, and look at the attempts.
    is_broken.store(true, Ordering::Relaxed);
    browser.goto("/panel/push?topic=orders/create").await?;
    browser.fill("Event id (optional)", "tour-2").await?;
    browser.press("Push the event").await?;
    receiver.wait_for(3).await?;
    let id = webhook.rsplit('/').next().unwrap_or_default();
    browser.goto(&format!("/panel/deliveries?webhook={id}")).await?;
    browser.reload_until("retrying").await?;
    browser.press("tour-2").await?;
    browser.see("503").await?;

    // Mend it, and deliver again.
    is_broken.store(false, Ordering::Relaxed);
    browser.press("Deliver again").await?;
    browser.see("The delivery is queued").await?;
    browser.follow("Delivered").await?;

    // Pause, hold, resume, replay.
    browser.goto(&webhook).await?;
    browser.press("Pause").await?;
    browser.see("The webhook is paused").await?;
    browser.goto("/panel/push?topic=orders/create").await?;
    browser.fill("Event id (optional)", "tour-3").await?;
    browser.press("Push the event").await?;
    browser.goto(&format!("/panel/deliveries?webhook={id}&state=held")).await?;
    browser.reload_until("tour-3").await?;
    let before = receiver.so_far().len();
    browser.goto(&webhook).await?;
    browser.press("Resume").await?;
    browser.see("The webhook is active again").await?;
    browser.press("Replay…").await?;
    browser.see("Which deliveries").await?;
    browser.driver.find(thirtyfour::By::Css("input[name=state][value=held]")).await?.click().await?;
    browser.press("Count").await?;
    browser.press("Replay 1 delivery").await?;
    browser.see("The replay").await?;
    browser.follow("done").await?;
    receiver.wait_for(before + 1).await?;

    // The end.
    browser.goto(&format!("{webhook}/delete")).await?;
    browser.press("Delete the webhook").await?;
    browser.see("The webhook is deleted").await?;
    browser.press("Sign out").await?;
    browser.see("You are signed out").await?;
    browser.close().await
}
