//! `socklab grade`: a folder of submissions, each with its own way of being right or wrong.

use std::collections::BTreeSet;

use nix::sys::signal::Signal;
use tempfile::TempDir;

use super::support::process::eventually;
use super::support::terminal::Terminal;
use super::*;

/// Reads CSV by other people's code; prints it as JSON.
const CSV: &str =
    "import csv, json, sys; print(json.dumps(list(csv.DictReader(open(sys.argv[1], newline='')))))";

/// Submissions by name: a program, or none.
fn submissions(programs: &[(&str, Option<&str>)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, program) in programs {
        let own = folder.path().join(name);
        fs::create_dir_all(&own).expect("a folder");
        if let Some(program) = program {
            fs::write(own.join("server.py"), program).expect("a program");
        }
    }
    folder
}

fn lesson(name: &str) -> String {
    fs::read_to_string(file(&format!("lessons/02-tcp-server/tcp-echo/{name}.py")))
        .expect("a program")
}

fn path(folder: &TempDir, name: &str) -> String {
    folder.path().join(name).to_str().expect("a path").to_owned()
}

fn table(file: &str) -> Value {
    let mut python = Command::new(interpreter());
    python.args(["-c", CSV, file]);
    serde_json::from_str(&Program::run(python).finish().text()).expect("JSON")
}

#[test]
fn each_submission_gets_a_row_and_a_report() {
    let (right, deaf, rude) =
        (lesson("solution"), lesson("broken/wrong-interface"), "import sys; sys.exit('no')");
    let folder = submissions(&[
        ("ada, countess", Some(&right)),
        ("ben", Some(&deaf)),
        ("cy \"the\" hanger", Some("import time; time.sleep(600)")),
        ("dee", None),
        ("eve", Some(rude)),
        ("fay", Some("import signal, os; os.kill(os.getpid(), signal.SIGKILL)")),
        (".git", None),
    ]);
    let out = tempfile::tempdir().expect("a folder");
    let (csv, reports) = (path(&out, "grades.csv"), path(&out, "reports"));
    let dir = folder.path().to_str().expect("a path");
    let options = ["--exercise", "tcp-echo", "--csv", &csv, "--reports", &reports, "-j", "3"];
    let args = [&["grade", dir], &options[..], &["--", interpreter(), "{dir}/server.py"]].concat();
    let finished = Program::start(&args).finish();
    // The bar is for a terminal.
    assert_eq!((finished.code, finished.errors.as_str(), finished.text().as_str()), (0, "", ""));
    let table = table(&csv);
    let column = |name: &str| -> Vec<&str> {
        table
            .as_array()
            .expect("rows")
            .iter()
            .map(|row| row[name].as_str().expect("text"))
            .collect()
    };
    let names = ["ada, countess", "ben", "cy \"the\" hanger", "dee", "eve", "fay"];
    assert_eq!(column("submission"), names);
    assert_eq!(column("verdict"), ["pass", "fail", "fail", "fail", "fail", "fail"]);
    assert_eq!(column("score"), ["100", "0", "0", "0", "0", "0"]);
    assert_eq!(column("max_score"), ["100"; 6]);
    assert_eq!(column("mistake"), ["", "wrong-interface", "", "", "", ""]);
    assert_eq!(column("text"), ["10", "0", "0", "0", "0", "0"]);
    for name in names {
        let report = fs::read_to_string(path(&out, &format!("reports/{name}.json"))).expect(name);
        let report: Value = serde_json::from_str(&report).expect("JSON");
        assert_eq!(report["exercise"], "tcp-echo");
    }
}

/// Who has no program gets no points for it, and the reason; nothing else is held up by that.
#[test]
fn a_submission_whose_command_cannot_be_run_is_graded() {
    let folder = submissions(&[("ada", None), ("ben", None)]);
    let dir = folder.path().to_str().expect("a path");
    let args = ["grade", dir, "--exercise", "tcp-echo", "--", "./server"];
    let finished = Program::start(&args).finish();
    assert_eq!((finished.code, finished.errors.as_str()), (0, ""));
    assert!(finished.output[1].starts_with("ada,0,100,error,,0,0,"), "{}", finished.text());
}

