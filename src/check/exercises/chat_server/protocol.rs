//! What is answered to whom, on quiet connections.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::super::dialogue::{Release, release};
use super::client::{
    Client, Got, chat as say, expected_error, expected_login, is_silence, line_of, login as enter,
    shown, unlike,
};
use super::serve;
use crate::chat::{Reply, Request};
use crate::check::ANSWER;
use crate::check::bench::{Bench, Server};
use crate::check::evidence;
use crate::check::peer::{Heard, Instead, Peer, fails};
use crate::check::story::preview;
use crate::check::verdict::{Checked, Finding, Words};

/// What needs escapes in JSON, and characters of two, three and four bytes.
const TEXT: &str = "say \"hi\" \\ to\tnaïve 世界 🦀";

/// Clocks are the same here. But between a message and its answer a loaded machine may take a while.
const CLOCK: f64 = 60.0;

/// Bytes that are no message. Each is told once.
const GARBAGE: [&[u8]; 7] = [
    b"hello\n",
    b"{\"type\": \"chat\",}\n",
    b"GET / HTTP/1.1\n",
    b"{\"type\": \"login\", \"username\": \"\xff\xfe\", \"password\": \"x\"}\n",
    b"\x80\x81\xff\n",
    b"[\"login\"]\n",
    b"42\n",
];

/// A login is answered, with an id of the client's address and time.
pub fn login(bench: &Bench) -> Checked {
    let server = serve(bench)?;
    let mut mei = Client::connect(bench, "mei", &server)?;
    mei.say(&enter("mei"))?;
    let got = mei.hear()?;
    let Ok(Reply::LoginResponse { success: true, user_id, .. }) = &got else {
        let finding = unlike("chat-server.login.other", line_of(&expected_login()), &got);
        return fails(if is_silence(&got) {
            unanswered(bench, &server, mei, finding)?
        } else {
            finding
        });
    };
    let (id, local) = (user_id.as_deref().unwrap_or_default(), mei.peer.local);
    let seconds = id.strip_prefix(&format!("{local}:")).and_then(|rest| rest.parse::<u64>().ok());
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are few enough")]
    if seconds.is_some_and(|it| is_now(it as f64)) {
        return Ok(());
    }
    let expected = format!("\"user_id\":\"{local}:{:.0}\"", now());
    let finding = Finding::new("chat-server.login.id", &[]);
    fails(finding.but(expected, format!("\"user_id\":\"{}\"", preview(id.as_bytes()))))
}

/// A login got no answer: do many messages get some?
fn unanswered(bench: &Bench, server: &Server, mei: Client, finding: Finding) -> Checked<Finding> {
    // So that a program that serves one client at a time is free again.
    mei.peer.close();
    let much = b"{\"type\":\"juggle\"}\n".repeat(5000);
    Ok(match release(bench, server, &much, b"{")? {
        Release::Much => {
            finding.because("chat-server.login.unflushed", &[]).mistake("unflushed-buffer")
        }
        Release::End => finding.because("chat-server.login.at-end", &[]),
        Release::Nothing => finding,
    })
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64().floor()
}

fn is_now(seconds: f64) -> bool {
    (seconds - now()).abs() < CLOCK
}

/// What one says, all others hear, under its name, and it does not hear itself.
pub fn chat(bench: &Bench) -> Checked {
    let server = serve(bench)?;
    let mut mei = Client::enter(bench, "mei", &server)?;
    let mut lin = Client::enter(bench, "lin", &server)?;
    let mut tao = Client::enter(bench, "tao", &server)?;
    mei.say(&Request::Chat { username: Some("mei".to_owned()), content: TEXT.to_owned() })?;
    for other in [&mut lin, &mut tao] {
        is_chat("mei", TEXT, &other.hear()?)?;
    }
    // Had the first gone to its sender too, it would have come before the second.
    lin.say(&Request::Chat { username: Some("lin".to_owned()), content: "hi mei".to_owned() })?;
    let got = mei.hear()?;
    if matches!(&got, Ok(Reply::ChatMessage { content, .. }) if content == TEXT) {
        let finding = Finding::new("chat-server.chat.echoed", &[]);
        return fails(finding.but(chat_line("lin", "hi mei"), shown(&got)));
    }
    is_chat("lin", "hi mei", &got)?;
    is_chat("lin", "hi mei", &tao.hear()?)
}

/// A chat as it should arrive.
pub fn chat_line(name: &str, content: &str) -> String {
    let (username, content) = (name.to_owned(), content.to_owned());
    line_of(&Reply::ChatMessage { username, content, timestamp: now() })
}

/// Whether that is what `name` said.
pub fn is_chat(name: &str, content: &str, got: &Got) -> Checked {
    let id = match got {
        Ok(Reply::ChatMessage { username, content: other, timestamp })
            if username == name && other == content =>
        {
            if is_now(*timestamp) {
                return Ok(());
            }
            "chat-server.chat.timestamp"
        }
        Ok(Reply::ChatMessage { username, .. }) if username != name => "chat-server.chat.name",
        Ok(Reply::ChatMessage { .. }) => "chat-server.chat.changed",
        _ => "chat-server.chat.other",
    };
    fails(unlike(id, chat_line(name, content), got))
}

