//! Clients that do not read, that reset, that come and go: the others must not notice.

use std::time::{Duration, Instant};

use super::super::departure;
use super::client::{Client, Got, is_silence, login, shown};
use super::protocol::{chat_line, is_chat};
use super::serve;
use crate::check::ANSWER;
use crate::check::bench::{Bench, Server};
use crate::check::evidence;
use crate::check::peer::{Instead, Peer, fails};
use crate::check::verdict::{Checked, Finding, Stop, Words};

/// How long a chat is with which buffers are filled.
const LONG: usize = 48 << 10;

/// So many go out after the slow reader's buffers are full.
const AFTER: usize = 20;

/// More than any buffer holds.
const MOST: usize = 2000;

/// One who does not read stops nobody: the others' chats go on, and newcomers can log in.
pub fn slow_reader(bench: &Bench) -> Checked {
    let server = serve(bench)?;
    let slow = Client::enter_small(bench, "slow", &server)?;
    // Each of hundreds of long messages would have its line in the story: these two tell theirs to nobody.
    let quiet = Bench::new(bench.plan, bench.stop);
    let mei = Client::enter(&quiet, "mei", &server)?;
    let mut lin = Client::enter(&quiet, "lin", &server)?;
    bench.tell("chat-server.flood", &[("kib", &(LONG / 1024))]);
    let content = "x".repeat(LONG);
    let (mut waiting, mut left) = (0, AFTER);
    for number in 1..=MOST {
        mei.chat(&content)?;
        let got = lin.hear_long()?;
        if is_chat("mei", &content, &got).is_err() {
            return fails(stalled(bench, &slow, number, &got));
        }
        let queues = evidence::queues(slow.peer.local, slow.peer.remote);
        let unsent = queues.filter(|it| it.held).map_or(0, |it| it.unsent);
        // The kernel takes no more for the slow one, or she has been dropped.
        if unsent <= waiting {
            left -= 1;
        }
        if left == 0 {
            bench.tell("chat-server.flooded", &[("count", &number), ("unsent", &(unsent / 1024))]);
            break;
        }
        waiting = waiting.max(unsent);
    }
    Client::enter(bench, "tao", &server).map(drop)
}

/// What it means that lin did not hear this one.
fn stalled(bench: &Bench, slow: &Client, number: usize, got: &Got) -> Finding {
    let queues = evidence::queues(slow.peer.local, slow.peer.remote);
    let unsent = queues.map_or(0, |it| it.unsent / 1024);
    bench.tell("chat-server.stalled", &[("number", &number), ("unsent", &unsent)]);
    let finding = Finding::new("chat-server.slow-reader.stalled", &[("unsent", &unsent)]);
    let expected = Words::new("chat-server.got.number", &[("number", &number)]).to_string();
    match is_silence(got) && unsent > 0 {
        true => finding.mistake("broadcast-under-lock"),
        false => Finding::new("chat-server.slow-reader.other", &[]),
    }
    .but(expected, shown(got))
}

/// Clients that reset their connections take nobody with them.
pub fn reset(bench: &Bench) -> Checked {
    const ROUNDS: usize = 20;
    let mut server = serve(bench)?;
    let mei = Client::enter(bench, "mei", &server)?;
    let mut lin = Client::enter(bench, "lin", &server)?;
    for round in 1..=ROUNDS {
        match is_rude(bench, &server, round).and_then(|()| mei.chat(&format!("round {round}"))) {
            Ok(()) => {}
            // It may be gone: that is seen below.
            Err(Stop::Failed(_)) => break,
            Err(other) => return Err(other),
        }
        let got = lin.hear()?;
        if is_chat("mei", &format!("round {round}"), &got).is_err() {
            break;
        }
    }
    let ended = server.program.ends_before(Instant::now() + Duration::from_millis(200));
    if let Some(ended) = ended {
        let finding =
            Finding::new("chat-server.reset.died", &[("how", &ended)]).mistake("broken-pipe");
        let expected = Words::new("check.goes-on", &[]).to_string();
        let finding = finding.but(expected, server.program.last_words());
        let talk = |peer: &Peer| {
            peer.send(&login("tao").to_line())?;
            peer.receive(bench.answer(), |bytes| !bytes.is_empty()).map(drop)
        };
        return fails(departure::judged(bench, serve(bench)?, talk, finding)?);
    }
    mei.chat("still there?").ok();
    let got = lin.hear()?;
    if is_chat("mei", "still there?", &got).is_ok() {
        return Ok(());
    }
    let finding = Finding::new("chat-server.reset.dragged", &[]).mistake("broken-pipe");
    fails(finding.but(chat_line("mei", "still there?"), shown(&got)))
}

/// A client resets its connection with answers on the way to it; every other one has logged in.
fn is_rude(bench: &Bench, server: &Server, round: usize) -> Checked {
    let name = format!("client {round}");
    let peer = Peer::connect(bench, name.as_str(), server.address)?;
    if round % 2 == 1 {
        peer.send(&login(&name).to_line())?;
        peer.receive(bench.answer(), |bytes| !bytes.is_empty())?;
    }
    peer.send(&b"{\"type\":\"juggle\"}\n".repeat(50))?;
    peer.reset()
}

/// Connections that are over leave no descriptor behind, however they ended.
pub fn descriptors(bench: &Bench) -> Checked {
    const CLIENTS: usize = 40;
    let server = serve(bench)?;
    let before = server.program.processes().sockets().len();
    for number in 0..CLIENTS {
        let peer = Peer::connect(bench, format!("client {}", number + 1), server.address)?;
        peer.send(b"{\"type\":\"juggle\"}\n")?;
        peer.receive(Instant::now() + ANSWER, |bytes| !bytes.is_empty())?;
        match number % 3 {
            0 => peer.close(),
            1 => peer.reset()?,
            _ => {
                peer.half_close()?;
                let (_, ended) = peer.receive(Instant::now() + ANSWER, |_| false)?;
                if ended == Some(Instead::Silence) {
                    break;
                }
            }
        }
    }
    let deadline = Instant::now() + ANSWER;
    let mut kept = evidence::sockets_left(&server.program, before);
    while kept >= CLIENTS / 2 && Instant::now() < deadline {
        kept = evidence::sockets_left(&server.program, before);
    }
    if kept < CLIENTS / 2 {
        return Ok(());
    }
    let blanks: [(&str, &dyn std::fmt::Display); 2] = [("kept", &kept), ("clients", &CLIENTS)];
    let mistake = match evidence::spins(bench, &server.program) {
        true => "eof-ignored",
        false => "fd-leak",
    };
    fails(Finding::new("chat-server.descriptors.kept", &blanks).mistake(mistake))
}
