//! `socklab grade`: every submission in a folder is checked by a checker of its own, a few at a time; then a table.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use socklab::check::exercises::{self, Exercise};
use socklab::cli::Grade;
use socklab::stage::Stop;

use crate::{WRONG_USAGE, complain};

/// The checker could not do its work.
const TROUBLE: u8 = 3;

/// What came of one submission.
struct Graded {
    name: String,
    /// Its report, or why there is none.
    report: Result<Value, String>,
}

/// Grades all submissions; a row for each, in the order of their names.
pub fn run(args: &Grade, stop: &Stop) -> ExitCode {
    let exercise = match crate::exercises::named(&args.exercise) {
        Ok(named) => exercises::exercise(named.name),
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
    let Some(exercise) = exercise else { return complain("this exercise has no checks", TROUBLE) };
    let graded = all(args, &submissions, stop);
    if stop.requested() {
        return complain("interrupted", 130);
    }
    let kept = args.reports.as_deref().map_or(Ok(()), |folder| keep(folder, &graded));
    let written = kept.and_then(|()| write(&args.csv, &table(exercise, &graded)));
    match written {
        Err(error) => complain(&error.to_string(), TROUBLE),
        Ok(()) if graded.iter().any(|it| it.report.is_err()) => ExitCode::from(TROUBLE),
        Ok(()) => ExitCode::SUCCESS,
    }
}

/// The folders in a folder, by name.
fn folders(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
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
    let (next, graded) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some(folder) = submissions.get(next.fetch_add(1, Ordering::Relaxed)) {
            if stop.requested() {
                return;
            }
            let one = grade(args, folder);
            progress.set_message(one.name.clone());
            progress.inc(1);
            graded.lock().unwrap_or_else(PoisonError::into_inner).push(one);
        }
    };
    thread::scope(|scope| (0..jobs(args)).for_each(|_| drop(scope.spawn(work))));
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
fn grade(args: &Grade, folder: &Path) -> Graded {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Graded { report: report(args, folder), name }
}

fn report(args: &Grade, folder: &Path) -> Result<Value, String> {
    let folder = folder.canonicalize().map_err(|error| error.to_string())?;
    let path = folder.display().to_string();
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut checker = Command::new(program);
    checker.args(["check", &args.exercise, "--json", "--"]);
    checker.args(args.command.iter().map(|word| word.replace("{dir}", &path)));
    checker.current_dir(&folder).stdin(Stdio::null());
    let output = checker.output().map_err(|error| error.to_string())?;
    let report = serde_json::from_slice(&output.stdout);
    report.map_err(|_| String::from_utf8_lossy(&output.stderr).trim().to_owned())
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

fn keep(folder: &Path, graded: &[Graded]) -> Result<(), csv::Error> {
    fs::create_dir_all(folder)?;
    for one in graded {
        if let Ok(report) = &one.report {
            fs::write(folder.join(format!("{}.json", one.name)), format!("{report:#}\n"))?;
        }
    }
    Ok(())
}

fn write(file: &Path, table: &Result<Vec<u8>, csv::Error>) -> Result<(), csv::Error> {
    let table = table.as_ref().map_err(|error| io::Error::other(error.to_string()))?;
    match file == Path::new("-") {
        true => io::stdout().write_all(table)?,
        false => fs::write(file, table)?,
    }
    Ok(())
}