/// Every reply ends with a newline. Those that do not come at all are the other checks' business.
pub fn lines(bench: &Bench) -> Checked {
    let server = serve(bench)?;
    let mei = Peer::connect(bench, "mei", server.address)?;
    let lin = Peer::connect(bench, "lin", server.address)?;
    for (who, request, answered) in [
        (&mei, enter("mei").to_line(), &mei),
        (&lin, enter("lin").to_line(), &lin),
        (&mei, say("hello").to_line(), &lin),
        (&mei, b"{\"type\":\"juggle\"}\n".to_vec(), &mei),
        (&mei, Request::Logout { username: None }.to_line(), &mei),
    ] {
        who.send(&request)?;
        let (bytes, _) = answered.receive(bench.answer(), |bytes| bytes.contains(&b'\n'))?;
        let line = bytes.split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default();
        let is_one = Reply::parse(line.trim_ascii()).is_ok();
        if line.is_empty() || is_one && line.ends_with(b"\n") {
            continue;
        }
        let expected = "{\"type\":…}\\n";
        if is_one {
            let finding =
                Finding::new("chat-server.lines.no-newline", &[]).mistake("missing-delimiter");
            return fails(finding.but(expected, ending(line)));
        }
        return fails(Finding::new("chat-server.lines.other", &[]).but(expected, preview(&bytes)));
    }
    Ok(())
}

/// The end of a message, where its newline should be.
fn ending(line: &[u8]) -> String {
    let from = line.len().saturating_sub(20);
    format!("…{}", preview(&line[from..]))
}

/// Who may log in, and who not; whoever was refused may try again.
pub fn refusals(bench: &Bench) -> Checked {
    let server = serve(bench)?;
    let longest = "文".repeat(64);
    let attempt = |username: &str, password: &str| Request::Login {
        username: username.to_owned(),
        password: password.to_owned(),
    };
    let mut clients = [
        Client::connect(bench, "client 1", &server)?,
        Client::connect(bench, "client 2", &server)?,
    ];
    for (number, request, accepted, id) in [
        (0, attempt("", "secret"), false, "chat-server.refusals.no-name"),
        (0, attempt("mei", ""), false, "chat-server.refusals.no-password"),
        (0, attempt(&"文".repeat(65), "secret"), false, "chat-server.refusals.long-name"),
        (0, attempt(&longest, "secret"), true, "chat-server.refusals.again"),
        (1, attempt(&longest, "secret"), false, "chat-server.refusals.taken"),
        (1, attempt("lin", "secret"), true, "chat-server.refusals.again"),
    ] {
        let client: &mut Client = &mut clients[number];
        client.say(&request)?;
        let got = client.answer()?;
        if matches!(&got, Ok(Reply::LoginResponse { success, .. }) if *success == accepted) {
            continue;
        }
        let expected = match accepted {
            true => expected_login(),
            false => Reply::LoginResponse { success: false, message: "…".into(), user_id: None },
        };
        return fails(unlike(id, line_of(&expected), &got));
    }
    Ok(())
}

/// What the protocol does not allow gets `error`, and the connection goes on.
pub fn errors(bench: &Bench) -> Checked {
    let server = serve(bench)?;
    let mut mei = Client::connect(bench, "mei", &server)?;
    let mut lin = Client::enter(bench, "lin", &server)?;
    let early = say("too early").to_line();
    gets_error(&mut mei, &early, "", "chat-server.errors.before-login")?;
    gets_error(&mut mei, b"{\"type\":\"juggle\"}\n", "juggle", "chat-server.errors.unknown-type")?;
    mei.say(&enter("mei"))?;
    let got = mei.answer()?;
    if !matches!(&got, Ok(Reply::LoginResponse { success: true, .. })) {
        return fails(unlike("chat-server.login.other", line_of(&expected_login()), &got));
    }
    let again = enter("another name").to_line();
    gets_error(&mut mei, &again, "", "chat-server.errors.second-login")?;
    gets_error(&mut mei, &say("").to_line(), "", "chat-server.errors.no-content")?;
    gets_error(&mut mei, b"{\"type\":\"chat\"}\n", "", "chat-server.errors.no-content")?;
    mei.chat("here I am")?;
    match lin.hear()? {
        Ok(Reply::ChatMessage { content, .. }) if content == "too early" => fails(
            Finding::new("chat-server.errors.before-login", &[])
                .but(chat_line("mei", "here I am"), chat_line("…", "too early")),
        ),
        got => is_chat("mei", "here I am", &got),
    }
}

/// Sends it, and expects an error that names `part`.
fn gets_error(client: &mut Client, message: &[u8], part: &str, id: &str) -> Checked {
    client.peer.send(message)?;
    match client.answer()? {
        Ok(Reply::Error { message }) if message.contains(part) => Ok(()),
        got => fails(unlike(id, line_of(&expected_error()), &got)),
    }
}

