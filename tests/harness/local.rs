//! Local stacks, started as a user starts them.

use std::{
    fs::File,
    process::{Child, Stdio},
    sync::Mutex,
    time::Duration,
};

use anyhow::{Result, bail};
use storehook::{local::functions::cargo, stack::stack_file::StackFile};

use crate::{repository::root, waiting::eventually_within};

/// The network that the local stack opens to deliveries besides loopback. It belongs to nobody (RFC
/// 5737).
pub const ALLOWED_NETWORK: &str = "203.0.113.0/24";

/// The other address that leads to the local stack. Only Linux has all of loopback without a setup.
pub const BOUND_TO: Option<&str> = if cfg!(target_os = "linux") { Some("127.0.0.2") } else { None };

/// How long the local stack may take to start.
const START_LIMIT: Duration = Duration::from_secs(20 * 60);

/// A local stack, and the process that runs it: it ends when this process does, whatever ends that,
/// because its standard input ends then.
#[derive(Debug)]
pub struct Local {
    /// What it says of itself.
    pub file: StackFile,
    _process: Mutex<Child>,
}

impl Local {
    /// Starts a local stack in this folder of the repository, on any free port, with further arguments.
    pub async fn start(folder: &str, arguments: &[&str]) -> Result<Self> {
        let path = root().join(folder);
        std::fs::create_dir_all(&path)?;
        StackFile::remove(&path)?;
        let log_path = path.join("local.log");
        let log = File::create(&log_path)?;
        let mut process = cargo(&root())
            .args(["run", "--quiet", "--", "local", "--port", "0", "--local-dir", folder])
            .arg("--until-stdin-ends")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        // It may have to build everything and to install the emulator; it ends early if it fails.
        let file = eventually_within(START_LIMIT, "the local stack to be ready", || {
            let ended = process.try_wait();
            let file = StackFile::read(&path).ok();
            let log_path = &log_path;
            async move {
                if ended?.is_some() {
                    bail!("the local stack did not start: {}", std::fs::read_to_string(log_path)?);
                }
                Ok(file)
            }
        })
        .await?;
        Ok(Self { file, _process: Mutex::new(process) })
    }
}
