//! A stack that is made again over the tables that it left, by the commands of `docs/operating.md`, "Making the
//! stack again".

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use storehook_domain::{delivery::signature::body_signature, history::state::DeliveryState};
use storehook_tests::{Receiver, Stack, eventually, record, root};
use tokio::sync::watch;

use super::{deployments::delete, template::resource};

/// The document with the commands.
fn document() -> Result<String> {
    Ok(std::fs::read_to_string(root().join("docs/operating.md"))?)
}

/// The template of the tables alone, as the document's commands take it out of the whole one.
fn tables_template() -> Result<String> {
    let document = document()?;
    let commands = document.split("```sh\n").find_map(|rest| rest.split_once(" > tables.yaml"));
    let (commands, _) = commands.context("no commands")?;
    run(commands)
}

/// The output of commands of a shell.
fn run(commands: &str) -> Result<String> {
    let output = Command::new("sh").args(["-c", commands]).current_dir(root()).output()?;
    ensure!(output.status.success(), "{commands}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

/// What the document imports, for the stack of this name.
fn resources_to_import(name: &str) -> Result<Vec<Value>> {
    let document = document()?;
    let table =
        document.lines().map(str::trim).find(|line| line.starts_with("table() {")).context("no table")?;
    let (_, options) = document.split_once("--resources-to-import ").context("no import")?;
    let options = options.lines().next().context("no tables")?;
    // Each is written as `ResourceType=…,LogicalResourceId=…,ResourceIdentifier={TableName=…}`.
    let words =
        run(&format!("{table}\nprintf '%s\\n' {options}"))?.replace("storehook-", &format!("{name}-"));
    let value = |word: &str, key: &str| {
        let (_, value) = word.split_once(&format!("{key}="))?;
        value.split([',', '}']).next().map(str::to_owned)
    };
    let resource = |word: &str| {
        json!({
            "ResourceType": value(word, "ResourceType"), "LogicalResourceId": value(word, "LogicalResourceId"),
            "ResourceIdentifier": {"TableName": value(word, "TableName")},
        })
    };
    Ok(words.lines().map(resource).collect())
}

/// Makes a stack that has nothing but its tables.
async fn import_tables(stack: &Stack, name: &str) -> Result<()> {
    let change_set = json!({"StackName": name, "ChangeSetName": "tables"});
    let mut create = change_set.clone();
    create["ChangeSetType"] = json!("IMPORT");
    create["TemplateBody"] = json!(tables_template()?);
    create["ResourcesToImport"] = json!(resources_to_import(name)?);
    stack.aws("cloudformation", "create_change_set", create).await?;
    eventually("the change set", || async {
        let described = stack.aws("cloudformation", "describe_change_set", change_set.clone()).await?;
        ensure!(described["Status"] != "FAILED", "{described}");
        Ok((described["Status"] == "CREATE_COMPLETE").then_some(()))
    })
    .await?;
    stack.aws("cloudformation", "execute_change_set", change_set).await?;
    eventually("the tables to be imported", || async {
        let described = stack.aws("cloudformation", "describe_stacks", json!({"StackName": name})).await?;
        Ok((described["Stacks"][0]["StackStatus"] == "IMPORT_COMPLETE").then_some(()))
    })
    .await
}

#[test]
fn the_tables_alone_are_a_template_that_an_import_takes() -> Result<()> {
    let template: yaml_serde::Value = yaml_serde::from_str(&tables_template()?)?;
    let sections: Vec<_> = template.as_mapping().context("no mapping")?.keys().collect();
    assert_eq!(sections, ["Resources"]);
    let tables = template["Resources"].as_mapping().context("no resources")?;
    let imported = resources_to_import("storehook")?;
    assert_eq!(tables.len(), imported.len());
    for import in imported {
        let name = import["LogicalResourceId"].as_str().context("no logical id")?;
        // No parameter is left: the template has none.
        assert!(!yaml_serde::to_string(&tables[name])?.contains("!Ref"), "{name}");
        let mut whole = resource(name)?;
        whole["Properties"]["DeletionProtectionEnabled"] = true.into();
        assert_eq!(tables[name], whole, "{name}");
    }
    Ok(())
}

/// Tokens, secrets, webhooks and the history are in the tables. What waited in a queue is lost with it, but the
/// history has it.
#[tokio::test]
async fn a_stack_that_is_made_again_over_its_tables_goes_on() -> Result<()> {
    let name = "storehook-made-again";
    let deleted = Stack::deploy(name, &[]).await?;
    let installed = deleted.install().await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    let (mend, works) = watch::channel(false);
    let failing = Receiver::responding_with(move |_| {
        let status = if *works.borrow() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        async move { status }
    })
    .await?;
    let id = installed.api.create_webhook("orders/create", &receiver.url).await?;
    let failing_id = installed.api.create_webhook("orders/create", &failing.url).await?;
    let status = |status: &str| json!({"webhook": {"status": status}});
    let path = format!("/admin/webhooks/{id}.json");
    installed.api.call(Method::PUT, &path, Some(status("paused"))).await?;
    let event = |event: &str| record(&installed.shop, "orders/create", event, r#"{"id": 1}"#);
    deleted.publish([event("e1")]).await?;
    deleted.wait_until(&format!("{id}-e1"), DeliveryState::Held).await?;
    deleted.wait_until(&format!("{failing_id}-e1"), DeliveryState::Retrying).await?;
    delete(&deleted, name).await?;
    mend.send_replace(true);

    import_tables(&deleted, name).await?;
    let stack = Stack::deploy(name, &[]).await?;
    let api = installed.api.at(&stack.api_url);
    let resumed = api.call(Method::PUT, &path, Some(status("active"))).await?;
    assert_eq!(resumed.status, StatusCode::OK, "{}", resumed.json);
    for (id, state) in [(id, "held"), (failing_id, "all")] {
        let path = format!("/admin/webhooks/{id}/replay.json");
        let replay = api.call(Method::POST, &path, Some(json!({"replay": {"state": state}}))).await?;
        assert!(replay.status.is_success(), "{}", replay.json);
    }
    stack.publish([event("e2")]).await?;
    for delivery in [format!("{id}-e1"), format!("{id}-e2"), format!("{failing_id}-e1")] {
        stack.wait_until(&delivery, DeliveryState::Delivered).await?;
    }
    for delivered in receiver.wait_for(2).await? {
        let signature = body_signature(&installed.secret, &delivered.body);
        assert_eq!(delivered.header("X-Spiffy-Stores-Hmac-Sha256"), signature);
    }
    Ok(())
}
