//! Programs that nobody here wrote, which use the API as strangers do.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use storehook::local::python::{self, VirtualEnvironment};
use tokio::process::Command;

use crate::repository::root;

const CLIENTS: VirtualEnvironment<'static> = VirtualEnvironment {
    name: "clients",
    requirements: include_str!("../clients/requirements.txt"),
    modules: "shopify, schemathesis, openapi_spec_validator",
};

/// Runs the clients' Python with these arguments and returns what it prints. It fails as the
/// program does. What it leaves behind, it leaves under `target`.
pub async fn run_client(arguments: &[&str]) -> Result<String> {
    let interpreter: PathBuf = python::environment(&root().join("target"), &CLIENTS).await?;
    let folder = root().join("target/it");
    std::fs::create_dir_all(&folder)?;
    let output = Command::new(interpreter).args(arguments).current_dir(folder).output().await?;
    let (printed, errors) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "{arguments:?}: {}\n{printed}\n{errors}", output.status);
    Ok(printed.into_owned())
}
