//! Chapter 6 tells how a connection ends: every state that it speaks of is really seen, every byte is accounted for.
#![cfg(target_os = "linux")]

use std::process::{Command, Output};
use std::time::Duration;

use socklab::narrate::event::{Ended, Event, Kind};

/// Runs `socklab graceful-close WAY` to its end.
fn socklab(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_socklab"));
    command.arg("graceful-close").args(args).env_remove("RUST_LOG").output().unwrap()
}

/// What happened, in the order in which it was told.
struct Story(Vec<Event>);

impl Story {
    fn of(way: &str) -> Self {
        let output = socklab(&[way, "--format", "json"]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
        Self(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
    }

    /// What was told of each connection: from one `connect` to the next.
    fn connections(self) -> Vec<Self> {
        let mut stories: Vec<Vec<Event>> = Vec::new();
        for event in self.0 {
            let begins = matches!(&event.kind, Kind::Call(ended) if ended.call.call == "connect");
            if begins {
                stories.push(Vec::new());
            }
            if let Some(story) = stories.last_mut() {
                story.push(event);
            }
        }
        stories.into_iter().map(Self).collect()
    }

    /// The states of one end, each once. `gone` is that the kernel knows of none.
    fn states(&self, actor: &str) -> Vec<String> {
        let theirs = self.0.iter().filter(|event| &*event.actor == actor);
        let mut states: Vec<String> = theirs
            .filter_map(|event| match &event.kind {
                Kind::State(state) => Some(state.state.as_deref().unwrap_or("gone").to_owned()),
                _ => None,
            })
            .collect();
        states.dedup();
        states
    }

    fn calls<'a>(&'a self, actor: &'a str, name: &'a str) -> impl Iterator<Item = &'a Ended> {
        self.0.iter().filter(move |event| &*event.actor == actor).filter_map(move |event| {
            match &event.kind {
                Kind::Call(ended) if ended.call.call == name => Some(ended),
                _ => None,
            }
        })
    }

    /// The numbers that a note tells, by their names.
    fn noted(&self, id: &str, name: &str) -> Option<i64> {
        let note = self.0.iter().find_map(|event| match &event.kind {
            Kind::Note(note) if note.note == id => Some(note),
            _ => None,
        })?;
        Some(note.args.get(name).unwrap().to_string().parse().unwrap())
    }

    /// Bytes that `sender` gave to send after the last connection was made, and that `receiver` received.
    fn transferred(&self, sender: &str, receiver: &str) -> (i64, i64) {
        let sent = self.calls(sender, "send").map(|ended| ended.result.max(0)).max().unwrap();
        (sent, self.calls(receiver, "recv").map(|ended| ended.result.max(0)).sum())
    }

    /// Where in the story the first event is that is so.
    fn place(&self, is_it: impl Fn(&Event) -> bool) -> usize {
        self.0.iter().position(is_it).unwrap()
    }

    fn place_of_call(&self, actor: &str, name: &str) -> usize {
        self.place(|event| {
            let call = matches!(&event.kind, Kind::Call(ended) if ended.call.call == name);
            call && &*event.actor == actor
        })
    }

    fn place_of_state(&self, actor: &str, name: &str) -> usize {
        self.place(|event| {
            let state =
                matches!(&event.kind, Kind::State(state) if state.state.as_deref() == Some(name));
            state && &*event.actor == actor
        })
    }
}

fn errnos(calls: &[&Ended]) -> Vec<Option<String>> {
    calls.iter().map(|ended| ended.error.as_ref().map(|error| error.name.to_string())).collect()
}

/// Without those that pass too quickly to be seen each time.
fn without(states: Vec<String>, fleeting: &[&str]) -> Vec<String> {
    states.into_iter().filter(|state| !fleeting.contains(&state.as_str())).collect()
}

