//! Pushed events: from the API to the receiver.

use anyhow::Result;
use reqwest::{Method, StatusCode};
use serde_json::json;
use storehook_domain::{delivery::id::Distinction, history::state::DeliveryState, installation::Scope};
use storehook_tests::{ApiResponse, DirectApi, Installed, Receiver, Stack, root};

async fn push(installed: &Installed, path: &str, body: impl Into<reqwest::Body>) -> Result<ApiResponse> {
    installed.api.call_raw(Method::POST, path, Some(body)).await
}

#[tokio::test]
async fn pushed_events_of_either_form_arrive_like_those_of_the_store() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    installed.api.create_webhook("order:new", &receiver.url).await?;
    installed.api.create_webhook("stock:low", &receiver.url).await?;
    let payload = r#"{"id":327475578523353102,"weight":199.0,"price":"19.99","name":"Zoë"}"#;
    for (number, (path, body, event_id)) in [
        (
            "/admin/events.json",
            format!(r#"{{"event": "order:new", "event_id": "mine-1", "payload": {payload}}}"#),
            "mine-1",
        ),
        ("/events", format!(r#"{{"topic": "orders/create", "payload": {payload}}}"#), ""),
        ("/events.json", format!(r#"{{"event": "stock:low",{}"#, &payload[1..]), ""),
        ("/api/events", format!(r#"{},"topic": "order:new"}}"#, payload.trim_end_matches('}')), ""),
    ]
    .into_iter()
    .enumerate()
    {
        let response = push(&installed, path, body).await?;
        assert_eq!(response.status, StatusCode::ACCEPTED, "{path}: {}", response.json);
        let told = response.json["event_id"].as_str().unwrap_or_default().to_owned();
        assert_eq!(response.json, json!({"event_id": told, "result": "accepted"}));
        assert!(event_id.is_empty() || told == event_id, "{told}");
        let came = receiver.wait_for(number + 1).await?;
        assert_eq!(came[number].header("x-spiffy-stores-event-id"), told);
        assert_eq!(
            came[number].header("x-spiffy-stores-shop-domain"),
            installed.shop.as_str(),
            "the token's shop"
        );
        assert_eq!(came[number].body, payload, "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn an_event_pushed_twice_is_delivered_once() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    let id = installed.api.create_webhook("orders/*", &receiver.url).await?;
    let body = r#"{"topic": "orders/create", "event_id": "once", "payload": {"id": 1}}"#;
    push(&installed, "/admin/events.json", body).await?;
    let (created, paid) = ("orders/create".parse()?, "orders/paid".parse()?);
    let delivery_id =
        |event: &str, topic| format!("{id}-{event}~{}", Distinction::of(topic, Some(&installed.app)));
    let (once, behind) = (delivery_id("once", &created), delivery_id("behind", &paid));
    stack.wait_until(&once, DeliveryState::Delivered).await?;
    push(&installed, "/admin/events.json", body).await?;
    // What is pushed behind it has its time, too.
    push(
        &installed,
        "/admin/events.json",
        r#"{"topic": "orders/paid", "event_id": "behind", "payload": {"id": 1}}"#,
    )
    .await?;
    stack.wait_until(&behind, DeliveryState::Delivered).await?;
    stack.wait_until_idle("delivery").await?;
    let events: Vec<_> = receiver.so_far().iter().map(|came| came.header("webhook-id").to_owned()).collect();
    assert_eq!(events, [once, behind]);
    Ok(())
}

#[tokio::test]
async fn five_hundred_events_are_accepted_in_one_push() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let event = |index: usize| json!({"topic": "orders/create", "event_id": format!("e-{index}"), "payload": {"id": index}});
    let events: Vec<_> = (0..500).map(event).collect();
    let response = push(&installed, "/admin/events.json", json!({"events": events}).to_string()).await?;
    assert_eq!(response.status, StatusCode::ACCEPTED, "{}", response.json);
    let told = response.json["events"].as_array().cloned().unwrap_or_default();
    let expected: Vec<_> =
        (0..500).map(|index| json!({"event_id": format!("e-{index}"), "result": "accepted"})).collect();
    assert_eq!(told, expected, "in their order");
    let many: Vec<_> = (0..501).map(event).collect();
    let response = push(&installed, "/admin/events.json", json!({"events": many}).to_string()).await?;
    assert_eq!(response.json, json!({"errors": {"events": ["must be 1 to 500 events"]}}));
    Ok(())
}

#[tokio::test]
async fn one_malformed_event_refuses_the_whole_push() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let mut direct = DirectApi::on(&stack, "0").await?;
    let watched = Installed { api: installed.api.at(&direct.url), ..installed };
    let events = json!({"events": [
        {"topic": "orders/create", "payload": {"id": 1}},
        {"topic": "orders/exploded", "event_id": "a.b", "payload": {"id": 2}},
        {"topic": "app/uninstalled", "payload": {}},
    ]});
    let (response, calls) = direct.observe(push(&watched, "/admin/events.json", events.to_string())).await?;
    assert_eq!(response.status, StatusCode::UNPROCESSABLE_ENTITY);
    let expected = json!({
        "events.1.event_id": ["must be 1 to 64 letters, digits, '_' or '-'"],
        "events.1.topic": ["is neither a topic of the catalogue nor a noun:verb"],
        "events.2.topic": ["cannot be pushed"],
    });
    assert_eq!(response.json, json!({"errors": expected}));
    assert!(!calls.contains(&"PutRecords".to_owned()), "{calls:?}");
    Ok(())
}

/// An event is accepted when the stream has it, and never before.
#[tokio::test]
async fn events_that_the_stream_refuses_are_not_accepted() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let mut direct = DirectApi::on(&stack, "0").await?;
    let refused = Installed { api: installed.api.at(&direct.url), ..installed };
    let body = json!({"events": [
        {"topic": "orders/create", "event_id": "taken", "payload": {}},
        {"topic": "orders/create", "event_id": "refused", "payload": {}},
    ]});
    let call = push(&refused, "/admin/events.json", body.to_string());
    let (response, calls) = direct
        .decide(call, |call| match call.operation.as_str() {
            "PutRecords" => {
                let count = call.body["Records"].as_array().map_or(0, Vec::len);
                let failed = json!({"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "slow down"});
                let taken = json!({"SequenceNumber": "1", "ShardId": "shardId-0"});
                let records = if count == 2 { json!([taken, failed]) } else { json!([failed]) };
                call.answer(StatusCode::OK, json!({"FailedRecordCount": 1, "Records": records}));
            }
            _ => call.let_through(),
        })
        .await?;
    assert_eq!(response.status, StatusCode::SERVICE_UNAVAILABLE);
    let told =
        json!([{"event_id": "taken", "result": "accepted"}, {"event_id": "refused", "result": "failed"}]);
    assert_eq!(response.json["events"], told);
    let puts: Vec<_> = calls.iter().filter(|(operation, _)| operation == "PutRecords").collect();
    assert_eq!(puts.len(), 5, "what was refused is tried again");
    assert!(puts[1..].iter().all(|(_, body)| body["Records"].as_array().map(Vec::len) == Some(1)));

    let call = push(&refused, "/events", r#"{"topic": "orders/create", "payload": {}}"#);
    let (response, _) = direct
        .decide(call, |call| match call.operation.as_str() {
            "PutRecords" => call.answer(StatusCode::BAD_REQUEST, json!({"__type": "AccessDeniedException"})),
            _ => call.let_through(),
        })
        .await?;
    assert_eq!(response.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.json, json!({"errors": "Service Unavailable"}));
    Ok(())
}

#[tokio::test]
async fn malformed_and_forbidden_pushes_are_refused() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    for (body, status, errors) in [
        ("", StatusCode::BAD_REQUEST, json!({"event": ["must be a JSON object"]})),
        ("[]", StatusCode::BAD_REQUEST, json!({"event": ["must be a JSON object"]})),
        ("{}", StatusCode::UNPROCESSABLE_ENTITY, json!({"topic": ["can't be blank"]})),
        (
            r#"{"topic": "orders/create", "payload": 7}"#,
            StatusCode::UNPROCESSABLE_ENTITY,
            json!({"payload": ["must be an object"]}),
        ),
    ] {
        let response = push(&installed, "/admin/events.json", body).await?;
        assert_eq!((response.status, &response.json["errors"]), (status, &errors), "{body}");
    }
    let no_push = stack.install_with(&[Scope::Webhooks]).await?;
    let response = push(&no_push, "/events", r#"{"topic": "orders/create", "payload": {}}"#).await?;
    assert_eq!(response.status, StatusCode::FORBIDDEN);
    let only_push = stack.install_with(&[Scope::EventsPush]).await?;
    let response = push(&only_push, "/events", r#"{"topic": "orders/create", "payload": {}}"#).await?;
    assert_eq!(response.status, StatusCode::ACCEPTED);
    assert_eq!(
        only_push.api.call(Method::GET, "/admin/webhooks.json", None).await?.status,
        StatusCode::FORBIDDEN
    );
    Ok(())
}

/// As large as docs/api.md says, and no larger.
#[tokio::test]
async fn pushes_up_to_the_size_limit_are_accepted() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let direct = DirectApi::on(&stack, "0").await?;
    let api = installed.api.at(&direct.url);
    direct.let_all_through();
    let event = |size: usize| {
        let head = r#"{"topic": "orders/create", "payload": {"n":""#;
        format!(r#"{head}{}"}}}}"#, "x".repeat(size - r#"{"n":""}"#.len()))
    };
    let limit = storehook_domain::payload::limits::PAYLOAD_LIMIT;
    let push = async |body: String| {
        Ok::<_, anyhow::Error>(api.call_raw(Method::POST, "/events", Some(body)).await?.status)
    };
    assert_eq!(push(event(limit)).await?, StatusCode::ACCEPTED);
    assert_eq!(push(event(limit + 1)).await?, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(push("x".repeat(4 * 1024 * 1024)).await?, StatusCode::BAD_REQUEST);
    assert_eq!(push("x".repeat(4 * 1024 * 1024 + 1)).await?, StatusCode::PAYLOAD_TOO_LARGE);
    let document = std::fs::read_to_string(root().join("docs/api.md"))?;
    assert!(document.contains("1,046,528 bytes") && limit == 1_046_528, "{limit}");
    Ok(())
}
