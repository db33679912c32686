//! What `tcp-echo` and `many-clients` have in common: every byte comes back, end of file for end of file, and no client
//! suffers from another.

use std::fmt::Display;
use std::time::{Duration, Instant};

use super::departure;
use super::dialogue::{Release, release};
use crate::check::bench::{Bench, Server, Transport};
use crate::check::evidence;
use crate::check::peer::{Heard, Instead, Peer, fails};
use crate::check::story::difference;
use crate::check::verdict::{Checked, Finding};

/// A client that pauses longer than any sensible time-out of a thread that polls.
const PAUSE: Duration = Duration::from_millis(1500);

/// More than the buffers of both sides hold.
const LARGE: usize = 8 << 20;

/// The simplest message.
const LINE: &[u8] = b"hello\n";

/// For so long a client says nothing at first.
const SHY: Duration = Duration::from_millis(100);

/// So many lines fill any buffer that a language gives a stream.
const MUCH: usize = 50_000;

/// As much as most programs take with one recv, and not more.
const PIECE: usize = 64 << 10;

/// Who ends a connection so soon has not waited for anything.
const AT_ONCE: Duration = Duration::from_millis(200);

/// A server.
pub fn serve(bench: &Bench) -> Checked<Server> {
    bench.server(Transport::Tcp)
}

/// A line of text comes back.
pub fn text(bench: &Bench) -> Checked {
    let server = serve(bench)?;
    let client = Peer::connect(bench, "client", server.address)?;
    // It may look for bytes at once. There are none yet, and that is no reason to give up.
    evidence::accepts(&server.program, client.remote, client.local);
    let (bytes, ended) = client.receive(Instant::now() + SHY, |bytes| !bytes.is_empty())?;
    let heard = match ended {
        Some(Instead::Silence) => {
            client.send(LINE)?;
            client.expect(LINE)?
        }
        ended => Err(Heard { bytes, instead: ended.unwrap_or(Instead::Other) }),
    };
    let Err(heard) = heard else { return Ok(()) };
    // So that a program that serves one client at a time is free again.
    client.close();
    fails(not_back(bench, &server, &heard)?)
}

/// Why a line did not come back.
fn not_back(bench: &Bench, server: &Server, heard: &Heard) -> Checked<Finding> {
    let finding = unlike(LINE, heard);
    if heard.instead == Instead::Other && heard.bytes.starts_with(LINE) {
        return Ok(finding.because("echo.text.more", &[]));
    }
    if !heard.bytes.is_empty() {
        return Ok(finding);
    }
    if heard.instead != Instead::Silence {
        let comes = back_if_there(bench, server, LINE)? == LINE.len();
        return Ok(match comes {
            true => finding.because("echo.text.too-early", &[]).mistake("eagain-fatal"),
            false => finding,
        });
    }
    Ok(match release(bench, server, &LINE.repeat(MUCH), LINE)? {
        Release::Much => finding.because("echo.text.unflushed", &[]).mistake("unflushed-buffer"),
        Release::End => finding.because("echo.text.at-end", &[]),
        Release::Nothing => finding,
    })
}

/// How much of `message` comes back when all of it is there before the program looks for it.
fn back_if_there(bench: &Bench, server: &Server, message: &[u8]) -> Checked<usize> {
    bench.tell("check.paused", &[]);
    server.program.pause();
    let client = Peer::connect(bench, "another client", server.address);
    let sent = client.as_ref().map_or(Ok(0), |client| client.flood(message));
    server.program.resume();
    let sent = sent?;
    let (bytes, _) = client?.receive(bench.answer(), |bytes| bytes.len() >= sent)?;
    Ok(bytes.iter().zip(message).take_while(|(one, other)| one == other).count())
}

/// Sends it, and expects it back.
pub fn echoes(client: &Peer, message: &[u8]) -> Checked {
    client.send(message)?;
    match client.expect(message)? {
        Ok(()) => Ok(()),
        Err(heard) => fails(unlike(message, &heard)),
    }
}

