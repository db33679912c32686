//! Whatever a client does, the server tells it what is wrong or drops it, serves the others on, and keeps nothing of it:
//! no thread, no descriptor, no memory. A server cannot do more to a client either.

#![cfg(target_os = "linux")]

mod support;

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

/// The longest message, by default.
const MAX_MESSAGE: usize = 64 * 1024;

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

/// A chat of exactly so many bytes, and what is said in it.
fn chat_of_length(length: usize) -> (String, String) {
    let words = "x".repeat(length - chat_of("").len());
    (chat_of(&words), words)
}

#[test]
fn one_byte_at_a_time() {
    survives(|server, ada| {
        let mut slow = Client::connect(server.port);
        slow.send_byte_by_byte(r#"{"type":"login","username":"slow","password":"p"}"#);
        assert_eq!(slow.expect("login_response")["success"], true);
        slow.send_byte_by_byte(chat_of("早上好 \"ada\" {"));
        ada.hears("slow", "早上好 \"ada\" {");
    });
}

#[test]
fn forty_messages_in_one_segment() {
    survives(|server, ada| {
        let mut hasty = Client::connect(server.port);
        let mut segment =
            json!({"type": "login", "username": "hasty", "password": "p"}).to_string();
        (1..=38).for_each(|number| segment += &chat_of(&format!("message {number}")));
        hasty.send(segment + r#"{"type":"logout"}"#);
        (1..=38).for_each(|number| ada.hears("hasty", &format!("message {number}")));
        let kinds: Vec<Value> = hasty.rest().iter().map(|answer| answer["type"].clone()).collect();
        assert_eq!(kinds, ["login_response", "logout_response"]);
    });
}

#[test]
fn a_character_cut_in_half() {
    survives(|server, ada| {
        let mut client = Client::log_in(server.port, "mei");
        let chat = chat_of("好");
        let cut = chat.find('好').expect("it is there") + 2;
        client.send(&chat.as_bytes()[..cut]);
        // The rest goes out when the first part has certainly been read by itself.
        server.program.wait_for("half a character", |event| received(event, &[0xe5, 0xa5]));
        client.send(&chat.as_bytes()[cut..]);
        ada.hears("mei", "好");
    });
}

/// A `recv` that ends in these bytes.
fn received(event: &Event, end: &[u8]) -> Option<()> {
    match &event.kind {
        Kind::Call(ended) if ended.call.call == "recv" => {
            ended.call.data.as_ref().filter(|data| data.bytes.ends_with(end)).map(|_| ())
        }
        _ => None,
    }
}

#[test]
fn invalid_utf_8() {
    survives(|server, _| {
        is_told(server.port, b"{\"type\":\"chat\",\"content\":\"\xff\xfe\"}", 1);
        is_told(server.port, b"{\"type\":\"chat\",\"content\":\"\xe5\xa5\"}\n", 1);
        is_told(server.port, b"\xff\xfe\x00 {}\n", 1);
        is_told(server.port, b"{\"type\":\"chat\",\"content\":\"\xed\xa0\x80\"}", 1);
    });
}

#[test]
fn what_is_not_json() {
    survives(|server, _| {
        is_told(server.port, "hello\n", 1);
        is_told(server.port, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 2);
        is_told(server.port, "\x16\x03\x01\x02\x00\x01{}\n", 1);
        is_told(server.port, "{\"type\":\"chat\",}", 1);
        is_told(server.port, "{'type':'chat'}", 1);
        is_told(server.port, "{}}{\n", 2);
        is_told(server.port, "\0\0\0\0\n", 1);
    });
}

#[test]
fn json_that_is_no_object() {
    survives(|server, _| {
        for text in ["[1,2]\n", "\"login\"\n", "42\n", "null\n", "[{\"type\":\"logout\"}]\n"] {
            is_told(server.port, text, 1);
        }
    });
}

#[test]
fn fields_that_are_missing_or_of_wrong_types() {
    survives(|server, _| {
        for text in [
            "{}",
            r#"{"type":null}"#,
            r#"{"type":{"type":"login"}}"#,
            r#"{"type":"login","username":5,"password":"p"}"#,
            r#"{"type":"login","username":"mei","password":["p"]}"#,
            r#"{"type":"chat","content":{"text":"hi"}}"#,
            r#"{"type":"chat"}"#,
            r#"{"type":"chat","content":7}"#,
        ] {
            is_told(server.port, text, 1);
        }
    });
}

#[test]
fn a_type_that_does_not_exist_is_named() {
    survives(|server, _| {
        let told = is_told(server.port, r#"{"type":"dance"}"#, 1);
        assert!(
            told[0]["message"].as_str().is_some_and(|words| words.contains("dance")),
            "{told:?}"
        );
    });
}

#[test]
fn deep_nesting() {
    survives(|server, _| {
        let depth = 6000;
        let objects = format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
        is_told(server.port, objects, 1);
        let arrays = format!(r#"{{"type":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
        is_told(server.port, arrays, 1);
        is_told(server.port, format!("{}\n", "[".repeat(depth)), 1);
    });
}

/// Ten megabytes that never end: in an object, and in something that is none.
#[test]
fn ten_megabytes_without_a_newline() {
    survives(|server, _| {
        for beginning in [r#"{"type":"chat","content":""#, "x"] {
            let mut flood = Client::log_in(server.port, "flood");
            flood.send(beginning);
            let piece = "x".repeat(64 * 1024);
            // The server may hang up before it has all been sent.
            let _ = (0..160).try_for_each(|_| flood.try_send(&piece));
            let told = flood.rest();
            assert!(told.iter().all(|message| message["type"] == "error"), "{told:?}");
        }
    });
}

#[test]
fn the_longest_message_and_one_byte_more() {
    survives(|server, ada| {
        let mut mei = Client::log_in(server.port, "mei");
        let (longest, words) = chat_of_length(MAX_MESSAGE);
        mei.send(longest);
        ada.hears("mei", &words);
        let (longer, _) = chat_of_length(MAX_MESSAGE + 1);
        mei.send(longer);
        mei.expect("error");
        mei.is_over();
    });
}

/// A client that goes on sending when it is dismissed, more than any buffer holds, reads why all the same: closing with
/// something unread would reset the connection.
#[test]
fn who_is_dismissed_can_read_why() {
    survives_quietly(|server, _| {
        let mut mei = Client::log_in(server.port, "mei");
        mei.send("{".repeat(16 * 1024 * 1024));
        mei.expect("error");
        mei.stop_sending();
        mei.is_over();
    });
}

/// Thousands of errors, and nobody who reads them: the room for what is not read has a bound here too.
#[test]
fn complaints_that_nobody_reads() {
    survives_quietly(|server, _| {
        let mut deaf = deaf_client(server.port);
        while deaf.try_send("?\n".repeat(10_000)).is_ok() {}
    });
}

/// Clients are waiting, and there is no descriptor left to accept them with. When others leave, there is.
#[test]
fn more_clients_than_descriptors() {
    let mut command = Command::new("sh");
    let script = r#"ulimit -n 24 && exec "$0" tcp-server --port 0 --format json"#;
    command.args(["-c", script, env!("CARGO_BIN_EXE_socklab")]);
    let mut program = Program::run(plain(command, &[]));
    let port = ready(&mut program);
    let waiting: Vec<Client> = (0..40).map(|_| Client::connect(port)).collect();
    program.wait_for("EMFILE", |event| match &event.kind {
        Kind::Call(ended) => {
            ended.error.as_ref().filter(|error| error.name == "EMFILE").map(|_| ())
        }
        _ => None,
    });
    drop(waiting);
    let server = Server { program, port };
    server.serves();
    server.stop();
}

/// No thread can be had for some who come: they are let go, and nothing of them is kept.
#[test]
fn more_clients_than_threads() {
    let Some(mut command) = with_few_threads() else {
        println!("skipped: no way to limit the threads of one process here");
        return;
    };
    command.args(["tcp-server", "--port", "0", "--format", "json", "--log", "off"]);
    let mut program = Program::run(command);
    let port = ready(&mut program);
    let ada = Client::log_in(port, "ada");
    let before = Footprint::of(program.pid());
    let more: Vec<Client> = (0..20).map(|_| Client::connect(port)).collect();
    // The last of them is in the room, or let go.
    let mut last = Client::connect(port);
    let _ = last.try_send("?\n");
    last.line();
    drop((more, last));
    before.comes_back(SLACK_KIB);
    drop(ada);
    Server { program, port }.stop();
}

/// socklab with few threads at its disposal: as root, a user of its own; else, a user namespace.
fn with_few_threads() -> Option<Command> {
    let as_root = ["setpriv", "--reuid", "61234", "--clear-groups"].as_slice();
    let as_user = ["unshare", "-U"].as_slice();
    let limited = |prefix: &[&str]| {
        let mut command = plain(Command::new(prefix[0]), &prefix[1..]);
        command.args(["prlimit", "--nproc=12", env!("CARGO_BIN_EXE_socklab")]);
        command
    };
    let works = |prefix: &&[&str]| {
        limited(prefix).arg("--version").output().is_ok_and(|done| done.status.success())
    };
    [as_root, as_user].into_iter().find(works).map(limited)
}

#[test]
fn a_reset_in_mid_message() {
    survives(|server, _| {
        for name in ["first", "second", "third"] {
            let mut rude = Client::log_in(server.port, name);
            rude.send(r#"{"type":"chat","content":"I was about to"#);
            rude.reset();
        }
        Client::connect(server.port).reset();
    });
}

#[test]
fn a_message_that_ends_with_the_connection() {
    survives(|server, _| {
        let mut client = Client::log_in(server.port, "mei");
        client.send(r#"{"type":"chat","content":"I was about to"#);
        client.stop_sending();
        client.rest();
    });
}

#[test]
fn two_hundred_clients_that_connect_and_leave() {
    survives(|server, ada| {
        for number in 0..200 {
            let mut client = Client::connect(server.port);
            match number % 4 {
                0 => drop(client),
                1 => client.reset(),
                2 => drop(Client::log_in(server.port, &format!("guest {number}"))),
                _ => client.send(r#"{"type":"lo"#),
            }
        }
        let mut last = Client::log_in(server.port, "last");
        last.chat("still there?");
        ada.hears("last", "still there?");
    });
}

#[test]
fn two_hundred_clients_at_the_same_time() {
    survives(|server, _| {
        let mut guests: Vec<Client> = (0..200)
            .map(|number| Client::log_in(server.port, &format!("guest {number}")))
            .collect();
        guests[0].chat("hello, everybody");
        guests[1..].iter_mut().for_each(|guest| guest.hears("guest 0", "hello, everybody"));
    });
}

/// A room for two: who comes third is told so, and may come in when one has left.
#[test]
fn one_client_more_than_fits() {
    let server = Server::start(&["--max-clients", "2"]);
    let mut ada = Client::log_in(server.port, "ada");
    let before = Footprint::of(server.program.pid());
    let mei = Client::log_in(server.port, "mei");
    for _ in 0..3 {
        let mut late = Client::connect(server.port);
        late.expect("error");
        late.is_over();
    }
    ada.say(&json!({"type": "dance"}));
    ada.expect("error");
    drop(mei);
    // When the server knows that she has left is its affair.
    assert!(eventually(|| comes_in(server.port)), "the room stays full");
    before.comes_back(SLACK_KIB);
    drop(ada);
    server.stop();
}

/// Whether there is room for a newcomer.
fn comes_in(port: u16) -> bool {
    let mut newcomer = Client::connect(port);
    let asked = newcomer.try_send(json!({"type": "logout"}).to_string());
    asked.is_ok() && newcomer.line().is_some_and(|answer| answer.contains("logout_response"))
}

/// However many are on their way out and take their time: the server has a bound for them, and serves again.
#[test]
fn clients_that_log_out_and_stay() {
    let server = Server::start(&["--max-clients", "1"]);
    let tasks = format!("/proc/{}/task", server.program.pid());
    let threads = || std::fs::read_dir(&tasks).expect("the server runs").count();
    let mut staying = Vec::new();
    let mut most = 0;
    for _ in 0..100 {
        let mut client = Client::connect(server.port);
        let _ = client.try_send(json!({"type": "logout"}).to_string());
        staying.push(client);
        most = most.max(threads());
    }
    // Two threads for each of 17 connections, and the server's own.
    assert!(most <= 2 * 17 + 8, "{most} threads");
    drop(staying);
    assert!(eventually(|| comes_in(server.port)), "it serves nobody any more");
    server.stop();
}

/// One client never reads; what another says is heard by the third all the same; and the first is let go, which is said.
#[test]
fn a_client_that_never_reads() {
    survives(|server, ada| {
        let deaf = deaf_client(server.port);
        let mut mei = Client::log_in(server.port, "mei");
        let let_go = |event: &Event| match &event.kind {
            Kind::Note(note) => note.note == "tcp-server.outbox-full",
            _ => false,
        };
        talk_at_length(&mut mei, ada, || server.program.events_so_far().iter().any(let_go));
        server
            .program
            .wait_for("word of the client that was let go", |event| let_go(event).then_some(()));
        let cut = |event: &Event| match &event.kind {
            Kind::Note(note) => (note.note == "tcp-server.client-cut").then_some(()),
            _ => None,
        };
        server.program.wait_for("word that the server cut it", cut);
        drop(deaf);
    });
}

/// Somebody in the room who has little space for what comes, and never looks at it.
fn deaf_client(port: u16) -> Client {
    let mut deaf = Client::connect(port);
    deaf.read_little();
    deaf.ask_to_log_in("deaf");
    deaf
}

/// Says 12 MB, message by message, each when the last was heard, unless it is `enough` before.
fn talk_at_length(speaker: &mut Client, listener: &mut Client, mut enough: impl FnMut() -> bool) {
    let words = "x".repeat(60_000);
    for _ in 0..200 {
        speaker.chat(&words);
        listener.hears("mei", &words);
        if enough() {
            return;
        }
    }
}

#[test]
fn two_clients_of_one_name() {
    survives(|server, ada| {
        let mut first = Client::log_in(server.port, "mei");
        let mut second = Client::connect(server.port);
        assert_eq!(second.ask_to_log_in("mei")["success"], false);
        second.chat("I am mei");
        second.expect("error");
        first.chat("I am mei");
        ada.hears("mei", "I am mei");
        second.hears("mei", "I am mei");
        first.say(&json!({"type": "logout"}));
        first.expect("logout_response");
        first.is_over();
        assert_eq!(second.ask_to_log_in("mei")["success"], true);
    });
}

#[test]
fn everything_out_of_turn() {
    survives(|server, ada| {
        let mut client = Client::connect(server.port);
        client.chat("before login");
        client.expect("error");
        client.ask_to_log_in("mei");
        client.say(&json!({"type": "login", "username": "other", "password": "p"}));
        client.expect("error");
        client.chat("");
        client.expect("error");
        client.chat("still mei");
        ada.hears("mei", "still mei");
        let mut stranger = Client::connect(server.port);
        stranger.say(&json!({"type": "logout"}));
        stranger.expect("logout_response");
        stranger.is_over();
    });
}

#[test]
fn names_have_1_to_64_characters() {
    survives(|server, _| {
        let longest = "好".repeat(64);
        for (name, fits) in [("", false), (&*format!("{longest}!"), false), (&longest, true)] {
            let mut client = Client::connect(server.port);
            assert_eq!(client.ask_to_log_in(name)["success"], fits, "{name}");
        }
        let mut client = Client::connect(server.port);
        client.say(&json!({"type": "login", "username": "mei", "password": ""}));
        assert_eq!(client.expect("login_response")["success"], false);
    });
}

/// What a peer says never reaches the terminal as it is: not its name, not its words, not what is no message.
#[test]
fn names_with_terminal_escapes() {
    let mut program = Program::start(&["tcp-server", "--port", "0", "--explain", "full"]);
    let port = program.wait_for_line("port", port_in);
    let evil = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}\r";
    let mut ada = Client::log_in(port, "ada");
    let mut client = Client::connect(port);
    if client.ask_to_log_in(evil)["success"] == false {
        client.ask_to_log_in("evil");
    }
    client.chat(evil);
    assert_eq!(ada.expect("chat_message")["content"], evil);
    client.send(format!("{{\"type\":\"{evil}\"}}\n{evil}\n"));
    client.expect("error");
    client.expect("error");
    program.signal(Signal::SIGTERM);
    ada.expect("error");
    drop((ada, client));
    let finished = program.wait();
    ended_well(&finished);
    let text = finished.text();
    assert!(text.contains("owned"), "the name is narrated, made visible");
    for raw in ['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}', '\r'] {
        assert!(!text.contains(raw), "{raw:?} reached the terminal");
    }
}

#[test]
fn a_quiet_server_survives_as_well() {
    survives_quietly(|server, ada| {
        is_told(server.port, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 2);
        is_told(server.port, b"{\"type\":\"chat\",\"content\":\"\xff\"}", 1);
        let mut rude = Client::log_in(server.port, "rude");
        rude.send(chat_of("last words") + r#"{"type":"#);
        ada.hears("rude", "last words");
        rude.reset();
    });
}

/// A reader that looks at all it has again whenever a byte comes takes minutes for this.
#[test]
fn the_longest_message_byte_by_byte() {
    survives_quietly(|server, ada| {
        let mut mei = Client::log_in(server.port, "mei");
        let (longest, words) = chat_of_length(MAX_MESSAGE);
        mei.send_byte_by_byte(longest);
        ada.hears("mei", &words);
    });
}

#[test]
fn twelve_megabytes_beside_a_client_that_never_reads() {
    survives_quietly(|server, ada| {
        let deaf = deaf_client(server.port);
        let mut mei = Client::log_in(server.port, "mei");
        talk_at_length(&mut mei, ada, || false);
        deaf
    });
}

/// A server that talks faster than its client listens has to wait: what the client has not shown yet is bounded.
#[test]
fn a_server_that_floods_a_client() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("a port").port().to_string();
    // Between its two chats the client listens to nobody for an hour.
    let busy =
        ["tcp-client", "--port", &port, "--send", "a", "--send", "b", "--gap", "1h", "--quiet"];
    let client = Program::start(&busy);
    let mut server = Client::over(listener.accept().expect("the client comes").0);
    server.line();
    server.say(&json!({"type": "login_response", "success": true, "message": "welcome"}));
    server.line();
    let before = peak_kib(client.pid());
    let chat = json!({"type": "chat_message", "username": "flood", "content": "x".repeat(60_000)});
    server.gives_up_after(Duration::from_secs(1));
    let _ = (0..600).try_for_each(|_| server.try_send(chat.to_string()));
    let grown = peak_kib(client.pid()) - before;
    assert!(grown < SLACK_KIB, "{grown} KiB of what the server said");
}
