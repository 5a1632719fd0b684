//! A stack's functions and their mappings, stopped and started as the runbook does.

use anyhow::{Context as _, Result};
use serde_json::json;
use storehook_tests::{Stack, eventually};

const FUNCTIONS: [&str; 3] = ["admin-api", "fan-out", "delivery"];

/// Turns the mappings of all queues off or on, and waits until they are. Those of streams are left: the local stack
/// has a poller of its own for them, which takes an enabled one for somebody else's.
pub(super) async fn turn_mappings(stack: &Stack, on: bool) -> Result<()> {
    let state = if on { "Enabled" } else { "Disabled" };
    for function in FUNCTIONS {
        let of = json!({"FunctionName": stack.resource(function)});
        let listed = stack.aws("lambda", "list_event_source_mappings", of).await?;
        for mapping in listed["EventSourceMappings"].as_array().context("no mappings")? {
            if mapping["EventSourceArn"].as_str().is_some_and(|source| source.contains(":kinesis:")) {
                continue;
            }
            let uuid = mapping["UUID"].as_str().context("no id")?;
            let change = json!({"UUID": uuid, "Enabled": on});
            stack.aws("lambda", "update_event_source_mapping", change).await?;
            eventually(&format!("{uuid} to be {state}"), || async {
                let found = stack.aws("lambda", "get_event_source_mapping", json!({"UUID": uuid})).await?;
                Ok((found["State"] == state).then_some(()))
            })
            .await?;
        }
    }
    Ok(())
}

/// Stops all functions.
pub(super) async fn stop_functions(stack: &Stack) -> Result<()> {
    for function in FUNCTIONS {
        let none = json!({"FunctionName": stack.resource(function), "ReservedConcurrentExecutions": 0});
        stack.aws("lambda", "put_function_concurrency", none).await?;
    }
    Ok(())
}

/// Lets all functions run again.
pub(super) async fn start_functions(stack: &Stack) -> Result<()> {
    for function in FUNCTIONS {
        let name = json!({"FunctionName": stack.resource(function)});
        stack.aws("lambda", "delete_function_concurrency", name).await?;
    }
    Ok(())
}
