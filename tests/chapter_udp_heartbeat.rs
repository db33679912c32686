//! Chapter 7, played as a reader plays it: the program runs, and what it says happened is held against what must have.

use std::io::{BufRead, BufReader};
use std::net::UdpSocket;
use std::process::{Child, ChildStdout, Command, Stdio};
#[cfg(target_os = "linux")]
use std::time::Duration;

#[cfg(target_os = "linux")]
use nix::sys::signal::{Signal, kill};
#[cfg(target_os = "linux")]
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
#[cfg(target_os = "linux")]
use nix::unistd::Pid;
use socklab::narrate::event::{Circumstance, Ended, Event, Kind, Note, Value};

/// `socklab udp-heartbeat` with these arguments, telling events as JSON.
struct Demo {
    child: Child,
    events: std::io::Lines<BufReader<ChildStdout>>,
}

impl Demo {
    fn start(args: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_socklab"))
            .args(["udp-heartbeat", "--format", "json"])
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let events = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        Self { child, events }
    }

    /// A monitor on a port of the kernel's choice, and that port.
    fn monitor(args: &[&str]) -> (Self, u16) {
        let mut demo =
            Self::start(&[&["monitor", "--host", "127.0.0.1", "--port", "0"], args].concat());
        let ready = demo.next_note("ready");
        let port = blank(&ready, "address").rsplit(':').next().and_then(|port| port.parse().ok());
        (demo, port.expect("an address with a port"))
    }

    fn next(&mut self) -> Option<Event> {
        let line = self.events.next()?.expect("a line of UTF-8");
        let event: Event = serde_json::from_str(&line).expect("an event");
        if let Kind::Note(note) = &event.kind {
            assert!(socklab::reference::note(&note.note).is_some(), "no words for {}", note.note);
        }
        Some(event)
    }

    /// The next note of that name; what else happens before it is passed over.
    fn next_note(&mut self, name: &str) -> Note {
        let full = format!("udp-heartbeat.{name}");
        while let Some(event) = self.next() {
            match event.kind {
                Kind::Note(note) if note.note == full => return note,
                _ => {}
            }
        }
        panic!("the program ended without the note {full}");
    }

    /// The next thing that the monitor finds about a client.
    fn next_news(&mut self) -> String {
        while let Some(event) = self.next() {
            if let Some(news) = news(&event) {
                return news;
            }
        }
        panic!("the program ended without news");
    }

    /// Everything until it ends, and its exit status.
    fn rest(mut self) -> (Vec<Event>, Option<i32>) {
        let events = std::iter::from_fn(|| self.next()).collect();
        (events, self.child.wait().expect("it was started").code())
    }

    #[cfg(unix)]
    fn interrupt(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().expect("it runs").success());
    }
}

/// Stops it as Ctrl-Z does.
#[cfg(target_os = "linux")]
impl Demo {
    fn stop(&self) {
        let pid = self.pid();
        kill(pid, Signal::SIGSTOP).expect("it runs");
        let stopped = WaitStatus::Stopped(pid, Signal::SIGSTOP);
        assert_eq!(waitpid(pid, Some(WaitPidFlag::WUNTRACED)), Ok(stopped));
    }

    fn go_on(&self) {
        kill(self.pid(), Signal::SIGCONT).expect("it is there");
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().try_into().expect("a process id"))
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn blank(note: &Note, name: &str) -> String {
    note.args.get(name).map(Value::to_string).unwrap_or_else(|| panic!("{note:?} has no {name}"))
}

/// `up mei`, `lost mei 1`, `again mei 3`: what the monitor found; and `skipped mei 2`, what the client says.
fn news(event: &Event) -> Option<String> {
    let Kind::Note(note) = &event.kind else { return None };
    let what = note.note.strip_prefix("udp-heartbeat.")?;
    let more = match what {
        "up" | "down" | "no-room" => String::new(),
        "lost" => format!(" {}", blank(note, "count")),
        "late" | "again" | "old" | "skipped" => format!(" {}", blank(note, "seq")),
        "not-a-beat" => return Some(format!("not-a-beat {}", blank(note, "text"))),
        _ => return None,
    };
    Some(format!("{what} {}{more}", blank(note, "name")))
}

/// The calls of that name that `actor` made, as they ended.
fn calls<'a>(events: &'a [Event], actor: &str, name: &str) -> Vec<&'a Ended> {
    let of_actor = events.iter().filter(|event| &*event.actor == actor);
    let ended = of_actor.filter_map(|event| match &event.kind {
        Kind::Call(ended) if ended.call.call == name => Some(ended),
        _ => None,
    });
    ended.collect()
}

