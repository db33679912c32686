//! `half-close`: a client that sends all of its input, says "no more" without closing, and prints the whole answer.

use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use super::client::{Client, SMALL, carries_bytes, ends_badly, large, prints_nothing, sends_much};
use super::{Check, Exercise};
use crate::check::ANSWER;
use crate::check::bench::Bench;
use crate::check::evidence;
use crate::check::listener::Listener;
use crate::check::peer::{Heard, Instead, fails};
use crate::check::program::Ended;
use crate::check::story::difference;
use crate::check::verdict::{Checked, Finding, Stop, Words, trouble};

/// The exercise.
pub const EXERCISE: Exercise = Exercise {
    name: "half-close",
    checks: &[
        Check::new("connects", 5, |bench| Client::meet(bench, &[], b"hello\n").map(drop)),
        Check::new("text", 5, text).after(&["connects"]),
        Check::new("no-more", 10, no_more).after(&["text"]),
        Check::new("answer", 15, answer).after(&["no-more"]),
        Check::new("end", 10, end).after(&["answer"]),
        Check::new("bytes", 10, |bench| carries_bytes(bench, &[])).after(&["answer"]),
        Check::new("pieces", 5, pieces).after(&["answer"]),
        Check::new("nothing", 5, nothing).after(&["answer"]),
        Check::new("pause", 5, pause).after(&["answer"]),
        Check::new("large", 10, |bench| sends_much(bench, &[])).after(&["end"]),
        Check::new("both-ways", 10, both_ways).after(&["end", "large"]),
        Check::new("refused", 5, refused).after(&["answer"]),
        Check::new("reset", 5, reset).after(&["answer"]),
    ],
};

/// A server that thinks longer than any sensible time-out of a program that polls.
const PAUSE: Duration = Duration::from_millis(1500);

/// How often a server that cannot write looks why, and how many times it finds that nobody moves.
const LOOK: Duration = Duration::from_millis(250);
const LOOKS: u32 = 8;

const TEXT: &[u8] = b"hello\n";
const REPLY: &[u8] = b"goodbye\n";

/// The input arrives.
fn text(bench: &Bench) -> Checked {
    let mut client = Client::meet(bench, &[], TEXT)?;
    match client.peer.expect(TEXT)? {
        Ok(()) => Ok(()),
        Err(heard) => fails(client.unlike(TEXT, &heard)),
    }
}

/// Then comes the end of file.
fn no_more(bench: &Bench) -> Checked {
    Client::meet(bench, &[], TEXT)?.sends(TEXT)
}

/// An answer that is sent only after that is printed.
fn answer(bench: &Bench) -> Checked {
    let mut client = Client::meet(bench, &[], TEXT)?;
    client.sends(TEXT)?;
    client.answers(REPLY)
}

/// At the server's end of file the program ends too.
fn end(bench: &Bench) -> Checked {
    let mut client = Client::meet(bench, &[], TEXT)?;
    client.sends(TEXT)?;
    client.answers(REPLY)?;
    client.ends_well(REPLY)
}

/// An answer in several pieces, each sent when the one before has been taken.
fn pieces(bench: &Bench) -> Checked {
    let parts: [&[u8]; 4] = [b"one, ", b"t", b"wo, ", b"three\n"];
    let mut client = Client::meet(bench, &[], TEXT)?;
    client.sends(TEXT)?;
    for part in parts {
        match client.peer.send(part) {
            // It has closed: that shows in what it printed.
            Err(Stop::Failed(_)) => break,
            sent => sent?,
        }
        evidence::takes(&client.program, client.peer.remote, client.peer.local);
    }
    client.peer.half_close()?;
    let whole = parts.concat();
    let output = client.printed(&whole);
    if output == whole {
        return client.ends_well(&whole);
    }
    let (expected, actual) = difference(&whole, &output);
    let finding = Finding::new("half-close.pieces.cut", &[]).but(expected, actual);
    let first = !output.is_empty() && whole.starts_with(&output);
    // One that ends with a failure does not take what it has for the whole.
    let content = client.ended_soon().is_none_or(|ended| ended == Ended::Exit(0));
    fails(if first && content { finding.mistake("one-recv-one-message") } else { finding })
}

/// No input and no answer are all right too.
fn nothing(bench: &Bench) -> Checked {
    let mut client = Client::meet(bench, &[], b"")?;
    client.sends(b"")?;
    client.peer.half_close()?;
    client.ends_well(b"")
}

/// A server may think for as long as it likes.
fn pause(bench: &Bench) -> Checked {
    let mut client = Client::meet(bench, &[], TEXT)?;
    client.sends(TEXT)?;
    let (program, peer) = (client.peer.remote, client.peer.local);
    // One that has ended already took no time to wait.
    let impatient = !evidence::holds(&client.program, program, peer)
        || evidence::impatience(&client.program, program, peer);
    bench.tell("check.pauses", &[("seconds", &PAUSE.as_secs_f64())]);
    let Some(how) = client.program.ends_before(Instant::now() + PAUSE) else {
        return client.answers(REPLY);
    };
    bench.ended(&mut client.program, Duration::ZERO)?;
    let finding = Finding::new("half-close.pause.gone", &[("how", &how)])
        .but("", client.program.last_words());
    let impatient = impatient || evidence::names_eagain(&client.program);
    fails(if impatient { finding.mistake("eagain-fatal") } else { finding })
}