/// What is no message gets one `error` each, and the connection goes on.
pub fn garbage(bench: &Bench) -> Checked {
    let server = serve(bench)?;
    let mut mei = Client::connect(bench, "mei", &server)?;
    for bytes in GARBAGE {
        let id = match str::from_utf8(bytes) {
            Ok(_) => "chat-server.garbage.other",
            Err(_) => "chat-server.garbage.not-utf-8",
        };
        gets_error(&mut mei, bytes, "", id)?;
    }
    mei.say(&enter("mei"))?;
    let got = mei.answer()?;
    let id = match &got {
        Ok(Reply::LoginResponse { success: true, .. }) => return Ok(()),
        Ok(Reply::Error { .. }) => "chat-server.garbage.twice",
        _ => "chat-server.login.other",
    };
    fails(unlike(id, line_of(&expected_login()), &got))
}

/// A logout is answered, and the connection closed, also before login. The names of those who left are free again.
pub fn logout(bench: &Bench) -> Checked {
    let server = serve(bench)?;
    let mut stranger = Client::connect(bench, "client 1", &server)?;
    logs_out(bench, &mut stranger, &server)?;
    let mut mei = Client::enter(bench, "mei", &server)?;
    logs_out(bench, &mut mei, &server)?;
    drop(mei);
    is_free(bench, "mei", &server)?;
    Client::enter(bench, "lin", &server)?.peer.close();
    is_free(bench, "lin", &server)
}

fn logs_out(bench: &Bench, client: &mut Client, server: &Server) -> Checked {
    client.say(&Request::Logout { username: None })?;
    let got = client.hear()?;
    if !matches!(got, Ok(Reply::LogoutResponse { success: true, .. })) {
        let expected = Reply::LogoutResponse { success: true, message: "…".to_owned() };
        return fails(unlike("chat-server.logout.other", line_of(&expected), &got));
    }
    let got = client.hear()?;
    let Err(Heard { instead: Instead::Silence, .. }) = got else {
        return match got {
            Err(Heard { instead: Instead::End, .. }) => Ok(()),
            got => {
                let end = Words::new("chat-server.got.end", &[]).to_string();
                fails(Finding::new("chat-server.logout.not-ended", &[]).but(end, shown(&got)))
            }
        };
    };
    let finding = Finding::new("chat-server.logout.open", &[]);
    client.peer.half_close()?;
    let (local, remote) = (client.peer.local, client.peer.remote);
    let ends = !is_silence(&client.hear()?);
    // It may wait for the client to close first: then it does close what it accepted.
    let kept = !ends && evidence::holds(&server.program, remote, local);
    let spins = kept && evidence::spins(bench, &server.program);
    fails(match (kept, spins) {
        (true, true) => finding.mistake("eof-ignored"),
        (true, false) => finding.mistake("fd-leak"),
        (false, _) => finding,
    })
}

/// Whether the name is free, as soon as the program has noticed that its bearer has gone.
fn is_free(bench: &Bench, name: &'static str, server: &Server) -> Checked {
    let deadline = Instant::now() + ANSWER;
    let mut client = Client::connect(bench, name, server)?;
    loop {
        client.say(&enter(name))?;
        let got = client.hear()?;
        let Ok(Reply::LoginResponse { success: false, .. }) = got else {
            return match got {
                Ok(Reply::LoginResponse { .. }) => Ok(()),
                got => fails(unlike("chat-server.login.other", line_of(&expected_login()), &got)),
            };
        };
        if Instant::now() > deadline {
            let finding = Finding::new("chat-server.logout.name-kept", &[("name", &name)]);
            return fails(finding.but(line_of(&expected_login()), shown(&got)));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Who speaks is who logged in on that connection, whatever a message says.
pub fn names(bench: &Bench) -> Checked {
    let server = serve(bench)?;
    let mut mei = Client::enter(bench, "mei", &server)?;
    let mut lin = Client::enter(bench, "lin", &server)?;
    for (claimed, content) in [("lin", "I am lin"), ("the server", "I am the server")] {
        mei.say(&Request::Chat {
            username: Some(claimed.to_owned()),
            content: content.to_owned(),
        })?;
        let got = lin.hear()?;
        if matches!(&got, Ok(Reply::ChatMessage { username, .. }) if username == claimed) {
            let finding = Finding::new("chat-server.names.trusted", &[("name", &claimed)])
                .mistake("trusted-name");
            return fails(finding.but(chat_line("mei", content), shown(&got)));
        }
        is_chat("mei", content, &got)?;
    }
    mei.chat("I did not say who I am")?;
    is_chat("mei", "I did not say who I am", &lin.hear()?)?;
    mei.say(&Request::Logout { username: Some("lin".to_owned()) })?;
    mei.hear()?.ok();
    lin.say(&enter("lin"))?;
    let got = lin.hear()?;
    // She is logged in, so she cannot log in again.
    if !matches!(&got, Err(_) | Ok(Reply::LoginResponse { success: true, .. })) {
        return Ok(());
    }
    let finding = Finding::new("chat-server.names.logged-out", &[]).mistake("trusted-name");
    fails(finding.but(line_of(&expected_error()), shown(&got)))
}
