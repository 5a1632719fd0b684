//! What each granted action is needed for: something that works with it, and fails without.

use anyhow::{Context as _, Result};
use jiff::ToSpan as _;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use storehook_domain::history::state::DeliveryState;
use storehook_tests::{Api, Receiver, Stack, deliver, deliver_queued_at, job_event, record, stream_event};

use super::breakers::{breaking_works, ending_a_recovery_works};

/// Does what needs this action, and says whether it worked.
pub(crate) async fn works(stack: &Stack, role: &str, action: &str) -> Result<bool> {
    match (role, action) {
        ("FanOutRole", "dynamodb:BatchWriteItem") => keeping_payloads_works(stack).await,
        ("FanOutRole", "dynamodb:BatchGetItem" | "dynamodb:GetItem" | "dynamodb:PutItem") => {
            replay_step_works(stack).await
        }
        ("FanOutRole", "sqs:ChangeMessageVisibility") => hiding_a_failed_step_works(stack).await,
        ("FanOutRole", "dynamodb:DeleteItem") => {
            Ok(fan_out_works(stack).await? && ending_a_recovery_works(stack).await?)
        }
        ("FanOutRole", _) => fan_out_works(stack).await,
        ("DeliveryRole", "sqs:ChangeMessageVisibility") => backing_off_works(stack).await,
        ("DeliveryRole", "sqs:SendMessage") => delaying_works(stack).await,
        ("DeliveryRole", "dynamodb:PutItem") => {
            Ok(recording_works(stack).await? && breaking_works(stack).await?)
        }
        ("DeliveryRole", "dynamodb:BatchGetItem") => delivering_works(stack).await,
        ("DeliveryRole", "dynamodb:BatchWriteItem") => holding_works(stack).await,
        ("DeliveryRole", _) => recording_works(stack).await,
        ("AdminApiRole", "kinesis:PutRecords") => pushing_works(stack).await,
        ("AdminApiRole", "sqs:SendMessage" | "dynamodb:BatchGetItem" | "dynamodb:BatchWriteItem") => {
            replaying_works(stack).await
        }
        ("AdminApiRole", _) => managing_works(stack).await,
        _ => anyhow::bail!("no test needs {action} of {role}"),
    }
}

pub(crate) async fn fan_out_works(stack: &Stack) -> Result<bool> {
    let installed = stack.install().await?;
    installed.api.create_webhook("orders/create", "http://127.0.0.1:9/").await?;
    let event = stream_event(&record(&installed.shop, "orders/create", "o-1", "{}"));
    let (response, _) = stack.invoke("fan-out", &event).await?;
    let uninstalled = format!(
        r#"{{"shop": "{}", "topic": "app/uninstalled", "event_id": "u-1", "payload": {{}}, "app": "{}"}}"#,
        installed.shop, installed.app
    );
    let (ended, _) = stack.invoke("fan-out", &stream_event_of_now(&uninstalled)).await?;
    Ok(response == json!({"batchItemFailures": []}) && ended == response)
}

/// A record that has just arrived: an app is uninstalled by what happened after it was installed.
fn stream_event_of_now(record: &str) -> Value {
    let mut event = stream_event(record);
    let now = storehook_aws::now().as_second() as f64 + 1.0;
    event["Records"][0]["kinesis"]["approximateArrivalTimestamp"] = json!(now);
    event
}

/// A delay that could not be sent as a message comes back as a failure.
pub(crate) async fn delaying_works(stack: &Stack) -> Result<bool> {
    let hesitant = Receiver::deciding(&["delay"]).await?;
    let installed = stack.install().await?;
    let webhook = json!({"topic": "orders/create", "address": hesitant.url, "protocol": "integration"});
    let id = installed.api.create_webhook_with(webhook).await?;
    let (response, _) = deliver(stack, &installed, id, "o-1").await?;
    installed.api.call(Method::DELETE, &format!("/admin/webhooks/{id}.json"), None).await?;
    Ok(response == json!({"batchItemFailures": []}))
}

/// A failure, a success after it and the end of an endpoint are all recorded; what is not is in the
/// log.
pub(crate) async fn recording_works(stack: &Stack) -> Result<bool> {
    let receiver = Receiver::responding_with(|before| async move {
        [StatusCode::INTERNAL_SERVER_ERROR, StatusCode::OK, StatusCode::GONE][before.min(2)]
    })
    .await?;
    let installed = stack.install().await?;
    let id = installed.api.create_webhook("orders/create", &receiver.url).await?;
    let mut logs = String::new();
    for event in ["o-1", "o-2", "o-3"] {
        logs += &deliver(stack, &installed, id, event).await?.1;
    }
    Ok(receiver.so_far().len() == 3 && !logs.contains("not recorded") && !logs.contains("not written"))
}

/// A payload that could not be kept is in the log.
pub(crate) async fn keeping_payloads_works(stack: &Stack) -> Result<bool> {
    let installed = stack.install().await?;
    installed.api.create_webhook("orders/create", "http://127.0.0.1:9/").await?;
    let event = stream_event(&record(&installed.shop, "orders/create", "o-1", "{}"));
    Ok(!stack.invoke("fan-out", &event).await?.1.contains("history not written"))
}

