//! The memory of this process.

/// The resident memory in bytes ("proc_pid_status(5)", `VmRSS`, in kibibytes); `None` where there is
/// no `/proc`.
pub(super) fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().trim_end_matches("kB").trim_end().parse::<u64>().ok()? * 1_024)
}
