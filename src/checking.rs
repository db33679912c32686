//! `socklab check`: the plan from the command line, the checks, their report, the exit status.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio, exit};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use socklab::check::exercises::{self, Exercise};
use socklab::check::report::{self, text};
use socklab::check::turns::Turns;
use socklab::check::verdict::{Overall, Report, Verdict, Words};
use socklab::check::{Limits, Plan, ending, private, processes, schedule};
use socklab::cli::{Check, Limit, ReportFormat, ReportTo};
use socklab::stage::Stop;

use crate::{INTERRUPTED, WRONG_USAGE, complain, terminal};

/// The checker could not do its work.
pub const TROUBLE: u8 = 3;

/// After Ctrl-C the checks have so long to end.
const LAST_RESORT: Duration = Duration::from_secs(5);

/// How often programs are killed until then.
const AGAIN: Duration = Duration::from_millis(20);

/// Runs the checks once, or again and again.
pub fn run(args: &Check) -> ExitCode {
    if args.try_network {
        return private::enter().map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS);
    }
    if let Err(why) = processes::can_be_seen() {
        return complain(&Words::new(why, &[]).to_string(), TROUBLE);
    }
    // Before it is another user, as it is in a private network.
    let turns = Turns::of_this_machine();
    // Before any thread is started: afterwards it cannot be done.
    if let Err(why) = try_network(args).and_then(|()| private::enter()) {
        tracing::info!(%why, "no private network");
    }
    let exercise = match exercise(&args.name) {
        Ok(exercise) => exercise,
        Err(why) => return complain(&why, WRONG_USAGE),
    };
    if let Err(why) = sensible(args, exercise) {
        return complain(&why, WRONG_USAGE);
    }
    let stop = stop_on_signals();
    stop.on_request(end_programs);
    let plan = plan(args);
    if args.watch {
        return crate::watching::run(&stop, || once(exercise, &plan, args, &turns, &stop));
    }
    once(exercise, &plan, args, &turns, &stop)
}

/// Lets a process of its own try it first. Some systems allow the network and not what makes it usable (AppArmor may deny
/// every right over a new user namespace), and from a network half entered there is no way back.
fn try_network(args: &Check) -> io::Result<()> {
    let mut trial = Command::new("/proc/self/exe");
    trial.args(["check", &args.name, "--try-network", "--", "none"]);
    let tried = trial.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    tried.success().then_some(()).ok_or_else(|| io::ErrorKind::PermissionDenied.into())
}

/// The exercise of that name.
pub fn exercise(name: &str) -> Result<&'static Exercise, String> {
    let named = crate::exercises::named(name)?;
    exercises::exercise(named.name).ok_or_else(|| format!("{name} has no checks"))
}

/// What clap cannot know: the names of the checks, and how many reports find room on standard output.
fn sensible(args: &Check, exercise: &Exercise) -> Result<(), String> {
    let known: Vec<&str> = exercise.checks.iter().map(|check| check.id).collect();
    if let Some(only) = args.only.as_deref().filter(|only| !known.contains(only)) {
        return Err(format!("{} has no check {only}, but {}", exercise.name, known.join(", ")));
    }
    let printed = |to: &ReportTo| is_output(&to.file) || to.format == ReportFormat::Github;
    let printed = args.report.iter().filter(|to| printed(to)).count() + usize::from(args.json);
    let alike = |to: &ReportTo| args.report.iter().filter(|it| it.file == to.file).count() > 1;
    match args.report.iter().find(|to| alike(to)) {
        Some(to) => Err(format!("two reports cannot both be written to {}", to.file.display())),
        None if printed > 1 => {
            Err("only one report can go to standard output, where the error lines of \
             github go as well: write the others to files"
                .to_owned())
        }
        None => Ok(()),
    }
}

/// Whether a report is to go to standard output.
pub fn is_output(file: &Path) -> bool {
    file == Path::new("-")
}

fn plan(args: &Check) -> Plan {
    let mut limits = Limits::default();
    for limit in &args.bounds.limits {
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
        startup: args.bounds.startup_timeout,
        limits,
    }
}

/// The first Ctrl-C or SIGTERM ends the checks, the second is the end.
pub fn stop_on_signals() -> Stop {
    processes::spare_strangers();
    let stop = Stop::default();
    let stopping = stop.clone();
    let handled = ctrlc::set_handler(move || {
        if stopping.requested() {
            ending::kill_all_below();
            exit(INTERRUPTED);
        }
        stopping.request();
    });
    if let Err(error) = handled {
        tracing::warn!("Ctrl-C will not end it in order: {error}");
    }
    stop
}

