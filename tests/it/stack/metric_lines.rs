//! The lines that the functions print for CloudWatch to make metrics of.
//!
//! They are held to the schema that AWS publishes, and to what its specification says besides: each
//! metric is a member of the line, a number or at most 100 numbers.

use anyhow::{Context as _, Result, anyhow, ensure};
use boon::{Compiler, Schemas};
use jiff::Timestamp;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use storehook_aws::metrics::{Metric, Tally, embedded};
use storehook_tests::{Receiver, Stack, deliver, record, root, stream_event};

/// Checks that a line is of the format.
fn check(line: &Value) -> Result<()> {
    let path = root().join("tests/it/stack/embedded_metric_format.json");
    let schema: Value = serde_json::from_slice(&std::fs::read(path)?)?;
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    let failed = |error: boon::CompileError| anyhow!("{error}");
    compiler.add_resource("emf.json", schema).map_err(failed)?;
    let schema = compiler.compile("emf.json", &mut schemas).map_err(failed)?;
    schemas.validate(line, schema).map_err(|error| anyhow!("{line}: {error}"))?;
    for directive in line["_aws"]["CloudWatchMetrics"].as_array().into_iter().flatten() {
        let metrics = directive["Metrics"].as_array().context("no metrics")?;
        ensure!(metrics.len() <= 100, "{line}");
        for name in metrics.iter().filter_map(|metric| metric["Name"].as_str()) {
            let is_valid = match &line[name] {
                Value::Array(values) => values.len() <= 100 && values.iter().all(Value::is_number),
                value => value.is_number(),
            };
            ensure!(is_valid, "{name} of {line}");
        }
        for dimension in directive["Dimensions"].as_array().into_iter().flatten() {
            ensure!(dimension == &json!([]), "a metric for each value would cost: {line}");
        }
    }
    Ok(())
}

/// The lines of the format in a log.
fn lines(log: &str) -> Vec<Value> {
    log.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter(|line: &Value| line["_aws"].is_object())
        .collect()
}

/// The names of the metrics that a line has, in the order of the catalogue.
fn named(line: &Value) -> Vec<&str> {
    let metrics = line["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array();
    metrics.into_iter().flatten().filter_map(|metric| metric["Name"].as_str()).collect()
}

#[test]
fn a_line_with_everything_in_it_is_of_the_format() -> Result<()> {
    let mut tally = Tally::default();
    for metric in Metric::ALL {
        tally.count(metric, 7);
    }
    for metric in [Metric::FanOutWidth, Metric::Latency, Metric::ScheduledLatencySlow] {
        (0..250).for_each(|value| tally.measure(metric, value));
    }
    let printed = embedded::lines(&tally, "storehook", Timestamp::UNIX_EPOCH);
    let printed = lines(&printed);
    assert_eq!(printed.len(), 3);
    printed.iter().try_for_each(check)
}

#[test]
fn a_line_that_is_not_of_the_format_is_found() {
    let line = |metrics: Value, value: Value| {
        json!({"_aws": {"Timestamp": 1, "CloudWatchMetrics": [
            {"Namespace": "n", "Dimensions": [[]], "Metrics": metrics}]}, "a": value})
    };
    let named = || json!([{"Name": "a"}]);
    assert!(check(&line(named(), json!(1))).is_ok());
    for (wrong, what) in [
        (json!({}), "no metadata"),
        (line(json!([{}]), json!(1)), "no name"),
        (line(json!([{"Name": "a", "Unit": "Hours"}]), json!(1)), "no such unit"),
        (line(named(), json!("1")), "a text"),
        (line(named(), json!(vec![1; 101])), "too many values"),
        (line(json!([{"Name": "b"}]), json!(1)), "no such member"),
    ] {
        assert!(check(&wrong).is_err(), "{what}");
    }
}

/// One line an invocation, from the deployed functions.
#[tokio::test]
async fn each_function_prints_one_line_of_what_it_has_counted() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let [good, bad] = [StatusCode::OK, StatusCode::INTERNAL_SERVER_ERROR].map(Receiver::responding);
    let (good, bad) = (good.await?, bad.await?);
    let good = installed.api.create_webhook("orders/create", &good.url).await?;
    let bad = installed.api.create_webhook("orders/paid", &bad.url).await?;
    let event = stream_event(&record(&installed.shop, "orders/create", "o-1", "{}"));
    let (_, fan_out) = stack.invoke("fan-out", &event).await?;
    let (_, rejected) = stack.invoke("fan-out", &stream_event("no event")).await?;
    let (_, delivered) = deliver(&stack, &installed, good, "o-2").await?;
    let (_, failed) = deliver(&stack, &installed, bad, "o-3").await?;
    let (_, nothing) = stack.invoke("fan-out", &json!({"Records": []})).await?;
    for (what, log, expected) in [
        ("an event", &fan_out, Some(&["Sent", "Missing", "FanOutWidth"][..])),
        ("no event", &rejected, Some(&["Rejected"])),
        ("a success", &delivered, Some(&["Sent", "Missing", "Delivered", "Latency", "ScheduledLatencyFast"])),
        ("a failure", &failed, Some(&["Failed", "ScheduledLatencyFast"])),
        ("nothing", &nothing, None),
    ] {
        let lines = lines(log);
        assert_eq!(lines.len(), usize::from(expected.is_some()), "{what}: {log}");
        for line in &lines {
            check(line).with_context(|| what.to_owned())?;
            assert_eq!(named(line), expected.unwrap_or_default(), "{what}: {line}");
            assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Namespace"], stack.name);
        }
    }
    let sent = installed.api.call(Method::POST, &format!("/admin/webhooks/{good}/test.json"), None).await?;
    assert_eq!(sent.status, StatusCode::ACCEPTED);
    Ok(())
}