fn bytes(ended: &Ended) -> &[u8] {
    ended.call.data.as_ref().map_or(&[], |data| &data.bytes)
}

fn errno(ended: &Ended) -> Option<&str> {
    ended.error.as_ref().map(|error| &*error.name)
}

/// The whole demo, once.
fn both(args: &[&str]) -> Vec<Event> {
    let (events, status) = Demo::start(args).rest();
    assert_eq!(status, Some(0));
    events
}

#[test]
fn datagrams_keep_their_boundaries_and_small_buffers_cut_them() {
    let events = both(&["--count", "1", "--interval", "20ms"]);
    let sent: Vec<&[u8]> =
        calls(&events, "sender", "sendto").iter().map(|call| bytes(call)).collect();
    let received = calls(&events, "receiver", "recvfrom");
    let alphabet = b"abcdefghijklmnopqrstuvwxyz".as_slice();
    assert_eq!(sent[..6], [b"one".as_slice(), b"", b"three", alphabet, alphabet, b"next"]);
    let whole: Vec<&[u8]> = received[..3].iter().map(|call| bytes(call)).collect();
    assert_eq!(whole, sent[..3], "as they were sent: none joined, none left out");
    assert!(received.iter().all(|call| call.error.is_none()));

    let [cut, told, next] = received[3..] else { panic!("three more: {received:?}") };
    assert_eq!((cut.result, bytes(cut)), (8, &alphabet[..8]));
    assert_eq!(cut.circumstance, Some(Circumstance::Full));
    if cfg!(target_os = "linux") {
        assert_eq!(
            (told.result, bytes(told)),
            (26, &alphabet[..8]),
            "the length is told, the rest is gone"
        );
        assert_eq!(told.circumstance, Some(Circumstance::Truncated));
    }
    assert_eq!(bytes(next), b"next", "not the rest of the one before");
}

#[test]
#[cfg(target_os = "linux")]
fn a_closed_port_is_told_to_a_connected_socket_alone() {
    let events = both(&["--count", "1", "--interval", "20ms"]);
    let sender = events.iter().filter(|event| &*event.actor == "sender");
    let outcomes: Vec<(String, Option<String>)> = sender
        .filter_map(|event| match &event.kind {
            Kind::Call(ended) => {
                Some((ended.call.call.to_string(), errno(ended).map(str::to_owned)))
            }
            _ => None,
        })
        .collect();
    let story = [
        ("sendto", None),
        ("setsockopt", None),
        ("recvfrom", Some("EAGAIN")),
        ("connect", None),
        ("send", None),
        ("recvfrom", Some("ECONNREFUSED")),
        ("close", None),
    ];
    let last = outcomes[outcomes.len() - story.len()..].iter();
    assert!(last.map(|(call, errno)| (&**call, errno.as_deref())).eq(story), "{outcomes:?}");
}

#[test]
fn every_habit_is_noticed_and_only_what_happened_is() {
    let events = both(&["--interval", "50ms"]);
    let news: Vec<String> = events.iter().filter_map(news).collect();
    let of = |name: &str| -> Vec<&str> {
        let about = news.iter().filter(|news| news.split(' ').nth(1) == Some(name));
        about.map(String::as_str).collect()
    };
    assert_eq!(of("steady"), ["up steady"]);
    assert_eq!(of("skips"), ["up skips", "skipped skips 2", "lost skips 1"]);
    assert_eq!(
        of("muddled"),
        ["up muddled", "lost muddled 1", "late muddled 2", "again muddled 3"]
    );
    assert_eq!(of("silent"), ["up silent", "down silent"]);
}

#[test]
fn what_is_skipped_is_never_sent_and_what_is_sent_arrives() {
    let events = both(&["--interval", "20ms", "--drop", "20%", "--name", "mei"]);
    let sent = |actor| calls(&events, actor, "send").into_iter().map(bytes);
    let skips: Vec<&[u8]> = sent("skips").collect();
    let beats = ["beat skips 1", "beat skips 2", "beat skips 3", "beat skips 4", "beat skips 6"];
    assert_eq!(
        skips,
        beats.map(str::as_bytes),
        "every fifth is skipped, until the gap has been seen"
    );
    assert!(events.iter().filter_map(news).any(|news| news == "skipped skips 5"), "and it says so");
    assert_eq!(sent("steady").next(), Some(b"beat mei 1".as_slice()));

    let mut clients: Vec<&[u8]> =
        ["steady", "skips", "muddled", "silent"].into_iter().flat_map(sent).collect();
    let heard = calls(&events, "monitor", "recvfrom").into_iter().map(bytes);
    let mut heard: Vec<&[u8]> =
        heard.filter(|beat| !beat.is_empty() && !beat.starts_with(b"beat flood")).collect();
    clients.sort();
    heard.sort();
    assert_eq!(heard, clients);
}

