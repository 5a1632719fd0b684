//! Every page, in both schemes and on both screens: no rule of axe is broken, nothing is wider than
//! the screen, the browser has nothing to report. Each leaves a picture.

use anyhow::Result;
use futures::FutureExt as _;
use storehook_tests::Stack;

use crate::{
    Test, axe,
    browser::{Browser, Look},
};

pub(crate) const TESTS: [(&str, Test); 1] =
    [("every_page_is_accessible_in_both_schemes_and_on_both_screens", || every_page().boxed())];

async fn every_page() -> Result<()> {
    let stack = Stack::with_direct_api().await?;
    let installed = stack.install().await?;
    let browser = Browser::open(&stack.api_url, Look::DESKTOP).await?;
    browser.sign_in(&installed).await?;
    let mut rules = 0;
    for (name, path) in [("overview-empty", "/panel")] {
        rules = rules.max(visit(&browser, name, path).await?);
    }
    println!("axe ran {rules} rules on the page that most of them apply to");
    browser.close().await
}

async fn visit(browser: &Browser, name: &str, path: &str) -> Result<usize> {
    let mut rules = 0;
    for look in Look::ALL {
        browser.look(look).await?;
        browser.goto(path).await?;
        rules = rules.max(axe::check(browser).await?);
        browser.must_fit().await?;
        browser.must_be_quiet().await?;
        browser.picture(&format!("{name}-{}", look.name())).await?;
    }
    Ok(rules)
}
