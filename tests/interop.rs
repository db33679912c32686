//! Whoever speaks the protocol is understood: peers that read and write as the source document's do, one `send` a
//! message and one `recv(4096)` for one message, at either end; and lines typed by hand, as `nc` sends them.
//!
//! Such peers lose what arrives joined. So they take turns here: nobody speaks before the last words were heard.

#![cfg(unix)]

mod support;

use std::net::TcpListener;

use serde_json::{Value, json};
use socklab::narrate::event::{Circumstance, Event, Kind};
use support::program::Program;
use support::python::Peer;
use support::raw::Client;
use support::server::Server;

fn source_client(port: u16) -> Peer {
    Peer::start("source_client.py", &["localhost", &port.to_string()])
}

fn source_client_in(port: u16, name: &str) -> Peer {
    let mut client = source_client(port);
    client.tell(&json!({"type": "login", "username": name, "password": "p"}));
    let welcome = client.got_a("login_response");
    assert_eq!(welcome["success"], true, "{welcome}");
    client
}

/// A server in the source's manner, and its port.
fn source_server(args: &[&str]) -> (Peer, String) {
    let mut server = Peer::start("source_server.py", args);
    let port = server.report()["port"].to_string();
    (server, port)
}

#[test]
fn the_sources_clients_talk_in_our_room() {
    let server = Server::start(&[]);
    let mut mei = source_client_in(server.port, "小梅");
    let mut ada = source_client_in(server.port, "ada");

    mei.tell(&json!({"type": "chat", "username": "小梅", "content": "早上好, ada"}));
    let heard = ada.got_a("chat_message");
    assert_eq!((&heard["username"], &heard["content"]), (&json!("小梅"), &json!("早上好, ada")));
    assert!(heard["timestamp"].is_f64(), "{heard}");

    ada.tell(&json!({"type": "chat", "username": "ada", "content": "good morning"}));
    let heard = mei.got_a("chat_message");
    assert_eq!((&heard["username"], &heard["content"]), (&json!("ada"), &json!("good morning")));

    mei.tell(&json!({"type": "logout", "username": "小梅"}));
    assert_eq!(mei.got_a("logout_response")["success"], true);
    mei.sees_the_end();
    mei.leave();
    ada.leave();
    server.stop();
}

#[test]
fn the_user_id_is_address_port_and_time_of_arrival() {
    let server = Server::start(&[]);
    let mut client = Client::connect(server.port);
    let answer = client.ask_to_log_in("mei");
    let id = answer["user_id"].as_str().expect("a string");
    let (address, seconds) = id.rsplit_once(':').expect("IP:PORT:SECONDS");
    assert_eq!(address, client.address().to_string());
    assert!(seconds.parse::<u64>().is_ok_and(|seconds| seconds > 1_700_000_000), "{id}");
    drop(client);
    server.stop();
}

#[test]
fn a_source_client_that_just_leaves_gives_its_name_back() {
    let mut server = Server::start(&[]);
    let ada = source_client_in(server.port, "ada");
    ada.leave();
    // By the time its descriptor is closed, it is out of the room.
    server.program.wait_for("close of the client's socket", closes);
    source_client_in(server.port, "ada").leave();
    server.stop();
}

fn closes(event: &Event) -> Option<()> {
    match &event.kind {
        Kind::Call(ended) if ended.call.call == "close" => Some(()),
        _ => None,
    }
}

#[test]
fn our_client_talks_in_the_sources_room() {
    let (mut server, port) = source_server(&[]);
    let args =
        ["tcp-client", "--port", &port, "--user", "mei", "--password", "p", "--gap", "500ms"];
    let client = Program::start(
        &[&args[..], &["--send", "one", "--send", "二", "--send", "three"]].concat(),
    );

    assert_eq!(server.report(), json!({"came": true}));
    let login = json!({"type": "login", "username": "mei", "password": "p"});
    assert_eq!(server.got(), login);
    for words in ["one", "二", "three"] {
        assert_eq!(server.got_a("chat")["content"], words);
    }
    assert_eq!(server.got_a("logout")["username"], "mei");
    assert_eq!(server.report(), json!({"end": "logged out"}));
    let finished = client.finish();
    assert_eq!((finished.code, finished.errors.as_str()), (0, ""));
    let text = finished.text();
    assert!(text.contains("TCP_NODELAY"), "small messages would be joined:\n{text}");
    assert!(text.contains("mei，你好！") && text.contains("mei，再会！"), "{text}");
    server.leave();
}

