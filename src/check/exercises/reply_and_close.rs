//! `reply-and-close`: one request line, a long reply, and a close that loses nothing of it.

use std::fmt::Display;
use std::time::{Duration, Instant};

use super::{Check, Exercise, departure};
use crate::check::bench::{Bench, Server, Transport};
use crate::check::evidence;
use crate::check::peer::{Instead, Peer, fails};
use crate::check::story::preview;
use crate::check::verdict::{Checked, Finding};

/// The exercise.
pub const EXERCISE: Exercise = Exercise {
    name: "reply-and-close",
    checks: &[
        Check::new("listens", 5, |bench| serve(bench, SMALL).map(drop)),
        Check::new("reply", 10, reply).after(&["listens"]),
        Check::new("pieces", 15, pieces).after(&["reply"]),
        Check::new("together", 10, together).after(&["reply"]),
        Check::new("large", 15, large).after(&["reply"]),
        Check::new("more", 20, more).after(&["reply"]),
        Check::new("later", 10, later).after(&["reply"]),
        Check::new("reset", 10, reset).after(&["reply"]),
        Check::new("descriptors", 5, descriptors).after(&["reply"]),
    ],
};

/// A reply that every buffer holds.
const SMALL: usize = 5;

/// One that the program's send buffer holds, and the client's receive buffer does not.
const MIDDLE: usize = 512 << 10;

/// More than the buffers of both sides hold.
const LARGE: usize = 8 << 20;

/// The receive buffer of a slow reader.
const SLOW: usize = 16 << 10;

/// For so long nothing may come before the line is complete.
const EARLY: Duration = Duration::from_millis(200);

/// The rest before each look of one who reads slowly while it sends.
const REST: Duration = Duration::from_millis(1);

/// The request.
const LINE: &[u8] = b"please\n";

/// A server whose replies have that many bytes.
fn serve(bench: &Bench, reply: usize) -> Checked<Server> {
    bench.server_with(Transport::Tcp, &[("SOCKLAB_REPLY_BYTES", reply.to_string())])
}

/// What came in place of a whole reply and the end of file.
struct Reply {
    expected: usize,
    bytes: Vec<u8>,
    ended: Option<Instead>,
}

impl Reply {
    /// Reads what is still to come.
    fn read(client: &Peer, expected: usize) -> Checked<Self> {
        Self::read_on(client, expected, Vec::new(), b"")
    }

    /// The same, after `begin` of it has been read; the client sends `more`, if anything, while it reads slowly.
    fn read_on(client: &Peer, expected: usize, begin: Vec<u8>, more: &[u8]) -> Checked<Self> {
        let rest = expected.saturating_sub(begin.len());
        let pause = if more.is_empty() { Duration::ZERO } else { REST };
        let too_many = |bytes: &[u8]| bytes.len() > rest;
        let (tail, ended) = client.receive_slowly(more, pause, too_many)?;
        let mut bytes = begin;
        bytes.extend(tail);
        Ok(Self { expected, bytes, ended })
    }

    fn is_whole(&self) -> bool {
        self.has_all() && self.ended == Some(Instead::End)
    }

    fn has_all(&self) -> bool {
        self.bytes.len() == self.expected && self.is_right()
    }

    fn is_right(&self) -> bool {
        self.bytes.iter().all(|byte| *byte == b'x')
    }

    /// It ended, all was right so far, and something is missing.
    fn is_cut(&self) -> bool {
        self.is_right()
            && self.bytes.len() < self.expected
            && matches!(self.ended, Some(Instead::End | Instead::Reset))
    }

    fn was_reset(&self) -> bool {
        self.is_right() && self.ended == Some(Instead::Reset)
    }

    /// Passes a whole one.
    ///
    /// # Errors
    /// It is not: in general words, with what `cause` adds.
    fn judge(&self, cause: impl FnOnce(&Self) -> Option<Finding>) -> Checked {
        match self.is_whole() {
            true => Ok(()),
            false => fails(self.shown(cause(self).unwrap_or_else(|| self.in_general()))),
        }
    }

    fn in_general(&self) -> Finding {
        let blanks: [(&str, &dyn Display); 2] =
            [("count", &self.bytes.len()), ("all", &self.expected)];
        let id = match self.ended {
            _ if !self.is_right() => "reply-and-close.other",
            _ if self.bytes.len() > self.expected => "reply-and-close.too-much",
            Some(Instead::End) => "reply-and-close.cut",
            Some(Instead::Reset) if self.has_all() => "reply-and-close.reset-at-end",
            Some(Instead::Reset) => "reply-and-close.reset-by-server",
            _ if self.has_all() => "reply-and-close.open",
            _ => "reply-and-close.silence",
        };
        Finding::new(id, &blanks)
    }

    fn shown(&self, finding: Finding) -> Finding {
        let end = match self.ended {
            Some(Instead::End) => "end of file",
            Some(Instead::Reset) => "a reset",
            _ => "no end",
        };
        let actual = match self.is_right() {
            true => format!("{} times x, then {end}", self.bytes.len()),
            false => preview(&self.bytes),
        };
        finding.but(format!("{} times x, then end of file", self.expected), actual)
    }
}

