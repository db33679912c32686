//! Chapter 5 keeps its promises: what is tried again, what is not, what is counted, and that every wait ends.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use socklab::narrate::event::{Circumstance, Ended, Event, Kind, Note, Resolve};

/// What the program did, as it told it.
struct Run {
    events: Vec<Event>,
    status: Option<i32>,
    complaint: String,
}

fn run(args: &[&str]) -> Run {
    Run::of(command(args).output().expect("the program runs"))
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_socklab"));
    command.args(["--format", "json", "robust-client"]).args(args).stdin(Stdio::null());
    command
}

impl Run {
    fn of(output: Output) -> Self {
        let text = String::from_utf8(output.stdout).expect("JSON is UTF-8");
        let events = text.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        Self { events, status: output.status.code(), complaint }
    }

    /// The calls of `actor`, in the order in which they began.
    fn calls(&self, actor: &str) -> Vec<&Ended> {
        let own = self.events.iter().filter(|event| &*event.actor == actor);
        let mut calls: Vec<(u64, &Ended)> = own
            .filter_map(|event| match &event.kind {
                Kind::Call(ended) => Some((event.seq, ended)),
                _ => None,
            })
            .collect();
        calls.sort_by_key(|(seq, _)| *seq);
        calls.into_iter().map(|(_, ended)| ended).collect()
    }

    fn notes(&self, name: &str) -> Vec<&Note> {
        let notes = self.events.iter().filter_map(|event| match &event.kind {
            Kind::Note(note) => Some(note),
            _ => None,
        });
        notes.filter(|note| note.note == format!("robust-client.{name}")).collect()
    }

    fn note(&self, name: &str) -> &Note {
        match self.notes(name)[..] {
            [note] => note,
            ref others => panic!("{} notes {name}", others.len()),
        }
    }

    fn answers(&self) -> Vec<&str> {
        let answers = self.events.iter().filter_map(|event| match &event.kind {
            Kind::Message(message) => Some(message.text.as_str()),
            _ => None,
        });
        answers.collect()
    }

    fn lookups(&self) -> Vec<&Resolve> {
        let lookups = self.events.iter().filter_map(|event| match &event.kind {
            Kind::Resolve(resolve) => Some(resolve),
            _ => None,
        });
        lookups.collect()
    }

    /// Where in the story something is told.
    fn place(&self, is_it: impl Fn(&Kind) -> bool) -> usize {
        self.events.iter().position(|event| is_it(&event.kind)).expect("it is told")
    }
}

fn blank(note: &Note, name: &str) -> String {
    note.args.get(name).unwrap_or_else(|| panic!("{name} in {}", note.note)).to_string()
}

fn number(note: &Note, name: &str) -> usize {
    blank(note, name).parse().expect(name)
}

fn time(note: &Note, name: &str) -> Duration {
    humantime::parse_duration(&blank(note, name)).expect(name)
}

fn arg(ended: &Ended, name: &str) -> String {
    ended.call.args.get(name).map(ToString::to_string).unwrap_or_default()
}

fn errno(ended: &Ended) -> &str {
    ended.error.as_ref().map_or("", |error| &error.name)
}

fn named<'a>(calls: &[&'a Ended], name: &str) -> Vec<&'a Ended> {
    calls.iter().copied().filter(|ended| ended.call.call == name).collect()
}

fn names<'a>(calls: &[&'a Ended]) -> Vec<&'a str> {
    calls.iter().map(|ended| ended.call.call.as_ref()).collect()
}

/// A peer for one client, on a port of its own.
fn peer(play: impl FnOnce(TcpStream) + Send + 'static) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    (port, thread::spawn(move || play(listener.accept().unwrap().0)))
}

fn echo(mut stream: TcpStream) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        stream.write_all(&buffer[..count]).unwrap();
    }
}

