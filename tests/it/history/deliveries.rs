//! The history: what is kept of a delivery, who sees it, and until when.

use anyhow::{Context as _, Result};
use aws_sdk_dynamodb::types::AttributeValue;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use storehook_domain::{delivery::id::Distinction, history::state::DeliveryState};
use storehook_tests::{Receiver, Stack, deliver, record};

use super::{events_of, list, show};

const DAY: i64 = 24 * 60 * 60;

#[tokio::test]
async fn a_delivery_shows_its_attempts_its_request_as_sent_and_the_response() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding_with(|before| async move {
        let status = if before == 0 { StatusCode::BAD_GATEWAY } else { StatusCode::CREATED };
        (status, "€".repeat(400))
    })
    .await?;
    let webhook = json!({
        "topic": "order:new", "address": receiver.url, "fields": ["id", "price"], "custom_headers": {"X-Key": "k3y"},
    });
    let id = installed.api.create_webhook_with(webhook).await?;
    let payload = r#"{"id": 327475578523353102, "more": 1, "price": "19.99"}"#;
    stack.publish([record(&installed.shop, "order:new", "o-1", payload)]).await?;
    let sent = receiver.wait_for(2).await?;
    let delivery_id = format!("{id}-o-1");
    stack.wait_until(&delivery_id, DeliveryState::Delivered).await?;

    let shown = show(&installed, &delivery_id).await?;
    assert_eq!(shown["state"], "delivered");
    assert_eq!((&shown["webhook_id"], &shown["topic"]), (&json!(id), &json!("orders/create")));
    assert_eq!(
        (&shown["test"], &shown["replays"], &shown["attempt_count"]),
        (&json!(false), &json!(0), &json!(2))
    );
    assert!(
        shown["created_at"].as_str().is_some_and(|time| time.ends_with("-05:00") || time.ends_with("-04:00"))
    );
    let attempts = shown["attempts"].as_array().context("no attempts")?;
    let told: Vec<_> = attempts.iter().map(|attempt| (&attempt["number"], &attempt["status"])).collect();
    assert_eq!(told, [(&json!(1), &json!(502)), (&json!(2), &json!(201))]);
    assert_eq!(attempts[0]["error"], "the endpoint responded with 502");
    assert_eq!((&attempts[1]["error"], &attempts[1]["address"]), (&Value::Null, &json!(receiver.url)));
    assert!(attempts[1]["latency_ms"].is_u64());
    assert_eq!(shown["last_attempt"], attempts[1]);

    // The request is what came, to the byte; but for a secret.
    let request = &shown["request"];
    assert_eq!(request["body"].as_str().map(str::as_bytes), Some(sent[1].body.as_ref()));
    let headers = request["headers"].as_object().context("no headers")?;
    assert!(headers.len() > 10, "{headers:?}");
    for (name, value) in headers.iter().filter(|(name, _)| *name != "x-key") {
        assert_eq!(value.as_str(), Some(sent[1].header(name)), "{name}");
    }
    assert_eq!((headers["x-key"].as_str(), sent[1].header("x-key")), (Some("***"), "k3y"));
    let response = &shown["response"];
    assert_eq!((&response["status"], &response["body_truncated"]), (&json!(201), &json!(true)));
    assert_eq!(response["body"].as_str(), Some("€".repeat(341).as_str()), "a KiB of it");

    // What it was sent as, it stays, whatever the webhook becomes.
    let change = Some(json!({"webhook": {"fields": [], "format": "xml"}}));
    installed.api.call(Method::PUT, &format!("/admin/webhooks/{id}.json"), change).await?;
    assert_eq!(show(&installed, &delivery_id).await?["request"]["body"], request["body"]);
    let listed = list(&installed, id, "").await?;
    let in_short = &listed["deliveries"][0];
    assert!(in_short["attempts"].is_null() && in_short["request"].is_null());
    assert_eq!(in_short["last_attempt"], shown["last_attempt"]);
    Ok(())
}

/// The items of a partition of the history, as DynamoDB has them.
async fn partition(
    stack: &Stack,
    key: &str,
) -> Result<Vec<std::collections::HashMap<String, AttributeValue>>> {
    let client = aws_sdk_dynamodb::Client::new(&stack.sdk());
    let query = client.query().table_name(stack.resource("history")).key_condition_expression("pk = :pk");
    let query = query.expression_attribute_values(":pk", AttributeValue::S(key.to_owned()));
    Ok(query.send().await?.items.unwrap_or_default())
}

