//! Every page, in both schemes and on both screens: no rule of axe is broken, nothing is wider than
//! the screen, the browser has nothing to report. Each leaves a picture.

use anyhow::{Context as _, Result};
use futures::FutureExt as _;
use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, StatusCode};
use serde_json::json;
use storehook_domain::history::state::DeliveryState;
use storehook_tests::{Api, Installed, Receiver, Stack};

use crate::{
    axe,
    browser::{Browser, Look, Test},
};

pub(crate) const TESTS: [(&str, Test); 2] = [
    ("every_page_is_accessible_in_both_schemes_and_on_both_screens", || every_page().boxed()),
    ("pages_without_anything_to_show_say_what_to_do_next", || empty_pages().boxed()),
];

async fn every_page() -> Result<()> {
    let stack = Stack::with_direct_api().await?;
    let shop = Shop::with_a_past(&stack).await?;
    let browser = Browser::open(&stack.api_url, Look::DESKTOP).await?;
    let mut rules = 0;
    for (name, path) in [("sign-in", "/panel/sign-in"), ("link", "/panel/link?code=x")] {
        rules = rules.max(visit(&browser, name, path).await?);
    }
    browser.sign_in(&shop.installed).await?;
    for (name, path) in shop.pages() {
        rules = rules.max(visit(&browser, name, &path).await?);
    }
    for (name, path, button, words) in [
        ("webhook-new-refused", "/panel/webhooks/new", "Create the webhook", "can't be blank"),
        ("push-refused", "/panel/push", "Push the event", "can't be blank"),
        ("verified", "/panel/secrets/verify", "Verify", "signature"),
        ("secret-new", "/panel/secrets", "Make a new secret", "I have copied it"),
    ] {
        browser.look(Look::DESKTOP).await?;
        browser.goto(path).await?;
        browser.press(button).await?;
        browser.see(words).await?;
        rules = rules.max(look_at(&browser, name).await?);
    }
    browser.look(Look::DESKTOP).await?;
    browser.press("Sign out").await?;
    browser.see("You are signed out").await?;
    browser.fill("Access token", "shtk_wrong").await?;
    browser.press("Sign in").await?;
    browser.see("is unknown").await?;
    rules = rules.max(look_at(&browser, "sign-in-refused").await?);
    browser.look(Look::DESKTOP).await?;
    browser.goto("/panel/link?code=used").await?;
    browser.press("Sign in").await?;
    browser.see("does not work any more").await?;
    rules = rules.max(look_at(&browser, "link-used").await?);
    eprintln!("axe ran up to {rules} rules on a page");
    browser.close().await
}

async fn empty_pages() -> Result<()> {
    let stack = Stack::with_direct_api().await?;
    let installed = stack.install().await?;
    let browser = Browser::open(&stack.api_url, Look::DESKTOP).await?;
    browser.sign_in(&installed).await?;
    for (name, path, words) in [
        ("overview-empty", "/panel", "Create a webhook"),
        ("webhooks-empty", "/panel/webhooks", "New webhook"),
        ("deliveries-empty", "/panel/deliveries", "No deliveries"),
        ("event-empty", "/panel/events?id=e1", "Create a webhook"),
    ] {
        visit(&browser, name, path).await?;
        browser.see(words).await?;
    }
    browser.close().await
}

/// Looks at a page in every way.
async fn visit(browser: &Browser, name: &str, path: &str) -> Result<usize> {
    browser.goto(path).await?;
    look_at(browser, name).await
}

/// Looks at the page that is open in every way.
async fn look_at(browser: &Browser, name: &str) -> Result<usize> {
    let mut rules = 0;
    for look in Look::ALL {
        browser.look(look).await?;
        rules = rules.max(axe::check(browser).await?);
        browser.picture(&format!("{name}-{}", look.name())).await?;
        browser.must_fit(look).await?;
    }
    browser.must_be_quiet().await?;
    Ok(rules)
}

/// A shop whose app has webhooks and deliveries of every kind.
struct Shop {
    installed: Installed,
    /// A webhook whose endpoint takes everything.
    good: u64,
    /// A webhook whose endpoint is broken.
    broken: u64,
    /// A webhook that is paused.
    paused: u64,
    /// A delivery with a response.
    delivered: String,
    /// A delivery that waits for its next attempt.
    retrying: String,
    replay: String,
}

