//! `tcp-echo`: every byte comes back; end of file for end of file; any number of clients at a time.

use std::time::{Duration, Instant};

use super::{Check, Exercise};
use crate::check::bench::{Bench, Server, Transport};
use crate::check::evidence;
use crate::check::peer::{Heard, Instead, Peer, fails};
use crate::check::story::difference;
use crate::check::verdict::{Checked, Finding};

/// The exercise.
pub const EXERCISE: Exercise = Exercise {
    name: "tcp-echo",
    checks: &[
        Check::new("listens", 5, |bench| serve(bench).map(drop)),
        Check::new("text", 10, text).after(&["listens"]),
        Check::new("bytes", 10, bytes).after(&["text"]),
        Check::new("end", 10, end).after(&["text"]),
        Check::new("together", 15, together).after(&["text"]),
        Check::new("pause", 10, pause).after(&["text"]),
        Check::new("large", 10, large).after(&["bytes"]),
        Check::new("reset", 10, reset).after(&["text"]),
        Check::new("descriptors", 10, descriptors).after(&["end"]),
        Check::new("restart", 10, restart).after(&["text"]),
    ],
};

/// A client that pauses longer than any sensible time-out of a thread that polls.
const PAUSE: Duration = Duration::from_millis(1500);

/// More than the buffers of both sides hold.
const LARGE: usize = 8 << 20;

fn serve(bench: &Bench) -> Checked<Server> {
    bench.server(Transport::Tcp)
}

/// A line of text comes back.
fn text(bench: &Bench) -> Checked {
    let server = serve(bench)?;
    let client = Peer::connect(bench, "client", server.address)?;
    echoes(&client, b"hello\n", Finding::new("tcp-echo.text.other", &[]))
}

/// Sends it, and expects it back; `otherwise` is what it means when something else comes.
fn echoes(client: &Peer, message: &[u8], otherwise: Finding) -> Checked {
    client.send(message)?;
    match client.expect(message)? {
        Ok(()) => Ok(()),
        Err(heard) => fails(unlike(message, &heard, otherwise)),
    }
}

/// What came instead, as a finding.
fn unlike(expected: &[u8], heard: &Heard, otherwise: Finding) -> Finding {
    let (shown, seen) = difference(expected, &heard.bytes);
    let finding = match heard.instead {
        Instead::Silence => Finding::new("tcp-echo.silence", &[]),
        Instead::End => Finding::new("tcp-echo.ended", &[]),
        Instead::Reset => Finding::new("tcp-echo.reset-by-server", &[]),
        Instead::Other => otherwise,
    };
    finding.but(shown, seen)
}

/// Every value that a byte can have, and white space where text is trimmed.
fn bytes(bench: &Bench) -> Checked {
    let server = serve(bench)?;
    let client = Peer::connect(bench, "client", server.address)?;
    let all: Vec<u8> = (0..=255).chain(*b" \t\r\n\0 \n").collect();
    client.send(&all)?;
    match client.expect(&all)? {
        Ok(()) => Ok(()),
        // Text came back as it was, in the check before: what is lost or changed here is what text does not have.
        Err(heard) => {
            let (shown, seen) = difference(&all, &heard.bytes);
            fails(
                Finding::new("tcp-echo.bytes.changed", &[])
                    .mistake("text-not-bytes")
                    .but(shown, seen),
            )
        }
    }
}

/// After the client's end of file the server ends too, and does not spin.
fn end(bench: &Bench) -> Checked {
    let server = serve(bench)?;
    let client = Peer::connect(bench, "client", server.address)?;
    echoes(&client, b"goodbye\n", Finding::new("tcp-echo.text.other", &[]))?;
    client.half_close()?;
    let Err(heard) = client.expect_end()? else { return Ok(()) };
    let spins = evidence::spins(bench, &server.program);
    let finding = match heard.instead {
        Instead::Silence if spins => Finding::new("tcp-echo.end.spins", &[]).mistake("eof-ignored"),
        Instead::Silence => {
            Finding::new("tcp-echo.end.open", &[]).mistake("eof-ignored").mistake("fd-leak")
        }
        _ => Finding::new("tcp-echo.end.other", &[]),
    };
    fails(finding)
}

