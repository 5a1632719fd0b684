//! A stack of an older release: what it has kept and queued.
//!
//! `release-2026-11-26.json` holds what the release before the panel (26 November 2026) wrote: the items of both
//! tables, and messages of the queues. In it are
//!
//! - webhook 7 with a delivery of each kind: `e-1` is delivered, `e-2` waits in the retry queue, `e-3` is dead, `e-5`
//!   is new, and `e-6` is in a share of a large fan-out;
//! - webhook 8, which is paused, with `e-4`, which is held;
//! - webhook 9, whose address nobody listens at.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use aws_sdk_dynamodb::{Client, primitives::Blob, types::AttributeValue};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use storehook_aws::table::Item;
use storehook_domain::{delivery::signature::body_signature, installation::secret::SharedSecret};
use storehook_tests::{Api, Receiver, Stack, eventually};

use super::writers::turn_mappings;

/// What the release has left, as of now and with this endpoint for its webhooks 7 and 8.
fn left_behind(endpoint: &str) -> Result<Value> {
    let now = storehook_aws::now();
    let seconds = now.as_second();
    let texts = [
        ("2026-11-26T18:30:00Z", jiff::Timestamp::from_second(seconds)?.to_string()),
        ("01795717800000000", format!("{:017}", seconds * 1_000_000)),
        ("https://b.example/hook", endpoint.to_owned()),
    ];
    let release = include_str!("release-2026-11-26.json").to_owned();
    let release = texts.iter().fold(release, |release, (then, now)| release.replace(then, now));
    Ok(serde_json::from_str(&release)?)
}

/// An item in DynamoDB's JSON.
fn item_of(json: &Value) -> Result<Item> {
    let members = json.as_object().context("no item")?.iter();
    members.map(|(name, value)| Ok((name.clone(), value_of(value)?))).collect()
}

fn value_of(json: &Value) -> Result<AttributeValue> {
    let (kind, value) = json.as_object().and_then(|value| value.iter().next()).context("no value")?;
    let text = || value.as_str().map(str::to_owned).context("no text");
    Ok(match kind.as_str() {
        "S" => AttributeValue::S(text()?),
        "N" => AttributeValue::N(text()?),
        "B" => AttributeValue::B(Blob::new(STANDARD.decode(text()?)?)),
        "BOOL" => AttributeValue::Bool(value.as_bool().context("no bool")?),
        "L" => AttributeValue::L(
            value.as_array().context("no list")?.iter().map(value_of).collect::<Result<_>>()?,
        ),
        "M" => AttributeValue::M(item_of(value)?),
        kind => bail!("{kind} is no type of the file"),
    })
}

/// Fills a stack's tables and queues with what the release has left.
async fn fill(stack: &Stack, release: &Value) -> Result<()> {
    let client = Client::new(&stack.sdk());
    for table in ["registry", "history"] {
        for item in release[table].as_array().context(table)? {
            let put = client.put_item().table_name(stack.resource(table));
            put.set_item(Some(item_of(item)?)).send().await?;
        }
    }
    for message in release["messages"].as_array().context("no messages")? {
        let queue = message[0].as_str().context("no queue")?;
        let send = json!({
            "QueueUrl": stack.queue_url(queue).await?, "MessageBody": message[1].to_string(),
            "MessageGroupId": "old.example/demo",
        });
        stack.aws("sqs", "send_message", send).await?;
    }
    Ok(())
}

/// How often each event has arrived at each webhook.
fn arrivals(receiver: &Receiver) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for delivered in receiver.so_far() {
        *counts.entry(delivered.header("webhook-id").to_owned()).or_default() += 1;
    }
    counts
}

#[tokio::test]
async fn a_stack_of_the_release_before_the_panel_goes_on() -> Result<()> {
    let stack = Stack::deploy("storehook-upgraded", &[]).await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    let release = left_behind(&receiver.url)?;
    turn_mappings(&stack, false).await?;
    fill(&stack, &release).await?;
    turn_mappings(&stack, true).await?;

    let api = Api::new(&stack.api_url, release["token"].as_str().context("no token")?)?;
    let listed = api.call(Method::GET, "/admin/webhooks.json", None).await?;
    assert_eq!(listed.json["webhooks"].as_array().map(Vec::len), Some(3), "{}", listed.json);
    let of_seven = ["7-e-1", "7-e-2", "7-e-3", "7-e-5", "7-e-6"];
    receiver.wait_until("all of webhook 7", |_| arrivals(&receiver).len() == of_seven.len()).await?;
    eventually("the replay to be done", || async {
        let shown = api.call(Method::GET, "/admin/webhooks/7/replays/r1.json", None).await?;
        Ok((shown.json["replay"]["state"] == "done").then_some(()))
    })
    .await?;

    // What was held before there were breakers is replayed as it was then.
    let active = json!({"webhook": {"status": "active"}});
    let resumed = api.call(Method::PUT, "/admin/webhooks/8.json", Some(active)).await?;
    assert_eq!(resumed.status, StatusCode::OK, "{}", resumed.json);
    let held = json!({"replay": {"state": "held"}});
    let replay = api.call(Method::POST, "/admin/webhooks/8/replay.json", Some(held)).await?;
    assert!(replay.status.is_success(), "{}", replay.json);
    receiver.wait_until("8-e-4", |_| arrivals(&receiver).contains_key("8-e-4")).await?;
    for queue in ["delivery", "retry", "jobs"] {
        stack.wait_for_count(queue, 0).await?;
    }
    // The copy of `7-e-1` in the delivery queue was suppressed: an app has asked for the one that came.
    let once = of_seven.iter().chain(&["8-e-4"]).map(|id| ((*id).to_owned(), 1));
    assert_eq!(arrivals(&receiver), once.collect());
    let secret = SharedSecret::parse("abcdefabcdefabcdef012345")?;
    for delivered in receiver.so_far() {
        let signature = body_signature(&secret, &delivered.body);
        assert_eq!(delivered.header("X-Spiffy-Stores-Hmac-Sha256"), signature);
    }
    for id in [7, 8] {
        let path = format!("/admin/webhooks/{id}/deliveries.json?state=delivered");
        let listed = api.call(Method::GET, &path, None).await?;
        let count = listed.json["deliveries"].as_array().map(Vec::len);
        assert_eq!(count, Some(if id == 7 { 5 } else { 1 }), "{}", listed.json);
    }

    let webhook = json!({"webhook": {"topic": "products/create", "address": "https://c.example/hook"}});
    let taken = api.call(Method::POST, "/admin/webhooks.json", Some(webhook)).await?;
    assert_eq!(taken.status, StatusCode::UNPROCESSABLE_ENTITY, "webhook 9 has this slot: {}", taken.json);
    assert!(api.create_webhook("orders/cancelled", &receiver.url).await? > 9, "ids are given once");
    Ok(())
}