/// What came instead, as a finding.
pub fn unlike(expected: &[u8], heard: &Heard) -> Finding {
    let (shown, seen) = difference(expected, &heard.bytes);
    let finding = match heard.instead {
        Instead::Silence => Finding::new("echo.silence", &[]),
        Instead::End => Finding::new("echo.ended", &[]),
        Instead::Reset => Finding::new("echo.reset-by-server", &[]),
        Instead::Other => Finding::new("echo.other", &[]),
    };
    finding.but(shown, seen)
}

/// Every value that a byte can have, and white space where text is trimmed; then some without the end of a line.
pub fn bytes(bench: &Bench) -> Checked {
    let server = serve(bench)?;
    let client = Peer::connect(bench, "client", server.address)?;
    let all: Vec<u8> = (0..=255).chain(*b" \t\r\n\0 \n").collect();
    client.send(&all)?;
    if let Err(heard) = client.expect(&all)? {
        // Text came back as it was, in the check before: what is lost or changed here is what text does not have.
        let (shown, seen) = difference(&all, &heard.bytes);
        let finding = Finding::new("echo.bytes.changed", &[]);
        return fails(finding.mistake("text-not-bytes").but(shown, seen));
    }
    client.close();
    let client = Peer::connect(bench, "another client", server.address)?;
    let part = b"no end of line";
    client.send(part)?;
    let Err(heard) = client.expect(part)? else { return Ok(()) };
    client.send(b"\n")?;
    let by_lines = heard.bytes.is_empty() && client.expect(b"no end of line\n")?.is_ok();
    let finding = unlike(part, &heard);
    fails(match by_lines {
        true => finding.because("echo.bytes.lines", &[]).mistake("text-not-bytes"),
        false => finding,
    })
}

/// After the client's end of file the server ends too, and does not spin.
pub fn end(bench: &Bench) -> Checked {
    let server = serve(bench)?;
    let client = Peer::connect(bench, "client", server.address)?;
    echoes(&client, b"goodbye\n")?;
    client.half_close()?;
    let Err(heard) = client.expect_end()? else { return Ok(()) };
    let spins = evidence::spins(bench, &server.program);
    let finding = match heard.instead {
        Instead::Silence if spins => Finding::new("echo.end.spins", &[]).mistake("eof-ignored"),
        Instead::Silence => {
            Finding::new("echo.end.open", &[]).mistake("fd-leak").mistake("eof-ignored")
        }
        _ => Finding::new("echo.end.other", &[]),
    };
    fails(finding)
}

/// A second client is served while the first is there and silent.
pub fn together(bench: &Bench) -> Checked {
    let server = serve(bench)?;
    let first = Peer::connect(bench, "client 1", server.address)?;
    echoes(&first, b"first\n")?;
    let second = Peer::connect(bench, "client 2", server.address)?;
    second.send(b"second\n")?;
    let Err(heard) = second.expect(b"second\n")? else { return Ok(()) };
    // The kernel completes the handshake by itself; whether accept was called shows in the program's descriptors.
    let accepted = evidence::holds(&server.program, second.remote, second.local);
    fails(match heard.instead {
        Instead::Silence if !accepted => {
            Finding::new("echo.together.waits", &[]).mistake("one-client-at-a-time")
        }
        _ => unlike(b"second\n", &heard),
    })
}

/// A client may pause as long as it likes.
pub fn pause(bench: &Bench) -> Checked {
    let server = serve(bench)?;
    let client = Peer::connect(bench, "client", server.address)?;
    echoes(&client, b"before\n")?;
    let impatient = evidence::impatience(&server.program, client.remote, client.local);
    bench.tell("check.pauses", &[("seconds", &PAUSE.as_secs_f64())]);
    let begin = Instant::now();
    let (bytes, ended) = client.receive(begin + PAUSE, |bytes| !bytes.is_empty())?;
    if ended == Some(Instead::Silence) {
        return echoes(&client, b"after\n");
    }
    let finding = Finding::new("echo.pause.gone", &[]).but("", difference(b"", &bytes).1);
    // A time limit that is up at once is none: it does not wait for more, or has found that there is none yet.
    let is_quick = begin.elapsed() < AT_ONCE && bytes.is_empty();
    if is_quick && back_if_there(bench, &server, &[b'x'; 4 * PIECE])? <= PIECE {
        return fails(finding.because("echo.pause.once", &[]));
    }
    // It may have given up before it was looked at, and says why.
    let impatient = impatient || evidence::names_eagain(&server.program);
    fails(if impatient { finding.mistake("eagain-fatal") } else { finding })
}

