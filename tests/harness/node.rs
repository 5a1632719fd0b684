//! Node packages that tests use, installed once under `target`. Tests of one program and of others
//! need them at the same time; by a file lock, one installs and the others wait.

use std::{path::PathBuf, process::Output};

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;

use crate::repository::root;

/// The oldest Node that the AWS SDK runs on.
const OLDEST_NODE: u32 = 20;

/// The folder with the Node packages that tests need, after npm has installed them there.
pub async fn node_packages() -> Result<PathBuf> {
    let version = Command::new("node").arg("--version").output().await;
    let version = version.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    let found = version.unwrap_or_else(|_| "none was found".to_owned());
    let major = found.trim_start_matches('v').split('.').next().and_then(|major| major.parse().ok());
    ensure!(
        major.is_some_and(|major: u32| major >= OLDEST_NODE),
        "the tests need Node {OLDEST_NODE} or newer with npm, and this is what there is: {found}. Install it and try again"
    );
    let (wanted, folder) = (root().join("tests/clients"), root().join("target/clients-node"));
    std::fs::create_dir_all(&folder)?;
    let lock = std::fs::read_to_string(wanted.join("package-lock.json"))?;
    let lock_file = std::fs::File::create(root().join("target/clients-node.lock"))?;
    // The lock goes with the file, when the function returns.
    let _locked = tokio::task::spawn_blocking(move || lock_file.lock().map(|()| lock_file)).await??;
    let installed = folder.join("installed.json");
    if std::fs::read_to_string(&installed).is_ok_and(|text| text == lock) {
        return Ok(folder);
    }
    for file in ["package.json", "package-lock.json"] {
        std::fs::copy(wanted.join(file), folder.join(file))?;
    }
    let npm = Command::new("npm")
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(&folder)
        .output();
    let npm = npm.await.context("the tests need npm, which comes with Node: install it and try again")?;
    succeeded("npm ci, which needs to reach the npm registry,", &npm)?;
    std::fs::write(installed, lock)?;
    Ok(folder)
}

/// Fails as a program did, with what it said.
pub fn succeeded(what: &str, output: &Output) -> Result<()> {
    let (printed, errors) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "{what} failed: {}\n{printed}\n{errors}", output.status);
    Ok(())
}
