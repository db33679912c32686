//! What the kernel keeps for a process (Linux, `/proc`): threads, descriptors, memory, the port it listens on.

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

/// The port on which `pid` listens: waits until it does. For a narration that does not tell.
pub fn listening_port(pid: i32) -> u16 {
    let mut port = None;
    assert!(
        eventually(|| {
            port = listener(pid);
            port.is_some()
        }),
        "{pid} does not listen"
    );
    port.unwrap()
}

/// Finds the listening socket of `/proc/PID/net/tcp` that is one of the process's descriptors.
fn listener(pid: i32) -> Option<u16> {
    let table = fs::read_to_string(format!("/proc/{pid}/net/tcp")).ok()?;
    let fds = fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
    let own: Vec<_> = fds.flatten().filter_map(|fd| fs::read_link(fd.path()).ok()).collect();
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let listens = fields[3] == "0A";
        let mine = own.contains(&format!("socket:[{}]", fields[9]).into());
        let (_, port) = fields[1].split_once(':')?;
        (listens && mine).then(|| u16::from_str_radix(port, 16).ok())?
    })
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
