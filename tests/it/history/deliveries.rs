//! The history: what is kept of a delivery, who sees it, and until when.

use anyhow::{Context as _, Result};
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::ToSpan as _;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use storehook_domain::history::state::DeliveryState;
use storehook_tests::{Installed, Receiver, Stack};

use crate::deliveries::{arrival::record, lifecycle::deliver};

const DAY: i64 = 24 * 60 * 60;

/// A list of a webhook's deliveries.
pub(crate) async fn list(installed: &Installed, webhook_id: u64, query: &str) -> Result<Value> {
    let path = format!("/admin/webhooks/{webhook_id}/deliveries.json?{query}");
    let answer = installed.api.call(Method::GET, &path, None).await?;
    anyhow::ensure!(answer.status == StatusCode::OK, "{path}: {} {}", answer.status, answer.json);
    Ok(answer.json)
}

/// A delivery in full.
pub(crate) async fn show(installed: &Installed, id: &str) -> Result<Value> {
    let answer = installed.api.call(Method::GET, &format!("/admin/deliveries/{id}.json"), None).await?;
    anyhow::ensure!(answer.status == StatusCode::OK, "{id}: {} {}", answer.status, answer.json);
    Ok(answer.json["delivery"].clone())
}

/// The events of a list's deliveries.
fn events_of(list: &Value) -> Vec<String> {
    let deliveries = list["deliveries"].as_array().into_iter().flatten();
    deliveries.map(|delivery| delivery["event_id"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn a_delivery_is_shown_with_its_attempts_its_request_as_sent_and_the_answer() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let receiver = Receiver::answering_with(|before| async move {
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
    assert_eq!(attempts[0]["error"], "the endpoint answered 502");
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
    let answer = &shown["answer"];
    assert_eq!((&answer["status"], &answer["body_truncated"]), (&json!(201), &json!(true)));
    assert_eq!(answer["body"].as_str(), Some("€".repeat(341).as_str()), "a KiB of it");

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
async fn every_item_expires_to_the_second() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let receiver = Receiver::answering(StatusCode::OK).await?;
    let other = installed.api.create_webhook("orders/*", &receiver.url).await?;
    let id = installed.api.create_webhook("orders/create", &receiver.url).await?;
    stack.publish([record(&installed.shop, "orders/create", "o-1", r#"{"id": 1}"#)]).await?;
    let history = stack.wait_until(&format!("{id}-o-1"), DeliveryState::Delivered).await?;
    let second = stack.wait_until(&format!("{other}-o-1"), DeliveryState::Delivered).await?;
    let queued_at = history.created_at.as_second();
    let number = |item: &std::collections::HashMap<String, AttributeValue>| {
        item.get("expires_at").and_then(|value| value.as_n().ok()).cloned()
    };
    let items = partition(&stack, &format!("DELIVERY#{id}-o-1")).await?;
    assert_eq!(items.iter().map(number).collect::<Vec<_>>(), [Some((queued_at + 30 * DAY).to_string())]);
    let items = partition(&stack, &format!("EVENT#{}#o-1", installed.shop)).await?;
    let expected = [Some((queued_at + 7 * DAY).to_string())];
    assert_eq!(items.iter().map(number).collect::<Vec<_>>(), expected, "once for both webhooks");
    assert_eq!(history.payload_digest, second.payload_digest);
    Ok(())
}

#[tokio::test]
async fn lists_are_newest_first_and_stable_while_new_deliveries_arrive() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let id = installed.api.create_webhook("orders/create", "http://127.0.0.1:9/").await?;
    let began = storehook_aws::now() - 2.hours();
    let names: Vec<_> = (0..60).map(|index| format!("e-{index}")).collect();
    let made: Vec<_> = (0_i64..)
        .zip(&names)
        .map(|(index, name)| {
            let state = if index % 10 == 3 { DeliveryState::Dead } else { DeliveryState::Delivered };
            (name.as_str(), began + (index * 60).seconds(), state)
        })
        .collect();
    stack.have_delivered(&installed, id, &made).await?;

    let (mut listed, mut page_info) = (Vec::new(), String::new());
    for page in 0.. {
        let answer = list(&installed, id, &format!("limit=7&page_info={page_info}")).await?;
        listed.extend(events_of(&answer));
        // Newer ones arrive between the pages, and change none that follows.
        let newer = format!("newer-{page}");
        stack.have_delivered(&installed, id, &[(&newer, storehook_aws::now(), DeliveryState::Held)]).await?;
        match answer["page_info"].as_str() {
            Some(next) => page_info = next.to_owned(),
            None => break,
        }
    }
    let expected: Vec<_> = names.iter().rev().cloned().collect();
    assert_eq!(listed, expected);

    let dead = list(&installed, id, "state=dead&limit=250").await?;
    assert_eq!(events_of(&dead), ["e-53", "e-43", "e-33", "e-23", "e-13", "e-3"]);
    let some = list(&installed, id, "state=dead&limit=2").await?;
    assert_eq!(events_of(&some), ["e-53", "e-43"]);
    let (since, until) = (made[10].1, made[12].1);
    let window = list(&installed, id, &format!("since={since}&until={until}")).await?;
    assert_eq!(events_of(&window), ["e-12", "e-11", "e-10"], "both ends are of it");
    assert_eq!(events_of(&list(&installed, id, &format!("since={until}&until={since}")).await?), [""; 0]);
    Ok(())
}

#[tokio::test]
async fn statistics_are_of_a_window() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let id = installed.api.create_webhook("orders/create", "http://127.0.0.1:9/").await?;
    let now = storehook_aws::now();
    let (lately, before) = (now - 1.hour(), now - 30.hours());
    let made = [
        ("a", lately, DeliveryState::Delivered),
        ("b", lately, DeliveryState::Delivered),
        ("c", lately, DeliveryState::Delivered),
        ("d", lately, DeliveryState::Dead),
        ("e", lately, DeliveryState::Held),
        ("f", before, DeliveryState::Dead),
    ];
    stack.have_delivered(&installed, id, &made).await?;
    let stats = async |query: &str| -> Result<Value> {
        let path = format!("/admin/webhooks/{id}/stats.json?{query}");
        Ok(installed.api.call(Method::GET, &path, None).await?.json["stats"].clone())
    };
    let day = stats("").await?;
    assert_eq!((&day["deliveries"], &day["complete"]), (&json!(5), &json!(true)));
    let states = json!({"pending": 0, "delivered": 3, "retrying": 0, "held": 1, "cancelled": 0, "dead": 1});
    assert_eq!(day["states"], states);
    assert_eq!(day["success_rate"], 0.75);
    assert_eq!(day["latency_ms"], json!({"p50": 40, "p95": 40}));
    let all = stats(&format!("since={}", before - 1.second())).await?;
    assert_eq!((&all["deliveries"], &all["success_rate"]), (&json!(6), &json!(0.6)));
    let none = stats("until=2017-03-20T16:02:17-04:00").await?;
    assert_eq!((&none["deliveries"], &none["success_rate"]), (&json!(0), &Value::Null));
    Ok(())
}

/// Another app's and another shop's deliveries are not found, exactly as those that there are not.
#[tokio::test]
async fn two_apps_never_see_each_others_history() -> Result<()> {
    let stack = Stack::shared().await?;
    let owner = stack.install().await?;
    let receiver = Receiver::answering(StatusCode::OK).await?;
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
            (Method::POST, format!("/admin/webhooks/{id}/test.json"), None),
            (Method::GET, format!("/admin/deliveries/{id}-o-1.json"), None),
            (Method::POST, format!("/admin/deliveries/{id}-o-1/redeliver.json"), None),
        ] {
            let answer = stranger.api.call(method, &path, body).await?;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
            assert_eq!(answer.json, json!({"errors": "Not Found"}), "{path}");
        }
    }
    assert_eq!(show(&owner, &format!("{id}-o-1")).await?["replays"], 0, "nothing of it was replayed");
    Ok(())
}

/// `dead` is to be seen at once: the attempt that was the last says so, and not the queue that ends
/// it later.
#[tokio::test]
async fn a_delivery_is_dead_as_soon_as_its_last_attempt_has_failed() -> Result<()> {
    let stack = Stack::deploy("storehook-last", &[("RetryTimeScale", "0.0001")]).await?;
    let installed = stack.install().await?;
    let receiver = Receiver::answering(StatusCode::SERVICE_UNAVAILABLE).await?;
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
async fn without_a_history_nothing_is_written_and_nothing_is_replayed() -> Result<()> {
    let stack = Stack::deploy("storehook-forgetful", &[("HistoryDeliveryDays", "0")]).await?;
    let installed = stack.install().await?;
    let receiver = Receiver::answering(StatusCode::OK).await?;
    let id = installed.api.create_webhook("orders/create", &receiver.url).await?;
    stack.publish([record(&installed.shop, "orders/create", "o-1", "{}")]).await?;
    receiver.wait_for(1).await?;
    let tested = installed.api.call(Method::POST, &format!("/admin/webhooks/{id}/test.json"), None).await?;
    assert_eq!(tested.status, StatusCode::ACCEPTED);
    receiver.wait_for(2).await?;
    let pause = Some(json!({"webhook": {"status": "paused"}}));
    installed.api.call(Method::PUT, &format!("/admin/webhooks/{id}.json"), pause).await?;
    let (answer, log) = deliver(&stack, &installed, id, "o-2").await?;
    assert_eq!(answer, json!({"batchItemFailures": []}));
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
