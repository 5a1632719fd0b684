//! What ends or stops a webhook: its endpoint, its failures, its owner, its app.

use anyhow::{Context as _, Result};
use jiff::ToSpan as _;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use storehook_aws::{
    registry::{self, HealthItem, WebhookItem},
    table,
};
use storehook_domain::webhook::health::failure_run::FailureRun;
use storehook_tests::{Installed, Receiver, Stack, deliver, eventually, record, stream_event};

/// A webhook as its owner sees it.
async fn shown(installed: &Installed, id: u64) -> Result<Value> {
    let response = installed.api.call(Method::GET, &format!("/admin/webhooks/{id}.json"), None).await?;
    Ok(response.json["webhook"].clone())
}

async fn wait_until_disabled(installed: &Installed, id: u64) -> Result<()> {
    eventually("the webhook to be disabled", || async {
        Ok((shown(installed, id).await?["status"] == "disabled").then_some(()))
    })
    .await
}

fn failed() -> Value {
    json!({"batchItemFailures": [{"itemIdentifier": "m-1"}]})
}

fn done() -> Value {
    json!({"batchItemFailures": []})
}

#[tokio::test]
async fn a_410_disables_the_webhook_until_its_app_enables_it() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let other_app = stack.install_on(&installed.shop, "other-app").await?;
    let gone = Receiver::responding_with(|before| async move {
        if before == 0 { StatusCode::GONE } else { StatusCode::OK }
    })
    .await?;
    let (told, not_told) =
        (Receiver::responding(StatusCode::OK).await?, Receiver::responding(StatusCode::OK).await?);
    let id = installed.api.create_webhook("*", &gone.url).await?;
    installed.api.create_webhook("webhooks/disabled", &told.url).await?;
    other_app.api.create_webhook("*", &not_told.url).await?;
    stack.publish([record(&installed.shop, "orders/create", "o-1", "{}")]).await?;

    wait_until_disabled(&installed, id).await?;
    let event = &told.wait_for(1).await?[0];
    assert_eq!(event.header("x-spiffy-stores-topic"), "webhooks/disabled");
    let payload: Value = serde_json::from_slice(&event.body)?;
    assert_eq!((&payload["id"], &payload["status"]), (&json!(id), &json!("disabled")));
    assert_eq!(payload["reason"], "the endpoint responded with 410 Gone");
    assert_eq!(gone.so_far().len(), 1, "it is not told that it is disabled");

    let enable = Some(json!({"webhook": {"status": "active"}}));
    let path = format!("/admin/webhooks/{id}.json");
    assert_eq!(installed.api.call(Method::PUT, &path, enable).await?.status, StatusCode::OK);
    stack.publish([record(&installed.shop, "orders/paid", "o-2", "{}")]).await?;
    let events = gone
        .wait_until("the event after it", |answered| {
            answered.iter().any(|delivered| delivered.header("x-spiffy-stores-event-id") == "o-2")
        })
        .await?;
    assert!(events.iter().all(|delivered| delivered.header("x-spiffy-stores-topic") != "webhooks/disabled"));
    not_told.wait_for(2).await?;
    let topics: Vec<_> = not_told
        .so_far()
        .iter()
        .map(|delivered| delivered.header("x-spiffy-stores-topic").to_owned())
        .collect();
    assert!(!topics.contains(&"webhooks/disabled".to_owned()), "another app's webhook is not its business");
    Ok(())
}

/// Puts a failure run of so many attempts over six days into a webhook's place.
async fn have_failed(
    stack: &Stack,
    installed: &Installed,
    id: u64,
    attempts: u64,
    version: u64,
) -> Result<()> {
    let client = aws_sdk_dynamodb::Client::new(&stack.sdk());
    let key = registry::webhook_key(&installed.shop, &installed.app, id.to_string().parse()?);
    let item = client.get_item().table_name(stack.resource("registry")).set_key(Some(key)).send().await?.item;
    let mut webhook = table::from_item::<WebhookItem>(item.context("no webhook")?)?.webhook;
    webhook.version = version;
    let run = FailureRun { since: storehook_aws::now() - (6 * 24).hours(), attempts };
    let item = table::to_item(HealthItem::of(&webhook.key(), version, Some(run), None))?;
    client.put_item().table_name(stack.resource("registry")).set_item(Some(item)).send().await?;
    Ok(())
}

