//! The end of an installation, in races with what its app does and with its next installation.

use anyhow::{Context as _, Result};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use storehook_aws::registry;
use storehook_tests::{DirectApi, Installed, Stack, stream_event};

/// Uninstalls an app by an event of now, and returns the function's log.
async fn uninstall(stack: &Stack, installed: &Installed, event_id: &str) -> Result<String> {
    let record = json!({
        "shop": installed.shop, "app": installed.app, "topic": "app/uninstalled", "event_id": event_id,
        "triggered_at": storehook_aws::now(), "payload": {},
    });
    let (response, log) = stack.invoke("fan-out", &stream_event(&record.to_string())).await?;
    assert_eq!(response, json!({"batchItemFailures": []}));
    Ok(log)
}

/// A request that is admitted, and whose write reaches DynamoDB only after `meanwhile`. What it
/// calls after that is let through.
async fn held_until<T>(
    direct: &mut DirectApi,
    request: impl Future<Output = Result<T>>,
    meanwhile: impl Future<Output = Result<()>>,
) -> Result<T> {
    let mut request = std::pin::pin!(request);
    let held = loop {
        tokio::select! {
            _ = &mut request => anyhow::bail!("it has written nothing"),
            call = direct.calls.recv() => match call.context("no call")? {
                call if call.operation == "TransactWriteItems" => break call,
                call => call.let_through(),
            },
        }
    };
    meanwhile.await?;
    held.let_through();
    Ok(direct.observe(request).await?.0)
}

fn new_webhook(address: &str) -> Option<Value> {
    Some(json!({"webhook": {"topic": "orders/create", "address": address}}))
}

#[tokio::test]
async fn a_webhook_that_is_admitted_before_the_end_is_not_created_after_it() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    installed.api.create_webhook("orders/create", "https://a.example/").await?;
    let mut direct = DirectApi::on(&stack, "0").await?;
    let api = installed.api.at(&direct.url);
    let create = api.call(Method::POST, "/admin/webhooks.json", new_webhook("https://b.example/"));
    let end = async { uninstall(&stack, &installed, "u-1").await.map(drop) };
    assert_eq!(held_until(&mut direct, create, end).await?.status, StatusCode::UNAUTHORIZED);

    let client = aws_sdk_dynamodb::Client::new(&stack.sdk());
    let table = stack.resource("registry");
    let items = registry::load_items(&client, &table, &installed.shop, &installed.app).await?;
    assert_eq!(items.len(), 3, "installation, webhook and slot");
    assert!(items.iter().all(|item| item.contains_key("expires_at")), "{items:?}");
    assert!(items.iter().all(|item| !item.contains_key("subscription")), "{items:?}");
    Ok(())
}

#[tokio::test]
async fn a_reinstalled_app_has_nothing_of_the_installation_before() -> Result<()> {
    let stack = Stack::shared().await?;
    let change = Some(json!({"webhook": {"address": "https://c.example/"}}));
    for (method, body) in [(Method::POST, new_webhook("https://b.example/")), (Method::PUT, change)] {
        let installed = stack.install().await?;
        let id = installed.api.create_webhook("orders/create", "https://a.example/").await?;
        let mut direct = DirectApi::on(&stack, "0").await?;
        let api = installed.api.at(&direct.url);
        let path = match method {
            Method::PUT => format!("/admin/webhooks/{id}.json"),
            _ => "/admin/webhooks.json".to_owned(),
        };
        let reinstall = async {
            uninstall(&stack, &installed, "u-1").await?;
            stack.install_on(&installed.shop, installed.app.as_str()).await.map(drop)
        };
        let request = api.call(method.clone(), &path, body);
        assert_eq!(held_until(&mut direct, request, reinstall).await?.status, StatusCode::UNAUTHORIZED);

        let client = aws_sdk_dynamodb::Client::new(&stack.sdk());
        let table = stack.resource("registry");
        let items = registry::load_items(&client, &table, &installed.shop, &installed.app).await?;
        assert_eq!(items.len(), 1, "{method}: the installation alone, not {items:?}");
    }
    Ok(())
}

/// DynamoDB deletes what has expired in any order, so the installation may go before its webhooks.
#[tokio::test]
async fn a_reinstalled_app_has_nothing_that_outlived_the_installation_before() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    installed.api.create_webhook("orders/create", "https://a.example/").await?;
    uninstall(&stack, &installed, "u-1").await?;
    let client = aws_sdk_dynamodb::Client::new(&stack.sdk());
    let delete = client.delete_item().table_name(stack.resource("registry"));
    let key = registry::installation_key(&installed.shop, &installed.app);
    delete.set_key(Some(key)).send().await?;

    let again = stack.install_on(&installed.shop, installed.app.as_str()).await?;
    let listed = again.api.call(Method::GET, "/admin/webhooks.json", None).await?;
    assert_eq!(listed.json, json!({"webhooks": []}));
    again.api.create_webhook("orders/create", "https://a.example/").await?;
    Ok(())
}

/// Records may be read again, and clocks differ by up to a minute.
#[tokio::test]
async fn an_event_that_ended_an_installation_ends_no_later_one() -> Result<()> {
    let stack = Stack::shared().await?;
    let mut installed = stack.install().await?;
    for event in ["u-1", "u-2"] {
        uninstall(&stack, &installed, event).await?;
        let response = installed.api.call(Method::GET, "/admin/webhooks.json", None).await?;
        assert_eq!(response.status, StatusCode::UNAUTHORIZED);
        installed = stack.install_on(&installed.shop, installed.app.as_str()).await?;
    }
    for event in ["u-1", "u-2"] {
        let log = uninstall(&stack, &installed, event).await?;
        assert!(log.contains("app installed after it was uninstalled"), "{event}: {log}");
    }
    installed.api.create_webhook("orders/create", "https://a.example/").await?;
    Ok(())
}

#[tokio::test]
async fn an_app_cannot_be_installed_while_its_end_is_under_way() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let mark = aws_sdk_dynamodb::Client::new(&stack.sdk())
        .update_item()
        .table_name(stack.resource("registry"))
        .set_key(Some(registry::installation_key(&installed.shop, &installed.app)))
        .update_expression("SET uninstalled_at = :now")
        .expression_attribute_values(":now", storehook_aws::table::text("2026-11-21T15:00:00Z"));
    mark.send().await?;
    assert!(stack.install_on(&installed.shop, installed.app.as_str()).await.is_err());
    // Whatever began it, the next record ends it.
    uninstall(&stack, &installed, "u-1").await?;
    let again = stack.install_on(&installed.shop, installed.app.as_str()).await?;
    again.api.create_webhook("orders/create", "https://a.example/").await?;
    Ok(())
}

#[tokio::test]
async fn of_two_reinstallations_at_once_one_stays_whole() -> Result<()> {
    let stack = Stack::shared().await?;
    let before = stack.install().await?;
    before.api.create_webhook("orders/create", "https://a.example/").await?;
    uninstall(&stack, &before, "u-1").await?;
    let install = || stack.install_on(&before.shop, before.app.as_str());
    let (first, second) = tokio::join!(install(), install());
    let installed: Vec<_> = [first, second].into_iter().flatten().collect();
    assert_eq!(installed.len(), 1);
    installed[0].api.create_webhook("orders/create", "https://a.example/").await?;
    Ok(())
}