impl Shop {
    async fn with_a_past(stack: &Stack) -> Result<Self> {
        // The README shows two of the pictures, so the shop has a name.
        let installed = stack.install_on(&"flowers.spiffystores.com".parse()?, "order-sync").await?;
        // The deployed API allows receivers on loopback.
        let api = Api::new(&Stack::shared().await?.api_url, &installed.token)?;
        let working =
            Receiver::responding_with(|_| async { r#"{"ok": true, "order": 820982911946154508}"# }).await?;
        let failing = Receiver::responding_with(|_| async {
            (StatusCode::INTERNAL_SERVER_ERROR, "<h1>Internal Server Error</h1>")
        });
        let failing = failing.await?;
        let good = api.create_webhook("orders/create", &working.url).await?;
        let broken = api.create_webhook("orders/*", &format!("{}hooks/orders", failing.url)).await?;
        let headers = json!({"topic": "customers/update", "address": working.url, "custom_headers": {"X-Key": "abc"}, "fields": ["id", "email"]});
        api.create_webhook_with(headers).await?;
        let paused = json!({"topic": "stock:low", "address": working.url, "protocol": "integration", "status": "paused"});
        let paused = api.create_webhook_with(paused).await?;
        let now = storehook_aws::now();
        stack.have_delivered(&installed, good, &past(now, DeliveryState::Delivered, 60)).await?;
        stack.have_delivered(&installed, broken, &past(now, DeliveryState::Dead, 7)).await?;
        stack.have_delivered(&installed, paused, &past(now, DeliveryState::Held, 3)).await?;
        let event = json!({"topic": "orders/create", "event_id": "of-today", "payload": {
            "id": 820982911946154508_u64, "email": "jon@doe.ca", "total_price": "199.00", "line_items": [{"id": 1, "title": "IPod Nano - 8GB"}],
        }});
        api.call(Method::POST, "/admin/events.json", Some(event)).await?;
        working.wait_for(1).await?;
        failing.wait_for(1).await?;
        let (delivered, retrying) = (in_history(&api, good).await?, in_history(&api, broken).await?);
        stack.wait_until(&delivered, DeliveryState::Delivered).await?;
        let replay = json!({"replay": {"state": "dead", "id": "of-today"}});
        api.call(Method::POST, &format!("/admin/webhooks/{broken}/replay.json"), Some(replay)).await?;
        Ok(Self { installed, good, broken, paused, delivered, retrying, replay: "of-today".to_owned() })
    }

    fn pages(&self) -> Vec<(&'static str, String)> {
        let Self { good, broken, paused, delivered, retrying, replay, .. } = self;
        [
            ("overview", "/panel".to_owned()),
            ("overview-month", "/panel?range=month".to_owned()),
            ("webhooks", "/panel/webhooks".to_owned()),
            ("webhook-new", "/panel/webhooks/new?topic=orders/paid".to_owned()),
            ("webhook", format!("/panel/webhooks/{good}")),
            ("webhook-paused", format!("/panel/webhooks/{paused}?done=saved")),
            ("webhook-broken", format!("/panel/webhooks/{broken}")),
            ("webhook-edit", format!("/panel/webhooks/{good}/edit")),
            ("webhook-delete", format!("/panel/webhooks/{good}/delete")),
            ("replay-new", format!("/panel/webhooks/{broken}/replays/new")),
            ("replay-count", format!("/panel/webhooks/{broken}/replays/new?state=all&count=1")),
            ("replays", format!("/panel/webhooks/{broken}/replays")),
            ("replay", format!("/panel/webhooks/{broken}/replays/{replay}")),
            ("deliveries", "/panel/deliveries".to_owned()),
            ("deliveries-filtered", format!("/panel/deliveries?webhook={broken}&state=dead")),
            ("deliveries-malformed", "/panel/deliveries?state=lost&since=yesterday".to_owned()),
            ("delivery", format!("/panel/deliveries/{delivered}")),
            ("delivery-retrying", format!("/panel/deliveries/{retrying}")),
            ("event", "/panel/events?id=of-today".to_owned()),
            ("event-form", "/panel/events".to_owned()),
            ("topics", "/panel/topics".to_owned()),
            ("topics-one", "/panel/topics?topic=orders/create".to_owned()),
            ("push", "/panel/push?topic=orders/create".to_owned()),
            ("secrets", "/panel/secrets".to_owned()),
            ("verify", "/panel/secrets/verify".to_owned()),
            ("nothing", "/panel/nothing".to_owned()),
        ]
        .into()
    }
}

/// Deliveries over the last day.
fn past(now: Timestamp, state: DeliveryState, count: i64) -> Vec<(&'static str, Timestamp, DeliveryState)> {
    let ids = (0..count).map(|index| {
        let id: &'static str = format!("past-{}-{index}", state.as_str()).leak();
        let minutes = 17 * index * index % (23 * 60) + 5;
        (id, now - SignedDuration::from_mins(minutes), state)
    });
    ids.collect()
}

/// The id of a webhook's delivery of today's event.
async fn in_history(api: &Api, webhook: u64) -> Result<String> {
    storehook_tests::eventually("the failed attempt to be recorded", || async {
        let path = format!("/admin/webhooks/{webhook}/deliveries.json?event_id=of-today");
        let found = api.call(Method::GET, &path, None).await?;
        let id = found.json["deliveries"][0]["id"].as_str();
        Ok(id.map(str::to_owned))
    })
    .await
    .context("no delivery of a pattern's webhook")
}
