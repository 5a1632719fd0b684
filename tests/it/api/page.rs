//! The requests and responses that the Spiffy Stores *API Webhook* page prints, as it prints them,
//! ids and times aside.

use anyhow::{Context as _, Result};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use storehook_tests::{Api, ApiResponse, Stack};

/// What a response says in the page's own terms: without our properties, its ids replaced by the
/// page's, and its times, which must be the shop's, by T.
fn in_the_pages_terms(response: &ApiResponse, ids: &[(u64, u64)]) -> Result<Value> {
    let mut json = response.json.clone();
    let webhooks: Vec<&mut Value> = match &mut json {
        Value::Object(members) if members.contains_key("webhook") => members.values_mut().collect(),
        Value::Object(members) if members.contains_key("webhooks") => {
            members.values_mut().filter_map(Value::as_array_mut).flatten().collect()
        }
        _ => Vec::new(),
    };
    for webhook in webhooks {
        let webhook = webhook.as_object_mut().context("a webhook is an object")?;
        let ours = ["protocol", "status", "custom_headers", "failing_since", "next_probe_at", "disables_at"];
        for ours in ours {
            webhook.shift_remove(ours).context("a property of ours")?;
        }
        // A single webhook has it.
        webhook.shift_remove("held_count");
        let id = webhook["id"].as_u64().context("no id")?;
        let (_, printed) = ids.iter().find(|(actual, _)| *actual == id).context("an unknown id")?;
        webhook["id"] = json!(printed);
        for time in ["created_at", "updated_at"] {
            let text = webhook[time].as_str().context("no time")?;
            assert!(text.len() == 25 && (text.ends_with("-05:00") || text.ends_with("-04:00")), "{text}");
            webhook[time] = json!("T");
        }
    }
    Ok(json)
}

/// The page's two webhooks, and the ids that they have here.
async fn the_pages_webhooks(api: &Api) -> Result<[(u64, u64); 2]> {
    let orders = api.create_webhook("orders/create", "http://apple.com").await?;
    let uninstalled = api.create_webhook("app/uninstalled", "http://apple.com/uninstall").await?;
    Ok([(orders, 4_759_306), (uninstalled, 901_431_826)])
}

const ORDERS: &str = r#"{
    "id": 4759306, "address": "http:\/\/apple.com", "topic": "orders\/create", "created_at": "T", "updated_at": "T",
    "format": "json", "fields": [ ], "metafield_namespaces": [ ]
}"#;
const UNINSTALLED: &str = r#"{
    "id": 901431826, "address": "http:\/\/apple.com\/uninstall", "topic": "app\/uninstalled", "created_at": "T",
    "updated_at": "T", "format": "json", "fields": [ ], "metafield_namespaces": [ ]
}"#;

