//! What the text looks like, event by event. The events are made by hand: this is about lines, not about sockets.

use std::io;
use std::sync::{Arc, Mutex, mpsc};

use snapbox::data::DataFormat;
use snapbox::{Data as Expected, IntoData, assert_data_eq};
use socklab::narrate::Observer;
use socklab::narrate::event::{
    Args, Call, Circumstance, Data, Done, EaiError, Ended, Errno, Event, Kind, Message, Note,
    Resolve, SCHEMA, State,
};
use socklab::render::Explain;
use socklab::render::output::Output;
use socklab::render::quiet::Quiet;
use socklab::render::text::{Options, Text};

/// Colour is switched for the whole process: one rendering at a time.
static COLOR: Mutex<()> = Mutex::new(());

fn text(options: Options, color: bool, events: &[Event]) -> String {
    let _alone = COLOR.lock().unwrap_or_else(|failed| failed.into_inner());
    colored::control::set_override(color);
    let (lines, written) = mpsc::channel();
    let output = Output::new(Box::new(io::sink()));
    output.set_sink(Box::new(move |text| lines.send(text.to_owned()).map_err(io::Error::other)));
    let text = Text::new(output, options);
    events.iter().for_each(|event| text.observe(event));
    drop(text);
    written.iter().collect()
}

fn at(width: usize, events: &[Event]) -> String {
    text(Options { width, explain: Explain::Short, stepped: false }, false, events)
}

fn explained(explain: Explain, events: &[Event]) -> String {
    text(Options { width: 80, explain, stepped: false }, false, events)
}

/// Compares with the picture in tests/snapshots. SNAPSHOTS=overwrite draws it anew.
fn is(picture: &str, actual: String) {
    let path = format!("{}/tests/snapshots/{picture}.txt", env!("CARGO_MANIFEST_DIR"));
    let expected = Expected::read_from(std::path::Path::new(&path), Some(DataFormat::Text));
    assert_data_eq!(actual.raw(), expected.raw());
}

fn event(seq: u64, actor: &str, kind: Kind) -> Event {
    Event { schema: SCHEMA.into(), seq, t_us: 0, tid: 0, actor: actor.into(), kind }
}

fn call(name: &'static str, fd: i64, args: Args) -> Call {
    let fd = (name != "socket").then_some(fd);
    Call { call: name.into(), fd, args, data: None, waits: false }
}

/// A call that returned.
fn returned(seq: u64, actor: &str, call: Call, result: i64, elapsed_us: u64) -> Event {
    let (error, circumstance, syscalls) = Default::default();
    event(seq, actor, Kind::Call(Ended { call, result, error, circumstance, elapsed_us, syscalls }))
}

/// The same call, but failed.
fn failed(mut event: Event, name: &'static str, message: &'static str) -> Event {
    if let Kind::Call(ended) = &mut event.kind {
        ended.result = -1;
        ended.error = Some(Errno { errno: 1, name: name.into(), message: message.into() });
    }
    event
}

fn under(mut event: Event, circumstance: Circumstance) -> Event {
    if let Kind::Call(ended) = &mut event.kind {
        ended.circumstance = Some(circumstance);
    }
    event
}

/// The call before it returned: without what the kernel filled in. It does not wait long enough to be shown waiting.
fn begin(returned: &Event) -> Event {
    let Kind::Call(ended) = &returned.kind else { panic!("only a call begins") };
    let mut call = ended.call.clone();
    call.waits = false;
    if call.call == "accept" {
        call.args = Args::default();
    }
    Event { kind: Kind::Begin(call), ..returned.clone() }
}

fn socket(seq: u64, actor: &str) -> Event {
    let args = Args::default()
        .with("domain", "AF_INET")
        .with("type", "SOCK_STREAM|SOCK_CLOEXEC")
        .with("protocol", "IPPROTO_TCP");
    returned(seq, actor, call("socket", 3, args), 3, 11)
}

fn bind(seq: u64, address: &'static str) -> Event {
    returned(seq, "server", call("bind", 3, Args::default().with("addr", address)), 0, 6)
}

fn reuse(seq: u64, value: i32) -> Event {
    let args = Args::default().with("level", "SOL_SOCKET").with("optname", "SO_REUSEADDR");
    returned(seq, "server", call("setsockopt", 3, args.with("optval", value)), 0, 2)
}

