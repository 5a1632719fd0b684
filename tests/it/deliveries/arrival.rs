//! A store event goes in, a signed POST comes out.

use anyhow::{Context as _, Result};
use reqwest::{Method, StatusCode};
use serde_json::json;
use storehook_domain::{
    delivery::signature::{verify_body_signature, verify_standard_signatures},
    history::state::DeliveryState,
};
use storehook_tests::{Delivered, Receiver, Stack, record, root};

#[tokio::test]
async fn a_published_order_arrives_byte_for_byte_and_its_signatures_verify() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    let id = installed.api.create_webhook("orders/create", &receiver.url).await?;

    let order = std::fs::read_to_string(root().join("events/payloads/order.json"))?;
    let order = order.trim_end();
    stack.publish([record(&installed.shop, "orders/create", "order-1", order)]).await?;

    let delivered = &receiver.wait_for(1).await?[0];
    assert_eq!(delivered.body, order, "the payload's very bytes");
    assert!(verify_body_signature(
        &installed.secret,
        &delivered.body,
        delivered.header("x-spiffy-stores-hmac-sha256")
    ));
    assert_eq!(delivered.header("x-spiffy-hmac-sha256"), delivered.header("x-spiffy-stores-hmac-sha256"));
    assert!(verify_standard_signatures(
        &installed.secret,
        &format!("{id}-order-1"),
        delivered.header("webhook-timestamp"),
        &delivered.body,
        delivered.header("webhook-signature"),
    ));
    for (name, value) in [
        ("x-spiffy-stores-topic", "orders/create"),
        ("x-spiffy-stores-shop-domain", installed.shop.as_str()),
        ("x-spiffy-stores-order-id", "123456"),
        ("x-spiffy-stores-event-id", "order-1"),
        ("x-spiffy-stores-webhook-id", id.to_string().as_str()),
        ("webhook-id", format!("{id}-order-1").as_str()),
        ("content-type", "application/json"),
    ] {
        assert_eq!(delivered.header(name), value, "{name}");
    }
    assert_eq!(delivered.header("x-spiffy-stores-id").len(), 36, "the store's UUID");
    Ok(())
}

#[tokio::test]
async fn a_sample_of_every_resource_arrives_byte_for_byte() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    installed.api.create_webhook("*", &receiver.url).await?;

    let topics = [
        ("cart", "carts/create"),
        ("checkout", "checkouts/create"),
        ("collection", "collections/create"),
        ("collection_listing", "collection_listings/add"),
        ("customer", "customers/create"),
        ("customer_group", "customer_groups/create"),
        ("draft_order", "draft_orders/create"),
        ("fulfillment", "fulfillments/create"),
        ("fulfillment_event", "fulfillment_events/create"),
        ("order", "orders/create"),
        ("order_transaction", "order_transactions/create"),
        ("product", "products/create"),
        ("product_listing", "product_listings/add"),
        ("refund", "refunds/create"),
        ("shop", "shop/update"),
        ("theme", "themes/create"),
    ];
    let folder = root().join("events/payloads");
    assert_eq!(std::fs::read_dir(&folder)?.count(), topics.len(), "every sample is published");
    let mut samples = Vec::new();
    for (resource, topic) in topics {
        let payload = std::fs::read_to_string(folder.join(format!("{resource}.json")))?;
        samples.push((resource, topic, payload.trim_end().to_owned()));
    }
    let records =
        samples.iter().map(|(resource, topic, payload)| record(&installed.shop, topic, resource, payload));
    stack.publish(records.collect::<Vec<_>>()).await?;

    let delivered = receiver.wait_for(samples.len()).await?;
    for (resource, topic, payload) in &samples {
        let of_resource = |delivered: &&Delivered| delivered.header("x-spiffy-stores-event-id") == *resource;
        let delivered = delivered.iter().find(of_resource).context(*resource)?;
        assert_eq!(delivered.body, payload, "{resource}");
        assert_eq!(delivered.header("x-spiffy-stores-topic"), *topic);
    }
    Ok(())
}

#[tokio::test]
async fn values_that_json_parsers_often_spoil_arrive_unchanged() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    installed.api.create_webhook("products/update", &receiver.url).await?;
    let payload = "{\"z\": 327475578523353102, \"a\": 199.0, \"price\":\"19.99\", \"e\": 1E400, \"s\": \"\\/ \\u00e9 Zoë 🦀\", \
                   \"dup\": 1, \"dup\": 2, \"empty\": {}, \"id\": 9007199254740993}";
    stack.publish([record(&installed.shop, "product:updated", "p-1", payload)]).await?;
    let delivered = &receiver.wait_for(1).await?[0];
    assert_eq!(delivered.body, payload);
    assert_eq!(delivered.header("x-spiffy-stores-product-id"), "9007199254740993");
    Ok(())
}

