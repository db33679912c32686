//! What goes wrong when the server starts, and how it ends.

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
        support::skipped("no way to be without the privilege here");
        return;
    };
    command.args(["tcp-server", "--host", "0.0.0.0", "--port", "80"]);
    let finished = Program::run(command).finish();
    fails_with(&finished, 1, &["bind", "0.0.0.0:80", "EACCES"]);
    assert!(finished.errors.contains("1024"), "which ports are free to take: {}", finished.errors);
}

/// socklab without CAP_NET_BIND_SERVICE, where port 80 asks for it: in a network namespace of its own, as root there.
fn without_privilege() -> Option<Command> {
    let prefix = ["-Urn", "setpriv", "--bounding-set", "-net_bind_service", "--inh-caps", "-all"];
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

#[test]
fn how_to_reach_it_is_said_so_that_it_works() {
    for (host, how) in
        [("127.0.0.1", "--port"), ("0.0.0.0", "--port"), ("127.0.0.2", "--host 127.0.0.2 --port")]
    {
        let server = Server::start(&["--host", host]);
        let expected = format!("{how} {}", server.port);
        let is_it = |event: &Event| match &event.kind {
            Kind::Note(note) => note.args.get("how").is_some_and(|how| how.to_string() == expected),
            _ => false,
        };
        assert!(server.stop().iter().any(is_it), "{host}");
    }
}