/// A delivery that could not be held comes again.
pub(crate) async fn holding_works(stack: &Stack) -> Result<bool> {
    let installed = stack.install().await?;
    let webhook = json!({"topic": "orders/create", "address": "http://127.0.0.1:9/", "status": "paused"});
    let id = installed.api.create_webhook_with(webhook).await?;
    Ok(deliver(stack, &installed, id, "o-1").await?.0 == json!({"batchItemFailures": []}))
}

/// A delivery whose end could not be read or kept says so in the log.
pub(crate) async fn giving_up_works(stack: &Stack) -> Result<bool> {
    let installed = stack.install().await?;
    let long_ago = storehook_aws::now() - (50 * 24).hours();
    let (_, log) = deliver_queued_at(stack, &installed, 1, "o-1", long_ago).await?;
    Ok(!log.contains("history not"))
}

/// The first step of a replay of one delivery.
pub(crate) async fn replay_step_works(stack: &Stack) -> Result<bool> {
    let installed = stack.install().await?;
    let id = installed.api.create_webhook("orders/create", "http://127.0.0.1:9/").await?;
    let at = storehook_aws::now() - 1.hour();
    stack.have_delivered(&installed, id, &[("o-1", at, DeliveryState::Dead)]).await?;
    let record = stack.have_replay(&installed, id, "r-1").await?;
    let (response, _) = stack.invoke("fan-out", &job_event(&record, "m-1")?).await?;
    Ok(response == json!({"batchItemFailures": []}))
}

/// A step that fails, because its record is malformed, and could not be hidden says so in the log.
pub(crate) async fn hiding_a_failed_step_works(stack: &Stack) -> Result<bool> {
    let installed = stack.install().await?;
    let record = stack.have_replay(&installed, 1, "broken").await?;
    let item = json!({"pk": {"S": "REPLAY#1"}, "sk": {"S": "broken"}});
    stack.aws("dynamodb", "put_item", json!({"TableName": stack.resource("history"), "Item": item})).await?;
    let (response, log) = stack.invoke("fan-out", &job_event(&record, "m-1")?).await?;
    assert_eq!(response, json!({"batchItemFailures": [{"itemIdentifier": "m-1"}]}), "failed, in either case");
    Ok(!log.contains("AccessDenied"))
}

pub(crate) async fn pushing_works(stack: &Stack) -> Result<bool> {
    let event = json!({"topic": "orders/create", "payload": {}});
    let response = stack.install().await?.api.call(Method::POST, "/events", Some(event)).await?;
    Ok(response.status.is_success())
}

/// A test event, the list that it stands in, and its delivery again.
pub(crate) async fn replaying_works(stack: &Stack) -> Result<bool> {
    let receiver = Receiver::responding(StatusCode::OK).await?;
    let installed = stack.install().await?;
    let api = &installed.api;
    let id = api.create_webhook("orders/create", &receiver.url).await?;
    let tested = api.call(Method::POST, &format!("/admin/webhooks/{id}/test.json"), None).await?;
    let listed = api.call(Method::GET, &format!("/admin/webhooks/{id}/deliveries.json"), None).await?;
    if !(tested.status.is_success() && listed.status.is_success()) {
        return Ok(false);
    }
    let delivery = tested.json["delivery"]["id"].as_str().context("no delivery")?.to_owned();
    let again = api.call(Method::POST, &format!("/admin/deliveries/{delivery}/redeliver.json"), None).await?;
    Ok(again.status.is_success())
}

pub(crate) async fn delivering_works(stack: &Stack) -> Result<bool> {
    let receiver = Receiver::responding(StatusCode::OK).await?;
    let (response, _) = deliver_to(stack, &receiver.url).await?;
    Ok(response == json!({"batchItemFailures": []}) && receiver.so_far().len() == 1)
}

/// A failed attempt that could not hide its message says so in the log.
pub(crate) async fn backing_off_works(stack: &Stack) -> Result<bool> {
    let receiver = Receiver::responding(StatusCode::INTERNAL_SERVER_ERROR).await?;
    let (response, log) = deliver_to(stack, &receiver.url).await?;
    assert_eq!(response, json!({"batchItemFailures": [{"itemIdentifier": "m-1"}]}), "failed, in either case");
    Ok(!log.contains("AccessDenied"))
}

/// Hands a delivery to an address to the function.
async fn deliver_to(stack: &Stack, address: &str) -> Result<(Value, String)> {
    let installed = stack.install().await?;
    let id = installed.api.create_webhook("orders/create", address).await?;
    deliver(stack, &installed, id, "o-1").await
}

/// Every call of the admin API, as one installation.
pub(crate) async fn managing_works(stack: &Stack) -> Result<bool> {
    let installed = stack.install().await?;
    let api: &Api = &installed.api;
    let new = json!({"webhook": {"topic": "orders/create", "address": "https://a.example/"}});
    let created = api.call(Method::POST, "/admin/webhooks.json", Some(new)).await?;
    let path = format!("/admin/webhooks/{}.json", created.json["webhook"]["id"]);
    let change = json!({"webhook": {"status": "paused"}});
    let changed = api.call(Method::PUT, &path, Some(change)).await?;
    let listed = api.call(Method::GET, "/admin/webhooks.json", None).await?;
    let deleted = api.call(Method::DELETE, &path, None).await?;
    Ok([created.status, changed.status, listed.status, deleted.status].iter().all(StatusCode::is_success))
}
