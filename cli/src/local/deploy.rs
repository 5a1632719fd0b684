//! Deploying the template into the emulator.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use serde_json::json;

use super::python;
use crate::stack::outputs::Outputs;

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
