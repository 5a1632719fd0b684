//! The OpenAPI description and the API agree.

use anyhow::{Context as _, Result};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use storehook_tests::{DirectApi, Stack, root, run_client};

/// The copy of the description in the repository.
const COPY: &str = "functions/admin-api/openapi.json";

fn copy() -> String {
    root().join(COPY).display().to_string()
}

pub(crate) fn description() -> Result<Value> {
    Ok(serde_json::from_slice(&std::fs::read(root().join(COPY))?)?)
}

/// Every operation of the description: its method and its path.
pub(crate) fn operations() -> Result<Vec<(Method, String)>> {
    let description = description()?;
    let mut operations = Vec::new();
    for (path, item) in description["paths"].as_object().context("no paths")? {
        for method in item.as_object().context("no operations")?.keys() {
            operations.push((method.to_uppercase().parse()?, path.clone()));
        }
    }
    Ok(operations)
}

#[tokio::test]
async fn the_served_description_is_the_copy_in_the_repository() -> Result<()> {
    let api = Stack::shared().await?.install().await?.api;
    for path in [
        "/openapi.json",
        "/openapi",
        "/admin/openapi.json",
        "/api/openapi",
        "/admin/api/2024-10/openapi.json",
    ] {
        let response = api.send(api.request(Method::GET, path)).await?;
        assert_eq!(response.status, StatusCode::OK, "{path}");
        assert_eq!(response.json, description()?, "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn the_description_is_valid_openapi_3_1() -> Result<()> {
    assert_eq!(description()?["openapi"], "3.1.0");
    run_client(&["-m", "openapi_spec_validator", &copy()]).await?;
    Ok(())
}

#[test]
fn every_reference_points_to_something_and_every_operation_has_a_name_of_its_own() -> Result<()> {
    let description = description()?;
    let mut references = Vec::new();
    collect(&description, "$ref", &mut references);
    assert!(references.len() > 20);
    for reference in references {
        let pointer = reference.strip_prefix('#').context("not a local reference")?;
        assert!(description.pointer(pointer).is_some(), "{reference}");
    }
    let mut names = Vec::new();
    collect(&description, "operationId", &mut names);
    assert_eq!(names.len(), operations()?.len());
    names.sort();
    names.dedup();
    assert_eq!(names.len(), operations()?.len());
    Ok(())
}

/// The texts of a key, wherever it stands.
fn collect(value: &Value, key: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get(key).and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|value| collect(value, key, found));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, key, found)),
        _ => {}
    }
}

/// What the domain alone reads is described as it reads it: each parameter and each property is
/// known.
#[tokio::test]
async fn every_described_parameter_and_property_has_an_effect() -> Result<()> {
    let api = Stack::shared().await?.install().await?.api;
    let description = description()?;
    for (path, item) in description["paths"].as_object().context("no paths")? {
        for parameter in item["get"]["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().context("no name")?;
            if parameter["in"] == "query" {
                // To give it twice is wrong for each parameter that is read, and for no other.
                let path = format!("{}?{name}=1&{name}=1", path.replace("{id}", "1"));
                let response = api.call(Method::GET, &path, None).await?;
                assert_eq!(
                    response.json["errors"][name],
                    serde_json::json!(["may be given only once"]),
                    "{path}"
                );
            }
        }
    }
    let webhook = &description["components"]["schemas"]["NewWebhookRequest"]["properties"]["webhook"];
    for (name, _) in webhook["properties"].as_object().context("no properties")? {
        let body = serde_json::json!({"webhook": {name: 7}});
        let response = api.call(Method::POST, "/admin/webhooks.json", Some(body)).await?;
        assert!(response.json["errors"][name].is_array(), "{name}: {}", response.json);
    }
    Ok(())
}

/// Requests that are made up from the description, right and wrong ones: no 5xx, no status or body
/// or header that it does not tell of, nothing wrong that is taken, no route without a token.
///
/// What is right by the description may still be refused: an address in use, or one that the guard
/// is for, is nothing that a schema can tell.
#[tokio::test]
async fn generated_requests_find_no_5xx_and_nothing_undocumented() -> Result<()> {
    let stack = Stack::shared().await?;
    let token = format!("Authorization: Bearer {}", stack.install().await?.token);
    // Without the gateway and its 50 ms a call, so that there can be many; what comes through the
    // gateway is what all other tests are about.
    let direct = DirectApi::on(&stack, "0").await?;
    let url = direct.url.clone();
    direct.let_all_through();
    let copy = copy();
    let arguments = [
        "-m",
        "schemathesis.cli",
        "run",
        &copy,
        "--url",
        &url,
        "--header",
        &token,
        "--exclude-checks",
        "positive_data_acceptance",
        "--max-examples",
        "50",
        "--seed",
        "1",
        "--generation-database",
        ":memory:",
        "--no-color",
    ];
    let report = run_client(&arguments).await?;
    assert!(report.contains("Tested: 20"), "{report}");
    Ok(())
}