/// Much comes back whole, although the client reads slowly.
pub fn large(bench: &Bench) -> Checked {
    let server = serve(bench)?;
    let client = Peer::connect_small(bench, "client", server.address, 16 << 10)?;
    echoes(&client, b"before\n")?;
    let hurries = evidence::hurries(&server.program, client.remote, client.local);
    let message: Vec<u8> = (0..LARGE).map(|index| b"0123456789abcdef\n"[index % 17]).collect();
    let heard = client.exchange_slowly(&message)?;
    let Err(heard) = heard else { return Ok(()) };
    let hurries = hurries || evidence::names_eagain(&server.program);
    let right = message.iter().zip(&heard.bytes).take_while(|(one, other)| one == other).count();
    let blanks: [(&str, &dyn Display); 2] = [("count", &right), ("all", &message.len())];
    let finding = match heard.instead {
        // It ended before anything of this was sent.
        Instead::End | Instead::Reset if right == 0 => unlike(&message, &heard),
        // The connection lives, and bytes are missing: they were never sent.
        Instead::Silence | Instead::Other => {
            Finding::new("echo.large.cut", &blanks).mistake("short-send")
        }
        // The server gave up a client that had only not read for a while.
        _ if hurries => Finding::new("echo.large.given-up", &blanks)
            .mistake("eagain-fatal")
            .mistake("short-send"),
        Instead::Reset => Finding::new("echo.reset-by-server", &[]),
        Instead::End => Finding::new("echo.large.cut", &blanks).mistake("short-send"),
    };
    let (shown, seen) = difference(&message, &heard.bytes);
    fails(finding.but(shown, seen))
}

/// A client that resets its connection takes nobody with it.
pub fn reset(bench: &Bench) -> Checked {
    let mut server = serve(bench)?;
    let served = rude_clients(bench, &mut server).and_then(|()| still_serves(bench, &server));
    // On a machine with much to do it may take its time to end.
    let patience = bench.patiently(Duration::from_millis(if served.is_ok() { 0 } else { 1000 }));
    match server.program.ends_before(Instant::now() + patience) {
        Some(ended) => {
            let finding = Finding::new("echo.reset.died", &[("how", &ended)])
                .mistake("broken-pipe")
                .but("", server.program.last_words());
            let talk = |client: &Peer| echoes(client, LINE);
            fails(departure::judged(bench, serve(bench)?, talk, finding)?)
        }
        None => served,
    }
}

/// Three that send much, and reset before they have it back.
fn rude_clients(bench: &Bench, server: &mut Server) -> Checked {
    for round in 1..=3 {
        let rude = Peer::connect(bench, format!("client {round}"), server.address)?;
        rude.send(&[b'x'; 100_000])?;
        rude.reset()?;
    }
    server.program.ends_before(Instant::now() + Duration::from_millis(300));
    Ok(())
}

fn still_serves(bench: &Bench, server: &Server) -> Checked {
    let client = Peer::connect(bench, "another client", server.address)?;
    echoes(&client, b"still there?\n")
}

/// Connections that are over leave no descriptor behind.
pub fn descriptors(bench: &Bench) -> Checked {
    const CLIENTS: usize = 40;
    let server = serve(bench)?;
    let before = server.program.processes().sockets().len();
    for number in 1..=CLIENTS {
        let client = Peer::connect(bench, format!("client {number}"), server.address)?;
        echoes(&client, b"hello\n")?;
        client.half_close()?;
        if client.expect_end()?.is_err() {
            break;
        }
    }
    let kept = evidence::sockets_left(&server.program, before);
    if kept < CLIENTS / 2 {
        return Ok(());
    }
    fails(
        Finding::new("echo.descriptors.kept", &[("kept", &kept), ("clients", &CLIENTS)])
            .mistake("fd-leak"),
    )
}
