//! The lock of a local stack's folder: one process at a time runs a stack there.
//!
//! The process that runs a stack holds the lock until it ends, however it ends. A lock that is free
//! means that no stack is running. The holder notes its process id beside it, for `--stop`.

use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

/// The file with the process id of the lock's holder.
const PID_FILE: &str = "pid";

/// Takes the folder's lock; `None` if another process has it.
fn lock(folder: &Path) -> Result<Option<File>> {
    let file = File::create(lock_path(folder))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error).context("the local stack's folder cannot be locked"),
    }
}

/// Takes the lock. With `wait` it waits up to 20 seconds for the holder to end.
pub async fn lock_soon(folder: &Path, wait: bool) -> Result<Option<File>> {
    let tries = if wait { 200 } else { 1 };
    for _ in 1..tries {
        if let Some(lock) = lock(folder)? {
            return Ok(Some(lock));
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    lock(folder)
}

/// Whether a local stack is running in this folder.
pub fn is_running(folder: &Path) -> Result<bool> {
    Ok(lock(folder)?.is_none())
}

/// The process that runs or starts the stack.
pub fn running_pid(folder: &Path) -> Result<u32> {
    fs_err::read_to_string(folder.join(PID_FILE))?
        .trim()
        .parse()
        .context("the file with the process id is malformed")
}

fn lock_path(folder: &Path) -> PathBuf {
    folder.join("lock")
}

/// Notes this process as the lock's holder.
pub fn note_pid(folder: &Path) -> Result<()> {
    Ok(fs_err::write(folder.join(PID_FILE), std::process::id().to_string())?)
}
