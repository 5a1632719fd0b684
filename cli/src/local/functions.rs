//! Building the functions, for this machine.
//!
//! `cargo run -- local`, the functions that it builds and `cargo test --workspace` share one build:
//! the same profile, the same features (the whole workspace's), the same environment. If one of
//! these differs, a newcomer builds every dependency twice.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use tokio::process::Command;

/// Builds all programs with this program's own profile, and returns them by name.
pub async fn build(root: &Path) -> Result<BTreeMap<String, PathBuf>> {
    built(root, &["--bins"]).await
}

/// The same of some programs, for benches: the others take long in the release profile.
pub async fn build_these(root: &Path, programs: &[&str]) -> Result<BTreeMap<String, PathBuf>> {
    built(root, &programs.iter().flat_map(|program| ["--bin", program]).collect::<Vec<_>>()).await
}

async fn built(root: &Path, targets: &[&str]) -> Result<BTreeMap<String, PathBuf>> {
    let mut cargo = Command::from(cargo(root));
    cargo.args(["build", "--workspace", "--message-format=json-render-diagnostics"]).args(targets);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let output = cargo
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await
        .context("cannot start cargo: is Rust installed? https://rustup.rs")?;
    ensure!(output.status.success(), "the functions do not build");
    let messages = String::from_utf8_lossy(&output.stdout);
    let programs = messages.lines().filter_map(|line| serde_json::from_str(line).ok());
    Ok(programs.map(|Artifact { target, executable }| (target.name, executable)).collect())
}

/// Cargo, started by a program that cargo itself runs.
///
/// Cargo names the package to such a program by environment variables. A build script that reads
/// the same names (ring's does) would see them change and run again, and everything that depends on
/// it would be built again, which takes minutes.
pub fn cargo(root: &Path) -> std::process::Command {
    const OF_A_PACKAGE: [&str; 18] = [
        "CARGO_MANIFEST_DIR",
        "CARGO_MANIFEST_LINKS",
        "CARGO_MANIFEST_PATH",
        "CARGO_PKG_AUTHORS",
        "CARGO_PKG_DESCRIPTION",
        "CARGO_PKG_HOMEPAGE",
        "CARGO_PKG_LICENSE",
        "CARGO_PKG_LICENSE_FILE",
        "CARGO_PKG_NAME",
        "CARGO_PKG_README",
        "CARGO_PKG_REPOSITORY",
        "CARGO_PKG_RUST_VERSION",
        "CARGO_PKG_VERSION",
        "CARGO_PKG_VERSION_MAJOR",
        "CARGO_PKG_VERSION_MINOR",
        "CARGO_PKG_VERSION_PATCH",
        "CARGO_PKG_VERSION_PRE",
        "OUT_DIR",
    ];
    let mut cargo = std::process::Command::new("cargo");
    cargo.current_dir(root);
    for name in OF_A_PACKAGE {
        cargo.env_remove(name);
    }
    cargo
}

/// Cargo's message about a program that it has built. Its other messages have another shape.
#[derive(Deserialize)]
struct Artifact {
    target: Target,
    executable: PathBuf,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}
