//! The lock of a local stack's folder: one process at a time runs a stack there.
//!
//! The lock lasts as long as the process that holds it, however it ends, so a lock that can be taken
//! means that no stack is running.

use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

/// Where the process that holds the folder's lock is noted.
const PID_FILE: &str = "pid";

/// Takes the folder's lock, which lasts as long as the process: `None` if another has it.
fn lock(folder: &Path) -> Result<Option<File>> {
    let file = File::create(lock_path(folder))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error).context("the local stack's folder cannot be locked"),
    }
}

/// Takes the lock; a program that has just started another stack and died is given time to be gone.
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

/// Whether a local stack runs in this folder.
pub fn is_running(folder: &Path) -> Result<bool> {
    Ok(lock(folder)?.is_none())
}

/// The process that runs the stack, or starts it.
pub fn running_pid(folder: &Path) -> Result<u32> {
    fs_err::read_to_string(folder.join(PID_FILE))?.trim().parse().context("the noted process does not read")
}

fn lock_path(folder: &Path) -> PathBuf {
    folder.join("lock")
}

/// Notes this process as the one that holds the lock.
pub fn note_pid(folder: &Path) -> Result<()> {
    Ok(fs_err::write(folder.join(PID_FILE), std::process::id().to_string())?)
}
