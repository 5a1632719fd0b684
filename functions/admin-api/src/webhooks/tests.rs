//! Tests of webhooks: what is read, and what each change writes.

use axum::http::StatusCode;
use serde_json::{Value, json};
use storehook_aws::registry::WebhookItem;
use storehook_aws::stand_in::json_of;
use storehook_domain::webhook::Webhook;

use super::operations::must_be_active;
use crate::stand_in::{Api, TestResult, webhook};

fn item(members: Value) -> Result<Value, Box<dyn std::error::Error>> {
    Ok(json_of(WebhookItem::of(webhook(members)?))?)
}

/// The ids of a list.
fn ids(list: &Value) -> Vec<u64> {
    list["webhooks"].as_array().into_iter().flatten().filter_map(|webhook| webhook["id"].as_u64()).collect()
}

#[tokio::test]
async fn a_list_has_one_page_of_the_webhooks_that_match() -> TestResult {
    let paid = |id| item(json!({"id": id, "topic": "orders/paid"}));
    let items = [item(json!({}))?, paid(8)?, item(json!({"id": 9}))?, paid(10)?];
    let more = json!({"pk": items[3]["pk"], "sk": items[3]["sk"]});
    for (query, listed, limit) in [
        // One more is read, to tell whether a page follows.
        ("", vec![7, 8, 9, 10], Some(51)),
        ("?limit=2", vec![7, 8], Some(3)),
        ("?limit=2&page=2", vec![9, 10], Some(5)),
        ("?limit=250&page=21", vec![], Some(5_000)),
        // Nobody knows how many items a filter takes.
        ("?limit=1&topic=orders/paid", vec![8], None),
        ("?limit=1&page=2&topic=orders/paid", vec![10], None),
    ] {
        let api = Api::start().await?;
        // Whether more items follow is told by DynamoDB alone.
        api.reply("Query", json!({"Items": items, "LastEvaluatedKey": more}));
        let (status, _, list) = api.send(&format!("GET /admin/webhooks.json{query}"), Value::Null).await?;
        assert_eq!((status, ids(&list)), (StatusCode::OK, listed), "{query}");
        assert_eq!(api.calls("Query")[0]["Limit"].as_u64(), limit, "{query}");
    }
    Ok(())
}

#[tokio::test]
async fn a_page_reads_one_webhook_further_than_it_shows_and_no_more() -> TestResult {
    // The last query is of their health.
    for (limit, queries) in [(1, 2), (2, 3)] {
        let api = Api::start().await?;
        let item = item(json!({}))?;
        api.reply(
            "Query",
            json!({"Items": [item, item], "LastEvaluatedKey": {"pk": item["pk"], "sk": item["sk"]}}),
        );
        api.send(&format!("GET /admin/webhooks?limit={limit}"), Value::Null).await?;
        assert_eq!(api.calls("Query").len(), queries, "{limit}");
    }
    Ok(())
}

#[tokio::test]
async fn a_list_after_an_id_begins_behind_it() -> TestResult {
    for (query, first) in
        [("", "WEBHOOK#00000000000000000000"), ("?since_id=7", "WEBHOOK#00000000000000000008")]
    {
        let api = Api::start().await?;
        api.send(&format!("GET /admin/webhooks{query}"), Value::Null).await?;
        let values = &api.calls("Query")[0]["ExpressionAttributeValues"];
        assert_eq!(values[":first"], json!({"S": first}));
        assert_eq!(values[":pk"], json!({"S": "SHOP#a.example#APP#demo"}), "it is the caller's partition");
    }
    Ok(())
}

#[tokio::test]
async fn dynamodb_counts_all_pages_by_address_and_topic() -> TestResult {
    for (query, condition) in [
        ("", Value::Null),
        ("?address=https://b.example/", json!("address = :address")),
        (
            "?address=https://b.example/&topic=order:new",
            json!("address = :address AND subscription = :subscription"),
        ),
    ] {
        let api = Api::start().await?;
        api.reply("Query", json!({"Count": 2, "LastEvaluatedKey": {"pk": {"S": "p"}}}));
        api.reply("Query", json!({"Count": 3}));
        let (_, _, body) = api.send(&format!("GET /admin/webhooks/count{query}"), Value::Null).await?;
        assert_eq!(body, json!({"count": 5}));
        assert_eq!(api.calls("Query")[0]["FilterExpression"], condition);
    }
    Ok(())
}

#[tokio::test]
async fn a_webhook_is_shown_or_not_found() -> TestResult {
    let api = Api::start().await?;
    let (status, _, body) = api.send("GET /admin/webhooks/7?fields=id,topic", Value::Null).await?;
    assert_eq!((status, body), (StatusCode::OK, json!({"webhook": {"id": 7, "topic": "orders/create"}})));
    for id in ["8", "x"] {
        let (status, _, body) = api.send(&format!("GET /admin/webhooks/{id}"), Value::Null).await?;
        assert_eq!((status, body), (StatusCode::NOT_FOUND, json!({"errors": "Not Found"})));
    }
    Ok(())
}

