//! `socklab grade`: every submission in a folder is checked by a checker of its own, a few at a time; then a table.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use indicatif::{ProgressBar, ProgressStyle};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde_json::Value;
use socklab::check::exercises::Exercise;
use socklab::cli::{Bounds, Grade, Limit};
use socklab::stage::Stop;

use crate::checking::{TROUBLE, exercise, interrupted, is_output, print};
use crate::{WRONG_USAGE, complain};

/// What came of one submission.
struct Graded {
    name: String,
    /// Its report, or why there is none.
    report: Result<Value, String>,
    /// Whether the report was written down, if it was to be.
    kept: Result<(), String>,
}

/// Grades all submissions; a row for each, in the order of their names.
pub fn run(args: &Grade, stop: &Stop) -> ExitCode {
    let exercise = match exercise(&args.exercise) {
        Ok(exercise) => exercise,
        Err(why) => return complain(&why, WRONG_USAGE),
    };
    let submissions = match folders(&args.dir) {
        Ok(folders) if folders.is_empty() => {
            return complain(
                &format!("{}: no folder in it, so no submission", args.dir.display()),
                WRONG_USAGE,
            );
        }
        Ok(folders) => folders,
        Err(error) => return complain(&format!("{}: {error}", args.dir.display()), WRONG_USAGE),
    };
    if let Some(folder) = &args.reports
        && let Err(error) = fs::create_dir_all(folder)
    {
        return complain(&format!("{}: {error}", folder.display()), TROUBLE);
    }
    let graded = all(args, &submissions, stop);
    if stop.requested() {
        return interrupted();
    }
    let table = table(exercise, &graded);
    let written = table
        .map_err(|error| complain(&error.to_string(), TROUBLE))
        .and_then(|table| write(&args.csv, &table));
    let unkept: Vec<ExitCode> =
        graded.iter().filter_map(|it| Some(complain(it.kept.as_ref().err()?, TROUBLE))).collect();
    match written {
        Err(unwritten) => unwritten,
        Ok(()) if !unkept.is_empty() => ExitCode::from(TROUBLE),
        Ok(()) if graded.iter().any(|it| it.report.is_err()) => ExitCode::from(TROUBLE),
        Ok(()) => ExitCode::SUCCESS,
    }
}

/// The folders in a folder, by name; hidden ones are nobody's.
fn folders(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if path.is_dir() && !hidden {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}

fn all(args: &Grade, submissions: &[PathBuf], stop: &Stop) -> Vec<Graded> {
    let progress = ProgressBar::new(submissions.len() as u64);
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len}  {msg}");
    progress.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let running = Running::until(stop);
    let (next, graded) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some(folder) = submissions.get(next.fetch_add(1, Ordering::Relaxed)) {
            if stop.requested() {
                return;
            }
            let one = grade(args, folder, &running);
            progress.set_message(one.name.clone());
            progress.inc(1);
            graded.lock().unwrap_or_else(PoisonError::into_inner).push(one);
        }
    };
    thread::scope(|scope| {
        for job in 1..jobs(args) {
            if let Err(error) = thread::Builder::new().spawn_scoped(scope, work) {
                tracing::warn!(%error, "only {job} at a time");
                break;
            }
        }
        work();
    });
    progress.finish_and_clear();
    let mut graded = graded.into_inner().unwrap_or_else(PoisonError::into_inner);
    graded.sort_by(|one, other| one.name.cmp(&other.name));
    graded
}

/// Each check runs several programs itself.
fn jobs(args: &Grade) -> usize {
    let half = || thread::available_parallelism().map_or(1, |count| usize::from(count).div_ceil(2));
    args.jobs.map_or_else(half, usize::from)
}

/// Has a submission checked, in its folder.
fn grade(args: &Grade, folder: &Path, running: &Running) -> Graded {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let report = report(args, folder, running);
    let kept = match (&args.reports, &report) {
        (Some(folder), Ok(report)) => keep(folder, &name, report),
        _ => Ok(()),
    };
    Graded { name, report, kept }
}

fn report(args: &Grade, folder: &Path, running: &Running) -> Result<Value, String> {
    let output = check(args, folder, running).map_err(|error| error.to_string())?;
    let why = || match String::from_utf8_lossy(&output.stderr).trim() {
        "" => format!("its checker ended ({})", output.status),
        said => said.to_owned(),
    };
    if output.status.code() == Some(i32::from(TROUBLE)) {
        return Err(why());
    }
    serde_json::from_slice(&output.stdout).map_err(|_| why())
}

