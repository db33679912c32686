//! `--watch`: again when a file in this folder changes, or at Enter.

use std::collections::HashSet;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use notify_debouncer_mini::notify::{self, RecommendedWatcher, RecursiveMode};
use notify_debouncer_mini::{DebounceEventResult, Debouncer, new_debouncer};
use socklab::check::verdict::Words;
use socklab::stage::Stop;

use crate::checking::{TROUBLE, print};
use crate::complain;

/// An editor writes a file in several steps; that long after the last one it is done.
const SETTLED: Duration = Duration::from_millis(200);

/// How often Ctrl-C is listened for.
const GLANCE: Duration = Duration::from_millis(200);

/// Runs `check` now, and again at each sign, until somebody stops it.
pub fn run(stop: &Stop, check: impl Fn() -> ExitCode) -> ExitCode {
    let (again, signs) = mpsc::channel();
    let _watcher = match watch(again.clone()) {
        Ok(watcher) => watcher,
        Err(error) => return complain(&format!("this folder cannot be watched: {error}"), TROUBLE),
    };
    thread::spawn(move || at_enter(&again));
    let mut own = Own::default();
    loop {
        let verdict = check();
        if stop.requested() {
            return verdict;
        }
        if own.changed_by_others(meanwhile(&signs)) {
            continue;
        }
        if let Err(unwritten) = print(&format!("{}\n", Words::new("check.report.watching", &[]))) {
            return unwritten;
        }
        own = Own::default();
        if !next(&signs, stop) {
            return ExitCode::SUCCESS;
        }
    }
}

/// What asks for another check: a file that changed, or Enter.
enum Sign {
    Changed(PathBuf),
    Enter,
}

fn watch(changed: Sender<Sign>) -> notify::Result<Debouncer<RecommendedWatcher>> {
    let notice = move |events: DebounceEventResult| {
        let paths = events.into_iter().flatten().map(|event| event.path);
        for path in paths.filter(|path| is_program(path)) {
            let _ = changed.send(Sign::Changed(path));
        }
    };
    let mut watcher = new_debouncer(SETTLED, notice)?;
    watcher.watcher().watch(".".as_ref(), RecursiveMode::Recursive)?;
    Ok(watcher)
}

/// What changed while a check ran. The last of it is told a little later.
fn meanwhile(signs: &Receiver<Sign>) -> Vec<Sign> {
    std::iter::from_fn(|| signs.recv_timeout(2 * SETTLED).ok()).collect()
}

/// Waits for a sign; says whether one came before somebody stopped it.
fn next(signs: &Receiver<Sign>, stop: &Stop) -> bool {
    while !stop.requested() {
        match signs.recv_timeout(GLANCE) {
            Ok(_) => return true,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return false,
        }
    }
    false
}

/// The files that changed in each of the checks that followed one another: the program itself writes them.
#[derive(Default)]
struct Own(HashSet<PathBuf>);

impl Own {
    /// Whether there is a reason to check at once: a file that did not change in the check before this one.
    fn changed_by_others(&mut self, signs: Vec<Sign>) -> bool {
        let mut reason = false;
        for sign in signs {
            reason |= match sign {
                Sign::Changed(path) => self.0.insert(path),
                Sign::Enter => true,
            };
        }
        reason
    }
}

fn at_enter(again: &Sender<Sign>) {
    for line in io::stdin().lock().lines() {
        if line.is_err() || again.send(Sign::Enter).is_err() {
            return;
        }
    }
}

/// What a compiler or a checked program writes is no reason to check again.
fn is_program(path: &Path) -> bool {
    !path
        .components()
        .any(|part| matches!(part.as_os_str().to_str(), Some("target" | "__pycache__" | ".git")))
}