#[tokio::test]
async fn get_a_list_of_all_webhooks_for_your_shop() -> Result<()> {
    let api = Stack::shared().await?.install().await?.api;
    let ids = the_pages_webhooks(&api).await?;
    let response = api.call(Method::GET, "/admin/webhooks.json", None).await?;
    assert_eq!(response.status, StatusCode::OK);
    let expected: Value = serde_json::from_str(&format!(r#"{{"webhooks": [{ORDERS}, {UNINSTALLED}]}}"#))?;
    assert_eq!(in_the_pages_terms(&response, &ids)?, expected);
    Ok(())
}

#[tokio::test]
async fn get_a_list_of_all_webhooks_for_your_shop_after_a_specified_id() -> Result<()> {
    let api = Stack::shared().await?.install().await?.api;
    let ids = the_pages_webhooks(&api).await?;
    let path = format!("/admin/webhooks.json?since_id={}", ids[0].0);
    let response = api.call(Method::GET, &path, None).await?;
    assert_eq!(response.status, StatusCode::OK);
    let expected: Value = serde_json::from_str(&format!(r#"{{"webhooks": [{UNINSTALLED}]}}"#))?;
    assert_eq!(in_the_pages_terms(&response, &ids)?, expected);
    Ok(())
}

#[tokio::test]
async fn count_all_of_the_webhooks_for_topic_orders_create_and_for_your_shop() -> Result<()> {
    let api = Stack::shared().await?.install().await?.api;
    for number in 0..25 {
        let topic = if number < 3 { "orders/create" } else { "products/create" };
        api.create_webhook(topic, &format!("http://apple.com/{number}")).await?;
    }
    for (path, expected) in [
        ("/admin/webhooks/count.json?topic=orders/create", r#"{ "count": 3 }"#),
        ("/admin/webhooks/count.json", r#"{ "count": 25 }"#),
    ] {
        let response = api.call(Method::GET, path, None).await?;
        assert_eq!(
            (response.status, response.json),
            (StatusCode::OK, serde_json::from_str(expected)?),
            "{path}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn get_a_single_webhook_by_its_id() -> Result<()> {
    let api = Stack::shared().await?.install().await?.api;
    let ids = the_pages_webhooks(&api).await?;
    let response = api.call(Method::GET, &format!("/admin/webhooks/{}.json", ids[0].0), None).await?;
    assert_eq!(response.status, StatusCode::OK);
    let expected: Value = serde_json::from_str(&format!(r#"{{"webhook": {ORDERS}}}"#))?;
    assert_eq!(in_the_pages_terms(&response, &ids)?, expected);
    Ok(())
}

#[tokio::test]
async fn create_a_webhook_as_an_app_does_after_its_installation() -> Result<()> {
    let api = Stack::shared().await?.install().await?.api;
    let request = r#"{
        "webhook": {
            "topic": "orders\/create", "address": "http:\/\/whatever.hostname.com\/", "format": "json"
        }
    }"#;
    let response = api.call_raw(Method::POST, "/admin/webhooks.json", Some(request)).await?;
    assert_eq!(response.status, StatusCode::CREATED);
    let id = response.json["webhook"]["id"].as_u64().context("no id")?;
    let expected = r#"{
        "webhook": {
            "id": 1047897619, "address": "http:\/\/whatever.hostname.com\/", "topic": "orders\/create",
            "created_at": "T", "updated_at": "T", "format": "json", "fields": [ ], "metafield_namespaces": [ ]
        }
    }"#;
    assert_eq!(
        in_the_pages_terms(&response, &[(id, 1_047_897_619)])?,
        serde_json::from_str::<Value>(expected)?
    );
    Ok(())
}

#[tokio::test]
async fn trying_to_create_a_webhook_without_an_address_or_topic_will_return_an_error() -> Result<()> {
    let api = Stack::shared().await?.install().await?.api;
    let request = r#"{ "webhook": { "body": "foobar" } }"#;
    let response = api.call_raw(Method::POST, "/admin/webhooks.json", Some(request)).await?;
    assert_eq!(response.status, StatusCode::UNPROCESSABLE_ENTITY);
    let expected: Value = serde_json::from_str(
        r#"{
          "errors": {
            "topic": [
              "can't be blank",
              "Invalid topic specified. Topics allowed: app\/uninstalled, carts\/create, carts\/update, catalogs\/create, catalogs\/delete, channels\/delete, checkouts\/create, checkouts\/delete, checkouts\/update, collection_listings\/add, collection_listings\/remove, collection_listings\/update, collection_publications\/create, collection_publications\/delete, collection_publications\/update, collections\/create, collections\/delete, collections\/update, customer_groups\/create, customer_groups\/delete, customer_groups\/update, customers\/create, customers\/delete, customers\/disable, customers\/enable, customers\/update, disputes\/create, disputes\/update, draft_orders\/create, draft_orders\/delete, draft_orders\/update, fulfillment_events\/create, fulfillment_events\/delete, fulfillments\/create, fulfillments\/update, order_transactions\/create, orders\/cancelled, orders\/create, orders\/delete, orders\/fulfilled, orders\/paid, orders\/partially_fulfilled, orders\/updated, product_listings\/add, product_listings\/remove, product_listings\/update, product_publications\/create, product_publications\/delete, product_publications\/update, products\/create, products\/delete, products\/update, refunds\/create, shop\/update, tax_services\/create, tax_services\/update, themes\/create, themes\/delete, themes\/publish, themes\/update, variants\/in_stock, variants\/out_of_stock"
            ],
            "address": [
              "can't be blank"
            ]
          }
        }"#,
    )?;
    assert_eq!(response.json, expected);
    Ok(())
}

#[tokio::test]
async fn change_a_webhook_so_that_it_posts_to_a_different_address() -> Result<()> {
    let api = Stack::shared().await?.install().await?.api;
    let ids = the_pages_webhooks(&api).await?;
    let request = r#"{ "webhook": { "id": 4759306, "address": "http:\/\/somewhere-else.com\/" } }"#;
    let path = format!("/admin/webhooks/{}.json", ids[0].0);
    let response = api.call_raw(Method::PUT, &path, Some(request)).await?;
    assert_eq!(response.status, StatusCode::OK);
    let expected = ORDERS.replace(r"http:\/\/apple.com", r"http:\/\/somewhere-else.com\/");
    let expected: Value = serde_json::from_str(&format!(r#"{{"webhook": {expected}}}"#))?;
    assert_eq!(in_the_pages_terms(&response, &ids)?, expected);
    Ok(())
}

#[tokio::test]
async fn remove_an_existing_webhook_from_a_store() -> Result<()> {
    let api = Stack::shared().await?.install().await?.api;
    let ids = the_pages_webhooks(&api).await?;
    let response = api.call(Method::DELETE, &format!("/admin/webhooks/{}.json", ids[0].0), None).await?;
    assert_eq!((response.status, response.json), (StatusCode::OK, json!({})));
    let left = api.call(Method::GET, "/admin/webhooks.json?fields=id", None).await?;
    assert_eq!(left.json, json!({"webhooks": [{"id": ids[1].0}]}));
    Ok(())
}
