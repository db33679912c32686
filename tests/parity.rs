//! The promise: what is printed is what the kernel did.
//!
//! Every demo runs under `strace -f`, and what it narrates is compared with what it asked of the kernel: on every thread
//! the same system calls on the same sockets in the same order, with the same results. A demo is in this test by being a
//! subcommand.

#![cfg(target_os = "linux")]

mod support;

use std::collections::{BTreeSet, HashSet};
use std::net::UdpSocket;
use std::process::Command;
use std::time::Duration;

use clap::{Arg, CommandFactory};
use nix::sys::signal::Signal;
use serde_json::json;
use socklab::cli::Cli;
use socklab::narrate::event::{Call, Ended, Event, Kind};
use support::hosts::Hosts;
use support::program::{Finished, Program, plain};
use support::raw::{Client, refusing_port};
use support::server::{Server, ready};
use support::strace::{self, ByThread, Outcome, SocketCall, socket_calls};

/// The subcommands that are no demos: they make no calls to narrate.
const NO_DEMOS: [&str; 11] = [
    "book",
    "check",
    "completions",
    "exercise",
    "explain",
    "grade",
    "help",
    "hint",
    "reset",
    "solution",
    "start",
];

/// A demo that has printed nothing for so long waits for somebody, and is asked to end.
const IDLE: Duration = Duration::from_secs(2);

#[test]
fn every_demo_narrates_what_the_kernel_did() {
    if let Some(why) = cannot_trace() {
        support::skipped(&why);
        return;
    }
    for demo in demos() {
        for scenario in scenarios(&demo) {
            println!("socklab {}", scenario.args.join(" "));
            scenario.run_and_compare();
        }
    }
}

fn cannot_trace() -> Option<String> {
    let tried = Command::new("strace").args(["-f", "-o", "/dev/null", "true"]).output();
    match tried {
        Err(why) => Some(format!("no strace: {why}")),
        Ok(done) if !done.status.success() => {
            Some(format!("strace may not trace: {}", String::from_utf8_lossy(&done.stderr)))
        }
        Ok(_) => None,
    }
}

fn demos() -> Vec<String> {
    let command = Cli::command();
    let names = command.get_subcommands().map(|demo| demo.get_name().to_owned());
    names.filter(|name| !NO_DEMOS.contains(&name.as_str())).collect()
}

/// One run of a demo.
struct Scenario {
    /// What follows `socklab` on the command line.
    args: Vec<String>,
    /// The names that it knows, if not those of this machine.
    hosts: Option<Hosts>,
    /// What its peers and its user do, until it has ended.
    play: Box<dyn FnOnce(Program) -> Finished>,
}

fn scenario(args: &[&str], play: impl FnOnce(Program) -> Finished + 'static) -> Scenario {
    let shown = ["--format", "json", "--pace", "0s"];
    let args = args.iter().chain(&shown).map(|&arg| arg.to_owned()).collect();
    Scenario { args, hosts: None, play: Box::new(play) }
}

/// What is run of a demo. Those that need a peer to show anything have one here; any other is run as it is, and once for
/// each value of each of its options that has a list of them.
fn scenarios(demo: &str) -> Vec<Scenario> {
    match demo {
        "tcp-server" => vec![server_with_clients(), server_turning_away()],
        "tcp-client" => vec![
            client_that_sends(),
            client_that_is_typed_at(),
            client_refused(),
            client_with_two_addresses(),
        ],
        "udp-heartbeat" => {
            let both = scenario(&["udp-heartbeat"], Program::finish);
            vec![both, monitor_that_hears(), client_that_beats()]
        }
        server if server.ends_with("server") => {
            vec![scenario(&[server, "--port", "0"], play_until_idle)]
        }
        other => {
            let choices = choices(other).into_iter();
            let with = choices.map(|choice| [vec![other.to_owned()], choice].concat());
            let all = std::iter::once(vec![other.to_owned()]).chain(with);
            all.map(|args| {
                let args: Vec<&str> = args.iter().map(String::as_str).collect();
                scenario(&args, play_until_idle)
            })
            .collect()
        }
    }
}

/// `--scenario late`, `--scenario refuse`, ...: every value of every option, and of every argument, that has a list.
fn choices(demo: &str) -> Vec<Vec<String>> {
    let mut command = Cli::command();
    let globals: Vec<String> =
        command.get_arguments().map(|arg| arg.get_id().to_string()).collect();
    let demo = command.find_subcommand_mut(demo).expect("a subcommand");
    let own = demo.get_arguments().filter(|arg| !globals.contains(&arg.get_id().to_string()));
    let takes_value = |arg: &&Arg| arg.get_action().takes_values();
    own.filter(takes_value)
        .flat_map(|arg| {
            let flag = arg.get_long().map(|long| format!("--{long}"));
            arg.get_possible_values().into_iter().map(move |value| {
                flag.iter().cloned().chain([value.get_name().to_owned()]).collect()
            })
        })
        .collect()
}

