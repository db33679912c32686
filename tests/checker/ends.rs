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

/// As in a container: the first process of its PID namespace, in no process group that it could see.
#[test]
fn it_may_be_the_first_process() {
    let mut command = Command::new("sh");
    const FIRST: &str = r#"first="unshare --user --map-root-user --pid --fork --mount-proc"
        $first true 2> /dev/null && exec $first "$@" || exec "$@""#;
    let check = check(&["--only", "restart"], &["python3".to_owned(), solution()]);
    command.args(["-c", FIRST, "sh"]).arg(check.get_program()).args(check.get_args());
    let finished = Program::run(command).finish();
    assert_eq!(finished.code, 0, "{}{}", finished.text(), finished.errors);
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

/// The checker in a folder that everybody may read, run by an ordinary user, whom `limit` sets limits.
fn ordinary(folder: &Path, limit: &[&str]) -> Command {
    static NEXT: AtomicU32 = AtomicU32::new(64_000);
    let checker = folder.join("socklab");
    fs::copy(env!("CARGO_BIN_EXE_socklab"), &checker).expect("a program");
    allow(folder, 0o755);
    let mut command = Command::new("prlimit");
    command.args(limit).arg("setpriv");
    if geteuid().is_root() {
        // Nobody else is this user, whose processes are counted.
        command.arg(format!("--reuid={}", NEXT.fetch_add(1, Ordering::Relaxed)));
        command.args(["--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]);
    } else {
        command.arg("--no-new-privs");
    }
    command.arg(checker);
    command
}

fn allow(file: &Path, mode: u32) {
    fs::set_permissions(file, fs::Permissions::from_mode(mode)).expect("the mode is changed");
}

/// A program whose file may be run and not read shows nobody what it has open, but root.
#[test]
fn a_program_that_cannot_be_looked_into_is_not_said_to_do_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = folder.path().join("sleep");
    fs::copy("/usr/bin/sleep", &program).expect("a program");
    allow(&program, 0o111);
    let mut command = ordinary(folder.path(), &[]);
    command.args(["check", "tcp-echo", "--only", "listens", "--startup-timeout", "200ms", "--"]);
    command.arg(program).arg("60");
    let finished = Program::run(command).finish();
    assert_eq!(finished.code, 3, "{}{}", finished.text(), finished.errors);
    assert!(finished.errors.contains("may be run and not read"), "{}", finished.errors);
}

#[test]
fn where_there_can_be_no_more_threads_it_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = ordinary(folder.path(), &["--nproc=1"]);
    command.args(["check", "tcp-echo", "--", "true"]);
    let finished = Program::run(command).finish();
    assert_eq!(finished.code, 3, "{}{}", finished.text(), finished.errors);
    assert!(!finished.errors.contains("panicked"), "{}", finished.errors);
    assert!(finished.errors.contains("temporarily unavailable"), "{}", finished.errors);
}
