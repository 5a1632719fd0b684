//! What is hostile stays text: markup in a payload, a topic's id, a URL, a response.

use anyhow::{Context as _, Result, ensure};
use futures::FutureExt as _;
use reqwest::{Method, StatusCode};
use serde_json::json;
use storehook_tests::{Api, Receiver, Stack, eventually};

use crate::browser::{Browser, Look, Test};

pub(crate) const TESTS: [(&str, Test); 1] =
    [("markup_in_payloads_urls_and_responses_stays_text", || markup().boxed())];

/// Markup that would run in a page that does not escape it: as text, in an attribute, in a script.
const MARKUP: &str = r#"</code></pre><script>window.hit=1</script><img src=x onerror="window.hit=1">'"><svg onload=window.hit=1>"#;

async fn markup() -> Result<()> {
    let stack = Stack::with_direct_api().await?;
    let installed = stack.install().await?;
    let api = Api::new(&Stack::shared().await?.api_url, &installed.token)?;
    let receiver = Receiver::responding_with(|_| async { (StatusCode::IM_A_TEAPOT, MARKUP) }).await?;
    // What would have to be escaped in a URL is refused; entities and apostrophes are not.
    let address = format!("{}o'neil/&lt;script&gt;window.hit=1&lt;/script&gt;?q=&quot;", receiver.url);
    let webhook = api.create_webhook_with(json!({
        "topic": "orders/create", "address": address, "fields": [MARKUP, "id", "note"],
        "custom_headers": {"X-Note": "<script>window.hit=1</script>"},
    }));
    let webhook = webhook.await?;
    let event = json!({"topic": "orders/create", "event_id": "hostile", "payload": {"id": MARKUP, "note": MARKUP, MARKUP: 1}});
    api.call(Method::POST, "/admin/events.json", Some(event)).await?;
    receiver.wait_for(1).await?;
    let path = format!("/admin/webhooks/{webhook}/deliveries.json?event_id=hostile");
    let delivery = eventually("the attempt to be recorded", || async {
        let found = api.call(Method::GET, &path, None).await?;
        Ok(found.json["deliveries"][0]["id"].as_str().map(str::to_owned))
    });
    let delivery = delivery.await?;

    let browser = Browser::open(&stack.api_url, Look::DESKTOP).await?;
    browser.sign_in(&installed).await?;
    for path in [
        "/panel".to_owned(),
        "/panel/webhooks".to_owned(),
        format!("/panel/webhooks/{webhook}"),
        format!("/panel/webhooks/{webhook}/edit"),
        format!("/panel/webhooks/{webhook}/delete"),
        format!("/panel/deliveries/{delivery}"),
        "/panel/deliveries".to_owned(),
        "/panel/events?id=hostile".to_owned(),
        "/panel/events?id=%3Cscript%3Ewindow.hit=1%3C/script%3E".to_owned(),
        "/panel/webhooks?topic=%22%3E%3Cscript%3Ewindow.hit=1%3C/script%3E".to_owned(),
        "/panel/push?topic=%22%3E%3Cscript%3Ewindow.hit=1%3C/script%3E".to_owned(),
        "/panel/topics?q=%22%3E%3Cscript%3Ewindow.hit=1%3C/script%3E".to_owned(),
        "/panel/deliveries?state=%22%3E%3Cscript%3Ewindow.hit=1%3C/script%3E".to_owned(),
    ] {
        browser.goto(&path).await?;
        let found = browser.run("return [window.hit === undefined, document.querySelectorAll('script').length, document.querySelectorAll('main img, main svg:not(.icon, .chart)').length];").await?;
        assert_eq!(found, json!([true, 2, 0]), "{path}");
        browser.must_be_quiet().await.with_context(|| path.clone())?;
    }
    browser.goto(&format!("/panel/deliveries/{delivery}")).await?;
    let text = browser.text().await?;
    ensure!(text.contains("<script>window.hit=1</script>"), "the response is shown as text:\n{text}");
    browser.close().await
}
