//! How long each call of the admin API takes: for the client, and of that in the function.
//!
//! `cargo run --release -- local` in one terminal, `cargo bench -p storehook-tests --bench
//! admin_api [-- --count 200]` in another. The client's times are mostly the emulator's (some 50 ms for
//! each invocation); the function's are of its own log, DynamoDB's included. Of AWS
//! neither says anything.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use aws_sdk_lambda::{primitives::Blob, types::LogType};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::Method;
use serde_json::{Value, json};
use storehook_tests::{
    Api, Stack,
    bench::{Arguments, Report, percentile_ms, rounded},
};

/// A call: its method, its path, its body.
type Call = (Method, String, Option<Value>);

#[tokio::main]
async fn main() -> Result<()> {
    let calls = Arguments::read().count_or(200);
    let stack = Stack::running()?;
    let installed = stack.install().await?;
    let (api, token) = (&installed.api, &installed.token);
    let lambda = aws_sdk_lambda::Client::new(&stack.sdk());
    let mut report = Report::of("admin_api");
    let shown = api.create_webhook("orders/create", "https://a.example/shown").await?;
    for number in 0..49 {
        api.create_webhook("orders/create", &format!("https://a.example/listed/{number}")).await?;
    }
    let one = format!("/admin/webhooks/{shown}.json");
    let list = "/admin/webhooks.json";
    for (name, of_list) in [("list of 50", list), ("count", "/admin/webhooks/count.json"), ("show", &one)] {
        let call = |_| (Method::GET, of_list.to_owned(), None);
        measure(
            &mut report,
            name,
            api,
            token,
            &lambda,
            (0..calls).map(call).collect(),
            (0..calls).map(call).collect(),
        )
        .await?;
    }
    let create = |number| {
        let webhook = json!({"topic": "orders/paid", "address": format!("https://a.example/{number}")});
        (Method::POST, list.to_owned(), Some(json!({ "webhook": webhook })))
    };
    measure(
        &mut report,
        "create",
        api,
        token,
        &lambda,
        (0..calls).map(create).collect(),
        (calls..2 * calls).map(create).collect(),
    )
    .await?;
    let update = |number| {
        let webhook = json!({"webhook": {"address": format!("https://a.example/moved/{number}")}});
        (Method::PUT, one.clone(), Some(webhook))
    };
    measure(
        &mut report,
        "update",
        api,
        token,
        &lambda,
        (0..calls).map(update).collect(),
        (calls..2 * calls).map(update).collect(),
    )
    .await?;
    let created = ids(api).await?;
    let delete = |id: &u64| (Method::DELETE, format!("/admin/webhooks/{id}.json"), None);
    let (first, second) = created.split_at(created.len() / 2);
    measure(
        &mut report,
        "delete",
        api,
        token,
        &lambda,
        first.iter().map(delete).collect(),
        second.iter().map(delete).collect(),
    )
    .await?;
    report.write()
}

async fn ids(api: &Api) -> Result<Vec<u64>> {
    let mut ids = Vec::new();
    loop {
        let since = ids.last().copied().unwrap_or(0_u64);
        let path = format!("/admin/webhooks.json?fields=id&limit=250&topic=orders/paid&since_id={since}");
        let page = api.call(Method::GET, &path, None).await?.json;
        let page: Vec<u64> = page["webhooks"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|webhook| webhook["id"].as_u64())
            .collect();
        if page.is_empty() {
            return Ok(ids);
        }
        ids.extend(page);
    }
}

/// Makes some calls over HTTP, and others by invoking the function, which hands out its log.
async fn measure(
    report: &mut Report,
    name: &str,
    api: &Api,
    token: &str,
    lambda: &aws_sdk_lambda::Client,
    over_http: Vec<Call>,
    invoked: Vec<Call>,
) -> Result<()> {
    let mut of_client = Vec::new();
    for (method, path, body) in over_http {
        let began = Instant::now();
        let response = api.call(method, &path, body).await?;
        of_client.push(began.elapsed());
        anyhow::ensure!(response.status.is_success(), "{name}: {} {}", response.status, response.json);
    }
    let mut of_function = Vec::new();
    for call in invoked {
        of_function.push(invoke(lambda, token, call).await?);
    }
    let at = |times: &mut Vec<Duration>, percent| rounded(percentile_ms(times, percent), 1);
    report.add(json!({
        "call": name, "client p50 ms": at(&mut of_client, 50), "client p99 ms": at(&mut of_client, 99),
        "function p50 ms": at(&mut of_function, 50), "function p99 ms": at(&mut of_function, 99),
    }))
}

/// How long a call took in the function, by its own log.
async fn invoke(
    lambda: &aws_sdk_lambda::Client,
    token: &str,
    (method, path, body): Call,
) -> Result<Duration> {
    let event = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "",
        "headers": {"authorization": format!("Bearer {token}"), "host": "localhost", "content-type": "application/json"},
        "requestContext": {
            "accountId": "0", "apiId": "a", "domainName": "localhost", "domainPrefix": "a", "requestId": "r",
            "routeKey": "$default", "stage": "$default", "time": "22/Nov/2026:00:00:00 +0000", "timeEpoch": 0,
            "http": {"method": method.as_str(), "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "bench"},
        },
        "body": body.map(|body| body.to_string()), "isBase64Encoded": false,
    });
    let invocation = lambda.invoke().function_name("storehook-admin-api").log_type(LogType::Tail);
    let response = invocation.payload(Blob::new(event.to_string())).send().await?;
    let log = String::from_utf8(STANDARD.decode(response.log_result.context("no log")?)?)?;
    let micros = log.split("http.micros").nth(1).context("no time in the log")?;
    let digits: String =
        micros.chars().skip_while(|digit| !digit.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    Ok(Duration::from_micros(digits.parse()?))
}
