//! Programs that do what no program should.

use std::process::{Child, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::*;

/// They echo as they should, so they pass; and the checker has to find and end them.
#[test]
fn odd_servers_that_are_right_pass_and_are_ended() {
    for peculiarity in ["leaves", "stubborn", "chatty", "mute", "mapped", "by_a_daemon"] {
        let mark = Mark::new();
        let checker = Program::run(check(&["--only", "restart"], &mark.odd(peculiarity)));
        let pid = checker.pid();
        let finished = checker.finish();
        assert_eq!(finished.code, 0, "{peculiarity}: {}", finished.text());
        nothing_left(pid, &mark);
    }
}

/// What is said of a program that fails, and which mistake is named, if one is.
fn is_told(peculiarity: &str, options: &[&str], words: &[&str], mistake: Option<&str>) {
    let (mark, folder) = (Mark::new(), tempfile::tempdir().expect("a folder"));
    let mut program = mark.odd(peculiarity);
    program.push(folder.path().to_str().expect("a path").to_owned());
    let options = [&["--json", "--only", "text"], options].concat();
    let checker = Program::run(check(&options, &program));
    let pid = checker.pid();
    let finished = checker.finish();
    let report = report(&finished);
    let failed = first_failed(&report);
    assert_eq!((finished.code, &report["verdict"]), (1, &"fail".into()), "{peculiarity}");
    assert_eq!(failed["mistake"].as_str(), mistake, "{peculiarity}: {failed:#}");
    let told = format!("{}\n{}\n{:#}", failed["cause"], failed["actual"], failed["story"]);
    for word in words {
        assert!(told.contains(word), "{peculiarity}: no {word:?} in {told}");
    }
    nothing_left(pid, &mark);
}

#[test]
fn a_program_that_does_not_serve_is_told_why() {
    let soon = &["--startup-timeout", "1s"];
    is_told("never", soon, &["does not listen at 127."], None);
    is_told("ends", &[], &["ended (exit status 0) when it should have begun"], None);
    is_told("fails", &[], &["ended (exit status 1)", "last words: no such thing"], None);
    is_told("screams", &[], &[r"last words: \\x1b[2J\\xff]]>::error::xxx", "… (1000"], None);
    is_told("killed", &[], &["ended (SIGKILL) when"], None);
    is_told("stopped", soon, &["does not listen", "has been stopped"], None);
    is_told("dies", &[], &["ended (exit status 7) in the middle of the check"], None);
}

#[test]
fn a_program_that_listens_elsewhere_is_told_where() {
    is_told("everywhere", &[], &["listens at 0.0.0.0:"], Some("wrong-interface"));
    // Another port of the right address is no other interface.
    let soon = &["--startup-timeout", "1s"];
    is_told("other_port", soon, &["listens at 127.", "and not at 127."], None);
}

#[test]
fn a_program_that_runs_wild_is_held_to_its_limits() {
    is_told("many", &["--limits", "processes=30"], &["It may have 30 (--limits processes"], None);
    is_told("hungry", &["--limits", "memory=100M"], &["It may use 100 (--limits memory"], None);
    is_told("spins", &["--limits", "cpu=1", "--startup-timeout", "20s"], &["SIGXCPU"], None);
    is_told("writes", &["--limits", "file=1M"], &["SIGXFSZ"], None);
}

/// A server that forks for each client is not as large as the sum of its processes.
#[test]
fn memory_that_processes_share_counts_once() {
    let mark = Mark::new();
    let options = ["--only", "pause", "--limits", "memory=200M"];
    let checker = Program::run(check(&options, &mark.odd("shares")));
    let pid = checker.pid();
    let finished = checker.finish();
    assert_eq!(finished.code, 0, "{}", finished.text());
    nothing_left(pid, &mark);
}

/// It left its parent, its session and its environment: who looks for what it started finds it nevertheless.
#[test]
fn what_forgets_where_it_comes_from_is_ended_too() {
    is_told("forgets", &[], &["ended (exit status 0)"], None);
}

/// A private network has no name server: there the system cannot say, for now, whether most names exist.
#[test]
fn who_asks_again_where_that_may_help_is_told_no_mistake() {
    let client = [interpreter().to_owned(), file("tests/peers/asks_again_client.py")];
    let mut check = socklab(&["check", "robust-client", "--only", "unknown", "--"]);
    check.args(client);
    let finished = Program::run(check).finish();
    assert_eq!(finished.code, 0, "{}", finished.text());
}

/// The kernel's answer then goes to that address, too. It is no second request.
#[test]
fn who_pings_from_the_address_that_it_pings_has_sent_one_packet() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = folder.path().join("bound.py");
    let solution = fs::read_to_string(file("lessons/08-raw-ping/raw-ping/solution.py"));
    let bound =
        solution.expect("a file").replace("sock.sendto(", "sock.bind((address, 0)); sock.sendto(");
    assert!(bound.contains("sock.bind"), "{bound}");
    fs::write(&script, bound).expect("it is written");
    let mut check = socklab(&["check", "raw-ping", "--only", "reply", "--", interpreter()]);
    check.arg(script);
    let finished = Program::run(check).finish();
    assert_eq!(finished.code, 0, "{}", finished.text());
}

