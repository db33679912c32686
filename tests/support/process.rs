//! What the kernel keeps for a process (Linux, `/proc`): threads, descriptors, memory.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use super::LIMIT;

/// What a process holds.
#[derive(Clone, Copy, Debug)]
pub struct Footprint {
    pid: i32,
    threads: usize,
    descriptors: usize,
    resident_kib: u64,
}

impl Footprint {
    /// What `pid` holds now.
    pub fn of(pid: i32) -> Self {
        let count = |what| fs::read_dir(format!("/proc/{pid}/{what}")).map_or(0, Iterator::count);
        let (threads, descriptors) = (count("task"), count("fd"));
        Self { pid, threads, descriptors, resident_kib: status_kib(pid, "VmRSS:") }
    }

    /// The process comes back to no more than this, and at most `kib` more memory.
    pub fn comes_back(self, kib: u64) {
        let mut now = self;
        let back = eventually(|| {
            now = Self::of(self.pid);
            now.threads <= self.threads
                && now.descriptors <= self.descriptors
                && now.resident_kib <= self.resident_kib + kib
        });
        assert!(back, "left over: {now:?}, at first {self:?}");
    }
}

/// The most memory that `pid` ever had, in KiB.
pub fn peak_kib(pid: i32) -> u64 {
    status_kib(pid, "VmHWM:")
}

fn status_kib(pid: i32, field: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

/// Looks again and again until `condition` holds; says whether it ever did. Only for what can be neither awaited nor
/// heard of: `/proc` tells nobody that it changed.
pub fn eventually(mut condition: impl FnMut() -> bool) -> bool {
    let started = Instant::now();
    while started.elapsed() < LIMIT {
        if condition() {
            return true;
        }
        thread::sleep(Duration::from_millis(2));
    }
    false
}
