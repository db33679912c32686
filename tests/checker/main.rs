//! `socklab check` and `socklab grade` as programs that never lie and never hang: whatever the program under test does, they
//! end with a true sentence and the right exit status, and nothing of it is left.

#![cfg(target_os = "linux")]

mod clients;
mod ends;
mod grading;
mod mistakes;
mod oddities;
mod reports;
#[path = "../support/mod.rs"]
mod support;
mod watching;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;
use support::program::{Finished, Program, socklab};
use support::python::interpreter;

/// A file of this project.
fn file(path: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    file.to_str().expect("a path").to_owned()
}

/// A program that passes `tcp-echo`.
fn solution() -> String {
    file("lessons/02-tcp-server/tcp-echo/solution.py")
}

/// A word that no other process has among its arguments, to find again what comes from a program.
struct Mark(String);

impl Mark {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self(format!("mark-{}-{number}-", std::process::id()))
    }

    /// The command of an odd server, which has it among its arguments.
    fn odd(&self, peculiarity: &str) -> Vec<String> {
        let script = file("tests/peers/odd_server.py");
        [interpreter(), &script, peculiarity, &self.0].map(str::to_owned).to_vec()
    }

    /// The processes that have it, but for the checker itself, whose command line names the program's.
    fn processes(&self) -> Vec<PathBuf> {
        let folders = fs::read_dir("/proc").expect("/proc").flatten().map(|entry| entry.path());
        folders.filter(|folder| self.is_of(folder)).collect()
    }

    fn is_of(&self, folder: &Path) -> bool {
        let words = fs::read(folder.join("cmdline")).unwrap_or_default();
        let words = String::from_utf8_lossy(&words).into_owned();
        words.contains(&self.0) && !words.contains("socklab\0")
    }
}

/// Nothing of a program is left: neither what has its mark, nor what has the checker's.
fn nothing_left(checker: i32, mark: &Mark) {
    assert_eq!(mark.processes(), [""; 0].map(PathBuf::from), "left of {}", mark.0);
    let tag = format!("SOCKLAB_RUN={checker}-");
    let environments = fs::read_dir("/proc").expect("/proc").flatten();
    for environment in environments.map(|entry| entry.path().join("environ")) {
        let variables = fs::read(&environment).unwrap_or_default();
        let variables = String::from_utf8_lossy(&variables);
        assert!(!variables.split('\0').any(|it| it.starts_with(&tag)), "{environment:?}");
    }
}

/// `socklab check tcp-echo` with these options, on this program.
fn check(options: &[&str], program: &[String]) -> Command {
    let words: Vec<&str> = program.iter().map(String::as_str).collect();
    socklab(&[&["check", "tcp-echo"], options, &["--"], &words].concat())
}

/// The report that was printed as JSON.
fn report(finished: &Finished) -> Value {
    let text = finished.text();
    serde_json::from_str(&text)
        .unwrap_or_else(|why| panic!("{why}: {}, {text}{}", finished.code, finished.errors))
}

/// The first check that failed.
fn first_failed(report: &Value) -> &Value {
    let checks = report["checks"].as_array().expect("checks");
    let failed = checks.iter().find(|check| check["verdict"] == "fail");
    failed.unwrap_or_else(|| panic!("nothing failed: {report:#}"))
}
