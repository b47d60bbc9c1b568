//! The most memory that this process had: Linux tells, elsewhere it is not known.

use std::fs;

/// Forgets the most so far.
pub(crate) fn forget_peak() {
    // 5: the peak resident set (proc(5), clear_refs).
    fs::write("/proc/self/clear_refs", "5").ok();
}

/// Returns the most since then, in MiB.
pub(crate) fn peak_mib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes / 1024)
}
