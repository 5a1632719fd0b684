//! Writes that are made, and whose response is lost.

use anyhow::Result;
use reqwest::{Method, StatusCode};
use serde_json::json;
use storehook_tests::{Call, DirectApi, Stack};

/// DynamoDB knows a repeated transaction by its `ClientRequestToken`, and answers that it was made.
/// The emulator does not, so the test does it.
#[tokio::test]
async fn a_webhook_is_written_once_although_the_response_is_lost() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let mut direct = DirectApi::on(&stack, "0").await?;
    let api = installed.api.at(&direct.url);
    let id = installed.api.create_webhook("orders/paid", "https://a.example/").await?;
    let path = format!("/admin/webhooks/{id}.json");
    let new = json!({"webhook": {"topic": "orders/create", "address": "https://a.example/"}});
    let change = json!({"webhook": {"address": "https://b.example/"}});
    for (method, path, body, status) in [
        (Method::POST, "/admin/webhooks.json", Some(new), StatusCode::CREATED),
        (Method::PUT, &path, Some(change), StatusCode::OK),
        (Method::DELETE, &path, None, StatusCode::OK),
    ] {
        let mut is_lost = false;
        let lose_first = |call: Call| match call.operation.as_str() {
            "TransactWriteItems" if !std::mem::replace(&mut is_lost, true) => call.lose_response(),
            "TransactWriteItems" => call.answer(StatusCode::OK, json!({})),
            _ => call.let_through(),
        };
        let request = api.call(method.clone(), path, body);
        let (response, calls) = direct.decide(request, lose_first).await?;
        assert_eq!(response.status, status, "{method}: {}", response.json);
        let sent: Vec<_> = calls
            .iter()
            .filter(|(operation, _)| operation == "TransactWriteItems")
            .map(|(_, body)| body)
            .collect();
        assert_eq!(sent.len(), 2, "{method}");
        assert_eq!(sent[0], sent[1], "{method}");
        assert!(sent[0]["ClientRequestToken"].is_string(), "{method}");
    }
    let left = installed.api.call(Method::GET, "/admin/webhooks.json", None).await?.json;
    assert_eq!(left["webhooks"].as_array().map(Vec::len), Some(1), "{left}");
    Ok(())
}