#[tokio::test]
async fn a_webhook_gets_the_fields_it_asked_for_and_its_own_headers() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    let attributes = json!({"topic": "orders/*", "address": receiver.url, "fields": ["id", "name"], "custom_headers": {"X-Own": "mine"}});
    let id = installed.api.create_webhook_with(attributes).await?;
    // A webhook that is sent back as it was shown keeps the values that were masked.
    let path = format!("/admin/webhooks/{id}.json");
    let mut shown = installed.api.call(Method::GET, &path, None).await?.json;
    assert_eq!(shown["webhook"]["custom_headers"], json!({"X-Own": "***"}));
    shown["webhook"]["metafield_namespaces"] = json!(["a"]);
    installed.api.call(Method::PUT, &path, Some(shown)).await?;
    stack
        .publish([record(&installed.shop, "orders/paid", "o-1", r#"{"name": "a",  "id": 7, "secret": 1}"#)])
        .await?;
    let delivered = &receiver.wait_for(1).await?[0];
    assert_eq!(delivered.body, r#"{"name":"a","id":7}"#);
    assert_eq!(delivered.header("x-own"), "mine");
    Ok(())
}

#[tokio::test]
async fn an_event_reaches_every_webhook_of_its_shop_and_topic_and_no_other() -> Result<()> {
    let stack = Stack::shared().await?;
    let (installed, neighbour) = (stack.install().await?, stack.install().await?);
    let other_app = stack.install_on(&installed.shop, "other-app").await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    let wanted = [
        installed.api.create_webhook("orders/create", &receiver.url).await?,
        installed.api.create_webhook("order:new", &format!("{}spree", receiver.url)).await?,
        installed.api.create_webhook("orders/*", &receiver.url).await?,
        other_app.api.create_webhook("*", &receiver.url).await?,
    ];
    installed.api.create_webhook("orders/paid", &receiver.url).await?;
    neighbour.api.create_webhook("*", &receiver.url).await?;
    // A paused webhook gets nothing.
    let paused = installed.api.create_webhook("*", &format!("{}paused", receiver.url)).await?;
    let pause = json!({"webhook": {"status": "paused"}});
    installed.api.call(Method::PUT, &format!("/admin/webhooks/{paused}.json"), Some(pause)).await?;

    // The second event, for one app alone, comes after the first one on the shard.
    let for_one_app = format!(
        r#"{{"shop": "{}", "topic": "themes/publish", "event_id": "t-1", "payload": {{}}, "app": "other-app"}}"#,
        installed.shop
    );
    stack.publish([record(&installed.shop, "orders/create", "o-1", "{}"), for_one_app]).await?;

    let delivered = receiver.wait_for(wanted.len() + 1).await?;
    // A webhook on a pattern tells topics apart in the id.
    let plain = |delivered: &Delivered| delivered.header("webhook-id").split('~').next().map(str::to_owned);
    let mut ids: Vec<_> = delivered.iter().filter_map(plain).collect();
    let mut expected: Vec<_> = wanted.iter().map(|id| format!("{id}-o-1")).collect();
    expected.push(format!("{}-t-1", wanted[3]));
    ids.sort();
    expected.sort();
    assert_eq!(ids, expected);
    Ok(())
}

#[tokio::test]
async fn an_edit_takes_effect_on_the_next_attempt_and_a_deleted_webhook_gets_none() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let broken = Receiver::responding(StatusCode::INTERNAL_SERVER_ERROR).await?;
    let mended = Receiver::responding(StatusCode::OK).await?;
    let moved = installed.api.create_webhook("orders/create", &broken.url).await?;
    let deleted = installed.api.create_webhook("orders/create", &format!("{}deleted", broken.url)).await?;
    stack.publish([record(&installed.shop, "orders/create", "o-1", "{}")]).await?;
    broken
        .wait_until("an attempt at each", |answered| {
            ["/", "/deleted"].iter().all(|path| answered.iter().any(|delivered| delivered.path == *path))
        })
        .await?;

    installed.api.call(Method::DELETE, &format!("/admin/webhooks/{deleted}.json"), None).await?;
    let move_on = json!({"webhook": {"address": mended.url, "custom_headers": {"X-Moved": "yes"}}});
    installed.api.call(Method::PUT, &format!("/admin/webhooks/{moved}.json"), Some(move_on)).await?;
    let before = broken.so_far().len();
    let delivered = &mended.wait_for(1).await?[0];
    assert_eq!(delivered.header("webhook-id"), format!("{moved}-o-1"));
    assert_eq!(delivered.header("x-moved"), "yes");
    // What was on its way when the edits were made may still have come.
    assert!(broken.so_far().len() <= before + 2);
    Ok(())
}

#[tokio::test]
async fn xml_webhooks_get_xml_and_integrations_get_spree_messages() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    let integration = Receiver::deciding(&["OK"]).await?;
    let xml = json!({"topic": "orders/create", "address": receiver.url, "format": "xml"});
    installed.api.create_webhook_with(xml).await?;
    let spree = json!({"topic": "order:new", "address": integration.url, "protocol": "integration"});
    let spree = installed.api.create_webhook_with(spree).await?;
    let order = std::fs::read_to_string(root().join("events/payloads/order.json"))?;
    stack.publish([record(&installed.shop, "order:new", "o-1", order.trim_end())]).await?;

    let delivered = &receiver.wait_for(1).await?[0];
    assert_eq!(delivered.header("content-type"), "application/xml");
    let expected = std::fs::read_to_string(root().join("shared/domain/samples/order.xml"))?;
    assert_eq!(delivered.body, expected);
    let message = &integration.wait_for(1).await?[0];
    let expected = format!(r#"{{"event":"order:new","event_id":"o-1","payload":{}}}"#, order.trim_end());
    assert_eq!(message.body, expected);
    assert_eq!(message.header("content-type"), "application/json");
    let history = stack.wait_until(&format!("{spree}-o-1"), DeliveryState::Delivered).await?;
    assert_eq!(history.details.as_deref(), Some(r#"{"seen":0}"#));
    for delivered in [delivered, message] {
        assert!(verify_body_signature(
            &installed.secret,
            &delivered.body,
            delivered.header("x-spiffy-stores-hmac-sha256")
        ));
    }
    Ok(())
}
