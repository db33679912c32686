//! The programs that come with the lessons are right by their languages' own measures: they compile without a warning,
//! and are formatted as their languages have it. What they do is checked elsewhere.

#![cfg(target_os = "linux")]

#[path = "book/pages.rs"]
#[allow(dead_code, reason = "of the book's pages only the search for files is needed")]
mod pages;

use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::thread;

use pages::{files, project};

/// Runs `check` on every lesson program of that kind, as many at a time as there are processors; what it complained of.
fn complaints(extension: &str, check: impl Fn(&Path) -> Command + Sync) -> Vec<String> {
    let programs = Mutex::new(files(&project().join("lessons"), extension));
    let complaints = Mutex::new(Vec::new());
    let next = || programs.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let work = || {
        while let Some(program) = next() {
            let done = check(&program).output().expect("the language is installed");
            if !done.status.success() {
                let said = String::from_utf8_lossy(&done.stderr).into_owned();
                complaints.lock().unwrap_or_else(PoisonError::into_inner).push(said);
            }
        }
    };
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| (0..workers).for_each(|_| drop(scope.spawn(work))));
    complaints.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn command(program: &str, args: &[&str], file: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(args).arg(file);
    command
}

#[test]
fn python_compiles() {
    let script = "import sys; compile(open(sys.argv[1]).read(), sys.argv[1], 'exec')";
    assert_eq!(
        complaints("py", |file| command("python3", &["-W", "error", "-c", script], file)),
        [""; 0]
    );
}

#[test]
fn c_compiles() {
    let strict = ["-Wall", "-Wextra", "-Werror", "-std=gnu11", "-O1", "-fsyntax-only"];
    assert_eq!(complaints("c", |file| command("cc", &strict, file)), [""; 0]);
}

/// Those that need socket2 are compiled with the crate's examples.
#[test]
fn rust_compiles() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path().to_str().expect("a name");
    let strict = ["--edition", "2024", "-D", "warnings", "--emit", "metadata", "--out-dir", folder];
    let needs_crates =
        |file: &Path| std::fs::read_to_string(file).expect("a program").contains("use socket2::");
    let check = |file: &Path| match needs_crates(file) {
        true => command("rustfmt", &["--edition", "2024", "--check"], file),
        false => command("rustc", &[&strict[..], &["--crate-name", &name(file)]].concat(), file),
    };
    assert_eq!(complaints("rs", check), [""; 0]);
}

/// "Enough Rust to read this book" shows each piece in both languages, and says that they do the same.
#[test]
fn enough_rust_prints_what_its_python_prints() {
    let folder = tempfile::tempdir().expect("a folder");
    let built = folder.path().join("enough");
    let lesson = |name| project().join("lessons/00-rust").join(name);
    let mut compiler = command("rustc", &["--edition", "2024", "-o"], &built);
    assert!(compiler.arg(lesson("enough.rs")).status().expect("rustc is installed").success());
    let said = |mut program: Command| {
        String::from_utf8(program.output().expect("it runs").stdout).expect("text")
    };
    let rust = said(Command::new(&built));
    assert!(!rust.is_empty());
    assert_eq!(rust, said(command("python3", &[], &lesson("enough.py"))));
}

#[test]
fn rust_is_formatted() {
    let config = project().join("rustfmt.toml");
    let args = ["--edition", "2024", "--check", "--config-path", config.to_str().expect("a path")];
    assert_eq!(complaints("rs", |file| command("rustfmt", &args, file)), [""; 0]);
}

/// A crate's name for a program.
fn name(file: &Path) -> String {
    file.to_string_lossy().replace(|it: char| !it.is_ascii_alphanumeric(), "_")
}
