//! Clients that come in numbers, out of turn, under one name, or leave without a word.

use super::*;

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
        support::skipped("no way to limit the threads of one process here");
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
