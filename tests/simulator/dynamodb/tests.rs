//! The stand-in, call by call.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{DynamoDb, IndexSchema, KeySchema, TableSchema};
use crate::refusal::Refusal;

fn keys(partition: &str, sort: &str) -> KeySchema {
    KeySchema { partition: partition.to_owned(), sort: sort.to_owned() }
}

/// A table of ten items: `id` 0 to 9, in two shops.
fn table() -> DynamoDb {
    let index = IndexSchema {
        name: "by_shop".to_owned(),
        keys: keys("shop", "id"),
        attributes: Some(vec!["state".to_owned()]),
    };
    let schema =
        TableSchema { keys: keys("pk", "sk"), indexes: vec![index], expiry: Some("expires_at".to_owned()) };
    let mut table = DynamoDb::default();
    table.create("t", schema);
    for id in 0..10 {
        let item = json!({
            "pk": {"S": "P"}, "sk": {"S": format!("ITEM#{id}")}, "id": {"N": id.to_string()},
            "shop": {"S": if id < 6 { "a" } else { "b" }}, "count": {"N": "1"},
            "state": {"S": if id % 2 == 0 { "even" } else { "odd" }},
        });
        assert!(table.put("t", &item).is_ok());
    }
    table
}

fn call(table: &mut DynamoDb, operation: &str, mut call: Value) -> Result<Value, &'static str> {
    call["TableName"] = "t".into();
    table.respond(operation, &call, Timestamp::UNIX_EPOCH).map_err(|Refusal(name, _)| name)
}

/// The ids of the items that a query finds, page by page.
fn ids(table: &mut DynamoDb, mut query: Value) -> Vec<Vec<u64>> {
    let mut pages = Vec::new();
    loop {
        let page = call(table, "Query", query.clone()).unwrap();
        let items = page["Items"].as_array().unwrap().iter();
        pages.push(items.map(|item| item["id"]["N"].as_str().unwrap().parse().unwrap()).collect());
        let Some(last) = page.get("LastEvaluatedKey") else { return pages };
        query["ExclusiveStartKey"] = last.clone();
    }
}

#[test]
fn queries_find_ranges_of_tables_and_indexes_in_pages() {
    let by_shop = json!({
        "IndexName": "by_shop", "KeyConditionExpression": "shop = :shop AND id BETWEEN :low AND :high",
        "ExpressionAttributeValues": {":shop": {"S": "a"}, ":low": {"N": "1"}, ":high": {"N": "4"}},
    });
    let with = |more: Value| {
        let mut query = by_shop.clone();
        query.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        query
    };
    let filter = json!({
        "FilterExpression": "#state IN (:x, :y)", "ExpressionAttributeNames": {"#state": "state"},
        "ExpressionAttributeValues": {
            ":shop": {"S": "a"}, ":low": {"N": "1"}, ":high": {"N": "9"}, ":x": {"S": "x"}, ":y": {"S": "odd"},
        },
    });
    let begins = json!({
        "KeyConditionExpression": "pk = :pk AND begins_with(sk, :sk)",
        "ExpressionAttributeValues": {":pk": {"S": "P"}, ":sk": {"S": "ITEM#7"}},
    });
    for (query, expected) in [
        (by_shop.clone(), vec![vec![1, 2, 3, 4]]),
        (with(json!({"ScanIndexForward": false})), vec![vec![4, 3, 2, 1]]),
        (with(json!({"Limit": 3})), vec![vec![1, 2, 3], vec![4]]),
        (with(json!({"Limit": 2})), vec![vec![1, 2], vec![3, 4], vec![]]),
        (with(json!({"Limit": 3, "ScanIndexForward": false})), vec![vec![4, 3, 2], vec![1]]),
        (with(filter), vec![vec![1, 3, 5]]),
        (begins, vec![vec![7]]),
    ] {
        assert_eq!(ids(&mut table(), query.clone()), expected, "{query}");
    }
}