#[tokio::test]
async fn a_new_webhook_takes_an_id_and_its_slot() -> TestResult {
    let api = Api::start().await?;
    let new = json!({"webhook": {"topic": "orders/create", "address": "https://c.example/"}});
    api.reply("UpdateItem", json!({"Attributes": {"value": {"N": "9"}}}));
    let (status, _, body) = api.send("POST /admin/webhooks", new.clone()).await?;
    assert_eq!((status, &body["webhook"]["id"]), (StatusCode::CREATED, &json!(9)));
    assert_eq!(body["webhook"]["address"], "https://c.example/");
    let [transaction] = &api.calls("TransactWriteItems")[..] else { return Err("one transaction".into()) };
    let writes = &transaction["TransactItems"];
    let update = &writes[0]["Update"];
    assert_eq!(update["Key"]["sk"], json!({"S": "INSTALLATION"}), "the app must still be installed");
    assert_eq!(writes[1]["Put"]["Item"]["version"], json!({"N": "1"}));
    assert_eq!(writes[2]["Put"]["ConditionExpression"], "attribute_not_exists(pk)");
    Ok(())
}

#[tokio::test]
async fn a_refused_creation_says_why() -> TestResult {
    let (none, failed) = ("None", "ConditionalCheckFailed");
    let taken = json!({"errors": {"address": ["for this topic has already been taken"]}});
    for (reasons, status, errors) in [
        ([none, none, failed], StatusCode::UNPROCESSABLE_ENTITY, Some(taken)),
        ([failed, none, none], StatusCode::UNAUTHORIZED, None),
        ([none, failed, none], StatusCode::SERVICE_UNAVAILABLE, None),
        ([none, "ThrottlingError", none], StatusCode::SERVICE_UNAVAILABLE, None),
    ] {
        let api = Api::start().await?;
        api.reply("UpdateItem", json!({"Attributes": {"value": {"N": "9"}}}));
        api.cancel(&reasons);
        if status == StatusCode::UNAUTHORIZED {
            api.take("INSTALLATION");
        }
        let new = json!({"webhook": {"topic": "orders/create", "address": "https://c.example/"}});
        let (told, _, body) = api.send("POST /admin/webhooks", new).await?;
        assert_eq!(told, status, "{reasons:?}");
        assert!(errors.is_none_or(|errors| errors == body), "{reasons:?}");
        assert_eq!(api.calls("TransactWriteItems").len(), 1, "{reasons:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_transaction_that_meets_another_one_is_made_again() -> TestResult {
    let api = Api::start().await?;
    api.cancel(&["None", "TransactionConflict", "None"]);
    let (status, ..) = api.send("DELETE /admin/webhooks/7", Value::Null).await?;
    assert_eq!((status, api.calls("TransactWriteItems").len()), (StatusCode::OK, 2));
    Ok(())
}

#[tokio::test]
async fn a_change_writes_a_new_version_and_moves_the_slot_only_if_it_must() -> TestResult {
    for (change, writes) in [
        (json!({"status": "paused"}), Some(2)),
        (json!({"address": "https://c.example/"}), Some(4)),
        (json!({"address": "https://b.example/"}), None),
    ] {
        let api = Api::start().await?;
        let (status, _, body) = api.send("PUT /admin/webhooks/7", json!({"webhook": change})).await?;
        assert_eq!(status, StatusCode::OK);
        let name = if change["status"].is_string() { "status" } else { "address" };
        assert_eq!(body["webhook"][name], change[name]);
        let is_new = body["webhook"]["updated_at"] != "2026-11-21T20:30:00+05:30";
        assert_eq!(is_new, writes.is_some(), "an unchanged webhook keeps its time");
        let made = api.calls("TransactWriteItems");
        let made: Vec<_> = made.iter().filter_map(|call| call["TransactItems"].as_array()).collect();
        assert_eq!(made.first().map(|items| items.len()), writes, "{change}");
        for items in made {
            let put = &items[1]["Put"];
            assert_eq!(put["Item"]["version"], json!({"N": "4"}));
            assert_eq!(put["ExpressionAttributeValues"][":version"], json!({"N": "3"}));
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_change_that_another_one_overtook_is_made_again() -> TestResult {
    for request in ["PUT /admin/webhooks/7", "DELETE /admin/webhooks/7"] {
        let api = Api::start().await?;
        api.cancel(&["None", "ConditionalCheckFailed", "None"]);
        let (status, ..) = api.send(request, json!({"webhook": {"status": "paused"}})).await?;
        assert_eq!((status, api.calls("TransactWriteItems").len()), (StatusCode::OK, 2), "{request}");
    }
    Ok(())
}

#[tokio::test]
async fn a_deletion_takes_the_webhook_and_its_slot() -> TestResult {
    let api = Api::start().await?;
    let (status, _, body) = api.send("DELETE /admin/webhooks/7", Value::Null).await?;
    assert_eq!((status, body), (StatusCode::OK, json!({})));
    let writes = &api.calls("TransactWriteItems")[0]["TransactItems"];
    assert_eq!(writes.as_array().map(Vec::len), Some(3));
    assert_eq!(writes[1]["Delete"]["ExpressionAttributeValues"][":version"], json!({"N": "3"}));
    assert_eq!(writes[2]["Delete"]["ConditionExpression"], Value::Null);
    let (status, ..) = api.send("DELETE /admin/webhooks/8", Value::Null).await?;
    assert_eq!(status, StatusCode::NOT_FOUND);
    Ok(())
}

#[test]
fn only_an_active_webhook_takes_deliveries() -> TestResult {
    for (status, refusal) in [
        (Some("active"), None),
        (Some("paused"), Some("is paused")),
        (Some("disabled"), Some("is disabled")),
        (None, Some("has been deleted")),
    ] {
        let webhook: Option<Webhook> = status.map(|status| webhook(json!({"status": status}))).transpose()?;
        let refused = must_be_active(webhook.as_ref()).err().map(|error| error.errors());
        assert_eq!(refused, refusal.map(|refusal| json!({"webhook": [refusal]})));
    }
    Ok(())
}
