//! Whatever a client does, the server tells it what is wrong or drops it, serves the others on, and keeps nothing of it:
//! no thread, no descriptor, no memory. A server cannot do more to a client either.

#![cfg(target_os = "linux")]

mod messages;
mod room;
#[path = "../support/mod.rs"]
mod support;
mod volume;

use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use socklab::narrate::event::{Event, Kind};
use support::process::{Footprint, eventually, peak_kib};
use support::program::{Program, plain};
use support::raw::Client;
use support::server::{Server, ended_well, port_in, ready};

/// What an allocator may keep of memory that was given back.
const SLACK_KIB: u64 = 16 * 1024;

/// What the narration and the room may take at their busiest, whoever sends whatever.
const PEAK_KIB: u64 = 64 * 1024;

/// Does `harm` to a server, and ada in its room looks on. Afterwards it serves, holds no more than before, and ends in
/// order.
fn survives<T>(harm: impl FnOnce(&mut Server, &mut Client) -> T) {
    survives_on(Server::start(&[]), harm);
}

/// The same where a lot goes through the server: nothing is narrated, so that what takes its time is the server.
fn survives_quietly<T>(harm: impl FnOnce(&mut Server, &mut Client) -> T) {
    survives_on(Server::start(&["--quiet"]), harm);
}

/// Whoever `harm` returns stays connected until the server holds nothing of it.
fn survives_on<T>(mut server: Server, harm: impl FnOnce(&mut Server, &mut Client) -> T) {
    let mut ada = Client::log_in(server.port, "ada");
    let before = Footprint::of(server.program.pid());
    let stays = harm(&mut server, &mut ada);
    server.serves();
    before.comes_back(SLACK_KIB);
    drop(stays);
    let peak = peak_kib(server.program.pid());
    assert!(peak < PEAK_KIB, "{peak} KiB at its peak");
    drop(ada);
    server.stop();
}

/// A client that sends `bytes`, is told so many times that something is wrong, and can log in afterwards.
fn is_told(port: u16, bytes: impl AsRef<[u8]>, times: usize) -> Vec<Value> {
    let mut client = Client::connect(port);
    client.send(bytes);
    let told = (0..times).map(|_| client.expect("error")).collect();
    assert_eq!(client.ask_to_log_in("still here")["success"], true);
    client.say(&json!({"type": "logout"}));
    client.expect("logout_response");
    client.is_over();
    told
}

fn chat_of(content: &str) -> String {
    json!({"type": "chat", "content": content}).to_string()
}
