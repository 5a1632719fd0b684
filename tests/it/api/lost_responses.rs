//! Writes that are made, and whose response is lost.

use anyhow::Result;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use storehook::{
    install::{Args, Keys, install},
    stack::connection::Connection,
};
use storehook_domain::installation::Scope;
use storehook_tests::{Api, Call, DirectApi, Stack};

/// Awaits a request whose first transaction is made without a response, and says whether the second
/// was the same.
///
/// DynamoDB knows a repeated transaction by its `ClientRequestToken`, and answers that it was made.
/// The emulator does not, so this does it.
async fn with_lost_response<T>(
    direct: &mut DirectApi,
    request: impl Future<Output = Result<T>>,
) -> Result<(T, bool)> {
    let mut is_lost = false;
    let lose_first = |call: Call| match call.operation.as_str() {
        "TransactWriteItems" if !std::mem::replace(&mut is_lost, true) => call.lose_response(),
        "TransactWriteItems" => call.answer(StatusCode::OK, json!({})),
        _ => call.let_through(),
    };
    let (response, calls) = direct.decide(request, lose_first).await?;
    let sent = calls.into_iter().filter(|(operation, _)| operation == "TransactWriteItems");
    let sent: Vec<Value> = sent.map(|(_, body)| body).collect();
    let [first, second] = sent.as_slice() else { return Ok((response, false)) };
    Ok((response, first == second && first["ClientRequestToken"].is_string()))
}

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
        let request = api.call(method.clone(), path, body);
        let (response, is_same) = with_lost_response(&mut direct, request).await?;
        assert_eq!((response.status, is_same), (status, true), "{method}: {}", response.json);
    }
    let left = installed.api.call(Method::GET, "/admin/webhooks.json", None).await?.json;
    assert_eq!(left["webhooks"].as_array().map(Vec::len), Some(1), "{left}");
    Ok(())
}

#[tokio::test]
async fn an_app_is_installed_although_the_response_is_lost() -> Result<()> {
    let stack = Stack::shared().await?;
    let mut direct = DirectApi::on(&stack, "0").await?;
    let sdk = stack.sdk().to_builder().endpoint_url(&direct.gate_url).build();
    let connection = Connection::new(sdk, &stack.name);
    let args = Args {
        shop: format!("{}.spiffystores.com", uuid::Uuid::new_v4().simple()).parse()?,
        app: "test-app".parse()?,
        time_zone: "UTC".to_owned(),
        scopes: vec![Scope::Webhooks],
    };
    let keys = Keys::random()?;
    let result = with_lost_response(&mut direct, install(&connection, &args, &keys)).await?;
    assert_eq!(result, (true, true), "installed, by one transaction that was sent twice");
    Api::new(&stack.api_url, &keys.token)?.create_webhook("orders/create", "https://a.example/").await?;
    Ok(())
}
