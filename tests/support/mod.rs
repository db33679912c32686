//! What the tests stand on: the program as a child, its narration read event by event, raw clients, peers in Python.
//!
//! Nothing in here sleeps instead of synchronising: every wait is for something that must happen, and has [`LIMIT`] as
//! the bound after which it counts as never.

#![allow(dead_code, reason = "each file of tests/ takes what it needs")]

pub mod drawn;
#[cfg(target_os = "linux")]
pub mod hosts;
pub mod lines;
pub mod placeholders;
#[cfg(target_os = "linux")]
pub mod process;
pub mod program;
pub mod python;
pub mod raw;
pub mod server;
pub mod strace;
#[cfg(target_os = "linux")]
pub mod terminal;

use std::io::Write;
use std::time::Duration;

/// What has not happened by then never will: the bound of every wait, reached only by a failing test.
pub const LIMIT: Duration = Duration::from_secs(30);

/// Says that a test cannot run here, past the test runner, which shows what a test prints only when it fails. Where
/// everything is to be had (CI), that is a failure.
pub fn skipped(why: &str) {
    assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "skipped: {why}");
    let name = std::thread::current().name().unwrap_or_default().to_owned();
    let _ = writeln!(std::io::stderr(), "skipped: {name}: {why}");
}
