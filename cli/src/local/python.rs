//! Private virtual environments of Python, for the emulator and for the tests.
//!
//! Each is made once, and made again when its requirements change or its Python is gone. With a
//! lock, a second program waits until the first one has made the environment.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context as _, Result, bail, ensure};
use tokio::process::Command;

use super::say::say;
use crate::stack::local_stack::{LOCAL_CREDENTIALS, LOCAL_REGION};

/// A private virtual environment.
#[derive(Debug, Clone, Copy)]
pub struct VirtualEnvironment<'a> {
    /// The name of its folder, under `target`.
    pub name: &'a str,
    /// What pip installs into it.
    pub requirements: &'a str,
    /// The modules that it must be able to load, separated by commas.
    pub modules: &'a str,
}

/// The emulator's environment.
pub const EMULATOR: VirtualEnvironment<'static> = VirtualEnvironment {
    name: "emulator",
    requirements: include_str!("requirements.txt"),
    modules: "ministack, samtranslator, boto3, cbor2",
};

/// The oldest Python that the emulator runs on.
const OLDEST: (u32, u32) = (3, 10);

/// The environment's interpreter. The environment is made first if it does not exist.
pub async fn environment(target: &Path, wanted: &VirtualEnvironment<'_>) -> Result<PathBuf> {
    let folder = target.join(wanted.name);
    let interpreter = folder.join("bin/python");
    let installed = folder.join("installed.txt");
    fs_err::create_dir_all(&folder)?;
    let lock = std::fs::File::create(target.join(format!("{}.lock", wanted.name)))?;
    while lock.try_lock().is_err() {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let is_complete = fs_err::read_to_string(&installed).is_ok_and(|text| text == wanted.requirements);
    if is_complete && loads(&interpreter, wanted.modules).await {
        return Ok(interpreter);
    }
    let python = find_python().await?;
    say(&format!("making a private Python environment in {}", folder.display()));
    let made =
        Command::new(python).args(["-m", "venv", "--clear"]).arg(&folder).kill_on_drop(true).status().await?;
    ensure!(
        made.success(),
        "Python cannot make a virtual environment: install its venv module (Debian: python3-venv)"
    );
    let requirements = folder.join("requirements.txt");
    fs_err::write(&requirements, wanted.requirements)?;
    let pip = Command::new(&interpreter)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
        .arg(&requirements)
        .kill_on_drop(true)
        .status()
        .await?;
    ensure!(
        pip.success(),
        "pip cannot install {} (its message is above): it needs PyPI, or a mirror named by PIP_INDEX_URL",
        requirements.display()
    );
    fs_err::write(installed, wanted.requirements)?;
    Ok(interpreter)
}

/// A Python that is new enough, by one of its usual names.
async fn find_python() -> Result<&'static str> {
    let mut too_old = None;
    for name in ["python3", "python", "python3.13", "python3.12", "python3.11", "python3.10"] {
        match version_of(Path::new(name)).await {
            Some(found) if found >= OLDEST => return Ok(name),
            Some((major, minor)) => too_old = Some(format!("{name} is {major}.{minor}")),
            None => {}
        }
    }
    let (major, minor) = OLDEST;
    let found = too_old.unwrap_or("none was found".to_owned());
    bail!("the local stack needs Python {major}.{minor} or newer, but {found}")
}

/// The version of a Python; `None` if the program does not run or is no Python.
async fn version_of(interpreter: &Path) -> Option<(u32, u32)> {
    let mut python = Command::new(interpreter);
    python.args(["-c", "import sys; print(*sys.version_info[:2])"]).stderr(Stdio::null());
    let text = String::from_utf8(python.output().await.ok()?.stdout).ok()?;
    let (major, minor) = text.trim().split_once(' ')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Whether the environment still works: a system upgrade may have removed or replaced its Python.
async fn loads(interpreter: &Path, modules: &str) -> bool {
    let mut python = Command::new(interpreter);
    python.args(["-c", &format!("import {modules}")]).stderr(Stdio::null());
    python.status().await.is_ok_and(|status| status.success())
}

/// Runs one of our scripts in the environment: JSON in, JSON out. The script is told how to reach the
/// emulator at this URL beside its input, which must be an object.
pub(super) async fn run_script<T: serde::de::DeserializeOwned>(
    interpreter: &Path,
    endpoint_url: &str,
    script: &str,
    mut input: serde_json::Value,
) -> Result<T> {
    let (access_key_id, secret_access_key) = LOCAL_CREDENTIALS;
    input["endpoint_url"] = endpoint_url.into();
    input["region"] = LOCAL_REGION.into();
    input["access_key_id"] = access_key_id.into();
    input["secret_access_key"] = secret_access_key.into();
    use tokio::io::AsyncWriteExt as _;
    let mut child = Command::new(interpreter)
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("cannot start the emulator's Python")?;
    let mut stdin = child.stdin.take().context("no standard input")?;
    stdin.write_all(input.to_string().as_bytes()).await?;
    drop(stdin);
    let output = child.wait_with_output().await?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    serde_json::from_slice(&output.stdout).context("the script's output is malformed")
}
