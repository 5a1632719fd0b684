//! Tests of the count: what changes it, what it refuses, and how it heals.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::stand_in::{Api, TestResult};

const REFUSED: [&str; 3] = ["ConditionalCheckFailed", "None", "None"];

/// An API whose installation has this count, which was checked so many minutes ago.
async fn api_with(webhooks: Option<u64>, minutes: i64) -> Result<Api, Box<dyn std::error::Error>> {
    let api = Api::with(&[("RATE_LIMIT_BURST", "0"), ("WEBHOOKS_PER_INSTALLATION", "2")]).await?;
    let mut item = api.item("INSTALLATION").ok_or("no installation")?;
    let members = item.as_object_mut().ok_or("no item")?;
    members.remove("webhook_count");
    members.remove("webhooks_counted_at");
    if let Some(webhooks) = webhooks {
        let counted_at = storehook_aws::now() - jiff::SignedDuration::from_mins(minutes);
        members.insert("webhook_count".to_owned(), json!({"N": webhooks.to_string()}));
        members.insert("webhooks_counted_at".to_owned(), json!({"S": counted_at.to_string()}));
    }
    api.put_json(item);
    api.reply("UpdateItem", json!({"Attributes": {"value": {"N": "9"}}}));
    Ok(api)
}

fn new() -> Value {
    json!({"webhook": {"topic": "orders/create", "address": "https://c.example/"}})
}

#[tokio::test]
async fn each_creation_and_deletion_changes_the_count_on_its_condition() -> TestResult {
    let of_caller = "#token = :token AND attribute_not_exists(uninstalled_at) AND ";
    for (limit, request, change, condition, most) in [
        ("2", "POST /admin/webhooks", "webhook_count + :one", "webhook_count < :limit", Some("2")),
        ("0", "POST /admin/webhooks", "webhook_count + :one", "attribute_exists(webhook_count)", None),
        ("2", "DELETE /admin/webhooks/7", "webhook_count - :one", "webhook_count >= :one", None),
    ] {
        let api = Api::with(&[("RATE_LIMIT_BURST", "0"), ("WEBHOOKS_PER_INSTALLATION", limit)]).await?;
        api.reply("UpdateItem", json!({"Attributes": {"value": {"N": "9"}}}));
        let (status, ..) = api.send(request, new()).await?;
        assert!(status.is_success(), "{status}");
        let call = &api.calls("TransactWriteItems")[0];
        assert_eq!(call["TransactItems"].as_array().map(Vec::len), Some(3), "it costs no further write");
        let update = &call["TransactItems"][0]["Update"];
        assert_eq!(update["Key"]["sk"], json!({"S": "INSTALLATION"}));
        assert_eq!(update["UpdateExpression"], format!("SET webhook_count = {change}"));
        assert_eq!(update["ConditionExpression"], format!("{of_caller}{condition}"));
        assert_eq!(update["ExpressionAttributeValues"][":limit"]["N"].as_str(), most);
        // One read is of the token, and one of the webhook that is deleted.
        let reads = if request.starts_with("DELETE") { 2 } else { 1 };
        assert_eq!((api.calls("GetItem").len(), api.calls("Query").len()), (reads, 0));
    }
    Ok(())
}

#[tokio::test]
async fn a_webhook_over_the_quota_is_refused_with_the_quota() -> TestResult {
    let told = "An app may have 2 webhooks on a shop, and this one has them: delete one first";
    // A count that nobody has checked for ten minutes does not refuse.
    for (webhooks, minutes, counted, is_counted) in [(2, 9, 0, false), (2, 11, 2, true), (3, 11, 5, true)] {
        let api = api_with(Some(webhooks), minutes).await?;
        api.cancel(&REFUSED);
        api.reply("Query", json!({"Count": counted}));
        let (status, _, body) = api.send("POST /admin/webhooks", new()).await?;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(body, json!({"errors": {"base": [told]}}));
        assert_eq!(api.calls("Query").len(), usize::from(is_counted), "{webhooks} {minutes}");
        assert_eq!(api.calls("TransactWriteItems").len(), 1);
    }
    Ok(())
}

#[tokio::test]
async fn a_missing_or_wrong_count_is_counted_anew_and_the_write_made_again() -> TestResult {
    for (request, webhooks, condition) in [
        ("POST /admin/webhooks", None, "attribute_not_exists(webhook_count)"),
        ("POST /admin/webhooks", Some(2), "webhook_count = :seen"),
        ("DELETE /admin/webhooks/7", None, "attribute_not_exists(webhook_count)"),
        ("DELETE /admin/webhooks/7", Some(0), "webhook_count = :seen"),
    ] {
        let api = api_with(webhooks, 11).await?;
        api.cancel(&REFUSED);
        api.reply("Query", json!({"Count": 1}));
        let (status, ..) = api.send(request, new()).await?;
        assert!(status.is_success(), "{request} {webhooks:?}: {status}");
        assert_eq!(api.calls("TransactWriteItems").len(), 2);
        let update = api.calls("UpdateItem").pop().ok_or("no update")?;
        assert_eq!(update["ExpressionAttributeValues"][":counted"], json!({"N": "1"}));
        assert_eq!(update["ConditionExpression"], format!("#token = :token AND {condition}"));
    }
    Ok(())
}

/// Two requests delete the only webhook, and the count of the slower one is not to blame.
#[tokio::test]
async fn a_webhook_that_somebody_else_has_deleted_is_not_found() -> TestResult {
    let api = api_with(Some(0), 0).await?;
    api.cancel(&["ConditionalCheckFailed", "ConditionalCheckFailed", "None"]);
    api.reply("Query", json!({"Count": 0}));
    api.reply("GetItem", json!({"Item": api.item("TOKEN")}));
    api.reply("GetItem", json!({"Item": api.item("WEBHOOK#00000000000000000007")}));
    api.reply("GetItem", json!({"Item": api.item("INSTALLATION")}));
    api.reply("GetItem", json!({}));
    let (status, ..) = api.send("DELETE /admin/webhooks/7", Value::Null).await?;
    assert_eq!((status, api.calls("TransactWriteItems").len()), (StatusCode::NOT_FOUND, 1));
    Ok(())
}

/// Somebody deletes a webhook between the refusal and the look at the count.
#[tokio::test]
async fn a_webhook_that_fits_by_now_is_created() -> TestResult {
    let api = api_with(Some(1), 0).await?;
    api.cancel(&REFUSED);
    let (status, ..) = api.send("POST /admin/webhooks", new()).await?;
    assert_eq!((status, api.calls("TransactWriteItems").len()), (StatusCode::CREATED, 2));
    assert_eq!(api.calls("Query").len(), 0);
    Ok(())
}

#[tokio::test]
async fn a_refusal_of_an_uninstalled_app_is_not_taken_for_one_of_the_quota() -> TestResult {
    let ended =
        [("uninstalled_at", json!({"S": "2026-11-22T15:00:00Z"})), ("token", json!({"S": "TOKEN#0"}))];
    for (member, value) in ended {
        for request in ["POST /admin/webhooks", "DELETE /admin/webhooks/7"] {
            let api = api_with(Some(2), 0).await?;
            let mut item = api.item("INSTALLATION").ok_or("no installation")?;
            item[member] = value.clone();
            api.put_json(item);
            api.cancel(&REFUSED);
            let (status, ..) = api.send(request, new()).await?;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{member}: {request}");
        }
    }
    Ok(())
}