#[test]
fn who_is_down_was_silent_for_three_intervals() {
    let events = both(&["--interval", "60ms"]);
    let heard = events.iter().find(|event| {
        matches!(&event.kind, Kind::Call(call) if &*event.actor == "monitor" && bytes(call) == b"beat silent 1")
    });
    let down = events.iter().find(|event| news(event).as_deref() == Some("down silent"));
    let silence = down.expect("it is down").t_us - heard.expect("it was heard").t_us;
    assert!(silence >= 180_000, "{silence} µs");
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_buffer_loses_what_the_gap_then_tells() {
    let events = both(&["--count", "1", "--interval", "50ms"]);
    let sent = calls(&events, "flood", "send");
    assert!(
        sent.len() == 7 && sent.iter().all(|call| call.result > 0),
        "the sender hears nothing of it"
    );
    let received = calls(&events, "monitor", "recvfrom");
    let received =
        received.iter().filter(|call| bytes(call).starts_with(b"beat flood")).count() - 1;
    assert!((1..6).contains(&received), "{received} of 6 found room");
    let lost = events.iter().filter_map(news).find(|news| news.starts_with("lost flood"));
    assert_eq!(lost, Some(format!("lost flood {}", 6 - received)));
}

#[test]
fn the_story_is_the_same_when_calls_are_held_back() {
    let events = both(&["--interval", "20ms", "--pace", "25ms"]);
    let down = events.iter().filter_map(news).filter(|news| news.starts_with("down"));
    assert!(down.eq(["down silent"]), "to wait for the reader is not to be silent");
}

/// A socket whose datagrams go to the monitor.
fn to_monitor(port: u16) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    socket.connect(("127.0.0.1", port)).expect("a peer");
    socket
}

#[test]
fn the_monitor_hears_other_programs_and_ignores_garbage() {
    let (mut monitor, port) = Demo::monitor(&["--interval", "1h"]);
    let socket = to_monitor(port);
    let mut tell = |datagram: &[u8]| {
        socket.send(datagram).expect("it is taken");
        monitor.next_news()
    };
    assert_eq!(tell(b"beat mei 7"), "up mei");
    assert_eq!(tell(b"beat mei 10"), "lost mei 2");
    assert_eq!(tell(b"beat mei 10"), "again mei 10");
    assert_eq!(tell(b"beat mei 8"), "late mei 8");
    assert_eq!(tell(b"beat mei 100"), "lost mei 89");
    assert_eq!(tell(b"beat mei 9"), "old mei 9");
    assert_eq!(tell(b""), "not-a-beat ");
    assert_eq!(tell(b"beat mei 11\n"), "not-a-beat beat mei 11\\n");
    assert_eq!(tell("beat \x1b[2J\u{202e} 1".as_bytes()), "up \\x1b[2J\\u{202e}");
    let long = vec![b'x'; 60_000];
    assert_eq!(tell(&long), format!("not-a-beat {}…", "x".repeat(64)));
    assert_eq!(tell(b"beat mei 102"), "lost mei 1", "nothing before changed it");
}

#[test]
fn names_are_bounded_and_the_next_one_is_told_so() {
    let (mut monitor, port) = Demo::monitor(&["--interval", "1h"]);
    let socket = to_monitor(port);
    for number in 0..256 {
        socket.send(format!("beat n{number} 1").as_bytes()).expect("it is taken");
        assert_eq!(monitor.next_news(), format!("up n{number}"));
    }
    socket.send(b"beat late 1").expect("it is taken");
    assert_eq!(monitor.next_news(), "no-room late");
    socket.send(b"beat n0 3").expect("it is taken");
    assert_eq!(monitor.next_news(), "lost n0 1", "those who are known are heard");
}