#[test]
fn our_client_reads_messages_joined_and_split() {
    let (mut server, port) = source_server(&["--silent"]);
    let mut client =
        Program::start(&["tcp-client", "--port", &port, "--user", "mei", "--format", "json"]);
    assert_eq!(server.report(), json!({"came": true}));
    assert_eq!(server.got()["type"], "login");

    let welcome =
        json!({"type": "login_response", "success": true, "message": "你好", "user_id": "1"});
    let chat = |words: &str| json!({"type": "chat_message", "username": "小梅", "content": words, "timestamp": 1.5});
    send(&mut server, format!("{welcome}{}", chat("joined")).as_bytes());
    heard(&mut client, "joined");

    let whole = chat("早上好").to_string();
    let cut = whole.find('好').expect("it is there") + 1;
    send(&mut server, &whole.as_bytes()[..cut]);
    client.wait_for("first half", |event| receives(event, |bytes| bytes.ends_with(&[0xe5])));
    send(&mut server, &whole.as_bytes()[cut..]);
    heard(&mut client, "早上好");

    client.close_input();
    assert_eq!(server.got()["type"], "logout");
    send(&mut server, br#"{"type":"logout_response","success":true,"message":"bye"}"#);
    let finished = client.finish();
    assert_eq!((finished.code, finished.errors.as_str()), (0, ""));
    assert_eq!(server.report(), json!({"end": "closed"}));
    server.leave();
}

/// Tells the peer to send `bytes` in one `send`.
fn send(server: &mut Peer, bytes: &[u8]) {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    server.tell(&json!({"send": hex}));
}

fn heard(client: &mut Program, words: &str) {
    client.wait_for(words, |event| match &event.kind {
        Kind::Message(message) if message.text == words => {
            assert_eq!(message.from.as_deref(), Some("小梅"));
            Some(())
        }
        _ => None,
    });
}

/// A `recv` whose bytes are as `which` wants them.
fn receives(event: &Event, which: impl Fn(&[u8]) -> bool) -> Option<()> {
    match &event.kind {
        Kind::Call(ended) if ended.call.call == "recv" => {
            ended.call.data.as_ref().filter(|data| which(&data.bytes)).map(|_| ())
        }
        _ => None,
    }
}

#[test]
fn lines_typed_by_hand_are_understood() {
    let server = Server::start(&[]);
    let mut ada = Client::log_in(server.port, "ada");
    let mut typed = Client::connect(server.port);
    typed.send("{ \"type\" : \"login\", \"username\" : \"mei\", \"password\" : \"p\" }\r\n\r\n");
    assert_eq!(typed.expect("login_response")["success"], true);
    typed.send("{\"type\":\"chat\",\n \"content\":\"two\\u0020lines\"}\n");
    ada.hears("mei", "two lines");
    typed.send("hello?\n");
    typed.expect("error");
    typed.send(r#"{"type":"chat","content":"no newline"}"#);
    ada.hears("mei", "no newline");
    drop((ada, typed));
    server.stop();
}

/// `printf ... | nc`: all at once, then end of file. The answers still come.
#[test]
fn who_sends_everything_and_then_its_end_is_answered() {
    let mut server = Server::start(&[]);
    let mut ada = Client::log_in(server.port, "ada");
    let mut client = Client::connect(server.port);
    client.send("{\"type\":\"login\",\"username\":\"mei\",\"password\":\"p\"}\n");
    client.send("{\"type\":\"chat\",\"content\":\"hi\"}\n{\"type\":\"ping\"}\n");
    client.stop_sending();
    let kinds: Vec<Value> = client.rest().iter().map(|message| message["type"].clone()).collect();
    assert_eq!(kinds, ["login_response", "error"]);
    ada.hears("mei", "hi");
    server.program.wait_for("end of file", |event| match &event.kind {
        Kind::Call(ended) => (ended.circumstance == Some(Circumstance::EndOfFile)).then_some(()),
        _ => None,
    });
    drop((ada, client));
    server.stop();
}

#[test]
fn words_go_out_under_the_name_that_logged_in_unless_the_server_is_trusting() {
    for (args, name) in [(&[][..], "mei"), (&["--trusting"][..], "ada")] {
        let server = Server::start(args);
        let mut listener = Client::log_in(server.port, "listener");
        let mut mei = Client::log_in(server.port, "mei");
        mei.say(&json!({"type": "chat", "username": "ada", "content": "it is me"}));
        listener.hears(name, "it is me");
        drop((listener, mei));
        server.stop();
    }
}

/// The source's own example never waits to be let in: towards a trusting server it may chat at once.
#[test]
fn a_trusting_server_takes_words_from_who_is_not_logged_in() {
    let server = Server::start(&["--trusting"]);
    let mut ada = source_client_in(server.port, "ada");
    let mut hasty = source_client(server.port);
    hasty.tell(&json!({"type": "chat", "username": "hasty", "content": "already here"}));
    assert_eq!(ada.got_a("chat_message")["username"], "hasty");
    hasty.leave();
    ada.leave();
    server.stop();
}

#[test]
fn our_client_and_our_server_understand_each_other() {
    let server = Server::start(&[]);
    let port = server.port.to_string();
    let mut ada = Client::log_in(server.port, "ada");
    let client = Program::start(&[
        "tcp-client",
        "--port",
        &port,
        "--user",
        "小梅",
        "--send",
        "你好 \"ada\"",
    ]);
    ada.hears("小梅", "你好 \"ada\"");
    let finished = client.finish();
    assert_eq!((finished.code, finished.errors.as_str()), (0, ""));
    let text = finished.text();
    assert!(!text.contains(r#""type":"error""#), "the server found something wrong:\n{text}");
    drop(ada);
    server.stop();
}

#[test]
fn over_ipv6() {
    if let Err(why) = TcpListener::bind("[::1]:0") {
        support::skipped(&format!("no IPv6 on this machine: {why}"));
        return;
    }
    let server = Server::start(&["--host", "::1"]);
    let port = server.port.to_string();
    let args = ["tcp-client", "--host", "[::1]", "--port", &port, "--user", "mei", "--send", "hi"];
    let finished = Program::start(&args).finish();
    assert_eq!((finished.code, finished.errors.as_str()), (0, ""));
    assert!(finished.text().contains(&format!("[::1]:{port}")), "{}", finished.text());
    server.stop();
}