/// A line, a short reply, the end of file.
fn reply(bench: &Bench) -> Checked {
    let server = serve(bench, SMALL)?;
    let client = Peer::connect(bench, "client", server.address)?;
    client.send(LINE)?;
    let reply = Reply::read(&client, SMALL)?;
    let finding = match reply.ended {
        Some(Instead::End) if reply.bytes.is_empty() => unflushed(bench)?,
        Some(Instead::Silence) if reply.has_all() => kept(bench, &server, client)?,
        _ => None,
    };
    reply.judge(|_| finding)
}

/// Nothing came of a short reply, then the end of file: does something come of a long one?
fn unflushed(bench: &Bench) -> Checked<Option<Finding>> {
    let server = serve(bench, MIDDLE)?;
    let client = Peer::connect(bench, "client 2", server.address)?;
    client.send(LINE)?;
    let reply = Reply::read(&client, MIDDLE)?;
    let (count, all) = (reply.bytes.len(), MIDDLE);
    let blanks: [(&str, &dyn Display); 2] = [("count", &count), ("all", &all)];
    let finding = || Finding::new("reply-and-close.unflushed", &blanks);
    Ok((reply.is_right() && count > 0).then(|| finding().mistake("unflushed-buffer")))
}

/// It did not close after its reply: does it when the client has?
fn kept(bench: &Bench, server: &Server, client: Peer) -> Checked<Option<Finding>> {
    client.half_close()?;
    client.expect_end()?.ok();
    let held = evidence::holds(&server.program, client.remote, client.local);
    let finding = || Finding::new("reply-and-close.kept", &[]);
    Ok(match held && evidence::spins(bench, &server.program) {
        true => Some(finding().mistake("eof-ignored")),
        false => held.then(|| finding().mistake("fd-leak")),
    })
}

/// The line may come in pieces, and with more behind it.
fn pieces(bench: &Bench) -> Checked {
    let server = serve(bench, SMALL)?;
    let client = Peer::connect(bench, "client 1", server.address)?;
    for piece in ["ple", "ase"] {
        client.send(piece.as_bytes())?;
        evidence::has_read(bench, &server.program, client.remote, client.local);
        let (bytes, ended) = client.receive(Instant::now() + EARLY, |bytes| !bytes.is_empty())?;
        if ended != Some(Instead::Silence) {
            let finding = Finding::new("reply-and-close.pieces.early", &[]);
            return fails(finding.mistake("one-recv-one-message").but("", preview(&bytes)));
        }
    }
    client.send(b"\n")?;
    Reply::read(&client, SMALL)?.judge(|reply| misread(reply, "reply-and-close.pieces.split"))?;
    // A program that serves one client at a time may still be waiting for this one's end.
    client.close();
    let client = Peer::connect(bench, "client 2", server.address)?;
    client.send(b"please\nand more")?;
    Reply::read(&client, SMALL)?.judge(|reply| match reply.was_reset() {
        true => Some(unread()),
        false => misread(reply, "reply-and-close.pieces.joined"),
    })
}

/// The same bytes in one segment were answered, these are not.
fn misread(reply: &Reply, id: &str) -> Option<Finding> {
    let is_evidence = reply.bytes.is_empty() && !reply.was_reset();
    is_evidence.then(|| Finding::new(id, &[]).mistake("one-recv-one-message"))
}

fn unread() -> Finding {
    Finding::new("reply-and-close.unread", &[]).mistake("reset-on-unread")
}

/// A client that is silent, and one that does not read, keep nobody waiting.
fn together(bench: &Bench) -> Checked {
    let server = serve(bench, LARGE)?;
    let _silent = Peer::connect(bench, "client 1", server.address)?;
    let slow = Peer::connect_small(bench, "client 2", server.address, SLOW)?;
    slow.send(LINE)?;
    if !answers(&slow)? {
        let accepted = evidence::holds(&server.program, slow.remote, slow.local);
        return fails(match accepted {
            true => Finding::new("reply-and-close.silence", &[]),
            false => {
                Finding::new("reply-and-close.together.waits", &[]).mistake("one-client-at-a-time")
            }
        });
    }
    evidence::stalls(bench, &server.program, slow.remote, slow.local);
    let third = Peer::connect(bench, "client 3", server.address)?;
    third.send(LINE)?;
    if answers(&third)? {
        return Ok(());
    }
    // That it was the slow one that kept the others waiting shows when it goes.
    slow.reset()?;
    fails(match answers(&third)? {
        true => {
            Finding::new("reply-and-close.together.stalls", &[]).mistake("broadcast-under-lock")
        }
        false => Finding::new("reply-and-close.silence", &[]),
    })
}

/// Whether a reply begins to come.
fn answers(client: &Peer) -> Checked<bool> {
    Ok(!client.beginning()?.is_empty())
}