/// A second client is served while the first is there and silent.
fn together(bench: &Bench) -> Checked {
    let server = serve(bench)?;
    let first = Peer::connect(bench, "client 1", server.address)?;
    echoes(&first, b"first\n", Finding::new("tcp-echo.text.other", &[]))?;
    let second = Peer::connect(bench, "client 2", server.address)?;
    second.send(b"second\n")?;
    let Err(heard) = second.expect(b"second\n")? else { return Ok(()) };
    // The kernel completes the handshake by itself; whether accept was called shows in the program's descriptors.
    let accepted = evidence::holds(&server.program, second.remote, second.local);
    let finding = Finding::new("tcp-echo.together.waits", &[]);
    fails(match heard.instead {
        Instead::Silence if !accepted => finding.mistake("one-client-at-a-time"),
        _ => unlike(b"second\n", &heard, finding),
    })
}

/// A client may pause as long as it likes.
fn pause(bench: &Bench) -> Checked {
    let server = serve(bench)?;
    let client = Peer::connect(bench, "client", server.address)?;
    echoes(&client, b"before\n", Finding::new("tcp-echo.text.other", &[]))?;
    let impatient = evidence::impatience(&server.program, client.remote, client.local);
    bench.tell("check.pauses", &[("seconds", &PAUSE.as_secs_f64())]);
    let (bytes, ended) = client.receive(Instant::now() + PAUSE, |bytes| !bytes.is_empty())?;
    if ended == Some(Instead::Silence) {
        return echoes(&client, b"after\n", Finding::new("tcp-echo.text.other", &[]));
    }
    let finding = Finding::new("tcp-echo.pause.gone", &[]).but("", difference(b"", &bytes).1);
    fails(if impatient { finding.mistake("eagain-fatal") } else { finding })
}

/// Much comes back whole, although the client reads slowly.
fn large(bench: &Bench) -> Checked {
    let server = serve(bench)?;
    let client = Peer::connect_small(bench, "client", server.address, 16 << 10)?;
    let message: Vec<u8> = (0..LARGE).map(|index| b"0123456789abcdef\n"[index % 17]).collect();
    let heard = client.exchange_slowly(&message)?;
    let Err(heard) = heard else { return Ok(()) };
    let (shown, seen) = difference(&message, &heard.bytes);
    let finding = Finding::new(
        "tcp-echo.large.cut",
        &[("count", &heard.bytes.len()), ("all", &message.len())],
    );
    fails(
        match heard.instead {
            Instead::Reset => Finding::new("tcp-echo.reset-by-server", &[]),
            _ => finding.mistake("short-send"),
        }
        .but(shown, seen),
    )
}

/// A client that resets its connection takes nobody with it.
fn reset(bench: &Bench) -> Checked {
    let mut server = serve(bench)?;
    for round in 1..=3 {
        let rude = Peer::connect(bench, format!("client {round}"), server.address)?;
        rude.send(&[b'x'; 100_000])?;
        rude.reset()?;
    }
    if let Some(ended) = server.program.ends_before(Instant::now() + Duration::from_millis(300)) {
        let finding =
            Finding::new("tcp-echo.reset.died", &[("how", &ended)]).mistake("broken-pipe");
        return fails(finding.but("", server.program.last_words()));
    }
    let client = Peer::connect(bench, "another client", server.address)?;
    echoes(&client, b"still there?\n", Finding::new("tcp-echo.text.other", &[]))
}

/// Connections that are over leave no descriptor behind.
fn descriptors(bench: &Bench) -> Checked {
    const CLIENTS: usize = 40;
    let server = serve(bench)?;
    let before = server.program.processes().sockets().len();
    for number in 1..=CLIENTS {
        let client = Peer::connect(bench, format!("client {number}"), server.address)?;
        echoes(&client, b"hello\n", Finding::new("tcp-echo.text.other", &[]))?;
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
        Finding::new("tcp-echo.descriptors.kept", &[("kept", &kept), ("clients", &CLIENTS)])
            .mistake("fd-leak"),
    )
}

/// It can be started again at once, after it ended with a client connected.
fn restart(bench: &Bench) -> Checked {
    let mut server = serve(bench)?;
    let client = Peer::connect(bench, "client", server.address)?;
    echoes(&client, b"hello\n", Finding::new("tcp-echo.text.other", &[]))?;
    let reuses = evidence::reuses_address(&server.program, server.address);
    bench.tell("check.stops-program", &[]);
    server.program.stop();
    // The server's end closed first, so TIME_WAIT is on its side.
    client.expect_end()?.ok();
    client.close();
    match bench.server_at(server.address, Transport::Tcp, &[]) {
        Ok(_) => Ok(()),
        Err(_) if reuses == Some(false) => {
            fails(Finding::new("tcp-echo.restart.in-use", &[]).mistake("address-in-use"))
        }
        Err(other) => Err(other),
    }
}