#[test]
fn a_graceful_close_loses_nothing_and_the_first_to_close_pays() {
    let story = Story::of("graceful");
    assert_eq!(story.states("client"), ["ESTABLISHED", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT"]);
    let server = without(story.states("server"), &["LAST_ACK"]);
    assert_eq!(server, ["ESTABLISHED", "CLOSE_WAIT", "gone"]);

    let waits = story.place_of_state("client", "FIN_WAIT1");
    assert!(story.place_of_call("client", "shutdown") < waits);
    assert!(waits < story.place_of_call("server", "recv"), "it lasts until the server reads");

    let (sent, received) = story.transferred("client", "server");
    assert!(sent > 0);
    assert_eq!(received, sent);
    let last = story.calls("server", "recv").last().unwrap();
    assert_eq!((last.result, &last.error), (0, &None), "the end of file");
    assert_eq!(story.noted("graceful-close.measured-end-of-file", "lost"), Some(0));
    let answered: Vec<i64> = story.calls("client", "recv").map(|ended| ended.result).collect();
    assert_eq!(answered.len(), 2, "the answer crosses the half-closed connection: {answered:?}");

    let seconds = story.noted("graceful-close.remembered", "seconds").unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
}

/// The end that closes resets the connection: what had not left is lost, and nobody remembers anything.
fn resets(story: &Story, sender: &str, receiver: &str) {
    for end in ["client", "server"] {
        assert_eq!(story.states(end), ["ESTABLISHED", "gone"], "{end}");
    }
    let (sent, received) = story.transferred(sender, receiver);
    let arrived = story.noted("graceful-close.full", "arrived").unwrap();
    let unsent = story.noted("graceful-close.full", "unsent").unwrap();
    assert_eq!(arrived + unsent, sent, "every byte is in one buffer or the other");
    assert_eq!(received, arrived, "Linux hands out what had arrived");
    assert!(unsent > 0);
    assert_eq!(story.noted("graceful-close.measured-reset", "lost"), Some(unsent));
    let received: Vec<&Ended> = story.calls(receiver, "recv").collect();
    assert_eq!(errnos(&received).last().unwrap().as_deref(), Some("ECONNRESET"));
    assert!(story.place_of_call(sender, "close") < story.place_of_call(receiver, "recv"));
}

#[test]
fn an_abrupt_close_throws_away_what_it_had_not_sent() {
    let story = Story::of("abrupt");
    let linger = story
        .calls("client", "setsockopt")
        .find(|ended| ended.call.args.get("optname").unwrap().to_string() == "SO_LINGER");
    let value = linger.unwrap().call.args.get("optval").unwrap().to_string();
    assert_eq!(value, "{on, 0 s}");
    resets(&story, "client", "server");
}

#[test]
fn closing_with_bytes_unread_cuts_the_answer_off() {
    let story = Story::of("unread");
    let question = story.calls("client", "send").next().unwrap().result;
    assert_eq!(story.noted("graceful-close.question-unread", "unread"), Some(question));
    assert_eq!(story.calls("server", "recv").count(), 0);
    resets(&story, "server", "client");
}

#[test]
fn last_ack_stays_until_the_last_byte_is_read_and_nothing_is_lost() {
    let stories = Story::of("last-ack").connections();
    let story = &stories[0];
    let server = ["ESTABLISHED", "CLOSE_WAIT", "LAST_ACK", "gone"];
    assert_eq!(without(story.states("server"), &[]), server);
    let client = without(story.states("client"), &["FIN_WAIT1"]);
    assert_eq!(client, ["ESTABLISHED", "FIN_WAIT2", "TIME_WAIT"]);

    let waits = story.place_of_state("server", "LAST_ACK");
    assert!(story.place_of_call("server", "close") < waits, "the descriptor is gone before");
    assert!(waits < story.place_of_call("client", "recv"));
    let (sent, received) = story.transferred("server", "client");
    assert_eq!(received, sent, "the kernel went on sending after close");
}

#[test]
fn who_ends_at_the_same_time_meets_closing_and_both_pay() {
    let stories = Story::of("last-ack").connections();
    let story = &stories[1];
    assert_eq!(story.states("client"), ["ESTABLISHED", "FIN_WAIT1", "CLOSING", "TIME_WAIT"]);
    assert_eq!(story.states("server"), ["ESTABLISHED", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT"]);
    let (sent, received) = story.transferred("client", "server");
    assert_eq!(received, sent);
}

#[test]
fn a_server_that_closes_first_holds_its_port_unless_it_always_set_the_option() {
    let story = Story::of("time-wait");
    let binds: Vec<&Ended> = story.calls("again", "bind").collect();
    let refused = Some("EADDRINUSE".to_owned());
    assert_eq!(errnos(&binds), [refused.clone(), None, refused]);
    let listening: Vec<&Ended> = story.calls("server", "getsockname").collect();
    let address = |ended: &Ended| ended.call.args.get("addr").unwrap().to_string();
    assert_eq!(address(binds[0]), address(listening[0]), "the very address of the server before");
    assert_eq!(address(binds[2]), address(listening[1]));

    for story in story.connections() {
        let server = without(story.states("server"), &["FIN_WAIT1"]);
        assert_eq!(server, ["ESTABLISHED", "FIN_WAIT2", "TIME_WAIT"]);
        let client = without(story.states("client"), &["LAST_ACK"]);
        assert_eq!(client, ["ESTABLISHED", "CLOSE_WAIT", "gone"]);
    }
}

#[test]
fn all_is_all_of_them_and_every_state_of_an_end_is_seen() {
    let story = Story::of("all");
    let seen = [story.states("client"), story.states("server")].concat();
    for state in
        ["FIN_WAIT1", "FIN_WAIT2", "CLOSE_WAIT", "LAST_ACK", "CLOSING", "TIME_WAIT", "gone"]
    {
        assert!(seen.iter().any(|name| name == state), "{state}: {seen:?}");
    }
    // Whoever is looked for is not looked for on the demo's own thread or sockets.
    let narrated = story.0.iter().filter_map(|event| match &event.kind {
        Kind::Call(ended) if ended.call.call == "socket" => ended.call.args.get("domain"),
        _ => None,
    });
    assert!(narrated.into_iter().all(|domain| domain.to_string() == "AF_INET"));
    assert!(story.0.iter().all(|event| event.tid == story.0[0].tid));
}

#[test]
fn quiet_says_nothing() {
    let output = socklab(&["all", "--quiet"]);
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn ctrl_c_ends_it_at_the_next_call() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_socklab"));
    command.args(["graceful-close", "--pace", "1h", "--format", "json"]).env_remove("RUST_LOG");
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    // The first line says that signals are handled already.
    let mut lines = std::io::BufReader::new(child.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut lines, &mut String::new()).unwrap();
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(interrupted.unwrap().success());

    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        assert!(std::time::Instant::now() < deadline, "it goes on");
        std::thread::sleep(Duration::from_millis(10));
    };
    assert_eq!(status.code(), Some(130));
}