/// DynamoDB deletes an item whose number of seconds is over; nothing else would end it.
#[tokio::test]
async fn history_items_expire_exactly_when_configured() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    let other = installed.api.create_webhook("orders/*", &receiver.url).await?;
    let id = installed.api.create_webhook("orders/create", &receiver.url).await?;
    stack.publish([record(&installed.shop, "orders/create", "o-1", r#"{"id": 1}"#)]).await?;
    let history = stack.wait_until(&format!("{id}-o-1"), DeliveryState::Delivered).await?;
    let distinction = Distinction::of(&"orders/create".parse()?, None);
    let second = stack.wait_until(&format!("{other}-o-1~{distinction}"), DeliveryState::Delivered).await?;
    let queued_at = history.created_at.as_second();
    let number = |item: &std::collections::HashMap<String, AttributeValue>| {
        item.get("expires_at").and_then(|value| value.as_n().ok()).cloned()
    };
    let items = partition(&stack, &format!("DELIVERY#{id}-o-1")).await?;
    assert_eq!(items.iter().map(number).collect::<Vec<_>>(), [Some((queued_at + 30 * DAY).to_string())]);
    let items = partition(&stack, &format!("EVENT#{}#o-1", installed.shop)).await?;
    let expected = [Some((queued_at + 7 * DAY).to_string())];
    assert_eq!(items.iter().map(number).collect::<Vec<_>>(), expected, "once for both webhooks");
    assert_eq!(history.envelope.payload_digest, second.envelope.payload_digest);
    Ok(())
}

/// Another app's and another shop's deliveries are not found, exactly as those that there are not.
#[tokio::test]
async fn two_apps_never_see_each_others_history() -> Result<()> {
    let stack = Stack::shared().await?;
    let owner = stack.install().await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    let id = owner.api.create_webhook("orders/create", &receiver.url).await?;
    let app_beside = stack.install_on(&owner.shop, "other-app").await?;
    let beside = app_beside.api.create_webhook("orders/create", &receiver.url).await?;
    let elsewhere = stack.install().await?;
    stack.publish([record(&owner.shop, "orders/create", "o-1", "{}")]).await?;
    stack.wait_until(&format!("{id}-o-1"), DeliveryState::Delivered).await?;
    stack.wait_until(&format!("{beside}-o-1"), DeliveryState::Delivered).await?;
    assert_eq!(events_of(&list(&owner, id, "").await?), ["o-1"]);
    assert_eq!(events_of(&list(&app_beside, beside, "").await?), ["o-1"]);
    assert_eq!(show(&owner, &format!("{id}-o-1")).await?["webhook_id"], id);

    let replay = json!({"replay": {"state": "all"}});
    for stranger in [&app_beside, &elsewhere] {
        for (method, path, body) in [
            (Method::GET, format!("/admin/webhooks/{id}/deliveries.json"), None),
            (Method::GET, format!("/admin/webhooks/{id}/stats.json"), None),
            (Method::POST, format!("/admin/webhooks/{id}/replay.json"), Some(replay.clone())),
            (Method::GET, format!("/admin/webhooks/{id}/replays.json"), None),
            (Method::GET, format!("/admin/webhooks/{id}/replays/r-1.json"), None),
            (Method::DELETE, format!("/admin/webhooks/{id}/replays/r-1.json"), None),
            (Method::POST, format!("/admin/webhooks/{id}/test.json"), None),
            (Method::GET, format!("/admin/deliveries/{id}-o-1.json"), None),
            (Method::POST, format!("/admin/deliveries/{id}-o-1/redeliver.json"), None),
        ] {
            let response = stranger.api.call(method, &path, body).await?;
            assert_eq!(response.status, StatusCode::NOT_FOUND, "{path}");
            assert_eq!(response.json, json!({"errors": "Not Found"}), "{path}");
        }
    }
    assert_eq!(show(&owner, &format!("{id}-o-1")).await?["replays"], 0, "nothing of it was replayed");
    Ok(())
}

/// `dead` is to be seen at once: the attempt that was the last says so, and not the queue that ends
/// it later.
#[tokio::test]
async fn a_delivery_is_dead_once_its_last_attempt_has_failed() -> Result<()> {
    let stack = Stack::deploy("storehook-last", &[("RetryTimeScale", "0.0001")]).await?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding(StatusCode::SERVICE_UNAVAILABLE).await?;
    let id = installed.api.create_webhook("orders/create", &receiver.url).await?;
    stack.publish([record(&installed.shop, "orders/create", "o-1", "{}")]).await?;
    let dead = stack.wait_until(&format!("{id}-o-1"), DeliveryState::Dead).await?;
    assert_eq!(dead.attempt_count, receiver.so_far().len() as u64, "each attempt is on record");
    assert_eq!(events_of(&list(&installed, id, "state=dead").await?), ["o-1"]);
    let shown = show(&installed, &format!("{id}-o-1")).await?;
    assert_eq!((&shown["state"], &shown["next_attempt_at"]), (&json!("dead"), &Value::Null));
    stack.wait_for_message("dead-letter", "o-1").await?;
    Ok(())
}

#[tokio::test]
async fn with_the_history_off_nothing_is_written_or_replayed() -> Result<()> {
    let stack = Stack::deploy("storehook-forgetful", &[("HistoryDeliveryDays", "0")]).await?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    let id = installed.api.create_webhook("orders/create", &receiver.url).await?;
    stack.publish([record(&installed.shop, "orders/create", "o-1", "{}")]).await?;
    receiver.wait_for(1).await?;
    let tested = installed.api.call(Method::POST, &format!("/admin/webhooks/{id}/test.json"), None).await?;
    assert_eq!(tested.status, StatusCode::ACCEPTED);
    receiver.wait_for(2).await?;
    let pause = Some(json!({"webhook": {"status": "paused"}}));
    installed.api.call(Method::PUT, &format!("/admin/webhooks/{id}.json"), pause).await?;
    let (response, log) = deliver(&stack, &installed, id, "o-2").await?;
    assert_eq!(response, json!({"batchItemFailures": []}));
    assert!(log.contains("the webhook is paused"), "{log}");
    let client = aws_sdk_dynamodb::Client::new(&stack.sdk());
    let items = client.scan().table_name(stack.resource("history")).send().await?;
    assert_eq!(items.count, 0);
    assert_eq!(list(&installed, id, "").await?, json!({"deliveries": [], "page_info": null}));
    let replay = Some(json!({"replay": {"state": "held"}}));
    let refused =
        installed.api.call(Method::POST, &format!("/admin/webhooks/{id}/replay.json"), replay).await?;
    assert_eq!(refused.json, json!({"errors": {"history": ["is switched off"]}}));
    Ok(())
}
