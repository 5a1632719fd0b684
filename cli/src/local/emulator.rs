//! The emulator's process.
//!
//! The emulator and all processes that it starts are one process group, which ends as a whole. When
//! it is told to stop, it saves its state first. When its value is dropped, it is killed. A file
//! names the group, so the next start can end an emulator whose program was killed.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    net::TcpStream,
    process::{Child, Command},
    time::Instant,
};

use super::say::say;
use crate::stack::local_stack::{LOCAL_CREDENTIALS, LOCAL_REGION};

/// How long the emulator may take to respond, and how long to end.
const START_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(15);

/// A running MiniStack. It ends, at the latest, when this value is dropped.
pub(super) struct Emulator {
    child: Child,
    group: Pid,
    /// The file that names the group.
    note: PathBuf,
    /// Its URL.
    pub(super) endpoint_url: String,
}

impl Emulator {
    /// Starts the emulator and waits until it responds. It enforces IAM, as AWS does. The functions call
    /// it at `through`, if that is given.
    pub(super) async fn start(
        interpreter: &Path,
        folder: &Path,
        port: u16,
        persist: bool,
        through: Option<&str>,
    ) -> Result<Self> {
        let endpoint_url = format!("http://127.0.0.1:{port}");
        let log_path = folder.join("ministack.log");
        let log = std::fs::File::create(&log_path)?;
        let (id, secret) = LOCAL_CREDENTIALS;
        let mut command = Command::new(interpreter);
        command
            .args(["-m", "ministack"])
            .current_dir(folder)
            .env("GATEWAY_PORT", port.to_string())
            .env("BIND_HOST", "127.0.0.1")
            .env("IOT_MTLS_ENABLED", "0")
            .env("AUTH", "true")
            .env("MINISTACK_REGION", LOCAL_REGION)
            .env("AWS_REGION", LOCAL_REGION)
            .env("AWS_DEFAULT_REGION", LOCAL_REGION)
            .env("AWS_ACCESS_KEY_ID", id)
            .env("AWS_SECRET_ACCESS_KEY", secret)
            // The functions inherit it, and so reach the emulator.
            .env("AWS_ENDPOINT_URL", through.unwrap_or(&endpoint_url))
            .env_remove("AWS_PROFILE")
            .env_remove("AWS_SESSION_TOKEN");
        if persist {
            command.env("PERSIST_STATE", "1").env("S3_PERSIST", "1").env("STATE_DIR", folder.join("state"));
            command.env("S3_DATA_DIR", folder.join("state/s3"));
        }
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).process_group(0);
        let child = command.spawn().context("cannot start the emulator")?;
        let group = child
            .id()
            .and_then(|id| Pid::from_raw(id.try_into().ok()?))
            .context("the emulator ended at once")?;
        fs_err::write(group_path(folder), group.as_raw_nonzero().to_string())?;
        let mut emulator = Self { child, group, note: group_path(folder), endpoint_url };
        emulator.wait_until_it_responds(port, &log_path).await?;
        Ok(emulator)
    }

    /// Returns when the emulator ends by itself.
    pub(super) async fn ended(&mut self) {
        // With an error, too, the process is gone.
        _ = self.child.wait().await;
    }

    /// Ends the emulator and everything that it started. The emulator saves its state first.
    pub(super) async fn stop(&mut self) {
        self.signal(Signal::TERM);
        if tokio::time::timeout(STOP_LIMIT, self.child.wait()).await.is_err() {
            say("the emulator does not stop: killing it");
        }
        self.signal(Signal::KILL);
        // If it stays, the next start finds that no such process works in this folder.
        _ = std::fs::remove_file(&self.note);
    }

    async fn wait_until_it_responds(&mut self, port: u16, log: &Path) -> Result<()> {
        let deadline = Instant::now() + START_LIMIT;
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("the emulator ended with {status}: see its log, {}", log.display());
            }
            if Instant::now() > deadline {
                bail!("the emulator does not respond: see its log, {}", log.display());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    fn signal(&self, signal: Signal) {
        // A group that has ended needs no signal.
        _ = kill_process_group(self.group, signal);
    }
}

/// Ends the emulator that a killed program left behind: the process in the file, if it is still an
/// emulator of this folder.
pub(super) async fn end_orphan(folder: &Path) -> Result<()> {
    let Ok(noted) = fs_err::read_to_string(group_path(folder)) else { return Ok(()) };
    let Some(group) = noted.trim().parse().ok().and_then(Pid::from_raw) else {
        return Ok(fs_err::remove_file(group_path(folder))?);
    };
    if is_emulator_of(folder, noted.trim()) {
        say("ending the emulator of an earlier stack that was killed");
        let deadline = Instant::now() + STOP_LIMIT;
        while kill_process_group(group, Signal::KILL).is_ok() && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    Ok(fs_err::remove_file(group_path(folder))?)
}

/// An emulator's working folder is its stack's folder. If the system does not show working folders,
/// the process's name must do.
fn is_emulator_of(folder: &Path, pid: &str) -> bool {
    let process = Path::new("/proc").join(pid);
    if Path::new("/proc/self").exists() {
        return std::fs::read_link(process.join("cwd")).is_ok_and(|works_in| works_in == folder);
    }
    let command = std::process::Command::new("ps").args(["-o", "command=", "-p", pid]).output();
    command.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("ministack"))
}

fn group_path(folder: &Path) -> PathBuf {
    folder.join("emulator.pid")
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}