#[tokio::test]
async fn five_days_of_failures_disable_a_webhook_and_one_success_resets_them() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let told = Receiver::responding(StatusCode::OK).await?;
    installed.api.create_webhook("webhooks/disabled", &told.url).await?;
    let broken = Receiver::responding_with(|before| async move {
        if before == 1 { StatusCode::OK } else { StatusCode::INTERNAL_SERVER_ERROR }
    })
    .await?;
    let id = installed.api.create_webhook("orders/create", &broken.url).await?;

    // The twentieth attempt fails too late for a webhook that was changed since, and a success
    // ends the run.
    have_failed(&stack, &installed, id, 19, 0).await?;
    assert_eq!(deliver(&stack, &installed, id, "o-1").await?.0, failed());
    assert_eq!(shown(&installed, id).await?["status"], "active");
    have_failed(&stack, &installed, id, 19, 1).await?;
    assert_eq!(deliver(&stack, &installed, id, "o-2").await?.0, done());
    assert_eq!(deliver(&stack, &installed, id, "o-3").await?.0, failed());
    assert_eq!(shown(&installed, id).await?["status"], "active");

    have_failed(&stack, &installed, id, 18, 1).await?;
    assert_eq!(deliver(&stack, &installed, id, "o-4").await?.0, failed());
    assert_eq!(shown(&installed, id).await?["status"], "active", "nineteen");
    assert_eq!(deliver(&stack, &installed, id, "o-5").await?.0, failed());
    assert_eq!(shown(&installed, id).await?["status"], "disabled", "twenty");
    assert_eq!(deliver(&stack, &installed, id, "o-6").await?.0, done(), "held");
    assert_eq!(broken.so_far().len(), 5);
    let payload: Value = serde_json::from_slice(&told.wait_for(1).await?[0].body)?;
    assert!(
        payload["reason"]
            .as_str()
            .is_some_and(|reason| reason.starts_with("at least 20 attempts have failed"))
    );

    let enable = Some(json!({"webhook": {"status": "active"}}));
    installed.api.call(Method::PUT, &format!("/admin/webhooks/{id}.json"), enable).await?;
    assert_eq!(deliver(&stack, &installed, id, "o-7").await?.0, failed());
    assert_eq!(shown(&installed, id).await?["status"], "active", "it begins anew");
    Ok(())
}

#[tokio::test]
async fn an_uninstalled_app_gets_one_last_delivery_and_is_removed() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let other_app = stack.install_on(&installed.shop, "other-app").await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    let broken = Receiver::responding(StatusCode::INTERNAL_SERVER_ERROR).await?;
    let told = installed.api.create_webhook("app/uninstalled", &receiver.url).await?;
    let waiting = installed.api.create_webhook("orders/create", &broken.url).await?;
    let of_other = other_app.api.create_webhook("*", &format!("{}other", receiver.url)).await?;
    let uninstalled = format!(
        r#"{{"shop": "{}", "topic": "app/uninstalled", "event_id": "u-1", "payload": {{"id": 1}}, "app": "{}"}}"#,
        installed.shop, installed.app
    );
    stack.publish([uninstalled]).await?;
    let delivered = &receiver.wait_for(1).await?[0];
    assert_eq!(delivered.header("webhook-id"), format!("{told}-u-1"));
    eventually("the token to stop working", || async {
        let response = installed.api.call(Method::GET, "/admin/webhooks.json", None).await?;
        Ok((response.status == StatusCode::UNAUTHORIZED).then_some(()))
    })
    .await?;

    // A delivery that waits for its next attempt ends, and new events find the other app's webhooks
    // alone.
    eventually("what is left to be marked", || async {
        let before = broken.so_far().len();
        let (response, log) = deliver(&stack, &installed, waiting, "o-1").await?;
        let is_cancelled = response == done() && broken.so_far().len() == before && log.contains("cancelled");
        Ok(is_cancelled.then_some(()))
    })
    .await?;
    stack.publish([record(&installed.shop, "orders/create", "o-2", "{}")]).await?;
    let all = receiver.wait_for(2).await?;
    assert!(all[1].header("webhook-id").starts_with(&format!("{of_other}-o-2~")), "it is on a pattern");
    assert_eq!(other_app.api.call(Method::GET, "/admin/webhooks.json", None).await?.status, StatusCode::OK);

    // The app can be installed again once its end is complete, and nothing of before is there.
    let again = eventually("the end to be complete", || async {
        Ok(stack.install_on(&installed.shop, installed.app.as_str()).await.ok())
    })
    .await?;
    let webhooks = again.api.call(Method::GET, "/admin/webhooks.json", None).await?;
    assert_eq!(webhooks.json, json!({"webhooks": []}));
    let id = again.api.create_webhook("orders/create", &format!("{}again", receiver.url)).await?;
    stack.publish([record(&installed.shop, "orders/create", "o-3", "{}")]).await?;
    receiver
        .wait_until("the event after it", |answered| {
            answered.iter().any(|delivered| delivered.header("webhook-id") == format!("{id}-o-3"))
        })
        .await?;
    Ok(())
}

/// A record that is read again after the app was installed anew is not about that installation.
#[tokio::test]
async fn an_app_installed_after_its_uninstallation_event_stays_installed() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let before = format!(
        r#"{{"shop": "{}", "topic": "app/uninstalled", "event_id": "u-1", "triggered_at": "2020-01-01T00:00:00Z",
            "payload": {{}}, "app": "{}"}}"#,
        installed.shop, installed.app
    );
    let (response, log) = stack.invoke("fan-out", &stream_event(&before)).await?;
    assert_eq!(response, done());
    assert!(log.contains("app installed after it was uninstalled"), "{log}");
    installed.api.create_webhook("orders/create", "https://a.example/").await?;
    Ok(())
}
