//! The emulator's Python: a private virtual environment, made once for each version of
//! what is in it.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context as _, Result, bail, ensure};
use tokio::process::Command;

/// What the environment holds.
const REQUIREMENTS: &str = include_str!("requirements.txt");

/// The oldest Python that the emulator runs on.
const OLDEST: (u32, u32) = (3, 10);

/// The environment's interpreter, after making the environment if it is not there yet.
pub async fn environment(target: &Path) -> Result<PathBuf> {
    let folder = target.join("emulator");
    let interpreter = folder.join("bin/python");
    let installed = folder.join("installed.txt");
    fs_err::create_dir_all(&folder)?;
    // Two stacks may be started at once: the second waits for the first one's environment.
    let lock = std::fs::File::create(target.join("emulator.lock"))?;
    while lock.try_lock().is_err() {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let is_complete = fs_err::read_to_string(&installed).is_ok_and(|text| text == REQUIREMENTS);
    if is_complete && has_packages(&interpreter).await {
        return Ok(interpreter);
    }
    let python = find_python().await?;
    super::say("making a private Python environment for the emulator");
    let made =
        Command::new(python).args(["-m", "venv", "--clear"]).arg(&folder).kill_on_drop(true).status().await?;
    ensure!(
        made.success(),
        "Python could not make a virtual environment: install its venv module (on Debian, python3-venv)"
    );
    let requirements = folder.join("requirements.txt");
    fs_err::write(&requirements, REQUIREMENTS)?;
    let pip = Command::new(&interpreter)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
        .arg(&requirements)
        .kill_on_drop(true)
        .status()
        .await?;
    ensure!(
        pip.success(),
        "pip could not install the emulator (its message stands above): it needs to reach PyPI, or a mirror that PIP_INDEX_URL names"
    );
    fs_err::write(installed, REQUIREMENTS)?;
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
    bail!("the local stack needs Python {major}.{minor} or newer, and {found}: install it and try again")
}

/// The version of a Python, if it is one and runs.
async fn version_of(interpreter: &Path) -> Option<(u32, u32)> {
    let mut python = Command::new(interpreter);
    python.args(["-c", "import sys; print(*sys.version_info[:2])"]).stderr(Stdio::null());
    let text = String::from_utf8(python.output().await.ok()?.stdout).ok()?;
    let (major, minor) = text.trim().split_once(' ')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Whether the environment still works: a system upgrade may have taken its Python away, or put another
/// version in its place.
async fn has_packages(interpreter: &Path) -> bool {
    let mut python = Command::new(interpreter);
    python.args(["-c", "import ministack, samtranslator, boto3"]).stderr(Stdio::null());
    python.status().await.is_ok_and(|status| status.success())
}

/// Runs a script of ours in the environment: JSON in, JSON out.
pub(super) async fn run_script<T: serde::de::DeserializeOwned>(
    interpreter: &Path,
    script: &str,
    input: &serde_json::Value,
) -> Result<T> {
    use tokio::io::AsyncWriteExt as _;
    let mut child = Command::new(interpreter)
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("the emulator's Python could not be started")?;
    let mut stdin = child.stdin.take().context("no standard input")?;
    stdin.write_all(input.to_string().as_bytes()).await?;
    drop(stdin);
    let output = child.wait_with_output().await?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    serde_json::from_slice(&output.stdout).context("the script's answer does not read")
}
