//! What is printed where: in pipes, with colours, quietly, and never with a password.

use super::*;

fn sentences(errors: &str) -> usize {
    errors.lines().filter(|line| !line.trim().is_empty()).count()
}

fn ended_for_want_of_a_reader(finished: &Finished) {
    fails_with(finished, 141, &["socklab"]);
    assert_eq!(sentences(&finished.errors), 1, "{}", finished.errors);
}

#[test]
fn into_a_closed_pipe() {
    for format in ["text", "json"] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let program = Program::run_into(socklab(&["socket-types", "--format", format]), writer);
        ended_for_want_of_a_reader(&program.finish());
    }
}

/// The reader leaves while the server waits. At the next thing to say, it notices, and ends.
#[test]
fn a_server_whose_reader_leaves() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let program = Program::run_into(socklab(&["tcp-server", "--port", "0"]), writer);
    let port = port_told(reader);
    let mut client = Client::connect(port);
    client.rest();
    ended_for_want_of_a_reader(&program.finish());
}

/// Reads lines until one tells the port, and no more.
fn port_told(reader: impl Read) -> u16 {
    let mut lines = BufReader::new(reader).lines().map_while(Result::ok);
    lines.find_map(|line| port_in(&line)).expect("the server tells its port")
}

#[test]
fn through_head() {
    let script = r#"{ "$0" socket-types all; echo "exit $?" >&2; } | head -3"#;
    let mut command = Command::new("sh");
    command.args(["-c", script, env!("CARGO_BIN_EXE_socklab")]);
    let finished = Program::run(command).finish();
    assert_eq!(finished.output.len(), 3);
    // head may have read everything before it left.
    let quiet = ["exit 0", "exit 141"].iter().any(|end| finished.errors.ends_with(end));
    assert!(quiet && sentences(&finished.errors) <= 2, "{}", finished.errors);
}

#[test]
fn to_step_it_takes_a_terminal() {
    let mut command = Command::new("setsid");
    command.args(["-w", env!("CARGO_BIN_EXE_socklab"), "socket-types", "tcp", "--step"]);
    fails_with(&Program::run(plain(command, &[])).finish(), 2, &["terminal"]);
}

#[test]
fn no_escape_codes_in_a_pipe_unless_asked_for() {
    let escapes = |args: &[&str]| run(args).text().contains('\u{1b}');
    assert!(!escapes(&["socket-types", "tcp"]));
    assert!(!escapes(&["socket-types", "tcp", "--color", "never"]));
    assert!(escapes(&["socket-types", "tcp", "--color", "always"]));
    assert!(!escapes(&["socket-types", "tcp", "--color", "always", "--format", "json"]));
    for page in [&[][..], &["--help"], &["socket-types", "--help"]] {
        assert!(!escapes(page), "{page:?}");
    }
}

#[test]
fn no_color_is_honoured() {
    let mut command = socklab(&["socket-types", "tcp"]);
    command.env("NO_COLOR", "1").env("CLICOLOR_FORCE", "1");
    assert!(!Program::run(command).finish().text().contains('\u{1b}'));
}

#[test]
fn a_quiet_client_prints_only_what_is_said() {
    let server = Server::start(&[]);
    let port = server.port.to_string();
    let mut ada = Client::log_in(server.port, "ada");
    let mut client = Program::start(&["tcp-client", "--port", &port, "--user", "mei", "--quiet"]);
    client.type_line("hello");
    ada.hears("mei", "hello");
    ada.chat("good morning");
    client.wait_for_line("good morning", |line| line.contains("good morning").then_some(()));
    let finished = client.finish();
    assert_eq!((finished.code, finished.errors.as_str()), (0, ""));
    let text = finished.text();
    assert!(text.contains("ada"), "{text}");
    for call in ["socket(", "connect(", "send(", "recv(", "close("] {
        assert!(!text.contains(call), "{text}");
    }
    drop(ada);
    server.stop();
}

#[test]
fn quiet_and_json_tell_messages_only() {
    let finished = run(&["socket-types", "--quiet", "--format", "json"]);
    let calls = finished.output.iter().filter(|line| line.contains(r#""kind":"call""#)).count();
    assert_eq!((finished.code, calls), (0, 0));
}

/// A password that occurs in no word, in two parts.
const SECRET: [&str; 2] = ["zqxj", "vwkf"];

fn shows_no_secret(finished: &Finished) {
    let text = finished.text();
    assert!(text.contains("****"), "{text}");
    for part in SECRET {
        assert!(!text.contains(part) && !finished.errors.contains(part), "{text}");
    }
}

/// The server's narration of a login whose password came in two parts, and the client's of one.
#[test]
fn no_password_is_shown() {
    for format in ["text", "json"] {
        let shown = ["--format", format, "--explain", "full", "--log", "trace"];
        let mut server = Program::start(&[&["tcp-server", "--port", "0"], &shown[..]].concat());
        let port = server.wait_for_line("port", port_in);
        let mut slow = Client::connect(port);
        slow.send(format!(r#"{{"type":"login","password":"{}"#, SECRET[0]));
        server.wait_for_line("first part", |line| line.contains("****").then_some(()));
        slow.send(format!(r#"{}","username":"slow"}}"#, SECRET[1]));
        slow.expect("login_response");
        let (port, password) = (port.to_string(), SECRET.concat());
        let args = ["tcp-client", "--port", &port, "--password", &password, "--send", "hi"];
        let client = run(&[&args[..], &shown].concat());
        assert_eq!(client.code, 0, "{}", client.errors);
        slow.expect("chat_message");
        drop(slow);
        server.signal(Signal::SIGTERM);
        shows_no_secret(&server.wait());
        shows_no_secret(&client);
    }
}

/// Each byte is narrated before the next is sent.
#[test]
fn no_password_is_shown_that_comes_byte_by_byte() {
    let mut server = Server::start(&[]);
    let mut slow = Client::connect(server.port);
    let login = format!(r#"{{"password":"{}","type":"login","username":"m"}}"#, SECRET[0]);
    for (index, byte) in login.bytes().enumerate() {
        slow.send([byte]);
        let mut left = index + 1;
        server.program.wait_for("recv", |event| {
            left -= usize::from(received(event).is_some());
            (left == 0).then_some(())
        });
    }
    slow.expect("login_response");
    drop(slow);
    let events = server.stop();
    let stream: Vec<u8> = events.iter().filter_map(received).flatten().copied().collect();
    let stream = String::from_utf8(stream).expect("text");
    assert_eq!(stream, login.replace(SECRET[0], "****"));
}

/// What a `recv` brought.
fn received(event: &Event) -> Option<&[u8]> {
    match &event.kind {
        Kind::Call(ended) if ended.call.call == "recv" => Some(&ended.call.data.as_ref()?.bytes),
        _ => None,
    }
}

/// A full disk is no reader that went away.
#[cfg(target_os = "linux")]
#[test]
fn into_a_full_disk() {
    for args in [&["socket-types"][..], &[]] {
        let full = std::fs::File::options().write(true).open("/dev/full").expect("/dev/full");
        let output = socklab(args).stdout(full).output().expect("socklab runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("standard output: No space left"), "{said}");
    }
}

#[test]
fn a_script_into_a_closed_pipe() {
    let mut command = socklab(&["completions", "bash"]);
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = command.stdout(writer).output().expect("socklab runs");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}
