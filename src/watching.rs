//! `--watch`: again when a file in this folder changes, or at Enter.

use std::io::{self, BufRead};
use std::process::ExitCode;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use notify_debouncer_mini::{DebounceEventResult, new_debouncer, notify::RecursiveMode};
use socklab::check::verdict::Words;
use socklab::stage::Stop;

use crate::complain;

/// An editor writes a file in several steps; that long after the last one it is done.
const SETTLED: Duration = Duration::from_millis(200);

/// How often Ctrl-C is listened for.
const GLANCE: Duration = Duration::from_millis(200);

/// Runs `check` now, and again at each sign, until somebody stops it.
pub fn run(stop: &Stop, check: impl Fn()) -> ExitCode {
    let (again, signs) = mpsc::channel();
    let changed = again.clone();
    let notice = move |events: DebounceEventResult| {
        if events.is_ok_and(|events| events.iter().any(|event| is_program(&event.path))) {
            let _ = changed.send(());
        }
    };
    let watcher = new_debouncer(SETTLED, notice).and_then(|mut watcher| {
        watcher.watcher().watch(".".as_ref(), RecursiveMode::Recursive)?;
        Ok(watcher)
    });
    let _watcher = match watcher {
        Ok(watcher) => watcher,
        Err(error) => return complain(&format!("this folder cannot be watched: {error}"), 3),
    };
    thread::spawn(move || at_enter(&again));
    loop {
        check();
        // What changed meanwhile has been checked, or will be at the next change.
        while signs.try_recv().is_ok() {}
        println!("{}", Words::new("check.report.watching", &[]));
        loop {
            if stop.requested() {
                return ExitCode::SUCCESS;
            }
            match signs.recv_timeout(GLANCE) {
                Ok(()) => break,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return ExitCode::SUCCESS,
            }
        }
    }
}

fn at_enter(again: &Sender<()>) {
    for line in io::stdin().lock().lines() {
        if line.is_err() || again.send(()).is_err() {
            return;
        }
    }
}

/// What a compiler or a checked program writes is no reason to check again.
fn is_program(path: &std::path::Path) -> bool {
    !path
        .components()
        .any(|part| matches!(part.as_os_str().to_str(), Some("target" | "__pycache__" | ".git")))
}
