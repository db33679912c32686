//! Chapters 2 and 3 of the tour: a server and two clients of one chat, each on threads of its own.

use std::panic::resume_unwind;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use crate::cli::{TcpClient, TcpServer};
use crate::demos::no_thread;
use crate::demos::tcp_client;
use crate::demos::tcp_server::Server;
use crate::error::{Error, Result};
use crate::narrate;
use crate::stage::{Input, NoInput, Stage, Stop, Stretch};

/// How long the clients have to go when the server stops.
const GRACE: Duration = Duration::from_secs(2);

/// A server; `lin`, who listens; and `mei`, who comes, says something and leaves.
pub fn run(stage: &Stage) -> Result<()> {
    let stop = Stop::default();
    let (all_stop, stopping) = (stage.stop.clone(), stop.clone());
    all_stop.on_request(move || stopping.request());

    let server = narrate::acting_as("server", || Server::open(&any_port(), stage.stretch))?;
    let port = server.address().port();
    let grace = stage.stretch.of(GRACE);
    let serving = {
        let stop = stop.clone();
        narrate::spawn("server", move || server.serve(&stop, grace)).map_err(no_thread)?
    };
    let outcome = two_clients(port, &stop, stage.stretch);
    stop.request();
    let served = serving.join().unwrap_or_else(|panic| resume_unwind(panic));
    if all_stop.requested() {
        return Err(Error::Interrupted);
    }
    outcome.and(served)
}

fn two_clients(port: u16, stop: &Stop, stretch: Stretch) -> Result<()> {
    let (listener, ready, leave) = Listener::new();
    let lin = {
        let stage = Stage { stop: stop.clone(), input: Box::new(listener), stretch };
        let play = move || tcp_client::run(&client(port, "lin", &[]), stage);
        narrate::spawn("lin", play).map_err(no_thread)?
    };
    // An error means that lin is gone already: what it said counts then.
    let outcome = match ready.recv() {
        Ok(()) => {
            let stage = Stage { stop: stop.clone(), input: Box::new(NoInput), stretch };
            let words = ["hello", "你好, sockets"];
            narrate::acting_as("mei", || tcp_client::run(&client(port, "mei", &words), stage))
        }
        Err(_) => Ok(()),
    };
    drop(leave);
    lin.join().unwrap_or_else(|panic| resume_unwind(panic)).and(outcome)
}

/// Somebody who types nothing, and logs out when told to.
struct Listener {
    logged_in: Sender<()>,
    leave: Option<Receiver<()>>,
}

impl Listener {
    /// The listener; what tells that it has logged in; and what makes it leave, when dropped.
    fn new() -> (Self, Receiver<()>, Sender<()>) {
        let (logged_in, ready) = mpsc::channel();
        let (leave, told) = mpsc::channel();
        (Self { logged_in, leave: Some(told) }, ready, leave)
    }
}

impl Input for Listener {
    fn start(&mut self, mut deliver: Box<dyn FnMut(Option<String>) + Send>) {
        let _ = self.logged_in.send(());
        let Some(leave) = self.leave.take() else { return };
        let wait = move || {
            let _ = leave.recv();
            deliver(None);
        };
        if let Err(error) = narrate::spawn(&narrate::actor(), wait) {
            tracing::warn!("no thread to listen on: {error}");
        }
    }
}

fn any_port() -> TcpServer {
    TcpServer {
        host: "127.0.0.1".to_owned(),
        port: 0,
        backlog: 128,
        max_clients: 16,
        max_message: 64 * 1024,
        trusting: false,
    }
}

fn client(port: u16, user: &str, words: &[&str]) -> TcpClient {
    TcpClient {
        host: "localhost".to_owned(),
        port,
        user: user.to_owned(),
        password: "socklab".to_owned(),
        send: words.iter().map(|&word| word.to_owned()).collect(),
        gap: Duration::from_millis(50),
        timeout: Duration::from_secs(10),
    }
}
