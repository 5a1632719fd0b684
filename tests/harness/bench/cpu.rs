//! What a process has used so far, by `/proc` (proc_pid_status(5)).

use std::{fs, time::Duration};

use anyhow::{Context as _, Result};

/// The CPU time of a process: that of its threads which have not ended (`/proc/<id>/task/*/schedstat`, the
/// kernel's "Scheduler Statistics"). Functions and loops end none.
pub fn cpu_of(process: &str) -> Result<Duration> {
    let mut cpu = Duration::ZERO;
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        let stat = fs::read_to_string(thread?.path().join("schedstat"))?;
        let on_cpu = stat.split(' ').next().and_then(|nanoseconds| nanoseconds.parse().ok());
        cpu += Duration::from_nanos(on_cpu.context("no time in schedstat")?);
    }
    Ok(cpu)
}

/// The most memory that a process has had at once, in bytes.
pub(super) fn peak_memory_of(process: &str) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kibibytes * 1_024)
}