#[test]
fn a_connection_is_made_and_closed_by_its_primitives() {
    let (port, peer) = peer(echo);
    let run = run(&["--host", "127.0.0.1", "--port", &port, "--message", "你好"]);
    peer.join().unwrap();
    assert_eq!((run.status, run.answers()), (Some(0), vec!["你好"]));
    let calls = run.calls("client");
    let talk =
        ["socket", "fcntl", "connect", "poll", "getsockopt", "send", "poll", "recv", "shutdown"];
    assert_eq!(names(&calls)[..talk.len()], talk);
    assert_eq!(names(&calls)[talk.len()..], ["poll", "recv", "close"]);
    assert_eq!(errno(calls[2]), "EINPROGRESS");
    assert_eq!(arg(calls[4], "optval"), "0");
    assert_eq!(
        (arg(calls[8], "how").as_str(), arg(calls[10], "len").as_str()),
        ("SHUT_WR", "1024")
    );
    assert_eq!(calls[10].circumstance, Some(Circumstance::EndOfFile));
}

#[test]
fn every_address_of_a_name_is_tried_each_time() {
    let unused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let run = run(&["--port", &unused.to_string(), "--retries", "2", "--delay", "1ms"]);
    assert_eq!((run.status, run.lookups().len()), (Some(1), 2));
    let addresses: Vec<String> =
        run.lookups().iter().flat_map(|lookup| lookup.addresses.clone()).collect();
    let connects = run.calls("client");
    let connects = named(&connects, "connect").into_iter().map(|ended| arg(ended, "addr"));
    assert_eq!(connects.collect::<Vec<_>>(), addresses);
}

#[test]
fn an_answer_without_a_newline_is_an_answer() {
    let (port, peer) = peer(|mut stream| {
        let _ = stream.read(&mut [0; 100]);
        stream.write_all(b"half a line").unwrap();
    });
    let run = run(&["--host", "127.0.0.1", "--port", &port]);
    peer.join().unwrap();
    assert_eq!((run.status, run.answers()), (Some(0), vec!["half a line"]));
}

#[test]
fn no_answer_at_all_is_a_failure() {
    let (port, peer) = peer(|mut stream| drop(stream.read(&mut [0; 100])));
    let run = run(&["--host", "127.0.0.1", "--port", &port]);
    peer.join().unwrap();
    assert_eq!(run.status, Some(1));
    assert!(run.complaint.contains("without an answer"), "{}", run.complaint);
}

/// A limit for each recv alone would never pass here.
#[test]
fn the_limit_is_for_the_whole_answer() {
    let (port, peer) = peer(|mut stream| {
        stream.set_nodelay(true).unwrap();
        let started = Instant::now();
        while stream.write_all(b".").is_ok() && started.elapsed() < Duration::from_secs(20) {
            thread::sleep(Duration::from_millis(10));
        }
        assert!(started.elapsed() < Duration::from_secs(20), "the client never gave up");
    });
    let run = run(&["--host", "127.0.0.1", "--port", &port, "--timeout", "1s"]);
    assert_eq!(run.status, Some(0));
    assert!(run.answers()[0].starts_with('.'));
    peer.join().unwrap();
}

#[test]
fn a_late_peer_is_met_at_the_second_try() {
    let run = run(&["--scenario", "late", "--delay", "10ms"]);
    assert_eq!((run.status, run.answers()), (Some(0), vec!["hello"]));
    assert_eq!(run.notes("try").len(), 2);
    let calls = run.calls("client");
    let ends: Vec<_> =
        named(&calls, "getsockopt").iter().map(|ended| arg(ended, "optval")).collect();
    assert_eq!(ends, ["ECONNREFUSED", "0"]);
    let is_call =
        |kind: &Kind, name: &str| matches!(kind, Kind::Call(ended) if ended.call.call == name);
    let closed = run.place(|kind| is_call(kind, "close"));
    let listened = run.place(|kind| is_call(kind, "listen"));
    let again =
        run.place(|kind| matches!(kind, Kind::Note(note) if note.note == "robust-client.again"));
    assert!(closed < listened && listened < again, "{closed} {listened} {again}");
}

#[test]
fn refusals_are_tried_again_with_growing_pauses_and_then_advised_upon() {
    let run = run(&[
        "--scenario",
        "refuse",
        "--retries",
        "4",
        "--delay",
        "20ms",
        "--backoff",
        "exponential",
    ]);
    assert_eq!((run.status, run.notes("try").len(), run.notes("refused").len()), (Some(1), 4, 4));
    let delays: Vec<_> = run.notes("again").iter().map(|note| blank(note, "delay")).collect();
    assert_eq!(delays, ["20ms", "40ms", "80ms"]);
    assert_eq!(number(run.note("given-up"), "tries"), 4);
    let calls = run.calls("client");
    assert_eq!(named(&calls, "socket").len(), 4);
    // Its own four, and the peer's port, which this thread closes in the end.
    assert_eq!(named(&calls, "close").len(), 5);
    assert!(run.complaint.contains("(ECONNREFUSED). Usually nobody listens"), "{}", run.complaint);
}

