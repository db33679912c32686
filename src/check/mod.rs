//! The checker: it starts a learner's program, in any language, talks to it over real sockets, and says what is wrong.
//!
//! ```text
//!   exercises/NAME ── checks, in causal order ──▶ schedule ──▶ Report ──▶ report/FORMAT
//!         │ each on a bench of its own
//!         ▼
//!   bench ── program (spawn, watch, stop), peer and datagrams (counterparts with deadlines), story (what happened)
//! ```
//!
//! It never reads the program's source. A mistake is named on evidence: on the bytes that came back, on the process and
//! its descriptors, on the kernel's view of its sockets. What went wrong with the checker itself is told as that.

pub mod bench;
pub mod datagrams;
pub mod evidence;
pub mod exercises;
pub mod listener;
pub mod peer;
pub mod private;
pub mod processes;
pub mod program;
pub mod report;
pub mod schedule;
pub mod story;
pub mod verdict;

use std::time::Duration;

/// What is to be checked, and how.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The command that runs the learner's program; `{host}` and `{port}` in it are replaced.
    pub command: Vec<String>,
    /// Only this check, and those that it builds on.
    pub only: Option<String>,
    /// How long a server may take until it listens.
    pub startup: Duration,
    /// What a program may use.
    pub limits: Limits,
}

/// What a program may use at most.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Seconds of processor time.
    pub cpu_seconds: u64,
    /// Bytes of memory of its own: what it may write to, and shares with no other process (RLIMIT_DATA). Address space that is
    /// only reserved, as the run-time systems of some languages do, does not count.
    pub memory: u64,
    /// Processes and threads of this user.
    pub processes: u64,
    /// Bytes in a file that it writes.
    pub file_size: u64,
}

impl Default for Limits {
    fn default() -> Self {
        let (gib, mib) = (1 << 30, 1 << 20);
        Self { cpu_seconds: 60, memory: 4 * gib, processes: 4096, file_size: 64 * mib }
    }
}

/// The soft limit of descriptors: enough for a thousand clients.
pub const DESCRIPTORS: u64 = 4096;

/// How long an answer may take. A program that is alive and well needs a thousandth of it; a loaded machine needs some.
pub const ANSWER: Duration = Duration::from_secs(5);