/// It is another process each time that somebody looks: whether one is seen is a matter of luck.
#[test]
fn what_flees_is_ended_too() {
    is_told("flees", &[], &[], None);
}

/// A shell that starts something and becomes the checker leaves it a child that is none of its own.
#[test]
fn what_was_there_before_is_spared() {
    let check = check(&["--only", "listens"], &["true".to_owned()]);
    let mut shell = Command::new("sh");
    let script = r#"sleep 600 > /dev/null 2>&1 & echo $!; exec "$@""#;
    shell.args(["-c", script, "sh"]).arg(check.get_program()).args(check.get_args());
    let finished = Program::run(shell).finish();
    let stranger = Pid::from_raw(finished.output[0].parse().expect("a number"));
    assert_eq!(kill(stranger, Signal::SIGKILL), Ok(()), "it is not there any more");
}

/// Its socket has forgotten whose it was, when the checker gets it.
#[test]
fn a_client_that_resets_at_once_is_no_trouble_of_the_checkers() {
    const RUDE: &str = "import os, socket, struct, sys
client = socket.create_connection((os.environ['SOCKLAB_HOST'], int(os.environ['SOCKLAB_PORT'])))
client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
client.close()
sys.exit('enough')";
    let args = ["check", "half-close", "--only", "text", "--json", "--", interpreter(), "-c", RUDE];
    let finished = Program::start(&args).finish();
    let report = report(&finished);
    assert_eq!((finished.code, &report["verdict"]), (1, &"fail".into()), "{report:#}");
    let told = first_failed(&report)["cause"].as_str().expect("a cause");
    // The one is seen where its end is.
    let ways = ["ended (exit status 1)", "reset the connection"];
    assert!(ways.iter().any(|way| told.contains(way)), "{told}");
}

/// That is no fault of the program's, which is not there, and none of the checker's.
#[test]
fn a_command_that_cannot_be_run_is_wrong_usage() {
    for command in ["./no-such-program", "/dev/null", ""] {
        let command = vec![command.to_owned()];
        let finished = Program::run(check(&["--json"], &command)).finish();
        assert_eq!(finished.code, 2, "{}", finished.errors);
        assert_eq!(finished.errors.lines().count(), 1, "{}", finished.errors);
        let report = report(&finished);
        assert_eq!((&report["verdict"], &report["score"]), (&"error".into(), &0.into()));
        let told = report["checks"][0]["cause"].as_str().expect("a cause");
        assert!(told.starts_with("the command cannot be run: "), "{told}");
    }
}

/// They take turns; and where the system allows no private network, each check has an address of its own.
#[test]
fn two_hundred_checks_side_by_side_do_not_disturb_each_other() {
    // The other tests need not wait for all of them: turns are taken where temporary files lie.
    let turns = tempfile::tempdir().expect("a folder");
    let start = |lost| {
        let mut checker = alone(lost);
        checker.env("TMPDIR", turns.path()).stdout(Stdio::piped()).spawn().expect("it starts")
    };
    let both = [None, Some("-all")].into_iter().cycle();
    let started: Vec<Child> = both.take(200).map(start).collect();
    for checker in started {
        // No limit here: the last one begins when there is room for it.
        let output = checker.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

/// Some systems allow a network and not to bring its loopback up: who is in there reaches nobody.
#[test]
fn a_network_that_would_be_useless_is_not_entered() {
    let finished = Program::run(alone(Some("-net_admin"))).finish();
    assert_eq!(finished.code, 0, "{}", finished.text());
}

/// A check; without these rights, if there are any to be lost.
fn alone(lost: Option<&str>) -> Command {
    let check = check(&["--only", "restart"], &[interpreter().to_owned(), solution()]);
    let Some(lost) = lost else { return check };
    // A user namespace in which there can be no more of them, and then without the rights of its owner. Where there can be
    // none at all, the checker has no network of its own anyway.
    const CONFINED: &str = r#"unshare --user true 2> /dev/null || exec "$@"
        exec unshare --user --map-root-user sh -c '
            echo 0 > /proc/sys/user/max_user_namespaces &&
            exec setpriv --inh-caps="$0" --bounding-set="$0" "$@"' "$0" "$@""#;
    let mut shell = Command::new("sh");
    shell.args(["-c", CONFINED, lost]).arg(check.get_program()).args(check.get_args());
    shell
}