/// A long reply arrives whole, although the client reads late.
fn large(bench: &Bench) -> Checked {
    let server = serve(bench, LARGE)?;
    let client = Peer::connect_small(bench, "client", server.address, SLOW)?;
    client.send(LINE)?;
    let first = client.beginning()?;
    let hurries = evidence::hurries(&server.program, client.remote, client.local);
    evidence::stalls(bench, &server.program, client.remote, client.local);
    let reply = Reply::read_on(&client, LARGE, first, b"")?;
    reply.judge(|reply| {
        let blanks: [(&str, &dyn Display); 2] =
            [("count", &reply.bytes.len()), ("all", &reply.expected)];
        let finding = Finding::new("reply-and-close.large.cut", &blanks);
        let told = evidence::names_eagain(&server.program);
        match () {
            () if !reply.is_cut() => None,
            () if told => Some(finding.mistake("eagain-fatal").mistake("short-send")),
            () if hurries => Some(finding.mistake("short-send").mistake("eagain-fatal")),
            () if reply.was_reset() => None,
            () => Some(finding.mistake("short-send")),
        }
    })
}

/// Bytes that the client sends after its line, before the reply and during it, cost nothing of the reply.
fn more(bench: &Bench) -> Checked {
    const PART: usize = 32 << 10;
    let reply = 2 << 20;
    let server = serve(bench, reply)?;
    let client = Peer::connect_small(bench, "client", server.address, SLOW)?;
    client.send(&[LINE, &[b'm'; PART]].concat())?;
    let first = client.beginning()?;
    let more = vec![b'm'; (1 << 20) - PART];
    bench.tell("reply-and-close.more.sends", &[("count", &more.len())]);
    Reply::read_on(&client, reply, first, &more)?.judge(|it| it.was_reset().then(unread))
}

/// Bytes that come when the program has sent everything, and the client has not read it yet, cost nothing either.
fn later(bench: &Bench) -> Checked {
    let server = serve(bench, MIDDLE)?;
    let client = Peer::connect_small(bench, "client", server.address, SLOW)?;
    client.send(LINE)?;
    let first = client.beginning()?;
    evidence::stalls(bench, &server.program, client.remote, client.local);
    bench.tell("reply-and-close.later.sends", &[]);
    let reply = Reply::read_on(&client, MIDDLE, first, &[b'm'; 10_000])?;
    reply.judge(|reply| {
        let finding = Finding::new("reply-and-close.later.closed", &[]);
        reply.was_reset().then(|| finding.mistake("reset-on-unread"))
    })
}

/// Clients that reset their connections, at any time, take nobody with them.
fn reset(bench: &Bench) -> Checked {
    let mut server = serve(bench, LARGE)?;
    let served = rude_clients(bench, &server).and_then(|()| still_serves(bench, &server));
    let patience = bench.patiently(Duration::from_millis(if served.is_ok() { 0 } else { 1000 }));
    match server.program.ends_before(Instant::now() + patience) {
        Some(ended) => {
            let finding = Finding::new("reply-and-close.reset.died", &[("how", &ended)])
                .mistake("broken-pipe")
                .but("", server.program.last_words());
            let talk = |client: &Peer| {
                client.send(LINE).and_then(|()| Reply::read(client, SMALL).map(drop))
            };
            fails(departure::judged(bench, serve(bench, SMALL)?, talk, finding)?)
        }
        None => served,
    }
}

/// One resets before its line is complete, one in its reply, one when it has said that it sends no more.
fn rude_clients(bench: &Bench, server: &Server) -> Checked {
    let before = server.program.processes().sockets().len();
    let rude = Peer::connect(bench, "client 1", server.address)?;
    rude.send(b"plea")?;
    evidence::has_read(bench, &server.program, rude.remote, rude.local);
    rude.reset()?;
    for (name, half_closes) in [("client 2", false), ("client 3", true)] {
        let rude = Peer::connect_small(bench, name, server.address, SLOW)?;
        rude.send(LINE)?;
        answers(&rude)?;
        if half_closes {
            // Then the program's error is another one, which also raises SIGPIPE.
            rude.half_close()?;
        }
        rude.reset()?;
    }
    evidence::sockets_left(&server.program, before);
    Ok(())
}

fn still_serves(bench: &Bench, server: &Server) -> Checked {
    let client = Peer::connect(bench, "another client", server.address)?;
    client.send(LINE)?;
    match answers(&client)? {
        true => Ok(()),
        false => fails(Finding::new("reply-and-close.silence", &[])),
    }
}

/// Connections that are over leave no descriptor behind.
fn descriptors(bench: &Bench) -> Checked {
    const CLIENTS: usize = 40;
    let server = serve(bench, SMALL)?;
    let before = server.program.processes().sockets().len();
    for number in 1..=CLIENTS {
        let client = Peer::connect(bench, format!("client {number}"), server.address)?;
        client.send(LINE)?;
        Reply::read(&client, SMALL)?.judge(|_| None)?;
    }
    let kept = evidence::sockets_left(&server.program, before);
    if kept < CLIENTS / 2 {
        return Ok(());
    }
    let blanks: [(&str, &dyn Display); 2] = [("kept", &kept), ("clients", &CLIENTS)];
    fails(Finding::new("reply-and-close.descriptors.kept", &blanks).mistake("fd-leak"))
}
