//! What Lambda knows: functions, what invokes them, and how many may run.

use anyhow::{Context as _, Result};
use aws_sdk_lambda::{Client, types::EventSourceMappingConfiguration};

use crate::{
    stack::connection::Connection,
    status::facts::{FunctionFacts, MappingFacts},
};

/// What must invoke what, by the ends of the names: a source, and the function that it invokes.
const MAPPINGS: [(&str, &str); 4] =
    [("events", "fan-out"), ("jobs", "fan-out"), ("delivery", "delivery"), ("retry", "delivery")];

/// The source that is the stream.
const STREAM: &str = "events";

/// The functions, by the ends of their names.
pub(super) const FUNCTIONS: [&str; 3] = ["admin-api", "fan-out", "delivery"];

/// Loads what is known of a function, but for its metrics.
pub(super) async fn load_function(connection: &Connection, function: &str) -> Result<FunctionFacts> {
    let name = connection.resource(function);
    let get = Client::new(&connection.sdk).get_function_configuration().function_name(&name).send().await;
    let found = get.with_context(|| format!("cannot read the function {name}"))?;
    let reason = found.last_update_status_reason().or(found.state_reason()).map(str::to_owned);
    Ok(FunctionFacts {
        state: found.state().map(|state| state.as_str().to_owned()),
        last_update: found.last_update_status().map(|status| status.as_str().to_owned()),
        reason,
        log_group: found.logging_config().and_then(|logging| logging.log_group()).map(str::to_owned),
        name,
        invocations: None,
        errors: None,
        throttles: None,
    })
}

/// Loads the mappings of all functions. One that is missing is among them.
pub(super) async fn load_mappings(connection: &Connection) -> Result<Vec<MappingFacts>> {
    let client = Client::new(&connection.sdk);
    let mut found = Vec::new();
    for function in ["fan-out", "delivery"] {
        let name = connection.resource(function);
        let list = client.list_event_source_mappings().function_name(&name);
        let mut mappings = list.into_paginator().items().send();
        while let Some(mapping) = mappings.next().await {
            found.push(mapping.with_context(|| format!("cannot list the mappings of {name}"))?);
        }
    }
    Ok(MAPPINGS.iter().map(|(source, function)| of(connection, source, function, &found)).collect())
}

fn of(
    connection: &Connection,
    source: &str,
    function: &str,
    found: &[EventSourceMappingConfiguration],
) -> MappingFacts {
    let (name, is_of_stream) = (connection.resource(source), source == STREAM);
    // `…:storehook-delivery` of a queue, `…:stream/storehook-events`.
    let is_own = |arn: &str| arn.rsplit([':', '/']).next() == Some(name.as_str());
    let mapping = found.iter().find(|mapping| mapping.event_source_arn().is_some_and(is_own));
    let concurrency = mapping.and_then(|mapping| {
        if is_of_stream {
            // Its default is 1 (`ParallelizationFactor`, AWS Lambda API Reference).
            Some(mapping.parallelization_factor().unwrap_or(1))
        } else {
            let limited = mapping.scaling_config().and_then(|scaling| scaling.maximum_concurrency());
            // A provisioned poller works on 10 batches at once ("Configuring scaling behavior for SQS event
            // source mappings", AWS Lambda Developer Guide).
            let pollers = mapping.provisioned_poller_config().and_then(|pollers| pollers.maximum_pollers());
            limited.or_else(|| pollers.map(|pollers| pollers.saturating_mul(10)))
        }
    });
    MappingFacts {
        id: mapping.and_then(|mapping| mapping.uuid()).map(str::to_owned),
        function: connection.resource(function),
        source: name,
        is_of_stream,
        state: mapping.and_then(|mapping| mapping.state()).unwrap_or("missing").to_owned(),
        concurrency: concurrency.and_then(|concurrency| u64::try_from(concurrency).ok()),
        last_result: mapping.and_then(|mapping| mapping.last_processing_result()).map(str::to_owned),
    }
}

/// How many functions the account may run at the same time, besides those that have reserved their
/// own.
pub(super) async fn load_concurrency(connection: &Connection) -> Result<Option<u64>> {
    let settings = Client::new(&connection.sdk).get_account_settings().send().await;
    let limit = settings.context("cannot read the settings of Lambda")?.account_limit;
    let limit =
        limit.map(|limit| limit.unreserved_concurrent_executions().unwrap_or(limit.concurrent_executions()));
    Ok(limit.and_then(|limit| u64::try_from(limit).ok()))
}
