//! What a user meets at the command line: a sentence and an exit status for whatever goes wrong, an end in order when
//! asked to end, no escape codes in a pipe, no password anywhere.

#![cfg(unix)]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::thread;

use clap::CommandFactory;
use nix::sys::signal::Signal;
use serde_json::json;
use socklab::cli::Cli;
use socklab::narrate::event::{Event, Kind};
#[cfg(target_os = "linux")]
use support::hosts::Hosts;
use support::program::{Finished, Program, plain, socklab};
use support::raw::{Client, refusing_port};
use support::server::{Server, ended_well, port_in};

/// Runs socklab to its end, with nothing typed.
fn run(args: &[&str]) -> Finished {
    Program::start(args).finish()
}

/// It failed with this exit status, and said why in words that hold all of `words`; nobody panicked.
fn fails_with(finished: &Finished, code: i32, words: &[&str]) {
    let errors = &finished.errors;
    assert_eq!(finished.code, code, "{errors}");
    for word in words {
        assert!(errors.contains(word), "{word:?} is missing in: {errors}");
    }
    assert!(!errors.contains("panicked"), "{errors}");
}

mod servers {
    use super::*;

    #[test]
    fn a_port_in_use() {
        let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = taken.local_addr().unwrap();
        let port = address.port().to_string();
        let finished = run(&["tcp-server", "--port", &port]);
        fails_with(&finished, 1, &["bind", &address.to_string(), "EADDRINUSE", "--port 0"]);
    }

    #[test]
    fn a_privileged_port() {
        let Some(mut command) = without_privilege() else {
            println!("skipped: no way to be without the privilege here");
            return;
        };
        command.args(["tcp-server", "--host", "0.0.0.0", "--port", "80"]);
        let finished = Program::run(command).finish();
        fails_with(&finished, 1, &["bind", "0.0.0.0:80", "EACCES"]);
        assert!(
            finished.errors.contains("1024"),
            "which ports are free to take: {}",
            finished.errors
        );
    }

    /// socklab without CAP_NET_BIND_SERVICE, where port 80 asks for it: in a network namespace of its own, as root there.
    fn without_privilege() -> Option<Command> {
        let prefix =
            ["-Urn", "setpriv", "--bounding-set", "-net_bind_service", "--inh-caps", "-all"];
        let tried = Command::new("unshare").args(prefix).arg("true").output().ok()?;
        let mut command = Command::new("unshare");
        command.args(prefix).arg(env!("CARGO_BIN_EXE_socklab"));
        tried.status.success().then(|| plain(command, &[]))
    }

    #[test]
    fn an_address_of_somebody_else() {
        let finished = run(&["tcp-server", "--port", "0", "--host", "203.0.113.1"]);
        fails_with(&finished, 1, &["bind", "203.0.113.1:0", "EADDRNOTAVAIL"]);
    }

    #[test]
    fn listening_for_more_than_this_machine_is_said() {
        for (host, said) in [("127.0.0.1", false), ("0.0.0.0", true)] {
            let server = Server::start(&["--host", host]);
            let is_it = |event: &Event| match &event.kind {
                Kind::Note(note) => note.note == "tcp-server.open-to-others",
                _ => false,
            };
            assert_eq!(server.stop().iter().any(is_it), said, "{host}");
        }
    }

    #[test]
    fn a_name_that_does_not_resolve() {
        for demo in ["tcp-server", "tcp-client"] {
            let finished = run(&[demo, "--host", "no..such"]);
            fails_with(&finished, 1, &["no..such", "EAI_"]);
        }
    }

    #[test]
    fn asked_to_end_it_tells_its_clients_and_ends() {
        for signal in [Signal::SIGINT, Signal::SIGTERM] {
            let server = Server::start(&[]);
            let mut ada = Client::log_in(server.port, "ada");
            let mut stranger = Client::connect(server.port);
            stranger.say(&json!({"type": "dance"}));
            stranger.expect("error");
            server.program.signal(signal);
            for client in [&mut ada, &mut stranger] {
                let reason = client.expect("error")["message"].clone();
                assert!(reason.as_str().is_some_and(|words| !words.is_empty()), "{reason}");
                client.is_over();
            }
            drop((ada, stranger));
            let finished = server.program.wait();
            ended_well(&finished);
            finished.narration();
        }
    }

