//! `socklab check`: the plan from the command line, the checks, their report, the exit status.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;

use socklab::check::report::{self, text};
use socklab::check::verdict::{Overall, Report};
use socklab::check::{Limits, Plan, exercises, private, schedule};
use socklab::cli::{Check, Limit, ReportFormat, ReportTo};
use socklab::stage::Stop;

use crate::{INTERRUPTED, WRONG_USAGE, complain, terminal};

/// The checker could not do its work.
const TROUBLE: u8 = 3;

/// Runs the checks once, or again and again.
pub fn run(args: &Check) -> ExitCode {
    // Before any thread is started: afterwards it cannot be done.
    if let Err(why) = private::enter() {
        tracing::info!(%why, "no private network");
    }
    let exercise = match crate::exercises::named(&args.name) {
        Ok(named) => exercises::exercise(named.name),
        Err(why) => return complain(&why, WRONG_USAGE),
    };
    let Some(exercise) = exercise else { return complain("no checks", TROUBLE) };
    if let Some(only) =
        args.only.as_deref().filter(|only| exercise.checks.iter().all(|check| check.id != *only))
    {
        let known: Vec<&str> = exercise.checks.iter().map(|check| check.id).collect();
        return complain(
            &format!("{} has no check {only}, but {}", exercise.name, known.join(", ")),
            WRONG_USAGE,
        );
    }
    let stop = stop_on_signals();
    let plan = plan(args);
    if args.watch {
        return crate::watching::run(&stop, || {
            once(exercise, &plan, args, &stop);
        });
    }
    once(exercise, &plan, args, &stop)
}

fn plan(args: &Check) -> Plan {
    let mut limits = Limits::default();
    for limit in &args.limits {
        match *limit {
            Limit::Cpu(seconds) => limits.cpu_seconds = seconds,
            Limit::Memory(bytes) => limits.memory = bytes,
            Limit::File(bytes) => limits.file_size = bytes,
            Limit::Processes(count) => limits.processes = count,
        }
    }
    Plan {
        command: args.command.clone(),
        only: args.only.clone(),
        startup: args.startup_timeout,
        limits,
    }
}

/// The first Ctrl-C or SIGTERM ends the checks, with every program that they started.
pub fn stop_on_signals() -> Stop {
    let stop = Stop::default();
    let stopping = stop.clone();
    if let Err(error) = ctrlc::set_handler(move || stopping.request()) {
        tracing::warn!("Ctrl-C will not end it in order: {error}");
    }
    stop
}

fn once(
    exercise: &'static exercises::Exercise,
    plan: &Plan,
    args: &Check,
    stop: &Stop,
) -> ExitCode {
    let to_people = !args.json && args.report.iter().all(|to| to.file != Path::new("-"));
    let output = Mutex::new(io::stdout());
    let say = |text: &str| {
        if to_people && let Ok(mut output) = output.lock() {
            // Whether anybody reads it does not change the verdict.
            let _ = output.write_all(text.as_bytes()).and_then(|()| output.flush());
        }
    };
    let report = schedule::run(exercise, plan, stop, &|result| say(&text::line(result)));
    if stop.requested() {
        return complain("interrupted", u8::try_from(INTERRUPTED).unwrap_or(1));
    }
    say(&text::conclusion(&report, terminal::width()));
    if let Err(why) = write_reports(&report, args) {
        return complain(&why, TROUBLE);
    }
    conclude(&report, args.only.is_some())
}

fn write_reports(report: &Report, args: &Check) -> Result<(), String> {
    let own = args.json.then(|| ReportTo { format: ReportFormat::Json, file: "-".into() });
    for to in own.iter().chain(&args.report) {
        let text = match to.format {
            ReportFormat::Json => report::json(report),
            ReportFormat::Junit => report::junit::write(report)?,
            ReportFormat::Gradescope => report::gradescope::write(report),
            ReportFormat::Exercism => report::exercism::write(report),
            ReportFormat::Github => {
                // These work on standard output alone.
                print!("{}", report::github::errors(report));
                report::github::summary(report)
            }
        };
        let written = match to.file == Path::new("-") {
            true => io::stdout().write_all(text.as_bytes()),
            false => fs::write(&to.file, text),
        };
        written.map_err(|error| format!("{}: {error}", to.file.display()))?;
    }
    Ok(())
}

/// The exit status; what was passed is written down.
fn conclude(report: &Report, part: bool) -> ExitCode {
    match (report.verdict, &report.trouble) {
        (Overall::Pass, _) => {
            let noted =
                if part { Ok(()) } else { crate::exercises::passed(report.exercise, report.score) };
            noted.map_or_else(|why| complain(&why, TROUBLE), |()| ExitCode::SUCCESS)
        }
        (Overall::Fail, _) => ExitCode::FAILURE,
        (Overall::Error, why) => complain(why.as_deref().unwrap_or_default(), TROUBLE),
    }
}