#[test]
fn an_index_holds_what_the_template_says_and_follows_its_table() {
    let mut table = table();
    let query = json!({
        "IndexName": "by_shop", "KeyConditionExpression": "shop = :shop",
        "ExpressionAttributeValues": {":shop": {"S": "b"}},
    });
    let page = call(&mut table, "Query", query.clone()).unwrap();
    assert_eq!(page["Items"][0].get("count"), None);
    assert_eq!(page["Items"][0]["state"]["S"], "even");
    let key = json!({"pk": {"S": "P"}, "sk": {"S": "ITEM#6"}});
    let values = json!({":shop": {"S": "c"}});
    let moved =
        json!({"Key": key, "UpdateExpression": "SET shop = :shop", "ExpressionAttributeValues": values});
    call(&mut table, "UpdateItem", moved).unwrap();
    assert_eq!(ids(&mut table, query.clone()), [[7, 8, 9]]);
    let key = json!({"pk": {"S": "P"}, "sk": {"S": "ITEM#7"}});
    call(&mut table, "DeleteItem", json!({"Key": key})).unwrap();
    assert_eq!(ids(&mut table, query), [[8, 9]]);
}

#[test]
fn a_write_whose_condition_fails_changes_nothing_and_shows_the_item() {
    let mut table = table();
    let key = json!({"pk": {"S": "P"}, "sk": {"S": "ITEM#1"}});
    let update = json!({
        "TableName": "t", "Key": key, "UpdateExpression": "SET #count = #count + :one",
        "ConditionExpression": "#count = :known", "ExpressionAttributeNames": {"#count": "count"},
        "ExpressionAttributeValues": {":one": {"N": "1"}, ":known": {"N": "1"}},
        "ReturnValues": "ALL_NEW", "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    });
    let first = call(&mut table, "UpdateItem", update.clone()).unwrap();
    assert_eq!(first["Attributes"]["count"]["N"], "2");
    let Err(Refusal(name, body)) = table.respond("UpdateItem", &update, Timestamp::UNIX_EPOCH) else {
        panic!("the second one was made");
    };
    assert_eq!((name, &body["Item"]["count"]["N"]), ("ConditionalCheckFailedException", &"2".into()));
    let absent = json!({"pk": {"S": "Q"}, "sk": {"S": "1"}});
    let put = json!({"Item": absent, "ConditionExpression": "attribute_not_exists(pk)"});
    assert!(call(&mut table, "PutItem", put.clone()).is_ok());
    assert_eq!(call(&mut table, "PutItem", put), Err("ConditionalCheckFailedException"));
}

#[test]
fn a_transaction_is_made_whole_or_not_at_all() {
    let put = |sort: &str, condition: &str| {
        let item = json!({"pk": {"S": "P"}, "sk": {"S": sort}});
        json!({"Put": {"TableName": "t", "Item": item, "ConditionExpression": condition}})
    };
    for (second, is_made) in [("attribute_not_exists(pk)", true), ("attribute_exists(pk)", false)] {
        let mut table = table();
        let entries = json!([put("NEW", "attribute_not_exists(pk)"), put("NEWER", second)]);
        let made = call(&mut table, "TransactWriteItems", json!({"TransactItems": entries}));
        assert_eq!(made.err(), (!is_made).then_some("TransactionCanceledException"));
        let key = json!({"pk": {"S": "P"}, "sk": {"S": "NEW"}});
        let found = call(&mut table, "GetItem", json!({"Key": key})).unwrap();
        assert_eq!(found.get("Item").is_some(), is_made);
    }
}

#[test]
fn batches_read_and_write_and_what_has_expired_is_gone() {
    let mut table = table();
    let item = |sort: &str, expires_at: &str| json!({"PutRequest": {"Item": {"pk": {"S": "P"}, "sk": {"S": sort}, "expires_at": {"N": expires_at}}}});
    let key = |sort: &str| json!({"pk": {"S": "P"}, "sk": {"S": sort}});
    let writes = json!([item("X", "1"), item("Y", "0"), {"DeleteRequest": {"Key": key("ITEM#1")}}]);
    call(&mut table, "BatchWriteItem", json!({"RequestItems": {"t": writes}})).unwrap();
    let wanted = json!({"t": {"Keys": [key("X"), key("Y"), key("ITEM#1"), key("ITEM#2")]}});
    let found = call(&mut table, "BatchGetItem", json!({"RequestItems": wanted})).unwrap();
    let found: Vec<_> =
        found["Responses"]["t"].as_array().unwrap().iter().map(|item| &item["sk"]["S"]).collect();
    assert_eq!(found, ["X", "ITEM#2"]);
}
