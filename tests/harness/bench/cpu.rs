//! What a process has used so far, by `/proc` (proc_pid_stat(5), proc_pid_status(5)).

use std::time::Duration;

use anyhow::{Context as _, Result};

/// The CPU time of a process and of all its threads, those that have ended included. Its unit is a tick of
/// the clock, 10 ms.
pub(super) fn cpu_of(process: &str) -> Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The second field is the program's name, in parentheses. It may hold spaces.
    let (_, fields) = stat.rsplit_once(") ").context("no stat")?;
    let mut fields = fields.split(' ').skip(11);
    let mut ticks = || fields.next().and_then(|ticks| ticks.parse::<u64>().ok()).context("no time in stat");
    let (user, system) = (ticks()?, ticks()?);
    Ok(Duration::from_secs(user + system) / u32::try_from(rustix::param::clock_ticks_per_second())?)
}

/// The most memory that a process has had at once, in bytes.
pub(super) fn peak_memory_of(process: &str) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kibibytes * 1_024)
}
