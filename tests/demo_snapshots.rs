//! What each demo shows, whole: a word, a call, an argument, a result, an order or a TCP state that changes is seen here.
//!
//! Where one call comes after another, the picture is the text of the program in eighty columns. Where two threads race,
//! nobody promises an order between them: the picture is drawn from the events, by the same renderer, for each actor by
//! itself. Only what differs from run to run has a placeholder: `[PORT 1]`, `[TIME]`, `[BYTES]`.

#![cfg(target_os = "linux")]

mod support;

use std::path::Path;
use std::process::Command;

use snapbox::data::DataFormat;
use snapbox::{Data as Expected, IntoData, assert_data_eq};
use socklab::narrate::event::Kind;
use support::drawn::{self, drawn, kernels_choices};
use support::placeholders::{DIFFERS, Differs, IPV4, PING_SOCKET, settled};
use support::program::{Finished, Program, plain, socklab};
use support::server::{Server, ended_well};

/// Compares with the picture in tests/snapshots/demos. SNAPSHOTS=overwrite draws it anew.
fn is(picture: &str, actual: String) {
    let path = format!("{}/tests/snapshots/demos/{picture}.txt", env!("CARGO_MANIFEST_DIR"));
    let expected = Expected::read_from(Path::new(&path), Some(DataFormat::Text));
    assert_data_eq!(actual.raw(), expected.raw());
}

const TEXT: &[&str] = &["--format", "text", "--pace", "0s", "--color", "never"];
const JSON: &[&str] = &["--format", "json", "--pace", "0s"];

/// What a terminal of eighty columns shows.
fn text(args: &[&str]) -> String {
    picture_of(&shown(socklab(&[args, TEXT].concat())), &[])
}

fn shown(mut command: Command) -> Finished {
    command.env("COLUMNS", "80");
    Program::run(command).finish()
}

fn picture_of(finished: &Finished, differs: &[Differs]) -> String {
    let shown = format!("{}\n\n{}", finished.text(), end_of(finished));
    settled(&shown, &[DIFFERS, differs].concat())
}

/// The end of the picture: what a program's caller gets, and what it says on standard error.
fn end_of(finished: &Finished) -> String {
    format!("exit status: {}\n{}", finished.code, finished.errors)
}

fn events(args: &[&str]) -> Finished {
    Program::run(socklab(&[args, JSON].concat())).finish()
}

/// The events in their order.
fn in_order(finished: &Finished) -> String {
    let events = finished.narration();
    let drawn = drawn(events.clone(), &kernels_choices(&events));
    settled(&format!("{drawn}\n{}", end_of(finished)), DIFFERS)
}

/// The events of each actor in their order.
fn each_apart(finished: &Finished) -> String {
    let story = drawn::each_apart(&finished.narration()) + &end_of(finished);
    settled(&story, DIFFERS)
}

/// A command in a network and a numbering of processes of its own, as root there: raw sockets are allowed, and the
/// program's process id is 1. `None`: skipped, but not where everything is to be tested.
fn in_private(setup: &str, args: &[&str]) -> Option<Command> {
    let private = ["--user", "--map-root-user", "--net", "--pid", "--fork", "--kill-child"];
    let script = |setup: &str| format!("ip link set lo up && {setup} \"$0\" \"$@\"");
    let command = |setup: &str, program: &str| {
        let mut command = plain(Command::new("unshare"), &private);
        command.args(["--", "sh", "-c", &script(setup), program]);
        command
    };
    let tried = command(setup, "true").output();
    if !tried.as_ref().is_ok_and(|tried| tried.status.success()) {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "no network of its own: {tried:?}");
        println!("skipped: no network of its own: {tried:?}");
        return None;
    }
    let mut command = command(setup, env!("CARGO_BIN_EXE_socklab"));
    command.args(args).args(TEXT);
    Some(command)
}

#[test]
fn socket_types() {
    let Some(command) = in_private("exec", &["socket-types", "all"]) else { return };
    is("socket-types", picture_of(&shown(command), &[]));
}

#[test]
fn framing() {
    for which in ["none", "newline", "length", "json"] {
        is(&format!("framing-{which}"), text(&["framing", which]));
    }
}

#[test]
fn graceful_close() {
    for way in ["graceful", "abrupt", "unread", "last-ack", "time-wait"] {
        is(&format!("graceful-close-{way}"), in_order(&events(&["graceful-close", way])));
    }
}

#[test]
fn udp_heartbeat() {
    is("udp-heartbeat", in_order(&events(&["udp-heartbeat", "both"])));
}

#[test]
fn raw_ping() {
    let Some(command) = in_private("exec", &["raw-ping"]) else { return };
    is("raw-ping", picture_of(&shown(command), IPV4));
}

#[test]
fn raw_ping_without_the_privilege() {
    let setup = "echo 0 0 > /proc/sys/net/ipv4/ping_group_range && \
                 exec setpriv --inh-caps=-all --bounding-set=-all";
    let Some(command) = in_private(setup, &["raw-ping"]) else { return };
    is("raw-ping-without-the-privilege", picture_of(&shown(command), PING_SOCKET));
}

#[test]
fn robust_client_alone() {
    for scenario in ["refuse", "bad-name"] {
        let shown = text(&["robust-client", "--scenario", scenario]);
        is(&format!("robust-client-{scenario}"), shown);
    }
}

#[test]
fn robust_client_and_its_peer() {
    for scenario in ["late", "stall", "reset", "slow-reader", "deadlock", "nagle"] {
        let told = each_apart(&events(&["robust-client", "--scenario", scenario]));
        is(&format!("robust-client-{scenario}"), told);
    }
}

#[test]
fn a_server_and_a_client() {
    let mut server = Server::start(&["--host", "127.0.0.1", "--pace", "0s"]);
    let port = server.port.to_string();
    let address = ["tcp-client", "--host", "127.0.0.1", "--port", &port];
    let says = ["--user", "mei", "--send", "good morning, 早上好"];
    is("tcp-client", each_apart(&events(&[&address[..], &says].concat())));
    server.program.wait_for("the end of its connection", |event| match &event.kind {
        Kind::Call(ended) => {
            (&*event.actor == "server/1" && ended.call.call == "close").then_some(())
        }
        _ => None,
    });
    server.program.signal(nix::sys::signal::Signal::SIGTERM);
    let finished = server.program.wait();
    ended_well(&finished);
    is("tcp-server", each_apart(&finished));
}

/// Its headings and what is to be kept: the chapters are in pictures of their own. The last one depends on what is allowed.
#[test]
fn tour() {
    let tour = shown(socklab(&[&["tour"], TEXT].concat())).text();
    let (before, last) = tour.split_once("── Chapter 8").expect("the last chapter");
    let (heading, _) = last.split_once('\n').expect("more than a heading");
    let (_, keep) = last.split_once("── What to keep").expect("the end");
    let (keep, _) = keep.split_once("calls: ").expect("the numbers at the very end");
    let headings: Vec<&str> = before.lines().filter(|line| line.starts_with("── ")).collect();
    let headings = headings.join("\n");
    let shown = format!("{headings}\n── Chapter 8{heading}\n── What to keep{keep}");
    is("tour", settled(&shown, DIFFERS));
}
