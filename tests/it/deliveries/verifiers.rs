//! Deliveries, judged by a library that nobody here wrote.

use std::{collections::BTreeMap, process::Stdio};

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use serde_json::{Value, json};
use storehook_domain::{
    delivery::{
        message::DeliveryMessage,
        request::{DeliveryRequest, platform::Platform},
        subscriber::Subscriber,
    },
    event::{StoreEvent, origin::RecordOrigin},
    installation::{Installation, secret::SharedSecret},
    webhook::{Webhook, header_prefix::HeaderPrefix},
};
use storehook_tests::{node_packages, root, succeeded};
use tokio::{io::AsyncWriteExt as _, process::Command};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

#[tokio::test]
async fn with_its_prefix_shopifys_library_accepts_a_delivery() -> Result<()> {
    let delivery = delivery("X-Shopify")?;
    let judged = judge(&delivery).await?;
    assert_eq!(judged["valid"], json!(true), "{judged}");
    for (name, value) in
        [("topic", "ORDERS_CREATE"), ("domain", "a.example"), ("apiVersion", "2026-10"), ("webhookId", "7")]
    {
        assert_eq!(judged[name], value, "{judged}");
    }
    let mut changed = delivery;
    changed["body"] = json!(r#"{"id": 2}"#);
    assert_eq!(judge(&changed).await?["valid"], json!(false), "or this shows nothing");
    Ok(())
}

/// A delivery as it is sent, and the secret that its receiver has.
fn delivery(prefix: &str) -> Result<Value> {
    let record =
        br#"{"shop": "a.example", "topic": "orders/create", "event_id": "e1", "payload": {"id": 1}}"#;
    let now: Timestamp = "2026-11-21T15:00:00Z".parse()?;
    let origin = RecordOrigin { shard_id: "s", sequence_number: "1", arrived_at: now };
    let event = StoreEvent::parse(record, &origin)?;
    let webhook: Webhook = serde_json::from_value(json!({
        "id": 7, "shop": "a.example", "app": "demo", "topic": "orders/create", "format": "json",
        "address": "https://b.example/", "protocol": "webhook", "status": "active", "fields": [],
        "metafield_namespaces": [], "custom_headers": {}, "created_at": "2026-11-21T15:00:00Z",
        "updated_at": "2026-11-21T15:00:00Z", "version": 1,
    }))?;
    let installation = Installation {
        shop: webhook.shop.clone(),
        app: webhook.app.clone(),
        store_id: "0c1c9920-5c9c-012d-bd34-000c295ec56b".to_owned(),
        time_zone: "UTC".to_owned(),
        scopes: vec![],
        secrets: vec![SharedSecret::parse(SECRET)?.into()],
        uninstalled_at: None,
    };
    let subscriber = Subscriber::by_topic(webhook.id, webhook.app.clone());
    let message = DeliveryMessage::of(&event, None, &subscriber, now);
    let platform = Platform { header_prefix: HeaderPrefix::parse(prefix)?, ..Platform::default() };
    let request = DeliveryRequest::build(&message, &webhook, &installation, &platform, now)?;
    let headers: BTreeMap<_, _> = request.redacted_headers(&webhook.custom_headers).into_iter().collect();
    Ok(json!({"headers": headers, "body": request.body, "secret": SECRET}))
}

/// What the library says of a delivery.
async fn judge(delivery: &Value) -> Result<Value> {
    let folder = node_packages().await?;
    let file = "shopify_webhook.mjs";
    std::fs::copy(root().join("tests/clients").join(file), folder.join(file))?;
    let mut program = Command::new("node");
    program.arg(file).current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = program.spawn()?;
    running.stdin.take().context("no input")?.write_all(delivery.to_string().as_bytes()).await?;
    let output = running.wait_with_output().await?;
    succeeded(file, &output)?;
    Ok(serde_json::from_slice(&output.stdout)?)
}
