//! Every file of events/, handed to the function it is for.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use reqwest::StatusCode;
use serde_json::{Value, json};
use storehook_tests::{Api, Receiver, Stack, root};

/// What each function answers to each of its files.
const ADMIN_API: [(&str, u64); 12] = [
    ("create", 201),
    ("create-invalid", 422),
    ("create-not-json", 400),
    ("list", 200),
    ("list-invalid", 400),
    ("count", 200),
    ("show", 200),
    ("show-missing", 404),
    ("update", 200),
    ("delete", 200),
    ("unauthorized", 401),
    ("openapi", 200),
];
const FAN_OUT: [&str; 3] = ["empty", "good", "mixed"];
const DELIVERY: [(&str, &[&str]); 5] = [
    ("good", &[]),
    ("malformed", &["059f36b4-87a3-44ab-83d2-661975800001"]),
    ("redelivered", &[]),
    ("exhausted", &["059f36b4-87a3-44ab-83d2-661975800001"]),
    ("cancelled", &[]),
];

#[tokio::test]
async fn every_sample_event_is_answered_as_it_should_be() -> Result<()> {
    let stack = Stack::shared().await?;
    let file = Stack::file().await?;
    let api = Api::new(&stack.api_url, &file.token)?;

    for (case, status) in ADMIN_API {
        let mut event = sample("admin-api", case)?;
        if ["show", "update", "delete"].contains(&case) {
            // The files speak of webhook 1; on this stack it may be another test's.
            let id = api.create_webhook("orders/create", &format!("http://127.0.0.1:9000/{case}")).await?;
            let path = event["rawPath"].as_str().context("no path")?.replace("/1.", &format!("/{id}."));
            event["rawPath"] = json!(path);
            event["requestContext"]["http"]["path"] = json!(path);
        }
        let (answer, _) = stack.invoke("admin-api", &event).await?;
        assert_eq!(answer["statusCode"], json!(status), "{case}: {answer}");
    }
    for case in FAN_OUT {
        let (answer, _) = stack.invoke("fan-out", &sample("fan-out", case)?).await?;
        assert_eq!(answer, json!({"batchItemFailures": []}), "{case}");
    }
    let receiver = Receiver::answering(StatusCode::OK).await?;
    let id = api.create_webhook("orders/create", &receiver.url).await?;
    for (case, failed) in DELIVERY {
        let event = sample("delivery", case)?.to_string();
        let event = event.replace(r#"\"webhook_id\": 1,"#, &format!(r#"\"webhook_id\": {id},"#));
        let (answer, _) = stack.invoke("delivery", &serde_json::from_str(&event)?).await?;
        let failures: Vec<_> = failed.iter().map(|id| json!({"itemIdentifier": id})).collect();
        assert_eq!(answer, json!({"batchItemFailures": failures}), "{case}");
    }
    let delivered = receiver.wait_for(3).await?;
    let mut ids: Vec<_> =
        delivered.iter().map(|delivered| delivered.header("x-spiffy-stores-event-id")).collect();
    ids.sort();
    assert_eq!(
        ids,
        ["01JD0000000000000000000001", "01JD0000000000000000000002", "01JD0000000000000000000003"]
    );
    Ok(())
}

#[test]
fn no_sample_event_is_without_a_test() -> Result<()> {
    let names = |function: &str, cases: &[&str]| -> Vec<String> {
        cases.iter().map(|case| format!("{function}-{case}.json")).collect()
    };
    let tested: BTreeSet<_> = [
        names("admin-api", &ADMIN_API.map(|(case, _)| case)),
        names("fan-out", &FAN_OUT),
        names("delivery", &DELIVERY.map(|(case, _)| case)),
    ]
    .concat()
    .into_iter()
    .collect();
    let files = std::fs::read_dir(root().join("events"))?
        .map(|entry| Ok(entry?.file_name().into_string().unwrap_or_default()));
    let files: BTreeSet<_> = files.collect::<Result<_>>()?;
    let files: BTreeSet<_> = files.into_iter().filter(|name| name.ends_with(".json")).collect();
    assert_eq!(files, tested);
    Ok(())
}

fn sample(function: &str, case: &str) -> Result<Value> {
    let path = root().join(format!("events/{function}-{case}.json"));
    Ok(serde_json::from_slice(&std::fs::read(path)?)?)
}