fn connect(seq: u64, address: &'static str) -> Event {
    let connect = call("connect", 3, Args::default().with("addr", address));
    returned(seq, "client", Call { waits: true, ..connect }, 0, 40)
}

fn accept(seq: u64) -> Event {
    returned(
        seq,
        "server",
        call("accept", 3, Args::default().with("addr", "127.0.0.1:40222")),
        4,
        2_149_000,
    )
}

fn recv(seq: u64, actor: &str, bytes: &[u8]) -> Event {
    let args = Args::default().with("len", 4096).with("flags", 0);
    let data = (!bytes.is_empty()).then(|| Data::of(bytes));
    returned(seq, actor, Call { data, ..call("recv", 4, args) }, bytes.len() as i64, 2_149)
}

fn send(seq: u64, actor: &str, bytes: &[u8]) -> Event {
    let args = Args::default().with("len", bytes.len()).with("flags", 0);
    let call = Call { data: Some(Data::of(bytes)), ..call("send", 4, args) };
    returned(seq, actor, call, bytes.len() as i64, 37)
}

fn close(seq: u64, actor: &str) -> Event {
    returned(seq, actor, call("close", 4, Args::default()), 0, 8)
}

fn note(seq: u64, actor: &str, id: &'static str, args: Args) -> Event {
    event(seq, actor, Kind::Note(Note { note: id.into(), args }))
}

fn ready(seq: u64) -> Event {
    let args = Args::default().with("address", "127.0.0.1:43817").with("port", 43817);
    note(seq, "server", "tcp-server.ready", args)
}

fn said(seq: u64, from: Option<&str>, text: &str) -> Event {
    let message = Message { from: from.map(str::to_owned), text: text.to_owned() };
    event(seq, "client", Kind::Message(message))
}

fn state(seq: u64, name: Option<&'static str>) -> Event {
    let (local, peer) = ("127.0.0.1:43817".into(), "127.0.0.1:40222".into());
    event(
        seq,
        "server",
        Kind::State(State { local, peer, state: name.map(Into::into), observer_tid: None }),
    )
}

fn resolved(seq: u64, host: &str, addresses: &[&str], error: Option<EaiError>) -> Event {
    let (host, addresses) =
        (host.to_owned(), addresses.iter().map(|&address| address.to_owned()).collect());
    let resolve =
        Resolve { host, port: 8888, addresses, error, elapsed_us: 371, resolver_tid: None };
    event(seq, "client", Kind::Resolve(resolve))
}

fn unknown_name(seq: u64) -> Event {
    let message = "Name or service not known".to_owned();
    resolved(seq, "no..such", &[], Some(EaiError { code: -2, name: "EAI_NONAME".into(), message }))
}

fn done(seq: u64) -> Event {
    event(seq, "", Kind::Done(Done { calls: 12, failed: 1, exit: 0, elapsed_us: 3_204_000 }))
}

const LOGIN: &[u8] = b"{\"type\":\"login\",\"username\":\"mei\",\"password\":\"****\"}\n";

/// A server's and a client's calls, one of nearly everything.
fn chat() -> Vec<Event> {
    vec![
        socket(1, "server"),
        reuse(2, 1),
        bind(3, "127.0.0.1:0"),
        returned(4, "server", call("listen", 3, Args::default().with("backlog", 128)), 0, 5),
        returned(
            5,
            "server",
            call("getsockname", 3, Args::default().with("addr", "127.0.0.1:43817")),
            0,
            2,
        ),
        ready(6),
        resolved(7, "localhost", &["[::1]:8888", "127.0.0.1:8888"], None),
        socket(8, "client"),
        failed(connect(9, "127.0.0.1:1"), "ECONNREFUSED", "Connection refused"),
        connect(10, "127.0.0.1:43817"),
        accept(11),
        send(12, "client", LOGIN),
        recv(13, "server/1", LOGIN),
        said(14, Some("mei"), "hello"),
        under(recv(15, "server/1", b""), Circumstance::EndOfFile),
        close(16, "server/1"),
        done(17),
    ]
}

#[test]
fn a_chat_in_eighty_columns() {
    is("a-chat-in-eighty-columns", at(80, &chat()));
}

#[test]
fn a_chat_in_sixty_columns() {
    is("a-chat-in-sixty-columns", at(60, &chat()));
}

#[test]
fn a_chat_in_a_hundred_and_twenty_columns() {
    is("a-chat-in-a-hundred-and-twenty-columns", at(120, &chat()));
}

