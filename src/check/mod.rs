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
pub mod ending;
pub mod evidence;
pub mod exercises;
pub mod fate;
mod last_words;
pub mod limits;
pub mod listener;
pub mod name_server;
pub mod peer;
pub mod private;
pub mod processes;
pub mod program;
pub mod report;
pub mod schedule;
pub mod story;
pub mod turns;
pub mod verdict;

use std::time::Duration;

pub use limits::Limits;

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

/// How long an answer may take. A program that is alive and well needs a thousandth of it; a loaded machine needs some.
pub const ANSWER: Duration = Duration::from_secs(5);