#[test]
fn the_pauses_are_as_long_as_they_say() {
    let run = run(&["--scenario", "refuse", "--delay", "80ms"]);
    let tries = run.events.iter().filter(
        |event| matches!(&event.kind, Kind::Note(note) if note.note == "robust-client.try"),
    );
    let times: Vec<u64> = tries.map(|event| event.t_us).collect();
    assert_eq!(times.len(), 3);
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= 80_000), "{times:?}");
}

#[test]
fn one_try_is_one_try() {
    let run = run(&["--scenario", "refuse", "--retries", "1"]);
    assert_eq!((run.status, run.notes("again").len()), (Some(1), 0));
}

#[cfg(target_os = "linux")]
#[test]
fn silence_is_tried_again_before_there_is_a_connection_and_not_after() {
    let run = run(&["--scenario", "stall", "--timeout", "150ms", "--delay", "10ms"]);
    assert_eq!((run.status, run.notes("try").len()), (Some(1), 2));
    let calls = run.calls("client");
    let polls: Vec<_> = named(&calls, "poll").iter().map(|ended| arg(ended, "revents")).collect();
    assert_eq!(polls, ["0", "POLLOUT", "0", "0"]);
    assert_eq!(errno(named(&calls, "connect")[0]), "EINPROGRESS");
    let closing = &names(&calls)[calls.len() - 3..];
    assert_eq!(closing, ["shutdown", "poll", "close"]);
    assert_eq!(
        (run.notes("timed-out").len(), run.notes("not-repeated").len(), run.answers().len()),
        (1, 1, 0)
    );
    assert!(run.complaint.contains("no answer within 150ms"), "{}", run.complaint);
}

#[test]
fn a_reset_is_the_end_of_it() {
    let run = run(&["--scenario", "reset"]);
    assert_eq!((run.status, run.notes("try").len()), (Some(1), 1));
    let calls = run.calls("client");
    let [.., recv, close] = calls[..] else { panic!("{:?}", names(&calls)) };
    assert_eq!((errno(recv), close.call.call.as_ref()), ("ECONNRESET", "close"));
    let peers = run.calls("peer");
    let read = named(&peers, "recv");
    assert_eq!(read[0].result, 6, "the peer had read the message");
    assert_eq!(run.notes("not-repeated").len(), 1);
    assert!(run.complaint.contains("ECONNRESET"), "{}", run.complaint);
}

#[test]
fn partial_sends_are_counted_and_nothing_is_lost() {
    let run = run(&["--scenario", "slow-reader"]);
    assert_eq!((run.status, run.answers()), (Some(0), vec!["65536 bytes read"]));
    let calls = run.calls("client");
    let sends = named(&calls, "send");
    let took: Vec<_> = sends.iter().filter(|ended| ended.error.is_none()).collect();
    let partial = took.iter().filter(|ended| ended.circumstance == Some(Circumstance::Partial));
    let note = run.note("sent");
    assert_eq!(number(note, "calls"), took.len());
    assert_eq!(number(note, "partial"), partial.count());
    assert_eq!(number(note, "full"), sends.len() - took.len());
    assert!(number(note, "partial") >= 1 && number(note, "full") >= 1);
    assert_eq!(took.iter().map(|ended| ended.result).sum::<i64>(), 65536);
    let after_full = calls.windows(2).filter(|pair| errno(pair[0]) == "EAGAIN");
    assert!(after_full.map(|pair| pair[1]).all(|next| arg(next, "fds").ends_with("POLLOUT}]")));
}

/// The name is looked up for real: what follows depends on what the system says.
#[test]
fn a_name_that_does_not_resolve_is_given_up_unless_it_may_yet() {
    let run = run(&["--scenario", "bad-name", "--delay", "1ms"]);
    let lookups = run.lookups();
    let error = lookups[0].error.as_ref().expect("no such name");
    let (tries, words) = match error.name.as_ref() {
        "EAI_AGAIN" | "EAI_SYSTEM" | "EAI_MEMORY" => (3, "name-passing"),
        _ => (1, "name-lasting"),
    };
    assert_eq!((run.status, lookups.len()), (Some(1), tries));
    assert_eq!(run.notes(words).len(), tries);
    assert!(run.calls("client").is_empty());
    assert!(run.complaint.contains(error.name.as_ref()), "{}", run.complaint);
}

