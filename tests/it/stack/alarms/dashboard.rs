//! The dashboard.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail};
use serde_json::Value as Json;
use storehook_aws::metrics::Metric;
use yaml_serde::Value;

use super::alarm::alarms;
use crate::stack::template::{resource, template};

/// The metrics of AWS that the dashboard and the alarms name. Sources: "Monitoring" of the developer
/// guides of Kinesis Data Streams, Lambda, SQS, DynamoDB and API Gateway (HTTP APIs).
const OF_AWS: [(&str, &[&str]); 6] = [
    ("AWS/Kinesis", &["GetRecords.Success", "IncomingRecords", "WriteProvisionedThroughputExceeded"]),
    (
        "AWS/Lambda",
        &[
            "ConcurrentExecutions",
            "DestinationDeliveryFailures",
            "Errors",
            "IteratorAge",
            "RecursiveInvocationsDropped",
            "Throttles",
        ],
    ),
    (
        "AWS/SQS",
        &[
            "ApproximateAgeOfOldestMessage",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesVisible",
        ],
    ),
    ("AWS/S3", &["NumberOfObjects"]),
    ("AWS/DynamoDB", &["ReadThrottleEvents", "WriteThrottleEvents"]),
    ("AWS/ApiGateway", &["4xx", "5xx", "Count", "Latency"]),
];

/// The dashboard's body, with the template's references as they are.
fn body() -> Result<Json> {
    let Value::Tagged(body) = resource("StackDashboard")?["Properties"]["DashboardBody"].clone() else {
        bail!("no body")
    };
    Ok(serde_json::from_str(body.value.as_str().context("no text")?)?)
}

fn widgets(kind: &str) -> Result<Vec<Json>> {
    let widgets = body()?["widgets"].as_array().context("no widgets")?.clone();
    Ok(widgets.into_iter().filter(|widget| widget["type"] == kind).collect())
}

fn is_known(namespace: &str, name: &str) -> bool {
    let of_aws = OF_AWS.iter().any(|(known, names)| *known == namespace && names.contains(&name));
    let own = Metric::ALL.into_iter().any(|metric| metric.is_published() && metric.name() == name);
    of_aws || namespace == "${AWS::StackName}" && own
}

#[test]
fn it_shows_metrics_that_somebody_writes() -> Result<()> {
    let mut shown = BTreeSet::new();
    for widget in widgets("metric")? {
        for metric in widget["properties"]["metrics"].as_array().context("no metrics")? {
            let (namespace, name) =
                (metric[0].as_str().unwrap_or_default(), metric[1].as_str().unwrap_or_default());
            assert!(is_known(namespace, name), "{namespace} {name}");
            shown.insert(name.to_owned());
        }
    }
    // What is written is shown.
    for metric in Metric::ALL.into_iter().filter(|metric| metric.is_published()) {
        assert!(shown.contains(metric.name()), "{}", metric.name());
    }
    Ok(())
}

#[test]
fn alarms_watch_metrics_that_aws_writes() -> Result<()> {
    for (name, alarm) in alarms()? {
        for watched in alarm.watched.values() {
            let mut words = watched.metric.split(' ');
            let (namespace, metric) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            assert!(namespace == "own" || is_known(namespace, metric), "{name}: {}", watched.metric);
        }
    }
    Ok(())
}

#[test]
fn it_shows_every_alarm() -> Result<()> {
    let [widget] = &widgets("alarm")?[..] else { bail!("one list of alarms") };
    let shown = widget["properties"]["alarms"].as_array().context("no alarms")?.iter();
    let shown: BTreeSet<_> = shown.filter_map(|arn| arn.as_str()).collect();
    let alarms = alarms()?.into_keys().chain(["UrgentAlarm".to_owned()]);
    let expected: Vec<_> = alarms.map(|name| format!("${{{name}.Arn}}")).collect();
    assert_eq!(shown, expected.iter().map(String::as_str).collect());
    Ok(())
}

/// From left to right: the widgets of the first row of graphs.
#[test]
fn it_tells_the_story_from_left_to_right() -> Result<()> {
    let mut row: Vec<_> = widgets("metric")?.into_iter().filter(|widget| widget["y"] == 4).collect();
    row.sort_by_key(|widget| widget["x"].as_u64());
    let titles: Vec<_> = row.iter().filter_map(|widget| widget["properties"]["title"].as_str()).collect();
    let first: Vec<_> = titles.iter().filter_map(|title| title.split(':').next()).collect();
    assert_eq!(first, ["1 Stream", "2 Fan-out", "3 Lanes", "4 Endpoints", "5 Dead"]);
    Ok(())
}

/// A widget that is cut off at the right edge is refused: the grid has 24 columns.
#[test]
fn its_widgets_stand_beside_each_other() -> Result<()> {
    let widgets = body()?["widgets"].as_array().context("no widgets")?.clone();
    let mut taken = BTreeSet::new();
    for widget in &widgets {
        let number = |name: &str| widget[name].as_u64().with_context(|| format!("no {name}"));
        let (x, y, width, height) = (number("x")?, number("y")?, number("width")?, number("height")?);
        assert!(x + width <= 24, "{widget}");
        for place in (x..x + width).flat_map(|x| (y..y + height).map(move |y| (x, y))) {
            assert!(taken.insert(place), "{widget} lies over another one");
        }
    }
    Ok(())
}

#[test]
fn references_of_its_body_are_resources() -> Result<()> {
    let text = body()?.to_string();
    let template = template()?;
    for reference in text.split("${").skip(1).filter_map(|rest| rest.split('}').next()) {
        let name = reference.split('.').next().unwrap_or_default();
        let is_known = reference.starts_with("AWS::") || !template["Resources"][name].is_null();
        assert!(is_known, "{reference}");
    }
    Ok(())
}
