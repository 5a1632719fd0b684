//! Every file of events/, handed to the function it is for.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use reqwest::StatusCode;
use serde_json::{Value, json};
use storehook_domain::history::state::DeliveryState;
use storehook_tests::{Api, Receiver, Stack, root};

/// The status of the admin API's response to each of its files.
const ADMIN_API: [(&str, u64); 25] = [
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
    ("deliveries", 200),
    ("replay-dry-run", 200),
    ("replay-invalid", 422),
    ("replays", 200),
    ("test", 202),
    ("stats", 200),
    ("topics", 200),
    ("rotate", 201),
    ("panel-link", 201),
    ("panel-sign-in", 200),
    ("push", 202),
    ("push-flat", 202),
    ("push-invalid", 422),
];
/// The requests about the replay that `admin-api-replay.json` begins.
const OF_A_REPLAY: [(&str, u64); 3] = [("replay", 202), ("replay-show", 200), ("replay-stop", 200)];
/// The requests about a delivery that `fan-out-good.json` makes.
const OF_A_DELIVERY: [(&str, u64); 2] = [("delivery", 200), ("redeliver", 202)];
const FAN_OUT: [&str; 6] = ["aggregated", "empty", "good", "mixed", "replay-step", "sweep"];
const DELIVERY: [(&str, &[&str]); 5] = [
    ("good", &[]),
    ("malformed", &["059f36b4-87a3-44ab-83d2-661975800001"]),
    ("redelivered", &[]),
    ("late", &[]),
    ("cancelled", &[]),
];

#[tokio::test]
async fn every_sample_event_gets_the_expected_response() -> Result<()> {
    let stack = Stack::shared().await?;
    let file = Stack::file().await?;
    let api = Api::new(&stack.api_url, &file.token)?;

    for (case, status) in ADMIN_API {
        let mut event = sample("admin-api", case)?;
        if event["rawPath"].as_str().is_some_and(|path| path.contains("/webhooks/1")) {
            // The files speak of webhook 1; on this stack it may be another test's.
            let id = api.create_webhook("orders/create", &format!("http://127.0.0.1:9000/{case}")).await?;
            event = of_webhook(event, id)?;
        }
        let (response, _) = stack.invoke("admin-api", &event).await?;
        assert_eq!(response["statusCode"], json!(status), "{case}: {response}");
    }
    let id = api.create_webhook("orders/create", "http://127.0.0.1:9000/of-a-replay").await?;
    for (case, status) in OF_A_REPLAY {
        let (response, _) = stack.invoke("admin-api", &of_webhook(sample("admin-api", case)?, id)?).await?;
        assert_eq!(response["statusCode"], json!(status), "{case}: {response}");
    }
    let subscribed = Receiver::responding(StatusCode::OK).await?;
    let subscribed = api.create_webhook("orders/create", &subscribed.url).await?;
    for case in FAN_OUT {
        let (response, _) = stack.invoke("fan-out", &sample("fan-out", case)?).await?;
        match case {
            "sweep" => assert_eq!(response["failed"], 0, "{response}"),
            _ => assert_eq!(response, json!({"batchItemFailures": []}), "{case}"),
        }
    }
    stack.wait_until(&format!("{subscribed}-01JD0000000000000000000001"), DeliveryState::Delivered).await?;
    for (case, status) in OF_A_DELIVERY {
        let (response, _) =
            stack.invoke("admin-api", &of_webhook(sample("admin-api", case)?, subscribed)?).await?;
        assert_eq!(response["statusCode"], json!(status), "{case}: {response}");
    }
    let receiver = Receiver::responding(StatusCode::OK).await?;
    let id = api.create_webhook("orders/create", &receiver.url).await?;
    for (case, failed) in DELIVERY {
        let event = sample("delivery", case)?.to_string();
        let event = event.replace(r#"\"id\": \"1-"#, &format!(r#"\"id\": \"{id}-"#));
        let (response, _) = stack.invoke("delivery", &serde_json::from_str(&event)?).await?;
        let failures: Vec<_> = failed.iter().map(|id| json!({"itemIdentifier": id})).collect();
        assert_eq!(response, json!({"batchItemFailures": failures}), "{case}");
    }
    let delivered = receiver.wait_for(4).await?;
    let mut ids: Vec<_> =
        delivered.iter().map(|delivered| delivered.header("x-spiffy-stores-event-id")).collect();
    ids.sort();
    let expected = [1, 2, 3, 4].map(|number| format!("01JD000000000000000000000{number}"));
    assert_eq!(ids, expected);
    Ok(())
}

/// The event with another id in the place of webhook 1.
fn of_webhook(mut event: Value, id: u64) -> Result<Value> {
    let path = event["rawPath"].as_str().context("no path")?;
    let path = ["webhooks/1.", "webhooks/1/", "deliveries/1-"]
        .iter()
        .fold(path.to_owned(), |path, place| path.replace(place, &place.replace('1', &id.to_string())));
    event["rawPath"] = json!(path);
    event["requestContext"]["http"]["path"] = json!(path);
    Ok(event)
}

#[test]
fn every_sample_event_has_a_test() -> Result<()> {
    let names = |function: &str, cases: &[&str]| -> Vec<String> {
        cases.iter().map(|case| format!("{function}-{case}.json")).collect()
    };
    let tested: BTreeSet<_> = [
        names("admin-api", &ADMIN_API.map(|(case, _)| case)),
        names("admin-api", &OF_A_REPLAY.map(|(case, _)| case)),
        names("admin-api", &OF_A_DELIVERY.map(|(case, _)| case)),
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
