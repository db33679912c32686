//! `--format json`: what is documented is what is written, and it reads back as the same events.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use socklab::narrate::Observer;
use socklab::narrate::event::{
    Args, Call, Circumstance, Data, Done, EaiError, Ended, Errno, Event, Kind, Message, Note,
    Resolve, SCHEMA, State,
};
use socklab::render::json::Json;
use socklab::render::output::Output;

/// The examples in the renderer's documentation.
fn documented() -> Vec<&'static str> {
    let source = include_str!("../src/render/json.rs");
    source
        .lines()
        .filter_map(|line| line.strip_prefix("//! "))
        .filter(|line| line.starts_with('{'))
        .collect()
}

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn render(stepped: bool, events: &[Event]) -> String {
    let written = Written::default();
    let json = Json::new(Output::new(Box::new(written.clone())), stepped);
    events.iter().for_each(|event| json.observe(event));
    let bytes = written.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

fn event(kind: Kind) -> Event {
    Event { schema: SCHEMA.into(), seq: 7, t_us: 1, tid: 2, actor: "server/1".into(), kind }
}

fn call(waits: bool) -> Call {
    let args = Args::default().with("len", 4096).with("flags", 0);
    Call { call: "recv".into(), fd: Some(4), args, data: None, waits }
}

fn ended(call: Call, error: Option<Errno>, circumstance: Option<Circumstance>) -> Event {
    let syscalls = Some(vec!["recvfrom".into()]);
    event(Kind::Call(Ended { call, result: -1, error, circumstance, elapsed_us: 3, syscalls }))
}

/// One of each kind, and of each field that may be missing.
fn all_kinds() -> Vec<Event> {
    let errno = Errno { errno: 11, name: "EAGAIN".into(), message: "Try again".into() };
    let eai = EaiError { code: -2, name: "EAI_NONAME".into(), message: "Not known".into() };
    let data = Some(Data::of(b"\xff\x1b[2J{\"a\\\n\"}\x00 \xe5\xa5\xbd"));
    let resolve = Resolve {
        host: "localhost".into(),
        port: 8888,
        addresses: vec!["127.0.0.1:8888".into()],
        error: None,
        elapsed_us: 9,
        resolver_tid: Some(5),
    };
    let unknown =
        Resolve { addresses: vec![], error: Some(eai), resolver_tid: None, ..resolve.clone() };
    let state = |state: Option<&'static str>| State {
        local: "127.0.0.1:1".into(),
        peer: "127.0.0.1:2".into(),
        state: state.map(Into::into),
        observer_tid: Some(6),
    };
    vec![
        event(Kind::Begin(call(true))),
        ended(Call { data, ..call(true) }, None, Some(Circumstance::Full)),
        ended(call(true), Some(errno), Some(Circumstance::TimedOut)),
        ended(Call { fd: None, call: "socket".into(), ..call(false) }, None, None),
        event(Kind::Note(Note {
            note: "tcp-server.ready".into(),
            args: Args::default().with("port", 1),
        })),
        event(Kind::Message(Message { from: Some("mei".into()), text: "hello".into() })),
        event(Kind::Message(Message { from: None, text: String::new() })),
        event(Kind::State(state(Some("TIME_WAIT")))),
        event(Kind::State(state(None))),
        event(Kind::Resolve(resolve)),
        event(Kind::Resolve(unknown)),
        event(Kind::Done(Done { calls: 4, failed: 1, exit: 0, elapsed_us: 10 })),
    ]
}

#[test]
fn every_documented_example_is_written_exactly_so() {
    for example in documented() {
        let event: Event =
            serde_json::from_str(example).unwrap_or_else(|error| panic!("{error}: {example}"));
        assert_eq!(render(true, &[event]).trim_end(), example);
    }
}

#[test]
fn every_kind_is_documented() {
    let kind = |line: &str| serde_json::from_str::<Value>(line).unwrap()["kind"].to_string();
    let documented: Vec<String> = documented().into_iter().map(kind).collect();
    for line in render(true, &all_kinds()).lines() {
        assert!(documented.contains(&kind(line)), "{line}");
    }
}

#[test]
fn every_kind_reads_back_as_the_same_event() {
    let events = all_kinds();
    let written = render(true, &events);
    let read: Vec<Event> =
        written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(read, events);
}

#[test]
fn a_begin_is_told_of_calls_that_wait_and_of_all_when_stepped() {
    let begins = [event(Kind::Begin(call(false))), event(Kind::Begin(call(true)))];
    assert_eq!(render(false, &begins).lines().count(), 1);
    assert_eq!(render(true, &begins).lines().count(), 2);
}

#[test]
fn a_note_brings_its_words() {
    let args = Args::default().with("address", "127.0.0.1:1").with("port", 1);
    let note = event(Kind::Note(Note { note: "tcp-server.ready".into(), args }));
    let line: Value = serde_json::from_str(&render(false, &[note])).unwrap();
    assert_eq!(line["text"], "ready on 127.0.0.1:1   try: socklab tcp-client --port 1");
    let table =
        event(Kind::Note(Note { note: "socket-types.table".into(), args: Args::default() }));
    let line: Value = serde_json::from_str(&render(false, &[table])).unwrap();
    assert!(
        line["text"].as_str().unwrap().contains("\ntype | SOCK_STREAM | SOCK_DGRAM | SOCK_RAW\n")
    );
}

#[test]
fn a_peers_text_does_not_reach_the_terminal_raw() {
    let hostile = "\x1b[2J\x7f\u{9b}1A \u{202e}evil\u{200b} \u{e0041} \n好";
    let message =
        event(Kind::Message(Message { from: Some(hostile.into()), text: hostile.into() }));
    let written = render(false, std::slice::from_ref(&message));
    assert!(written.trim_end().chars().all(|c| (' '..='~').contains(&c) || c == '好'), "{written}");
    assert!(written.contains("\\udb40\\udc41"), "above U+FFFF a pair: {written}");
    assert_eq!(serde_json::from_str::<Event>(&written).unwrap(), message);
}