#[test]
fn a_chat_in_colour() {
    let options = Options { width: 80, explain: Explain::Short, stepped: false };
    let shown = text(options, true, &chat());
    is("a-chat-in-colour", shown.replace('\x1b', "^"));
}

#[test]
fn unexplained() {
    is("unexplained", explained(Explain::None, &chat()[..5]));
}

#[test]
fn explained_in_full_once_each() {
    let refused = |seq| failed(connect(seq, "127.0.0.1:1"), "ECONNREFUSED", "Connection refused");
    is(
        "explained-in-full-once-each",
        explained(Explain::Full, &[reuse(1, 1), refused(2), refused(3), reuse(4, 1)]),
    );
}

#[test]
fn why_is_shown_once_and_again_when_something_differs() {
    let events = [
        reuse(1, 1),
        reuse(2, 1),
        reuse(3, 0),
        bind(4, "127.0.0.1:0"),
        failed(bind(5, "127.0.0.1:0"), "EADDRINUSE", "Address already in use"),
        bind(6, "0.0.0.0:8888"),
        bind(7, "127.0.0.1:8888"),
        bind(8, "127.0.0.1:0"),
    ];
    is("why-is-shown-once-and-again-when-something-differs", at(80, &events));
}

#[test]
fn errors_by_their_circumstance() {
    let fails = |event, circumstance| under(failed(event, "EAGAIN", "Try again"), circumstance);
    let events = [
        fails(recv(1, "client", b""), Circumstance::TimedOut),
        fails(recv(2, "client", b""), Circumstance::WouldBlock),
        failed(recv(3, "client", b""), "ECONNRESET", "Connection reset by peer"),
        failed(send(4, "client", b"never sent"), "EPIPE", "Broken pipe"),
        under(send(5, "client", b"half"), Circumstance::Partial),
        failed(close(6, "client"), "EWEIRD", "Nobody has written about this"),
        unknown_name(7),
    ];
    is("errors-by-their-circumstance", at(80, &events));
}

#[test]
fn states() {
    let events = [
        state(1, Some("FIN_WAIT2")),
        state(2, Some("TIME_WAIT")),
        state(3, Some("FIN_WAIT2")),
        state(4, None),
    ];
    is("states", at(80, &events));
}

#[test]
fn wide_characters_keep_the_columns() {
    let chat = "{\"type\":\"chat\",\"content\":\"大家好，我是小梅\"}\n".repeat(9);
    let events = [
        recv(1, "服务器", chat.as_bytes()),
        said(2, Some("小梅"), &"今天我们学习套接字编程，".repeat(6)),
        send(3, "a very long name indeed", b"ok"),
        close(4, "服务器"),
    ];
    is("wide-characters-keep-the-columns", at(60, &events));
}

#[test]
fn a_hostile_peer_cannot_move_the_cursor() {
    let hostile = "\x1b[2J\x07\u{9b}1A\u{202e}evil\u{200b}\r\nC:\\";
    let events = [
        recv(1, "server", hostile.as_bytes()),
        recv(2, "server", b"\xff\xfe\xe5\xa5"),
        said(3, Some("\x1b[31mmei"), hostile),
        said(4, None, hostile),
        note(5, hostile, "tcp-server.ready", Args::default().with("address", hostile.to_owned())),
        resolved(6, hostile, &[], None),
    ];
    is("a-hostile-peer-cannot-move-the-cursor", at(80, &events));
}

#[test]
fn escapes_are_not_torn() {
    is(
        "escapes-are-not-torn",
        at(40, &[recv(1, "server", "\x1b\u{202e}\n".repeat(20).as_bytes())]),
    );
}

#[test]
fn marks_without_width_do_not_go_on_for_ever() {
    let shown = at(80, &[recv(1, "server", "e\u{301}\u{302}".repeat(800).as_bytes())]);
    assert!(shown.lines().count() <= 6 && shown.len() < 6_000, "{}", shown.len());
}

#[test]
fn many_actors_are_told_apart() {
    let names = [
        "server", "client", "server/1", "server/2", "server/3", "server/4", "server/5", "server/6",
    ];
    let more = ["server/7", "server/1000000000", "server"];
    let closes: Vec<Event> =
        (1..).zip(names.iter().chain(&more)).map(|(seq, name)| close(seq, name)).collect();
    is("many-actors-are-told-apart", explained(Explain::None, &closes));
}

