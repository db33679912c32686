//! The Chat-Room server as a child, on a port that the kernel picked.

use nix::sys::signal::Signal;
use socklab::narrate::event::{Event, Kind, Value};

use super::program::{Finished, Program};
use super::raw::Client;

/// `socklab tcp-server`, narrating as JSON.
pub struct Server {
    /// The child.
    pub program: Program,
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
}

impl Server {
    /// Starts it with more arguments and waits until it is ready.
    pub fn start(args: &[&str]) -> Self {
        let mut program = Program::start(&with(args));
        let port = ready(&mut program);
        Self { program, port }
    }

    /// Two newcomers log in, talk, and leave: the server serves.
    pub fn serves(&self) {
        let mut first = Client::log_in(self.port, "first newcomer");
        let mut second = Client::log_in(self.port, "second newcomer");
        first.chat("anybody here?");
        second.hears("first newcomer", "anybody here?");
        for newcomer in [&mut first, &mut second] {
            newcomer.say(&serde_json::json!({"type": "logout"}));
            assert_eq!(newcomer.expect("logout_response")["success"], true);
            newcomer.is_over();
        }
    }

    /// Asks it to end, as a service manager would. It ends in order, without complaint; returns the narration.
    pub fn stop(self) -> Vec<Event> {
        self.program.signal(Signal::SIGTERM);
        let finished = self.program.wait();
        ended_well(&finished);
        finished.events()
    }
}

/// It was asked to end and did: exit status 0, nothing to complain of.
pub fn ended_well(finished: &Finished) {
    let (code, errors) = (finished.code, &finished.errors);
    assert!(code == 0 && errors.is_empty(), "exit {code}, errors: {errors}");
}

/// The arguments of a server on a free port that narrates as JSON, and more.
fn with<'a>(args: &[&'a str]) -> Vec<&'a str> {
    [&["tcp-server", "--port", "0", "--format", "json"], args].concat()
}

/// Waits until a server says that it is ready; returns its port.
pub fn ready(program: &mut Program) -> u16 {
    program.wait_for("tcp-server.ready", |event| match &event.kind {
        Kind::Note(note) if note.note == "tcp-server.ready" => {
            let port = note.args.get("port").map(Value::to_string);
            Some(port.and_then(|port| port.parse().ok()).expect("the note tells the port"))
        }
        _ => None,
    })
}

/// The port in a line of text or JSON that says where the server listens.
pub fn port_in(line: &str) -> Option<u16> {
    let ready = line.contains("tcp-server.ready") || line.contains("ready on");
    let (_, rest) = line.split_once("127.0.0.1:").filter(|_| ready)?;
    rest.split(|character: char| !character.is_ascii_digit()).next()?.parse().ok()
}
