//! What the stack shows of itself beside its metrics: tags, access logs and traces.

use std::{collections::BTreeSet, fs};

use anyhow::{Context as _, Result};
use storehook_aws::metrics::Metric;
use storehook_tests::root;
use yaml_serde::Value;

use super::template::{resource, template};

/// The types whose use is billed, or that keep something.
const TAGGED: [&str; 7] = [
    "AWS::ApiGatewayV2::Api",
    "AWS::DynamoDB::Table",
    "AWS::Kinesis::Stream",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
];

#[test]
fn whatever_is_billed_is_tagged() -> Result<()> {
    let template = template()?;
    let resources = template["Resources"].as_mapping().context("no resources")?;
    let mut seen = BTreeSet::new();
    for (name, resource) in resources {
        let kind = resource["Type"].as_str().context("no type")?;
        if let Some(kind) = TAGGED.iter().find(|tagged| **tagged == kind) {
            seen.insert(*kind);
            let tags = &resource["Properties"]["Tags"];
            let tag = tags[0]["Value"].as_str().or(tags["application"].as_str());
            assert_eq!(tag, Some("storehook"), "{name:?}: {tags:?}");
        }
    }
    assert_eq!(seen, BTreeSet::from(TAGGED));
    let functions = &template["Globals"]["Function"];
    assert_eq!(functions["Tags"]["application"].as_str(), Some("storehook"));
    Ok(())
}

/// A query may hold what only the caller should know.
#[test]
fn requests_to_the_api_are_logged_without_their_query() -> Result<()> {
    let settings = &resource("ApiStage")?["Properties"]["AccessLogSettings"];
    let format: serde_json::Value = serde_json::from_str(settings["Format"].as_str().context("no format")?)?;
    let fields = format.as_object().context("not an object")?;
    assert_eq!(fields["path"], "$context.path");
    for (name, variable) in fields {
        let variable = variable.as_str().context("not a string")?;
        assert!(variable.starts_with("$context."), "{name}: {variable}");
        assert!(!variable.contains("query") && !variable.contains("authorizer"), "{name}: {variable}");
    }
    Ok(())
}

/// Traces are sent, and may be sent, only when the parameter says so.
#[test]
fn functions_trace_by_the_parameter() -> Result<()> {
    let template = template()?;
    let reference = |value: &Value| match value {
        Value::Tagged(tagged) => tagged.value.as_str().map(str::to_owned),
        _ => None,
    };
    assert_eq!(reference(&template["Globals"]["Function"]["Tracing"]).as_deref(), Some("Tracing"));
    assert_eq!(template["Parameters"]["Tracing"]["Default"].as_str(), Some("PassThrough"));
    let policy = resource("TracingPolicy")?;
    assert_eq!(policy["Condition"].as_str(), Some("IsTraced"));
    let roles = policy["Properties"]["Roles"].as_sequence().context("no roles")?;
    let roles: BTreeSet<_> = roles.iter().filter_map(reference).collect();
    let resources = template["Resources"].as_mapping().context("no resources")?;
    for (name, resource) in resources {
        if resource["Type"].as_str() == Some("AWS::Serverless::Function") {
            let Value::Tagged(role) = &resource["Properties"]["Role"] else { panic!("{name:?} has no role") };
            let role = role.value.as_str().context("not a name")?;
            assert!(roles.contains(role.trim_end_matches(".Arn")), "{name:?}: {role} may not trace");
        }
    }
    Ok(())
}

/// A metric of the catalogue that nobody counts would let its alarm sleep for ever.
#[test]
fn every_metric_is_counted_by_a_function() -> Result<()> {
    let mut sources = String::new();
    for function in ["admin-api", "delivery", "fan-out"] {
        let mut folders = vec![root().join("functions").join(function).join("src")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder)? {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    sources.push_str(&fs::read_to_string(path)?);
                }
            }
        }
    }
    // What is missing follows from the others.
    for metric in Metric::ALL.into_iter().filter(|metric| *metric != Metric::Missing) {
        assert!(sources.contains(&format!("Metric::{metric:?}")), "nobody counts {metric:?}");
    }
    Ok(())
}
