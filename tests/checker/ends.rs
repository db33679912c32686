//! Ends that come from outside: Ctrl-C, SIGTERM, a reader who leaves.

use std::fs::OpenOptions;
use std::os::unix::fs::PermissionsExt;

use nix::sys::signal::Signal;
use nix::unistd::geteuid;

use super::support::process::eventually;
use super::*;

/// In the middle of a check of this program, once `begun` says that it has come so far.
fn interrupted(signal: Signal, peculiarity: &str, begun: impl Fn(&Mark, &mut Program)) {
    let mark = Mark::new();
    let options = ["--startup-timeout", "60s"];
    let mut checker = Program::run(check(&options, &mark.odd(peculiarity)));
    let pid = checker.pid();
    begun(&mark, &mut checker);
    checker.signal(signal);
    let finished = checker.wait();
    assert_eq!(finished.code, 130, "{}", finished.errors);
    assert!(finished.errors.contains("interrupted"), "{}", finished.errors);
    nothing_left(pid, &mark);
}

fn runs(mark: &Mark, _: &mut Program) {
    assert!(eventually(|| !mark.processes().is_empty()), "it is not started");
}

fn listens(_: &Mark, checker: &mut Program) {
    checker.wait_for_line("first check", |line| line.contains("5/5").then_some(()));
}

#[test]
fn ctrl_c_and_sigterm_end_all_of_it() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        interrupted(signal, "never", runs);
        interrupted(signal, "stubborn", listens);
        interrupted(signal, "leaves", listens);
        interrupted(signal, "forgets", runs);
    }
}

/// Whether anybody reads what is said does not change the verdict.
#[test]
fn a_reader_who_leaves_changes_nothing() {
    let mark = Mark::new();
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let checker = Program::run_into(check(&["--only", "restart"], &mark.odd("leaves")), writer);
    let pid = checker.pid();
    let finished = checker.finish();
    assert_eq!((finished.code, finished.errors.as_str()), (0, ""));
    nothing_left(pid, &mark);
}

/// A report that nobody reads was not delivered.
#[test]
fn a_report_into_a_closed_pipe_is_said_to_be_lost() {
    for options in [&["--json"][..], &["--report", "junit=-"], &["--report", "github=-"]] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let finished = Program::run_into(check(options, &["true".to_owned()]), writer).finish();
        assert_eq!(finished.code, 141, "{options:?}: {}", finished.errors);
        assert_eq!(finished.errors.lines().count(), 1, "{options:?}: {}", finished.errors);
    }
}

/// That the disk is full is not the program's failure.
#[test]
fn a_report_that_finds_no_room_is_the_checkers_trouble() {
    for options in [&["--json"][..], &["--report", "junit=/dev/full"]] {
        let full = OpenOptions::new().write(true).open("/dev/full").expect("a device");
        let finished = Program::run_into(check(options, &["true".to_owned()]), full).finish();
        assert_eq!(finished.code, 3, "{options:?}: {}", finished.errors);
        assert!(finished.errors.contains("No space left"), "{options:?}: {}", finished.errors);
    }
}

/// Where nothing can be seen of a program, nothing is said of it.
#[test]
fn what_the_checker_needs_and_does_not_have_is_its_own_trouble() {
    const NO_PROC: &str = r#"mount -t tmpfs none /proc && exec "$@""#;
    for (outer, why) in [
        (
            &["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", NO_PROC, "sh"][..],
            "no /proc",
        ),
        (&["unshare", "--user", "--map-root-user", "--pid", "--fork"], "another PID namespace"),
        (&["env", "--ignore-signal=CHLD"], "SIGCHLD is ignored"),
    ] {
        let within = || {
            let mut command = Command::new(outer[0]);
            command.args(&outer[1..]);
            command
        };
        // Not every system allows all of it.
        if !within().arg("true").output().expect("it is installed").status.success() {
            continue;
        }
        let check = check(&["--only", "listens"], &["python3".to_owned(), solution()]);
        let mut command = within();
        command.arg(check.get_program()).args(check.get_args());
        let finished = Program::run(command).finish();
        assert_eq!((finished.code, finished.text().as_str()), (3, ""), "{}", finished.errors);
        assert!(finished.errors.contains(why), "{}", finished.errors);
    }
}

/// A program whose file may be run and not read shows nobody what it has open, but root.
#[test]
fn a_program_that_cannot_be_looked_into_is_not_said_to_do_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (program, checker) = (folder.path().join("sleep"), folder.path().join("socklab"));
    fs::copy("/usr/bin/sleep", &program).expect("a program");
    fs::copy(env!("CARGO_BIN_EXE_socklab"), &checker).expect("a program");
    let allow = |file: &Path, mode| {
        fs::set_permissions(file, fs::Permissions::from_mode(mode)).expect("the mode is changed");
    };
    allow(folder.path(), 0o755);
    allow(&program, 0o111);
    let mut command = Command::new("setpriv");
    command.args(match geteuid().is_root() {
        true => &["--reuid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"][..],
        false => &["--no-new-privs"],
    });
    command.arg(checker).args(["check", "tcp-echo", "--only", "listens"]);
    command.args(["--startup-timeout", "200ms", "--"]).arg(program).arg("60");
    let finished = Program::run(command).finish();
    assert_eq!(finished.code, 3, "{}{}", finished.text(), finished.errors);
    assert!(finished.errors.contains("may be run and not read"), "{}", finished.errors);
}