    #[test]
    fn a_client_that_does_not_go_is_cut() {
        let server = Server::start(&[]);
        let mut stays = Client::log_in(server.port, "stays");
        server.program.signal(Signal::SIGTERM);
        ended_well(&server.program.wait());
        stays.expect("error");
        stays.is_over();
    }

    /// The first signal gives a client time to go. The second does not.
    #[test]
    fn a_second_signal_ends_it_at_once() {
        let server = Server::start(&[]);
        let mut stays = Client::log_in(server.port, "stays");
        server.program.signal(Signal::SIGTERM);
        stays.expect("error");
        server.program.signal(Signal::SIGTERM);
        assert_eq!(server.program.wait().code, 130);
    }
}

mod clients {
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
            println!("skipped: no mount namespace for a hosts file of our own");
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
        server
            .program
            .wait_for_line("logout", |line| line.contains("logout_response").then_some(()));
        drop(ada);
        server.stop();
    }
}

mod output {
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
        let mut client =
            Program::start(&["tcp-client", "--port", &port, "--user", "mei", "--quiet"]);
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
            Kind::Call(ended) if ended.call.call == "recv" => {
                Some(&ended.call.data.as_ref()?.bytes)
            }
            _ => None,
        }
    }
}

mod usage {
    use super::*;

    fn subcommands() -> Vec<clap::Command> {
        Cli::command()
            .get_subcommands()
            .filter(|command| command.get_name() != "help")
            .cloned()
            .collect()
    }

    #[test]
    fn wrong_flags() {
        for args in [
            &["tcp-server", "--prot", "80"][..],
            &["tcp-server", "--port", "65536"],
            &["tcp-server", "--port", "http"],
            &["tcp-server", "--backlog", "-1"],
            &["tcp-client", "--gap", "soon"],
            &["socket-types", "sctp"],
            &["dance"],
            &["tour", "--format", "xml"],
            &["tour", "--pace", "slow"],
        ] {
            let finished = run(args);
            fails_with(&finished, 2, &["error:"]);
            assert_eq!(finished.text(), "", "{args:?}");
        }
    }

    #[test]
    fn without_arguments_it_shows_what_there_is() {
        let finished = run(&[]);
        assert_eq!((finished.code, finished.errors.as_str()), (0, ""));
        let text = finished.text();
        for command in subcommands() {
            assert!(text.contains(command.get_name()), "no {} in:\n{text}", command.get_name());
        }
        assert!(text.contains("socklab tour"), "what to try first:\n{text}");
    }

    #[test]
    fn every_help_has_an_example() {
        for command in subcommands() {
            let name = command.get_name();
            let help = run(&[name, "--help"]);
            assert_eq!(help.code, 0);
            let text = help.text();
            assert!(text.contains(&format!("  socklab {name}")), "no example:\n{text}");
        }
    }

    /// An example that cannot be typed helps nobody.
    #[test]
    fn every_example_parses() {
        for command in subcommands() {
            let help = run(&[command.get_name(), "--help"]).text();
            let examples = help.lines().filter_map(|line| line.trim().strip_prefix("socklab "));
            for example in examples {
                let words = ["socklab".to_owned()].into_iter().chain(words_of(example));
                let wrong = Cli::command().try_get_matches_from(words).err();
                assert_eq!(wrong.map(|error| error.to_string()), None, "{example}");
            }
        }
    }

    /// The words of an example, as a shell splits them, without what comes after the command: a redirection, an
    /// explanation.
    fn words_of(example: &str) -> Vec<String> {
        let command = example.split("  ").next().and_then(|command| command.split(" > ").next());
        let script = format!("printf '%s\\n' {}", command.unwrap_or_default());
        let mut shell = Command::new("sh");
        shell.args(["-c", &script]);
        Program::run(shell).finish().output
    }

    #[test]
    fn help_fits_80_columns() {
        for args in subcommands().iter().map(|command| vec![command.get_name(), "--help"]) {
            let mut command = socklab(&args);
            command.env("COLUMNS", "80");
            let text = Program::run(command).finish().text();
            let long = text.lines().find(|line| line.chars().count() > 80);
            assert_eq!(long, None, "{args:?}");
        }
    }
}