#[test]
fn who_falls_silent_is_down_and_its_next_beat_is_a_first_one() {
    let (mut monitor, port) = Demo::monitor(&["--interval", "40ms"]);
    let socket = to_monitor(port);
    for seq in ["5", "3"] {
        socket.send(format!("beat mei {seq}").as_bytes()).expect("it is taken");
        assert_eq!(monitor.next_news(), "up mei");
        assert_eq!(monitor.next_news(), "down mei");
    }
}

/// Their beats waited in the monitor's queue while it was stopped: nobody was silent.
#[test]
#[cfg(target_os = "linux")]
fn what_waits_is_heard_before_anybody_is_called_silent() {
    let (mut monitor, port) = Demo::monitor(&["--interval", "300ms"]);
    let socket = to_monitor(port);
    let send = |beat: &str| socket.send(beat.as_bytes()).expect("it is taken");
    for name in ["ann", "bob"] {
        send(&format!("beat {name} 1"));
        assert_eq!(monitor.next_news(), format!("up {name}"));
    }
    monitor.stop();
    for beat in ["beat ann 2", "beat bob 2", "beat cem 1"] {
        send(beat);
    }
    // Nothing to wait for: it is the time itself that has to pass.
    std::thread::sleep(Duration::from_secs(1));
    monitor.go_on();
    assert_eq!(monitor.next_news(), "up cem", "the beats before it came in order, and are no news");
}

#[test]
fn a_client_in_another_process_is_heard() {
    let (monitor, port) = Demo::monitor(&["--interval", "1h", "--count", "4"]);
    let port = port.to_string();
    let args = [
        "beat",
        "--host",
        "127.0.0.1",
        "--port",
        &port,
        "--name",
        "好",
        "--drop",
        "34",
        "--count",
        "6",
    ];
    let (client, status) = Demo::start(&[&args[..], &["--interval", "5ms"]].concat()).rest();
    assert_eq!(status, Some(0));
    let sent: Vec<&[u8]> = calls(&client, "client", "send").into_iter().map(bytes).collect();
    assert_eq!(sent, ["beat 好 1", "beat 好 2", "beat 好 4", "beat 好 5"].map(str::as_bytes));
    let (heard, status) = monitor.rest();
    assert_eq!(status, Some(0), "it ends by itself after four datagrams");
    let news: Vec<String> = heard.iter().filter_map(news).collect();
    assert_eq!(news, ["up 好", "lost 好 1"]);
}

#[test]
#[cfg(unix)]
fn a_monitor_that_waits_for_ever_ends_when_interrupted() {
    let (monitor, _) = Demo::monitor(&[]);
    monitor.interrupt();
    let (events, status) = monitor.rest();
    assert_eq!(status, Some(0));
    assert_eq!(calls(&events, "monitor", "close").len(), 1);
}

#[test]
#[cfg(unix)]
fn the_story_ends_when_interrupted_in_a_long_interval() {
    let mut story = Demo::start(&["--interval", "1h"]);
    story.next_note("round");
    story.interrupt();
    let (events, status) = story.rest();
    assert_eq!(status, Some(130));
    let is_close =
        |event: &&Event| matches!(&event.kind, Kind::Call(ended) if ended.call.call == "close");
    let closed = events.iter().filter(is_close).count();
    assert_eq!(closed, 5, "the monitor's socket and its clients'");
}

#[test]
#[cfg(target_os = "linux")]
fn a_client_beats_on_when_nobody_listens() {
    let port = UdpSocket::bind("127.0.0.1:0")
        .and_then(|socket| socket.local_addr())
        .expect("a port")
        .port();
    let port = port.to_string();
    let args =
        ["beat", "--host", "127.0.0.1", "--port", &port, "--count", "3", "--interval", "50ms"];
    let (events, status) = Demo::start(&args).rest();
    assert_eq!(status, Some(0));
    let sends = calls(&events, "client", "send");
    let sent = sends.iter().filter(|call| call.result > 0).count();
    let refused = sends.iter().filter(|call| errno(call) == Some("ECONNREFUSED")).count();
    assert_eq!(
        (sent, refused),
        (3, 2),
        "each refusal is told once, and the beat is sent all the same"
    );
}

#[test]
fn what_makes_no_sense_is_wrong_usage() {
    for args in [
        ["--interval", "0s"],
        ["--name", "a b"],
        ["--name", ""],
        ["--drop", "101"],
        ["--count", "0"],
    ] {
        let (events, status) = Demo::start(&args).rest();
        assert!(events.is_empty());
        assert_eq!(status, Some(2), "{args:?}");
    }
}