fn check(args: &Grade, folder: &Path, running: &Running) -> io::Result<Output> {
    let folder = folder.canonicalize()?;
    let path = folder.display().to_string();
    // Itself, also when its file was replaced meanwhile.
    let mut checker = Command::new("/proc/self/exe");
    checker.arg0("socklab");
    checker.args(["check", &args.exercise, "--json"]);
    checker.args(bounds(&args.bounds)).arg("--");
    checker.args(args.command.iter().map(|word| word.replace("{dir}", &path)));
    checker.current_dir(&folder).stdin(Stdio::null());
    let checker = checker.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    running.add(&checker)?;
    checker.wait_with_output()
}

/// The bounds, as options of `check`.
fn bounds(bounds: &Bounds) -> [String; 4] {
    let startup = humantime::format_duration(bounds.startup_timeout).to_string();
    let limits: Vec<String> = bounds.limits.iter().map(Limit::to_string).collect();
    ["--startup-timeout".to_owned(), startup, "--limits".to_owned(), limits.join(",")]
}

/// The checkers that were started, to be asked to end. Those that have ended do not hear it.
#[derive(Clone, Default)]
struct Running {
    checkers: Arc<Mutex<Vec<OwnedFd>>>,
    stop: Stop,
}

impl Running {
    fn until(stop: &Stop) -> Self {
        let running = Self { checkers: Arc::default(), stop: stop.clone() };
        let ending = running.clone();
        stop.on_request(move || ending.end());
        running
    }

    fn add(&self, checker: &Child) -> io::Result<()> {
        let checker = pidfd_open(Pid::from_child(checker), PidfdFlags::empty())?;
        self.checkers.lock().unwrap_or_else(PoisonError::into_inner).push(checker);
        if self.stop.requested() {
            self.end();
        }
        Ok(())
    }

    fn end(&self) {
        for checker in self.checkers.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let _ = pidfd_send_signal(&checker, Signal::TERM);
        }
    }
}

/// The table: who, how many points, the first mistake, then a column for each check.
fn table(exercise: &Exercise, graded: &[Graded]) -> Result<Vec<u8>, csv::Error> {
    let mut table = csv::Writer::from_writer(Vec::new());
    let checks = exercise.checks.iter().map(|check| check.id);
    table.write_record(
        ["submission", "score", "max_score", "verdict", "mistake"].into_iter().chain(checks),
    )?;
    for one in graded {
        table.write_record(row(exercise, one))?;
    }
    table.into_inner().map_err(|error| csv::Error::from(error.into_error()))
}

fn row(exercise: &Exercise, graded: &Graded) -> Vec<String> {
    let report = match &graded.report {
        Ok(report) => report,
        Err(why) => return trouble(exercise, &graded.name, why),
    };
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let checks = report["checks"].as_array().map_or(&[][..], Vec::as_slice);
    let failed = checks.iter().find(|check| check["verdict"] == "fail");
    let mistake = failed.and_then(|check| check["mistake"].as_str()).unwrap_or_default();
    let head = ["score", "max_score", "verdict"].map(|key| text(&report[key]));
    let points = exercise.checks.iter().map(|check| {
        let own = checks.iter().find(|other| other["id"] == check.id);
        own.map_or_else(String::new, |own| text(&own["score"]))
    });
    let name = std::iter::once(graded.name.clone());
    name.chain(head).chain([mistake.to_owned()]).chain(points).collect()
}

fn trouble(exercise: &Exercise, name: &str, why: &str) -> Vec<String> {
    let none = exercise.checks.iter().map(|_| String::new());
    let head = [name, "", "", "error", why].map(str::to_owned);
    head.into_iter().chain(none).collect()
}

/// Writes a report down as soon as it is there: who ends the grading early has what was done until then.
fn keep(folder: &Path, name: &str, report: &Value) -> Result<(), String> {
    let file = folder.join(format!("{name}.json"));
    fs::write(&file, format!("{report:#}\n"))
        .map_err(|error| format!("{}: {error}", file.display()))
}

fn write(file: &Path, table: &[u8]) -> Result<(), ExitCode> {
    if is_output(file) {
        return print(&String::from_utf8_lossy(table));
    }
    fs::write(file, table)
        .map_err(|error| complain(&format!("{}: {error}", file.display()), TROUBLE))
}
