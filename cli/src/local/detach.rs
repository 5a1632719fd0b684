//! `--detach` and `--stop`: the local stack in the background.
//!
//! `--detach` runs this program again as its own process group, shows its output, and returns when
//! `stack.json` names that process. With `--json` it shows the results alone. `--stop` signals the process that the lock's holder noted, and
//! returns when the lock is free.

use std::{ffi::OsString, fmt, io::Read as _, path::Path, process::Stdio, time::Duration};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde::Serialize;
use tokio::{
    process::Command,
    signal::unix::{SignalKind, signal},
};

use super::emulator;
use crate::{
    global::Global,
    output::{self, Form, OutputError},
    stack::{
        lock::{is_running, running_pid},
        stack_file::StackFile,
    },
};

/// How often each process looks at the other.
const LOOK: Duration = Duration::from_millis(100);

/// How long a stack may take to stop.
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// Starts this program in the background, shows its output, and returns when the stack is ready.
pub(super) async fn detach(folder: &Path, form: Form) -> Result<()> {
    let log_path = folder.join("local.log");
    let log = fs_err::File::create(&log_path)?.into_parts().0;
    // As text, the user sees what happens meanwhile. A script wants the results and nothing else.
    let (results, shown_path) = match form {
        Form::Text => (log.try_clone()?, log_path.clone()),
        Form::Json => {
            let path = folder.join("ready.json");
            (fs_err::File::create(&path)?.into_parts().0, path)
        }
    };
    let arguments: Vec<OsString> =
        std::env::args_os().skip(1).filter(|argument| argument != "--detach").collect();
    let mut command = Command::new(std::env::current_exe()?);
    command.args(arguments).stdin(Stdio::null()).stdout(results).stderr(log).process_group(0);
    let mut child = command.spawn().context("cannot start the local stack in the background")?;
    let pid = child.id().context("the local stack ended at once")?;
    let mut shown = fs_err::File::open(&shown_path)?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    loop {
        let ended = child.try_wait()?;
        let is_ready = StackFile::read(folder).is_ok_and(|file| file.pid == pid);
        show_more(&mut shown)?;
        if ended.is_some() {
            bail!("the local stack did not start: its output is in {}", log_path.display());
        }
        if is_ready {
            break;
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => continue,
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
        signal_stop(pid)?;
        child.wait().await?;
        bail!("stopped before it was ready");
    }
    // Its last lines say how to use it.
    tokio::time::sleep(LOOK).await;
    show_more(&mut shown)
}

/// Stops the stack that runs in the background, and returns when it has ended.
pub(super) async fn stop(folder: &Path, global: &Global) -> Result<()> {
    if !is_running(folder)? {
        StackFile::remove(folder)?;
        emulator::end_orphan(folder).await?;
        return Ok(global.show(&Stopped { was_running: false })?);
    }
    let pid = running_pid(folder)?;
    signal_stop(pid)?;
    let stopped = async {
        while is_running(folder)? {
            tokio::time::sleep(LOOK).await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(STOP_LIMIT, stopped).await.context("the local stack does not stop")??;
    Ok(global.show(&Stopped { was_running: true })?)
}

/// That no stack is running.
#[derive(Serialize)]
struct Stopped {
    was_running: bool,
}

impl fmt::Display for Stopped {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = if self.was_running { "the local stack has stopped" } else { "no local stack is running" };
        formatter.write_str(told)
    }
}

fn signal_stop(pid: u32) -> Result<()> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).context("the process id is malformed")?;
    kill_process(pid, Signal::TERM).context("cannot signal the local stack")
}

fn show_more(log: &mut fs_err::File) -> Result<()> {
    let mut text = Vec::new();
    log.read_to_end(&mut text)?;
    match output::write(&text) {
        // The stack starts even when nobody watches.
        Err(OutputError::Closed) => Ok(()),
        result => Ok(result?),
    }
}