#[test]
fn two_ends_that_send_before_they_read_are_stuck_until_one_reads() {
    let run = run(&["--scenario", "deadlock", "--timeout", "200ms"]);
    assert_eq!(run.status, Some(0), "{}", run.complaint);
    let stuck = run.note("deadlock-stuck");
    assert!(number(stuck, "sent") < number(stuck, "all"));
    let sent = run.note("sent");
    assert!(number(sent, "bytes") < number(sent, "all"));
    let calls = run.calls("client");
    let gave_up = calls.iter().position(|ended| ended.circumstance == Some(Circumstance::TimedOut));
    let gave_up = gave_up.expect("its poll finds no room");
    assert!(arg(calls[gave_up], "fds").ends_with("POLLOUT}]"));
    assert_eq!(calls[gave_up + 1].call.call, "close");
    assert!(named(&calls[..gave_up], "recv").is_empty(), "it read before all was sent");
    let right = run.note("deadlock-measured");
    assert_eq!((number(right, "sent"), number(right, "received")), (24576, 24576));
}

#[test]
fn nagle_and_a_delayed_acknowledgement_cost_time_and_both_cures_save_it() {
    let run = run(&["--scenario", "nagle"]);
    assert_eq!(run.status, Some(0), "{}", run.complaint);
    let calls = run.calls("client");
    let sends: Vec<_> = named(&calls, "send").iter().map(|ended| ended.result).collect();
    assert_eq!(sends, [5, 1, 6, 5, 1]);
    if !run.notes("nagle-apart").is_empty() {
        // A machine so busy that two sends are not together measures nothing, and says so.
        return;
    }
    let measured = run.note("nagle-measured");
    let two = time(measured, "two");
    assert!(time(measured, "one") < two && time(measured, "nodelay") < two, "{measured:?}");
    assert!(!cfg!(target_os = "linux") || two >= Duration::from_millis(20), "{two:?}");
}

/// Held back calls are too far apart for Nagle's algorithm to matter: no time is claimed then.
#[test]
fn a_pace_does_not_pass_for_a_measurement() {
    let run = run(&["--scenario", "nagle", "--pace", "50ms"]);
    assert_eq!((run.status, run.notes("nagle-measured").len()), (Some(0), 0));
    assert!(time(run.note("nagle-apart"), "gap") >= Duration::from_millis(40));
}

#[cfg(unix)]
#[test]
fn every_wait_ends_at_ctrl_c() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port().to_string();
    let waits: [(&[&str], &str); 4] = [
        (&["--host", "127.0.0.1", "--port", &port, "--timeout", "1h"], "POLLIN}"),
        (&["--scenario", "stall", "--timeout", "1h"], "POLLOUT}"),
        (&["--scenario", "deadlock", "--timeout", "1h"], "POLLOUT}"),
        (&["--scenario", "refuse", "--delay", "1h"], "robust-client.again"),
    ];
    for (args, sign) in waits {
        let started = Instant::now();
        assert_eq!(interrupted_at(args, sign).status, Some(130), "{args:?}");
        assert!(started.elapsed() < Duration::from_secs(60), "{args:?}");
    }
}

/// Runs it, and sends SIGINT once it has told what `sign` is part of.
#[cfg(unix)]
fn interrupted_at(args: &[&str], sign: &str) -> Run {
    use std::io::{BufRead, BufReader};

    let mut child =
        command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    let mut told = BufReader::new(child.stdout.take().unwrap());
    let mut text = String::new();
    while !text.lines().last().unwrap_or_default().contains(sign) {
        assert_ne!(told.read_line(&mut text).unwrap(), 0, "it ended before {sign}: {text}");
    }
    let interrupt = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(interrupt.unwrap().success());
    told.read_to_string(&mut text).unwrap();
    let mut output = child.wait_with_output().unwrap();
    output.stdout = text.into_bytes();
    Run::of(output)
}
