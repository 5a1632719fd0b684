//! `docs/api.md` is the OpenAPI description: no more and no less.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use storehook_domain::payload::limits::PAYLOAD_LIMIT;

use super::{blocks, first_cells, read};
use crate::api::openapi::{description, operations};

#[test]
fn its_calls_are_those_of_the_description() -> Result<()> {
    let calls = operations()?.into_iter().map(|(method, path)| format!("{method} {path}")).collect();
    assert_eq!(first_cells(&read("docs/api.md")?, "call"), calls);
    Ok(())
}

#[test]
fn its_list_parameters_are_those_of_the_description() -> Result<()> {
    let (document, description) = (read("docs/api.md")?, description()?);
    for (heading, path) in
        [("list parameter", "/admin/webhooks.json"), ("parameter", "/admin/webhooks/{id}/deliveries.json")]
    {
        let parameters = description["paths"][path]["get"]["parameters"].as_array();
        let parameters = parameters.context("no parameters")?.iter();
        let queried = parameters.filter(|parameter| parameter["in"] == "query");
        let names = queried.map(|parameter| parameter["name"].as_str().unwrap_or_default().to_owned());
        assert_eq!(first_cells(&document, heading), names.collect(), "{path}");
    }
    Ok(())
}

#[test]
fn its_request_attributes_are_those_of_the_description() -> Result<()> {
    let document = read("docs/api.md")?;
    for (heading, schema, object) in
        [("attribute", "WebhookRequest", "webhook"), ("member of `replay`", "ReplayRequest", "replay")]
    {
        let properties = resolved(&schema_of(schema)?["properties"][object])?["properties"].clone();
        assert_eq!(first_cells(&document, heading), keys(&properties)?, "{schema}");
    }
    Ok(())
}

#[test]
fn its_statuses_are_those_of_the_description() -> Result<()> {
    let description = description()?;
    let mut statuses = BTreeSet::from(["405".to_owned()]);
    for item in description["paths"].as_object().context("no paths")?.values() {
        for operation in item.as_object().context("no operations")?.values() {
            let responses = operation["responses"].as_object().context("no responses")?;
            statuses.extend(responses.keys().filter(|status| !status.starts_with('2')).cloned());
        }
    }
    assert_eq!(first_cells(&read("docs/api.md")?, "status"), statuses);
    Ok(())
}

#[test]
fn its_states_are_those_of_the_description() -> Result<()> {
    let states = resolved(&schema_of("Delivery")?["properties"]["state"])?["enum"].clone();
    let states = states.as_array().context("no states")?.iter().filter_map(Value::as_str);
    let told = first_cells(&read("docs/api.md")?, "state");
    assert_eq!(told, states.map(str::to_owned).collect());
    Ok(())
}

/// The examples of responses have every member that the description has, and no others.
#[test]
fn its_examples_have_the_members_of_the_description() -> Result<()> {
    let mut found = 0;
    for document in ["docs/api.md", "docs/receiving.md"] {
        let document = read(document)?;
        for block in blocks(&document, "json") {
            let Ok(example) = serde_json::from_str::<Value>(block) else { continue };
            for (object, schemas) in [
                ("delivery", &["Delivery", "FullDelivery"][..]),
                ("replay", &["Replay"]),
                ("stats", &["Stats"]),
                ("secret", &["Secret"]),
            ] {
                if example[object].is_object() {
                    let mut members = BTreeSet::new();
                    for schema in schemas {
                        members.extend(members_of(&schema_of(schema)?)?);
                    }
                    assert_eq!(keys(&example[object])?, members, "{object}");
                    found += 1;
                }
            }
        }
    }
    ensure!(found == 4, "{found} examples");
    Ok(())
}

#[test]
fn its_largest_payload_is_that_of_the_code() -> Result<()> {
    assert_eq!(PAYLOAD_LIMIT, 1_046_528);
    for document in ["docs/api.md", "docs/publishing.md"] {
        assert!(read(document)?.contains("| payload | 1,046,528 bytes:"), "{document}");
    }
    Ok(())
}

/// The members of an object's schema, those of the schemas that it is made of too.
fn members_of(schema: &Value) -> Result<BTreeSet<String>> {
    let schema = resolved(schema)?;
    let mut members = BTreeSet::new();
    if schema["properties"].is_object() {
        members.extend(keys(&schema["properties"])?);
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        members.extend(members_of(part)?);
    }
    Ok(members)
}

fn schema_of(name: &str) -> Result<Value> {
    description()?["components"]["schemas"].get(name).cloned().with_context(|| format!("no schema {name}"))
}

/// A schema, or the one that it refers to.
fn resolved(schema: &Value) -> Result<Value> {
    match schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        Some(name) => schema_of(name),
        None => Ok(schema.clone()),
    }
}

fn keys(value: &Value) -> Result<BTreeSet<String>> {
    Ok(value.as_object().context("not an object")?.keys().cloned().collect())
}