#[test]
fn calls_are_counted_as_they_begin() {
    let (first, second) = (accept(1), close(3, "client"));
    is(
        "calls-are-counted-as-they-begin",
        explained(Explain::None, &[begin(&first), begin(&second), ready(5), second, first]),
    );
}

#[test]
fn stepped_calls_are_announced_and_their_result_follows() {
    let options = Options { width: 80, explain: Explain::Short, stepped: true };
    let refused = failed(connect(3, "127.0.0.1:1"), "ECONNREFUSED", "Connection refused");
    let (bound, accepted) = (bind(1, "127.0.0.1:0"), accept(2));
    let mut closed = close(4, "server");
    closed.actor = "server".into();
    let steps = [bound, accepted, refused];
    let mut events: Vec<Event> =
        steps.iter().flat_map(|step| [begin(step), step.clone()]).collect();
    // Somebody else speaks before it returns.
    events.extend([begin(&closed), said(5, Some("mei"), "hello"), closed]);
    is("stepped-calls-are-announced-and-their-result-follows", text(options, false, &events));
}

#[test]
fn notes_tables_and_a_narrator_without_a_name() {
    let table = |seq| note(seq, "main", "socket-types.table", Args::default());
    let events = [
        table(1),
        ready(2),
        note(3, "", "tcp-server.ready", Args::default()),
        note(4, "a", "no.such", Args::default()),
    ];
    is("notes-tables-and-a-narrator-without-a-name", at(80, &events));
}

#[test]
fn quiet_leaves_what_was_said() {
    let _alone = COLOR.lock().unwrap_or_else(|failed| failed.into_inner());
    let written = Arc::new(Mutex::new(String::new()));
    let output = Output::new(Box::new(io::sink()));
    let sink = Arc::clone(&written);
    output.set_sink(Box::new(move |text| {
        sink.lock().unwrap().push_str(text);
        Ok(())
    }));
    let quiet = Quiet::new(Arc::new(Text::new(output, Options::default())), true);
    colored::control::set_override(false);
    chat().iter().for_each(|event| quiet.observe(event));
    let written = written.lock().unwrap();
    let lines: Vec<&str> = written.lines().collect();
    let [ready, said] = lines[..] else { panic!("{written}") };
    assert!(ready.starts_with("ready on 127.0.0.1:") && said.starts_with("» "), "{written}");
}

/// The renderer waits a moment before it calls a call waiting. The test waits for the line, however long that takes.
#[test]
fn a_call_that_does_not_return_is_shown_as_waiting() {
    let _alone = COLOR.lock().unwrap_or_else(|failed| failed.into_inner());
    colored::control::set_override(false);
    let (lines, written) = mpsc::channel();
    let output = Output::new(Box::new(io::sink()));
    output.set_sink(Box::new(move |text| lines.send(text.to_owned()).map_err(io::Error::other)));
    let text = Text::new(output, Options::default());
    let accepted = accept(1);
    let waits = Call { waits: true, ..call("accept", 3, Args::default()) };
    text.observe(&Event { kind: Kind::Begin(waits), ..accepted.clone() });
    assert_eq!(written.recv().unwrap(), "  1 ● server   accept(3) ... waiting\n");
    text.observe(&accepted);
    let shown = written.recv().unwrap();
    assert!(shown.starts_with("  1 ● server   accept(3, [127.0.0.1:40222]) = 4"), "{shown}");
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    let mut events = chat();
    let scoped = "[fe80:1234:5678:9abc:def0:1234:5678:9abc%4294967295]:65535";
    events.extend([
        bind(20, scoped),
        recv(21, "server/100", &[0xff; 3000]),
        said(22, Some("小梅"), &"没有空格的长句子".repeat(40)),
        said(23, None, &"x".repeat(500)),
        resolved(24, &"long.".repeat(50), &[scoped; 6], None),
        unknown_name(25),
        state(26, Some("LAST_ACK")),
        state(27, None),
        note(28, "main", "socket-types.table", Args::default()),
        failed(connect(29, scoped), "EHOSTUNREACH", "No route to host"),
    ]);
    for width in [40, 47, 60, 80, 81, 100, 120] {
        for line in
            text(Options { width, explain: Explain::Full, stepped: true }, false, &events).lines()
        {
            let columns = unicode_width::UnicodeWidthStr::width(line);
            assert!(columns <= width, "{columns} columns of {width}: {line}");
        }
    }
}
