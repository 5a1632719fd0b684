//! The admin API, by many at once.

use anyhow::{Context as _, Result, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use futures::{
    future::{join_all, try_join_all},
    stream::FuturesUnordered,
};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use storehook_aws::{
    registry::{self, UniquenessItem, WebhookItem},
    table::{self, Item},
};
use storehook_tests::{Api, Call, DirectApi, Installed, Stack};
use tokio::runtime::Runtime;

#[tokio::test]
async fn one_of_a_hundred_identical_concurrent_creations_succeeds() -> Result<()> {
    // Four services that share nothing but the table, as four instances of the function do; their
    // calls are not counted, because that is another race.
    let stack = Stack::shared().await?;
    let api = stack.install().await?.api;
    let services = try_join_all((0..4).map(|_| DirectApi::on(&stack, "0"))).await?;
    let apis: Vec<_> = services.iter().map(|service| api.at(&service.url)).collect();
    services.into_iter().for_each(DirectApi::let_all_through);
    let new = json!({"webhook": {"topic": "orders/create", "address": "https://a.example/"}});
    let creations = apis.iter().cycle().take(100);
    let creations = creations.map(|api| api.call(Method::POST, "/admin/webhooks.json", Some(new.clone())));
    let mut refused = 0;
    for response in join_all(creations).await {
        let response = response?;
        if response.status != StatusCode::CREATED {
            let errors = json!({"errors": {"address": ["for this topic has already been taken"]}});
            assert_eq!((response.status, response.json), (StatusCode::UNPROCESSABLE_ENTITY, errors));
            refused += 1;
        }
    }
    assert_eq!(refused, 99);
    assert_eq!(api.call(Method::GET, "/admin/webhooks/count.json", None).await?.json, json!({"count": 1}));
    Ok(())
}

/// DynamoDB refuses a transaction that meets another one over the same items; the emulator never
/// does.
#[tokio::test]
async fn conflicting_transactions_are_retried_and_are_503_in_the_end() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let mut direct = DirectApi::on(&stack, "0").await?;
    let api = installed.api.at(&direct.url);
    let new = Some(json!({"webhook": {"topic": "orders/create", "address": "https://a.example/"}}));
    let id = installed.api.create_webhook("orders/paid", "https://a.example/").await?;
    let (webhooks, webhook) = ("/admin/webhooks.json".to_owned(), format!("/admin/webhooks/{id}.json"));
    for (method, path, conflicts, status) in [
        (Method::POST, &webhooks, 9, StatusCode::CREATED),
        (Method::POST, &webhooks, usize::MAX, StatusCode::SERVICE_UNAVAILABLE),
        (Method::PUT, &webhook, 9, StatusCode::OK),
        (Method::PUT, &webhook, usize::MAX, StatusCode::SERVICE_UNAVAILABLE),
        (Method::DELETE, &webhook, usize::MAX, StatusCode::SERVICE_UNAVAILABLE),
    ] {
        let mut tries = 0;
        let body = match method {
            Method::POST => new.clone(),
            Method::PUT => Some(json!({"webhook": {"address": format!("https://b.example/{conflicts}")}})),
            _ => None,
        };
        let decide = |call: Call| match call.operation.as_str() {
            "TransactWriteItems" if tries < conflicts => {
                tries += 1;
                let reasons = json!([{"Code": "None"}, {"Code": "TransactionConflict", "Message": "secret"}]);
                let error = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
                call.answer(
                    StatusCode::BAD_REQUEST,
                    json!({"__type": error, "CancellationReasons": reasons}),
                );
            }
            _ => call.let_through(),
        };
        let request = api.call(method, path, body);
        let (response, _) = direct.decide(request, decide).await?;
        assert_eq!(response.status, status, "{}", response.json);
        assert_eq!(tries, conflicts.min(10), "transactions that met a conflict");
        if status == StatusCode::SERVICE_UNAVAILABLE {
            assert_eq!(response.json, json!({"errors": "Service Unavailable"}));
            assert_eq!(response.header("retry-after"), "1");
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_outage_of_dynamodb_is_503_and_leaks_no_details() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let mut direct = DirectApi::on(&stack, "0").await?;
    let api = installed.api.at(&direct.url);
    let fail = |call: Call| {
        let error = json!({"__type": "InternalServerError", "message": "secret words"});
        call.answer(StatusCode::INTERNAL_SERVER_ERROR, error);
    };
    let (response, calls) = direct.decide(api.call(Method::GET, "/admin/webhooks.json", None), fail).await?;
    assert_eq!(response.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.json, json!({"errors": "Service Unavailable"}));
    assert_eq!(response.header("retry-after"), "1");
    assert_eq!(calls.len(), 3, "the SDK tries three times");
    Ok(())
}

/// What one of several requests does, to one of two webhooks or to make a third.
#[derive(Debug, Clone, Copy)]
enum Operation {
    Create { address: usize },
    Update { webhook: usize, address: usize },
    Pause { webhook: usize },
    Delete { webhook: usize },
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        (0..3_usize).prop_map(|address| Operation::Create { address }),
        (0..2_usize, 0..3_usize).prop_map(|(webhook, address)| Operation::Update { webhook, address }),
        (0..2_usize).prop_map(|webhook| Operation::Pause { webhook }),
        (0..2_usize).prop_map(|webhook| Operation::Delete { webhook }),
    ]
}

/// Whatever requests do at the same time, and in whatever order their calls reach DynamoDB: each
/// webhook has its place, and no place is held for a webhook that is not there.
#[test]
fn no_interleaving_leaves_a_reserved_address_without_its_webhook() -> Result<()> {
    let runtime = Runtime::new()?;
    let stack = runtime.block_on(Stack::shared())?;
    let config = Config { cases: 64, failure_persistence: None, ..Config::default() };
    let cases = (prop::collection::vec(operation(), 2..6), prop::collection::vec(any::<usize>(), 64));
    TestRunner::new(config).run(&cases, |(operations, order)| {
        let checked = runtime.block_on(places_match(&stack, &operations, &order));
        checked.map_err(|error| TestCaseError::fail(format!("{error:#}")))
    })?;
    Ok(())
}

async fn places_match(stack: &Stack, operations: &[Operation], order: &[usize]) -> Result<()> {
    let installed = stack.install().await?;
    let mut direct = DirectApi::on(stack, "0").await?;
    let api = installed.api.at(&direct.url);
    let mut ids = Vec::new();
    for address in [0, 1] {
        let created =
            in_order(vec![run(&api, Operation::Create { address }, &[])], &mut direct, &[0]).await?;
        ids.push(created[0].1["webhook"]["id"].as_u64().context("not created")?);
    }
    let requests = operations.iter().map(|operation| run(&api, *operation, &ids)).collect();
    for (status, json) in in_order(requests, &mut direct, order).await? {
        ensure!(matches!(status.as_u16(), 200 | 201 | 404 | 422), "{status}: {json}");
    }
    let (held, wanted) = places(stack, &installed).await?;
    ensure!(held == wanted, "held {held:?}, wanted {wanted:?}");
    Ok(())
}

async fn run(api: &Api, operation: Operation, ids: &[u64]) -> Result<(StatusCode, Value)> {
    let address = |number: usize| format!("https://a.example/{number}");
    let (method, path, webhook) = match operation {
        Operation::Create { address: number } => {
            let new = json!({"topic": "orders/create", "address": address(number)});
            (Method::POST, "/admin/webhooks.json".to_owned(), Some(new))
        }
        Operation::Update { webhook, address: number } => {
            (Method::PUT, path_of(ids, webhook), Some(json!({"address": address(number)})))
        }
        Operation::Pause { webhook } => {
            (Method::PUT, path_of(ids, webhook), Some(json!({"status": "paused"})))
        }
        Operation::Delete { webhook } => (Method::DELETE, path_of(ids, webhook), None),
    };
    let response = api.call(method, &path, webhook.map(|webhook| json!({ "webhook": webhook }))).await?;
    Ok((response.status, response.json))
}

fn path_of(ids: &[u64], webhook: usize) -> String {
    format!("/admin/webhooks/{}.json", ids[webhook])
}

/// Makes requests at the same time, and lets their calls of DynamoDB through one by one: each time
/// that all wait for theirs, the next number of the order says whose.
async fn in_order<T>(
    requests: Vec<impl Future<Output = Result<T>>>,
    direct: &mut DirectApi,
    order: &[usize],
) -> Result<Vec<T>> {
    use futures::StreamExt as _;
    let mut unfinished = requests.len();
    let mut requests: FuturesUnordered<_> = requests.into_iter().collect();
    let mut order = order.iter().cycle();
    let mut waiting: Vec<Call> = Vec::new();
    let mut finished = Vec::new();
    while unfinished > 0 {
        while waiting.len() < unfinished {
            tokio::select! {
                call = direct.calls.recv() => waiting.push(call.context("the gate is gone")?),
                Some(response) = requests.next() => {
                    finished.push(response?);
                    unfinished -= 1;
                }
            }
        }
        if !waiting.is_empty() {
            let next = order.next().context("no order")? % waiting.len();
            waiting.swap_remove(next).let_through();
        }
    }
    Ok(finished)
}

/// The places that are held in an installation's partition, and those that its webhooks want.
async fn places(stack: &Stack, installed: &Installed) -> Result<(Vec<String>, Vec<String>)> {
    let partition = registry::partition_of(&installed.shop, &installed.app);
    let query = aws_sdk_dynamodb::Client::new(&stack.sdk())
        .query()
        .table_name(stack.resource("registry"))
        .consistent_read(true)
        .key_condition_expression("pk = :pk")
        .expression_attribute_values(":pk", AttributeValue::S(partition));
    let sort_key = |item: &Item| item.get("sk").and_then(|key| key.as_s().ok()).cloned().unwrap_or_default();
    let (mut held, mut wanted) = (Vec::new(), Vec::new());
    for item in query.send().await?.items.unwrap_or_default() {
        let key = sort_key(&item);
        if key.starts_with("UNIQUE#") {
            held.push(key);
        } else if key.starts_with(registry::WEBHOOK_SORT_KEY_PREFIX) {
            let webhook = table::from_item::<WebhookItem>(item)?.webhook;
            wanted.push(sort_key(&UniquenessItem::of(&webhook).key()));
        }
    }
    held.sort();
    wanted.sort();
    Ok((held, wanted))
}