/// A server answers as it reads, and does not read on while nobody takes its answers.
fn both_ways(bench: &Bench) -> Checked {
    let message = large();
    let mut client = Client::meet_small(bench, &[], &message)?;
    client.peer.socket().set_send_buffer_size(SMALL).map_err(trouble("SO_SNDBUF"))?;
    let mut served = Served::default();
    let stuck = serve(bench, &client, &mut served)?;
    let (read, written) = (served.read.len(), served.written.len());
    bench.tell("half-close.both-ways.served", &[("read", &read), ("written", &written)]);
    match stuck {
        None if served.read == message => {}
        None => {
            let heard = Heard { bytes: served.read, instead: Instead::End };
            return fails(client.unlike(&message, &heard));
        }
        Some(turn) => return fails(stuck_at(bench, &mut client, turn, &served)),
    }
    client.peer.half_close()?;
    client.ends_well(&served.written)
}

/// How far a server has come that answers as it reads.
#[derive(Default)]
struct Served {
    read: Vec<u8>,
    written: Vec<u8>,
}

/// At what it did not get any further.
enum Turn {
    Reading(io::Error),
    Writing(io::Error),
}

/// Answers a quarter of each piece, up to the program's end of file; or where it got stuck.
fn serve(bench: &Bench, client: &Client, served: &mut Served) -> Checked<Option<Turn>> {
    let socket = client.peer.socket();
    socket.set_read_timeout(Some(bench.patiently(ANSWER))).map_err(trouble("SO_RCVTIMEO"))?;
    socket.set_write_timeout(Some(LOOK)).map_err(trouble("SO_SNDTIMEO"))?;
    let mut buffer = vec![0; 32 << 10];
    loop {
        bench.check_stop()?;
        let piece = match (&*socket).read(&mut buffer) {
            Ok(0) => return Ok(None),
            Ok(count) => &buffer[..count],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Ok(Some(Turn::Reading(error))),
        };
        served.read.extend(piece);
        let reply = &piece[..piece.len() / 4];
        if let Err(error) = write_all(bench, client, reply) {
            return Ok(Some(Turn::Writing(error)));
        }
        served.written.extend(reply);
    }
}

/// Writes until all is written, or nobody moves: the program sleeps, and its queues stay as they are.
fn write_all(bench: &Bench, client: &Client, mut rest: &[u8]) -> io::Result<()> {
    let (deadline, mut looks, mut before) = (bench.answer(), 0, (0, 0));
    while !rest.is_empty() {
        match (&*client.peer.socket()).write(rest) {
            Ok(count) => (rest, looks) = (&rest[count..], 0),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let now = queues(client);
                let still = now == before && !client.program.processes().are_busy();
                (looks, before) = (if still { looks + 1 } else { 0 }, now);
                if looks >= LOOKS || Instant::now() > deadline {
                    return Err(error);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// How many bytes wait at the program's end to be read, and to be sent.
fn queues(client: &Client) -> (u32, u32) {
    let (local, peer) = (client.peer.remote, client.peer.local);
    let entry = evidence::connection(&client.program, local, peer);
    entry.map_or((0, 0), |(entry, _)| (entry.rx_queue, entry.tx_queue))
}

/// Why the server got stuck: the queues of the program's end say who waits for whom.
fn stuck_at(bench: &Bench, client: &mut Client, turn: Turn, served: &Served) -> Finding {
    let (unread, unsent) = queues(client);
    bench.tell("half-close.both-ways.queues", &[("unread", &unread), ("unsent", &unsent)]);
    let (read, written) = (served.read.len(), served.written.len());
    let ended = client.ended_soon();
    match turn {
        Turn::Writing(error) if error.kind() == io::ErrorKind::WouldBlock && unread > 0 => {
            let blanks: [(&str, &dyn std::fmt::Display); 2] =
                [("unread", &unread), ("unsent", &unsent)];
            let actual = Words::new("half-close.both-ways.queues", &blanks).to_string();
            let finding = Finding::new("half-close.both-ways.deadlock", &blanks).but("", actual);
            if unsent > 0 { finding.mistake("send-send-deadlock") } else { finding }
        }
        _ if evidence::names_eagain(&client.program) => client.nothing_yet(ended),
        Turn::Writing(error) | Turn::Reading(error) => Finding::new(
            "half-close.both-ways.stuck",
            &[("read", &read), ("written", &written), ("error", &error)],
        ),
    }
}

/// Nobody listens: the program fails, and says so.
fn refused(bench: &Bench) -> Checked {
    let nobody = Listener::bound(bench)?;
    bench.tell("half-close.refused.nobody", &[("address", &nobody.address)]);
    let mut program = bench.client(nobody.address, &[], TEXT)?;
    ends_badly(bench, &mut program, &[], Finding::new("half-close.refused.stays", &[]))?;
    prints_nothing(&program)
}

/// The server resets the connection in the middle of its answer: that is no end of file.
fn reset(bench: &Bench) -> Checked {
    let client = Client::meet(bench, &[], TEXT)?;
    let Client { mut program, peer, .. } = client;
    peer.receive(bench.answer(), |_| false)?;
    // Received before the reset: what arrives with a reset can be lost, or be taken for the end, in a library that polls.
    peer.send_apart(&[b"half of an ans"])?;
    peer.reset()?;
    ends_badly(bench, &mut program, &[], Finding::new("half-close.reset.stays", &[]))
}