/// What a caller is told who asked for the end.
pub fn interrupted() -> ExitCode {
    complain("interrupted", u8::try_from(INTERRUPTED).unwrap_or(1))
}

/// Kills the programs, and those that a check may still start, so that nobody waits for them. Should a check wait for
/// something else, it is not waited for.
fn end_programs() {
    thread::spawn(|| {
        let begin = Instant::now();
        while begin.elapsed() < LAST_RESORT {
            ending::kill_all_below();
            thread::sleep(AGAIN);
        }
        exit(INTERRUPTED);
    });
}

fn once(
    exercise: &'static Exercise,
    plan: &Plan,
    args: &Check,
    turns: &Turns,
    stop: &Stop,
) -> ExitCode {
    let to_people = !args.json && args.report.iter().all(|to| !is_output(&to.file));
    let output = Mutex::new(io::stdout());
    let say = |text: &str| {
        if to_people && let Ok(mut output) = output.lock() {
            // Whether anybody reads it does not change the verdict.
            let _ = output.write_all(text.as_bytes()).and_then(|()| output.flush());
        }
    };
    let turn = turns.take(stop, || say(&text::waits()));
    let report = schedule::run(exercise, plan, stop, &|result| say(&text::line(result)));
    let left = ending::kill_all_below();
    drop(turn);
    if stop.requested() {
        return interrupted();
    }
    say(&text::conclusion(&report, terminal::width()));
    let written = write_reports(&report, args);
    let status = conclude(&report, to_people && args.only.is_none());
    match written {
        Err(unwritten) => unwritten,
        Ok(()) if left > 0 => complain(&format!("{left} processes could not be ended"), TROUBLE),
        Ok(()) => status,
    }
}

/// Writes all that can be written; the exit status of what cannot.
fn write_reports(report: &Report, args: &Check) -> Result<(), ExitCode> {
    let own = args.json.then(|| ReportTo { format: ReportFormat::Json, file: "-".into() });
    let all: Vec<_> = own.iter().chain(&args.report).map(|to| write_report(report, to)).collect();
    all.into_iter().collect()
}

fn write_report(report: &Report, to: &ReportTo) -> Result<(), ExitCode> {
    let text = match to.format {
        ReportFormat::Json => report::json(report),
        ReportFormat::Junit => {
            report::junit::write(report).map_err(|why| complain(&why, TROUBLE))?
        }
        ReportFormat::Gradescope => report::gradescope::write(report),
        ReportFormat::Exercism => report::exercism::write(report),
        ReportFormat::Github => {
            // These work on standard output alone.
            print(&report::github::errors(report))?;
            report::github::summary(report)
        }
    };
    match is_output(&to.file) {
        true => print(&text),
        false => write(to, &text)
            .map_err(|error| complain(&format!("{}: {error}", to.file.display()), TROUBLE)),
    }
}

/// GitHub's summary is that of a whole step, to which each of its commands adds; other files are written anew.
fn write(to: &ReportTo, text: &str) -> io::Result<()> {
    let adds = to.format == ReportFormat::Github;
    let mut how = OpenOptions::new();
    let file = how.create(true).write(true).append(adds).truncate(!adds).open(&to.file);
    file?.write_all(text.as_bytes())
}

/// Prints what another program reads.
pub fn print(text: &str) -> Result<(), ExitCode> {
    let mut output = io::stdout();
    let written = output.write_all(text.as_bytes()).and_then(|()| output.flush());
    written.map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => crate::not_written(&error),
        // What is at fault is no program that was checked.
        _ => complain(&format!("standard output: {error}"), TROUBLE),
    })
}

/// The exit status; what was passed is written down, if the report is for the learner.
fn conclude(report: &Report, noted: bool) -> ExitCode {
    let why = report.trouble.as_deref().unwrap_or_default();
    let skipped = report.checks.iter().any(|check| check.verdict == Verdict::Skip);
    match report.verdict {
        Overall::Pass if noted && !skipped => {
            let noted = crate::exercises::passed(report.exercise, report.score);
            noted.map_or_else(|why| complain(&why, TROUBLE), |()| ExitCode::SUCCESS)
        }
        Overall::Pass => ExitCode::SUCCESS,
        Overall::Fail => ExitCode::FAILURE,
        Overall::Error if report.no_command => complain(why, WRONG_USAGE),
        Overall::Error => complain(why, TROUBLE),
    }
}
