//! What goes wrong between the client and its server, and how the client goes.

use super::*;

#[test]
fn a_refused_port() {
    let (held, port) = refusing_port();
    let finished = run(&["tcp-client", "--port", &port.to_string()]);
    fails_with(&finished, 1, &["connect", &format!("127.0.0.1:{port}"), "ECONNREFUSED"]);
    assert!(finished.errors.contains("socklab tcp-server"), "what to do: {}", finished.errors);
    drop(held);
}

/// A name with two addresses, and the server only on the one that the resolver puts last: the other is like the
/// address that the connection would come from, and so is preferred (RFC 6724).
#[cfg(target_os = "linux")]
#[test]
fn every_address_of_a_name_is_tried() {
    let Some(hosts) = Hosts::with("chat.test", &["127.0.0.9", "127.0.0.1"]) else {
        support::skipped("no mount namespace for a hosts file of our own");
        return;
    };
    let server = Server::start(&["--host", "127.0.0.9"]);
    let mut command = hosts.seen_by(env!("CARGO_BIN_EXE_socklab"));
    let port = server.port.to_string();
    command.args(["tcp-client", "--host", "chat.test", "--port", &port, "--send", "hi"]);
    let finished = Program::run(plain(command, &["--format", "json"])).finish();
    assert_eq!(finished.code, 0, "{}", finished.errors);
    let connects = |event: &Event| match &event.kind {
        Kind::Call(ended) if ended.call.call == "connect" => {
            Some((ended.call.args.get("addr")?.to_string(), ended.error.is_none()))
        }
        _ => None,
    };
    let tried: Vec<_> = finished.events().iter().filter_map(connects).collect();
    let address = |ip: &str| format!("{ip}:{port}");
    assert_eq!(tried, [(address("127.0.0.1"), false), (address("127.0.0.9"), true)]);
    server.stop();
}

#[test]
fn a_name_that_is_taken() {
    let server = Server::start(&[]);
    let mei = Client::log_in(server.port, "mei");
    let port = server.port.to_string();
    let finished = run(&["tcp-client", "--port", &port, "--user", "mei", "--send", "hi"]);
    fails_with(&finished, 1, &["mei"]);
    drop(mei);
    server.stop();
}

#[test]
fn a_room_that_is_full() {
    let server = Server::start(&["--max-clients", "0"]);
    let port = server.port.to_string();
    let finished = run(&["tcp-client", "--port", &port, "--send", "hi"]);
    fails_with(&finished, 1, &["full"]);
    assert!(!finished.errors.contains("--user"), "another name would not help");
    server.stop();
}

#[test]
fn a_server_that_stops() {
    let server = Server::start(&[]);
    let port = server.port.to_string();
    let mut ada = Client::log_in(server.port, "ada");
    let mut client = Program::start(&["tcp-client", "--port", &port, "--user", "mei"]);
    client.type_line("hello");
    ada.hears("mei", "hello");
    drop(ada);
    server.stop();
    fails_with(&client.wait(), 1, &["server"]);
}

/// A server in a few words: takes one client, reads its login, answers `answer`, and hangs up.
fn server_that_answers(answer: impl Into<Vec<u8>>) -> String {
    let answer = answer.into();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let (mut client, _) = listener.accept()?;
        BufReader::new(&client).read_line(&mut String::new())?;
        client.write_all(&answer)
    });
    port.to_string()
}

#[test]
fn a_server_that_hangs_up() {
    let port = server_that_answers(b"");
    fails_with(&run(&["tcp-client", "--port", &port, "--send", "hi"]), 1, &["server"]);
}

#[test]
fn a_server_that_answers_garbage() {
    for answer in [
        &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
        b"\xff\xfe\xfd\n",
        b"[1,2,3]\n",
        b"{\"type\":\"login_response\",\"success\":\"yes\"}",
        b"{\"type\":\"dance\"}",
        b"{\"type\":",
    ] {
        let port = server_that_answers(answer);
        let finished = run(&["tcp-client", "--port", &port, "--send", "hi"]);
        fails_with(&finished, 1, &["server"]);
    }
}

#[test]
fn a_server_that_does_not_come_to_an_end() {
    let port = server_that_answers("{".repeat(1024 * 1024));
    fails_with(&run(&["tcp-client", "--port", &port, "--send", "hi"]), 1, &["server", "long"]);
}

/// Neither the words of a message nor those of a refusal reach the terminal as they are.
#[test]
fn a_server_that_sends_terminal_escapes() {
    let evil = "\u{1b}[2J\u{9b}31m\u{202e}\u{7}";
    let refusal = json!({"type": "login_response", "success": false, "message": evil});
    let chat = json!({"type": "chat_message", "username": evil, "content": evil});
    for options in [&["--quiet"][..], &["--explain", "full"], &["--format", "json"]] {
        let port = server_that_answers(format!("{chat}{evil}\n{refusal}"));
        let args = ["tcp-client", "--port", &port, "--send", "hi"];
        let finished = run(&[&args[..], options].concat());
        fails_with(&finished, 1, &[]);
        let text = finished.text() + &finished.errors;
        assert!(!text.contains(['\u{1b}', '\u{9b}', '\u{202e}', '\u{7}']), "{text:?}");
    }
}

#[test]
fn a_server_that_says_nothing() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().unwrap().port().to_string();
    let finished = run(&["tcp-client", "--port", &port, "--send", "hi", "--timeout", "100ms"]);
    fails_with(&finished, 1, &["100ms"]);
}

#[test]
fn what_is_piped_in_is_said_line_by_line() {
    let server = Server::start(&[]);
    let port = server.port.to_string();
    let mut ada = Client::log_in(server.port, "ada");
    let mut client = Program::start(&["tcp-client", "--port", &port, "--user", "mei"]);
    client.type_line("one");
    client.type_line("");
    client.type_line("two");
    ada.hears("mei", "one");
    ada.hears("mei", "two");
    let finished = client.finish();
    assert_eq!((finished.code, finished.errors.as_str()), (0, ""));
    drop(ada);
    server.stop();
}

#[test]
fn interrupted_it_logs_out() {
    let mut server = Server::start(&[]);
    let port = server.port.to_string();
    let mut ada = Client::log_in(server.port, "ada");
    let mut client = Program::start(&["tcp-client", "--port", &port, "--user", "mei"]);
    client.type_line("hello");
    ada.hears("mei", "hello");
    client.signal(Signal::SIGINT);
    let finished = client.wait();
    assert!([0, 130].contains(&finished.code), "{}", finished.errors);
    server.program.wait_for_line("logout", |line| line.contains("logout_response").then_some(()));
    drop(ada);
    server.stop();
}

/// A server whose queue is full answers nobody (on Linux).
#[cfg(target_os = "linux")]
#[test]
fn interrupted_while_it_connects() {
    use socket2::{Domain, Socket, Type};
    let new = || Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let listener = new();
    listener.bind(&"127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap().into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let _queued: Vec<Socket> = std::iter::repeat_with(new)
        .take(3)
        .inspect(|socket| {
            socket.set_nonblocking(true).unwrap();
            let _ = socket.connect(&address);
        })
        .collect();
    let port = address.as_socket().unwrap().port().to_string();
    let args = ["tcp-client", "--port", &port, "--timeout", "2s", "--format", "json"];
    let mut client = Program::start(&args);
    client.wait_for("connect", |event| match &event.kind {
        Kind::Begin(call) => (call.call == "connect").then_some(()),
        _ => None,
    });
    client.signal(Signal::SIGINT);
    fails_with(&client.finish(), 130, &["Interrupted."]);
}
