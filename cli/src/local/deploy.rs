//! Deploying the template into the emulator.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::json;

use super::python;

/// The outputs of the template.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// The admin API's URL, as the template gives it.
    pub api_url: String,
    /// The event stream.
    pub stream_name: String,
    /// The registry table.
    pub registry_table: String,
    /// The history table.
    pub history_table: String,
    /// The queue of first attempts.
    pub delivery_queue_url: String,
    /// The queue of slow retries.
    pub retry_queue_url: String,
    /// The dead-letter queue.
    pub dead_letter_queue_url: String,
    /// The queue of rejected records.
    pub rejected_queue_url: String,
    /// The admin API's function.
    pub admin_api_function: String,
    /// The fan-out function.
    pub fan_out_function: String,
    /// The delivery function.
    pub delivery_function: String,
}

impl Outputs {
    /// The admin API's URL in the emulator at this URL. The emulator's own form of it needs a name
    /// server; this form does not.
    pub fn local_api_url(&self, endpoint_url: &str) -> String {
        let host = self.api_url.split("://").nth(1).unwrap_or_default();
        let api_id = host.split('.').next().unwrap_or_default();
        format!("{endpoint_url}/_aws/execute-api/{api_id}")
    }
}

/// What to deploy, and where.
#[derive(Debug, Clone)]
pub struct Deployment<'a> {
    /// The emulator's Python.
    pub interpreter: &'a Path,
    /// The emulator's URL.
    pub endpoint_url: &'a str,
    /// The template's file.
    pub template: PathBuf,
    /// The functions' programs.
    pub programs: &'a BTreeMap<String, PathBuf>,
    /// The stack's name.
    pub stack_name: &'a str,
    /// The stack's parameters, beyond those that the emulator needs.
    pub parameters: &'a [(&'a str, &'a str)],
}

/// The networks of receivers on this machine, which every local stack reaches.
pub const LOOPBACK: &str = "127.0.0.0/8,::1/128";

/// Deploys the template.
pub async fn deploy(deployment: &Deployment<'_>) -> Result<Outputs> {
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
    let parameters: BTreeMap<_, _> = [
        ("Architecture", architecture),
        ("ShardCount", "1"),
        ("DeletionProtection", "false"),
        ("AllowedCidrs", LOOPBACK),
        // The tour and the tests call more often than an app does.
        ("RateLimitBurst", "1000"),
        ("RateLimitPerSecond", "500"),
        ("PushBurst", "100000"),
        ("PushPerSecond", "10000"),
    ]
    .into_iter()
    .chain(deployment.parameters.iter().copied())
    .collect();
    let job = json!({
        "template": deployment.template,
        "programs": deployment.programs,
        "stack_name": deployment.stack_name,
        "parameters": parameters,
    });
    let script = include_str!("deploy.py");
    let deployed = python::run_script(deployment.interpreter, deployment.endpoint_url, script, job).await;
    deployed.context("cannot deploy the template")
}
