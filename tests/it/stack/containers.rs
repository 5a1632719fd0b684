//! What containers need of the local stack: their settings, and an address that leads to it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail};
use reqwest::{Method, StatusCode};
use serde_json::json;
use storehook::stack::local_stack::local_sdk;
use storehook_tests::{ALLOWED_NETWORK, BOUND_TO, Stack, root};
use yaml_serde::Value;

use super::template::template;

/// `sam local` sets only variables that the template declares; AWS gives no value to this one.
#[test]
fn sam_local_can_lead_every_function_to_the_local_stack() -> Result<()> {
    let variables = &template()?["Globals"]["Function"]["Environment"]["Variables"];
    let Value::Tagged(endpoint) = variables["AWS_ENDPOINT_URL"].clone() else {
        bail!("AWS_ENDPOINT_URL is not a function of CloudFormation");
    };
    assert_eq!((endpoint.tag.to_string().as_str(), endpoint.value.as_str()), ("!Ref", Some("AWS::NoValue")));
    Ok(())
}

/// `storehook local --env-json` writes what `sam local invoke --env-vars` reads.
#[tokio::test]
async fn the_settings_for_sam_local_have_every_variable_of_every_function() -> Result<()> {
    let stack = Stack::shared().await?;
    let settings = std::fs::read(root().join("target/it/env.json"))?;
    let settings: BTreeMap<String, BTreeMap<String, String>> = serde_json::from_slice(&settings)?;
    let names = |variables: &Value| -> Result<BTreeSet<String>> {
        let variables = variables.as_mapping().context("no variables")?;
        Ok(variables.keys().filter_map(|name| Some(name.as_str()?.to_owned())).collect())
    };
    let of_all = names(&template()?["Globals"]["Function"]["Environment"]["Variables"])?;
    let mut functions = BTreeSet::new();
    for (name, resource) in template()?["Resources"].as_mapping().context("no resources")? {
        if resource["Type"].as_str() != Some("AWS::Serverless::Function") {
            continue;
        }
        let name = name.as_str().context("a name")?;
        let declared = names(&resource["Properties"]["Environment"]["Variables"])?;
        let written: BTreeSet<_> = settings[name].keys().cloned().collect();
        assert_eq!(written, declared.union(&of_all).cloned().collect(), "{name}");
        functions.insert(name.to_owned());
    }
    assert_eq!(settings.keys().cloned().collect::<BTreeSet<_>>(), functions);
    let delivery = &settings["DeliveryFunction"];
    assert_eq!(delivery["REGISTRY_TABLE"], stack.resource("registry"));
    let endpoint = stack.endpoint_url.replace("127.0.0.1", "host.docker.internal");
    assert_eq!(delivery["AWS_ENDPOINT_URL"], endpoint);
    assert_eq!(delivery["RETRY_QUEUE_URL"], format!("{endpoint}/000000000000/{}", stack.resource("retry")));
    assert_eq!(delivery["ALLOWED_CIDRS"], format!("127.0.0.0/8,::1/128,{ALLOWED_NETWORK}"));
    Ok(())
}

/// `storehook local --allow`
#[tokio::test]
async fn a_webhook_may_have_an_address_in_a_network_that_the_stack_opens() -> Result<()> {
    let api = Stack::shared().await?.install().await?.api;
    for (address, status) in [
        ("http://203.0.113.1:9000/", StatusCode::CREATED),
        ("http://198.51.100.1:9000/", StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let webhook = json!({"webhook": {"topic": "orders/create", "address": address}});
        let response = api.call(Method::POST, "/admin/webhooks.json", Some(webhook)).await?;
        assert_eq!(response.status, status, "{address}");
    }
    Ok(())
}

/// `storehook local --bind`
#[tokio::test]
async fn the_other_address_leads_to_the_stack() -> Result<()> {
    let Some(address) = BOUND_TO else { return Ok(()) };
    let stack = Stack::shared().await?;
    let endpoint_url = stack.endpoint_url.replace("127.0.0.1", address);
    assert_ne!(endpoint_url, stack.endpoint_url);
    let queues = aws_sdk_sqs::Client::new(&local_sdk(&endpoint_url));
    let url = queues.get_queue_url().queue_name(stack.resource("delivery")).send().await?;
    assert!(url.queue_url.is_some_and(|url| url.ends_with(&stack.resource("delivery"))));
    Ok(())
}