#[test]
fn what_cannot_be_graded_is_told() {
    let empty = submissions(&[]);
    let (dir, nowhere) = (path(&empty, ""), path(&empty, "nowhere"));
    for (args, word) in [
        ([dir.as_str(), "--exercise", "tcp-echo"], "no submission"),
        ([&nowhere, "--exercise", "tcp-echo"], "No such file"),
        ([&dir, "--exercise", "tcp-ekho"], "Did you mean tcp-echo"),
        ([&dir, "--exercise", "tcp-echo"], "no submission"),
    ] {
        let finished = Program::start(&[&["grade"], &args[..], &["--", "true"]].concat()).finish();
        assert_eq!((finished.code, finished.text().as_str()), (2, ""));
        assert!(finished.errors.contains(word), "{}", finished.errors);
    }
    let folder = submissions(&[("ada", None)]);
    let (dir, csv) = (path(&folder, ""), path(&folder, "no/grades.csv"));
    let args = ["grade", &dir, "--exercise", "tcp-echo", "--csv", &csv, "--", "true"];
    let finished = Program::start(&args).finish();
    assert_eq!(finished.code, 3);
    assert!(finished.errors.contains("no/grades.csv: No such file"), "{}", finished.errors);
}

/// As many at a time as were asked for, and the end in order when somebody has enough.
#[test]
fn a_bounded_number_at_a_time_and_ctrl_c_ends_them() {
    let names: Vec<String> = (0..12).map(|number| format!("student {number}")).collect();
    let programs: Vec<_> = names.iter().map(|name| (name.as_str(), None)).collect();
    let (folder, mark) = (submissions(&programs), Mark::new());
    let turns = tempfile::tempdir().expect("a folder");
    let dir = folder.path().to_str().expect("a path");
    let options = ["--exercise", "tcp-echo", "-j", "2", "--startup-timeout", "500ms", "--"];
    let program = mark.odd("never");
    let words: Vec<&str> = program.iter().map(String::as_str).collect();
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let (mut seen, mut most) = (BTreeSet::new(), 0);
        let mut grade = socklab(&[&["grade", dir], &options[..], &words].concat());
        // Turns are taken where temporary files lie: the other tests have theirs elsewhere.
        grade.env("TMPDIR", turns.path());
        let grader = Program::run(grade);
        let some_have_ended = eventually(|| {
            let now = mark.processes();
            most = most.max(now.len());
            seen.extend(now);
            seen.len() > 4
        });
        assert!(some_have_ended, "{seen:?}");
        assert_eq!(most, 2);
        // To the grader alone: it must hand it on.
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(grader.pid()), signal).expect("it runs");
        let finished = grader.wait();
        assert_eq!((finished.code, finished.text().as_str()), (130, ""), "{}", finished.errors);
        assert!(mark.processes().is_empty());
    }
}

/// What a submission is held to is the same as in a check of its own.
#[test]
fn each_submission_is_held_to_the_limits() {
    let folder = submissions(&[("ada", None)]);
    let (dir, out) = (path(&folder, ""), tempfile::tempdir().expect("a folder"));
    let reports = path(&out, "reports");
    let mark = Mark::new();
    let program = mark.odd("many");
    let words: Vec<&str> = program.iter().map(String::as_str).collect();
    let options = ["--exercise", "tcp-echo", "--limits", "processes=30,memory=1G"];
    let options = [&options[..], &["--reports", &reports, "--"]].concat();
    let finished = Program::start(&[&["grade", &dir], &options[..], &words].concat()).finish();
    assert_eq!(finished.code, 0, "{}", finished.errors);
    let report = fs::read_to_string(path(&out, "reports/ada.json")).expect("a report");
    assert!(report.contains("It may have 30 (--limits processes"), "{report}");
}

#[test]
fn on_a_terminal_a_bar_shows_how_far_it_is() {
    let folder = submissions(&[("ada", None), ("ben", None)]);
    let (dir, csv) = (path(&folder, ""), path(&folder, "grades.csv"));
    let args = ["grade", &dir, "--exercise", "tcp-echo", "--csv", &csv, "--", "true"];
    let (code, shown) = Terminal::start(80, &args).end();
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("/2"), "{shown}");
}
