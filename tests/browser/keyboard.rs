//! The keyboard alone: everything can be reached, focus can be seen, and it follows what happened.

use anyhow::{Result, bail, ensure};
use futures::FutureExt as _;
use storehook_tests::Stack;
use thirtyfour::{Key, WebElement};

use crate::browser::{Browser, Look, Test};

pub(crate) const TESTS: [(&str, Test); 1] =
    [("a_webhook_is_created_and_deleted_with_the_keyboard_alone", || keyboard().boxed())];

async fn keyboard() -> Result<()> {
    let stack = Stack::with_direct_api().await?;
    let installed = stack.install().await?;
    let browser = Browser::open(&stack.api_url, Look::DESKTOP).await?;
    browser.goto("/panel/sign-in").await?;
    tab_to(&browser, "Access token").await?.send_keys(installed.token.as_str()).await?;
    enter(&browser).await?;
    browser.see("No webhooks yet").await?;

    tab_to(&browser, "Skip to the content").await?.send_keys("" + Key::Enter).await?;
    let focused = browser.run("return document.activeElement.id;").await?;
    assert_eq!(focused, "main", "the link skips the navigation");
    tab_to(&browser, "Create a webhook").await?.send_keys("" + Key::Enter).await?;
    browser.see("New webhook").await?;
    tab_to(&browser, "Topic").await?.send_keys("orders/create").await?;
    tab_to(&browser, "Address").await?.send_keys("https://receiver.example.com/").await?;
    tab_to(&browser, "Fields: all").await?.send_keys("" + Key::Enter).await?;
    tab_to(&browser, "Fields to send").await?.send_keys("id").await?;
    tab_to(&browser, "Create the webhook").await?.send_keys("" + Key::Enter).await?;
    browser.see("The webhook is created").await?;
    let focused = browser.run("return document.activeElement.getAttribute('role');").await?;
    assert_eq!(focused, "status", "what happened has the focus, so a screen reader tells it");

    tab_to(&browser, "Delete…").await?.send_keys("" + Key::Enter).await?;
    browser.see("Delete this webhook?").await?;
    tab_to(&browser, "Delete the webhook").await?.send_keys("" + Key::Enter).await?;
    browser.see("The webhook is deleted").await?;
    browser.close().await
}

async fn enter(browser: &Browser) -> Result<()> {
    Ok(browser.driver.active_element().await?.send_keys("" + Key::Enter).await?)
}

/// Presses Tab until the control with this name has the focus, which must show.
async fn tab_to(browser: &Browser, name: &str) -> Result<WebElement> {
    const NAME: &str = "const one = document.activeElement;
        const text = one.labels && one.labels.length ? one.labels[0].textContent : one.textContent;
        const style = getComputedStyle(one);
        return [text.trim().replace(/\\s+/g, ' '), style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0];";
    let mut passed = Vec::new();
    for _ in 0..80 {
        browser.driver.active_element().await?.send_keys("" + Key::Tab).await?;
        let found = browser.run(NAME).await?;
        let found_name = found[0].as_str().unwrap_or_default();
        if found_name == name {
            ensure!(found[1] == true, "the focus on {name:?} does not show");
            return Ok(browser.driver.active_element().await?);
        }
        passed.push(found_name.chars().take(40).collect::<String>());
    }
    bail!("Tab does not reach {name:?} on {}: {passed:?}", browser.path().await?)
}