/// Nobody types, nobody comes; what then waits is asked to end.
fn play_until_idle(mut program: Program) -> Finished {
    program.close_input();
    if !program.ends_before_a_pause_of(IDLE) {
        program.signal(Signal::SIGTERM);
    }
    program.finish()
}

/// Two clients talk; one logs out, one breaks off in a message, one stays until the server ends.
fn server_with_clients() -> Scenario {
    scenario(&["tcp-server", "--port", "0"], |mut program| {
        let port = ready(&mut program);
        let mut ada = Client::log_in(port, "ada");
        let mut mei = Client::log_in(port, "mei");
        mei.chat("good morning, 早上好");
        ada.hears("mei", "good morning, 早上好");
        mei.say(&json!({"type": "logout"}));
        mei.expect("logout_response");
        mei.is_over();
        let mut rude = Client::log_in(port, "rude");
        rude.send(r#"{"type":"chat","con"#);
        rude.reset();
        program.signal(Signal::SIGTERM);
        ada.expect("error");
        ada.is_over();
        drop(ada);
        program.wait()
    })
}

/// A room for one, and two who come.
fn server_turning_away() -> Scenario {
    scenario(
        &["tcp-server", "--port", "0", "--max-clients", "1", "--host", "127.0.0.1"],
        |mut program| {
            let port = ready(&mut program);
            let ada = Client::log_in(port, "ada");
            let mut late = Client::connect(port);
            late.expect("error");
            late.is_over();
            drop((ada, late));
            program.signal(Signal::SIGINT);
            program.wait()
        },
    )
}

/// Somebody beats, somebody sends what is no beat, and then it is asked to end while it waits.
fn monitor_that_hears() -> Scenario {
    let args = ["udp-heartbeat", "monitor", "--host", "127.0.0.1", "--port", "0"];
    scenario(&[&args[..], &["--interval", "100ms"]].concat(), |mut program| {
        let ready = program.wait_for("ready", |event| match &event.kind {
            Kind::Note(note) if note.note == "udp-heartbeat.ready" => {
                note.args.get("address").cloned()
            }
            _ => None,
        });
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        for datagram in ["beat mei 1", "what is this?", "beat mei 3"] {
            socket.send_to(datagram.as_bytes(), ready.to_string()).expect("it is taken");
        }
        program.wait_for("down", |event| match &event.kind {
            Kind::Note(note) => (note.note == "udp-heartbeat.down").then_some(()),
            _ => None,
        });
        program.signal(Signal::SIGTERM);
        program.wait()
    })
}

/// It beats though nobody listens, and is told so.
fn client_that_beats() -> Scenario {
    let port =
        UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port");
    let args = ["udp-heartbeat", "beat", "--port", &port.port().to_string(), "--drop", "34"];
    scenario(&[&args[..], &["--count", "4", "--interval", "20ms"]].concat(), Program::finish)
}

fn client_that_sends() -> Scenario {
    let server = Server::start(&[]);
    let port = server.port.to_string();
    let args = ["tcp-client", "--port", &port, "--user", "mei", "--send", "one", "--send", "two"];
    scenario(&args, |program| {
        let finished = program.finish();
        server.stop();
        finished
    })
}

fn client_that_is_typed_at() -> Scenario {
    let server = Server::start(&[]);
    let port = server.port.to_string();
    let args = ["tcp-client", "--port", &port, "--host", "127.0.0.1", "--user", "mei"];
    scenario(&args, move |mut program| {
        let mut ada = Client::log_in(server.port, "ada");
        program.type_line("hello, ada");
        ada.hears("mei", "hello, ada");
        ada.chat("hello, mei");
        program.wait_for("hello, mei", |event| match &event.kind {
            Kind::Message(message) => (message.text == "hello, mei").then_some(()),
            _ => None,
        });
        let finished = program.finish();
        server.stop();
        finished
    })
}

fn client_refused() -> Scenario {
    let (taken, port) = refusing_port();
    scenario(&["tcp-client", "--port", &port.to_string()], move |program| {
        let finished = program.finish();
        drop(taken);
        finished
    })
}

/// A name with two addresses, where that can be had: to sort them, the resolver opens sockets of its own.
fn client_with_two_addresses() -> Scenario {
    let (taken, port) = refusing_port();
    let args = ["tcp-client", "--host", "chat.test", "--port", &port.to_string()];
    let scenario = scenario(&args, move |program| {
        let finished = program.finish();
        drop(taken);
        finished
    });
    Scenario { hosts: Hosts::with("chat.test", &["127.0.0.9", "127.0.0.1"]), ..scenario }
}

impl Scenario {
    fn run_and_compare(self) {
        let folder = tempfile::tempdir().expect("a folder for the trace");
        let file = folder.path().join("trace");
        let mut command = match &self.hosts {
            Some(hosts) => hosts.seen_by("strace"),
            None => Command::new("strace"),
        };
        command.args(["-f", "-qq", "-s", strace::LENGTH, "-e", strace::CALLS, "-o"]).arg(&file);
        command.arg(env!("CARGO_BIN_EXE_socklab"));
        let args: Vec<&str> = self.args.iter().map(String::as_str).collect();
        let finished = (self.play)(Program::run(plain(command, &args)));
        let events = finished.narration();
        let trace = std::fs::read_to_string(file).expect("strace wrote its trace");
        let (told, made) = (narrated(&events), socket_calls(&trace, &silent_threads(&events)));
        let resolved = events.iter().any(|event| matches!(event.kind, Kind::Resolve(_)));
        assert!(!told.is_empty() || resolved, "no call is narrated");
        if let Some(difference) = difference(&told, &made) {
            panic!("socklab {}: {difference}", args.join(" "));
        }
    }
}

/// The threads that resolved names, and those that observed connections: what they did to that end is not narrated.
fn silent_threads(events: &[Event]) -> HashSet<u64> {
    let tid = |event: &Event| match &event.kind {
        Kind::Resolve(resolve) => resolve.resolver_tid,
        Kind::State(state) => state.observer_tid,
        _ => None,
    };
    events.iter().filter_map(tid).collect()
}

/// The system calls that the narration tells of.
fn narrated(events: &[Event]) -> ByThread {
    let returned = |event: &&Event| matches!(event.kind, Kind::Call(_));
    let ended: HashSet<u64> = events.iter().filter(returned).map(|event| event.seq).collect();
    let mut in_order: Vec<&Event> = events.iter().collect();
    in_order.sort_by_key(|event| event.seq);
    let mut calls = ByThread::new();
    for event in in_order {
        let told = match &event.kind {
            Kind::Call(ended) => syscalls_of(ended),
            Kind::Begin(call) if !ended.contains(&event.seq) => vec![unfinished(call)],
            _ => continue,
        };
        calls.entry(event.tid).or_default().extend(told);
    }
    calls
}

fn syscalls_of(ended: &Ended) -> Vec<SocketCall> {
    let names = ended.syscalls.as_ref().expect("on Linux the system calls are known");
    let outcome = match &ended.error {
        Some(error) => Outcome::Failed(error.name.to_string()),
        None => Outcome::Returned(ended.result),
    };
    // What each of several returned is not told.
    let outcome = (names.len() == 1).then_some(outcome);
    let call = |name: &_| SocketCall {
        syscall: String::clone(name),
        fd: ended.call.fd,
        outcome: outcome.clone(),
    };
    names.iter().map(|name| call(&name.to_string())).collect()
}

/// A call that had not returned when the program ended.
fn unfinished(call: &Call) -> SocketCall {
    let syscall = match call.call.as_ref() {
        "accept" => "accept4",
        "recv" => "recvfrom",
        "send" => "sendto",
        same => same,
    };
    SocketCall { syscall: syscall.to_owned(), fd: call.fd, outcome: None }
}

/// Where what was told and what was made part, if they do.
fn difference(told: &ByThread, made: &ByThread) -> Option<String> {
    let none = Vec::new();
    let threads: BTreeSet<u64> = told.keys().chain(made.keys()).copied().collect();
    threads.into_iter().find_map(|tid| {
        let told = told.get(&tid).unwrap_or(&none);
        let made = made.get(&tid).unwrap_or(&none);
        let length = told.len().max(made.len());
        let parted = (0..length).find(|&index| !agree(told.get(index), made.get(index)))?;
        let around = parted.saturating_sub(3)..parted + 3;
        let shown = |calls: &[SocketCall]| {
            let part = calls.get(around.start..around.end.min(calls.len())).unwrap_or_default();
            format!("{part:#?}")
        };
        let (told, made) = (shown(told), shown(made));
        Some(format!("thread {tid}, call {}: narrated {told}\nmade {made}", parted + 1))
    })
}

fn agree(told: Option<&SocketCall>, made: Option<&SocketCall>) -> bool {
    let (Some(told), Some(made)) = (told, made) else {
        return false;
    };
    // A call may return without being told of when the program ends at that moment; the other way round is a lie.
    let same_end = told.outcome.is_none() || told.outcome == made.outcome;
    (&told.syscall, told.fd) == (&made.syscall, made.fd) && same_end
}
