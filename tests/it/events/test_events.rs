//! Test events, and the topics that they are samples of.

use anyhow::{Context as _, Result};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use storehook_domain::{event::catalogue, history::state::DeliveryState};
use storehook_tests::{Receiver, Stack, root};

use crate::history::show;

#[tokio::test]
async fn a_test_event_is_a_marked_sample_for_its_webhook_alone() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let (receiver, other) =
        (Receiver::responding(StatusCode::OK).await?, Receiver::responding(StatusCode::OK).await?);
    installed.api.create_webhook("orders/*", &other.url).await?;
    let id = installed.api.create_webhook("orders/create", &receiver.url).await?;
    let response = installed.api.call(Method::POST, &format!("/admin/webhooks/{id}/test.json"), None).await?;
    assert_eq!(response.status, StatusCode::ACCEPTED, "{}", response.json);
    let told = &response.json["delivery"];
    assert_eq!(
        (&told["state"], &told["test"], &told["topic"]),
        (&json!("pending"), &json!(true), &json!("orders/create"))
    );
    let came = &receiver.wait_for(1).await?[0];
    assert_eq!(came.header("x-spiffy-stores-test"), "true");
    assert_eq!(came.header("x-spiffy-stores-replay"), "");
    assert_eq!(Some(came.header("webhook-id")), told["id"].as_str());
    assert_eq!(came.header("x-spiffy-stores-order-id"), "123456");
    let sample = std::fs::read_to_string(root().join("events/payloads/order.json"))?;
    assert_eq!(came.body, sample.trim());
    let delivery_id = told["id"].as_str().context("no id")?;
    stack.wait_until(delivery_id, DeliveryState::Delivered).await?;
    let shown = show(&installed, delivery_id).await?;
    assert_eq!((&shown["test"], shown["request"]["body"].as_str()), (&json!(true), Some(sample.trim())));
    stack.wait_until_idle("delivery").await?;
    assert!(other.so_far().is_empty());

    let pause = Some(json!({"webhook": {"status": "paused"}}));
    installed.api.call(Method::PUT, &format!("/admin/webhooks/{id}.json"), pause).await?;
    let refused = installed.api.call(Method::POST, &format!("/admin/webhooks/{id}/test.json"), None).await?;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.json, json!({"errors": {"webhook": ["is paused"]}}));
    Ok(())
}

/// A test of `app/uninstalled` is a sample, and ends nothing.
#[tokio::test]
async fn a_test_event_of_an_uninstallation_uninstalls_nothing() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    let id = installed.api.create_webhook("app/uninstalled", &receiver.url).await?;
    installed.api.call(Method::POST, &format!("/admin/webhooks/{id}/test.json"), None).await?;
    assert_eq!(receiver.wait_for(1).await?[0].header("x-spiffy-stores-topic"), "app/uninstalled");
    stack.wait_until_idle("delivery").await?;
    let response = installed.api.call(Method::GET, &format!("/admin/webhooks/{id}.json"), None).await?;
    assert_eq!(response.status, StatusCode::OK);
    Ok(())
}

#[tokio::test]
async fn the_topics_list_is_the_catalogue_with_a_sample_each() -> Result<()> {
    let installed = Stack::shared().await?.install().await?;
    let response = installed.api.call(Method::GET, "/admin/topics.json", None).await?;
    assert_eq!(response.status, StatusCode::OK);
    let topics = response.json["topics"].as_array().context("no topics")?;
    let names: Vec<_> = topics.iter().filter_map(|topic| topic["topic"].as_str()).collect();
    let expected = catalogue::all().map(|topic| topic.name);
    assert_eq!(names, expected.collect::<Vec<_>>());
    assert!(topics.iter().all(|topic| topic["sample"].is_object()));
    let order = topics.iter().find(|topic| topic["topic"] == "orders/create").context("no order")?;
    let shape = json!({
        "aliases": ["order:new"], "resource": "order", "xml_root": "order", "id_header": "X-Spiffy-Stores-Order-Id",
    });
    for (name, value) in shape.as_object().context("an object")? {
        assert_eq!(&order[name], value, "{name}");
    }
    let group = topics.iter().find(|topic| topic["resource"] == "customer_group").context("no group")?;
    assert_eq!(
        (&group["xml_root"], &group["id_header"]),
        (&json!("customer-group"), &json!("X-Spiffy-Stores-Customer-Group-Id"))
    );
    assert_eq!(topics.last().map(|topic| &topic["id_header"]), Some(&Value::Null));
    Ok(())
}
