//! `many-clients`: `tcp-echo` for a thousand clients at once, one of which never reads.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::{Check, Exercise, echo};
use crate::check::bench::{Bench, Server};
use crate::check::peer::{Heard, Instead, Peer, fails};
use crate::check::story::difference;
use crate::check::verdict::{Checked, Finding, Stop, Words, trouble};

/// The exercise.
pub const EXERCISE: Exercise = Exercise {
    name: "many-clients",
    checks: &[
        Check::new("listens", 5, |bench| echo::serve(bench).map(drop)),
        Check::new("text", 10, echo::text).after(&["listens"]),
        Check::new("bytes", 5, echo::bytes).after(&["text"]),
        Check::new("end", 10, echo::end).after(&["text"]),
        Check::new("together", 10, echo::together).after(&["text"]),
        Check::new("pause", 10, echo::pause).after(&["text"]),
        Check::new("large", 10, echo::large).after(&["bytes"]),
        Check::new("never-reads", 10, never_reads).after(&["together"]),
        Check::new("reset", 5, echo::reset).after(&["text"]),
        Check::new("descriptors", 10, echo::descriptors).after(&["end"]),
        Check::new("thousand", 15, thousand).after(&["together"]),
    ],
};

/// As many clients, and one that never reads among them.
const CLIENTS: usize = 1000;

/// More than the buffers of both sides hold.
const FLOOD: usize = 16 << 20;

/// The receive buffer of the client that never reads.
const SMALL: usize = 16 << 10;

/// A client that sends, and does not read.
fn deaf<'a>(bench: &'a Bench<'a>, server: &Server) -> Checked<Peer<'a>> {
    let deaf = Peer::connect_small(bench, "client 1", server.address, SMALL)?;
    deaf.flood(&vec![b'd'; FLOOD])?;
    Ok(deaf)
}

/// A client that never reads is not noticed by the others: one that was there, and one that comes.
fn never_reads(bench: &Bench) -> Checked {
    let server = echo::serve(bench)?;
    let friend = Peer::connect(bench, "client 2", server.address)?;
    echo::echoes(&friend, b"before\n")?;
    let deaf = deaf(bench, &server)?;
    served(bench, &friend, &deaf)?;
    served(bench, &Peer::connect(bench, "client 3", server.address)?, &deaf)
}

/// Sends a line, and expects it back. If it does not come: whether it does when the other one reads.
fn served(bench: &Bench, client: &Peer, deaf: &Peer) -> Checked {
    let message = b"anybody there?\n";
    client.send(message)?;
    let Err(heard) = client.expect(message)? else { return Ok(()) };
    if heard.instead != Instead::Silence {
        return fails(echo::unlike(message, &heard));
    }
    let recovers = while_reading(bench, deaf, || client.expect(message))?.is_ok();
    let (shown, seen) = difference(message, &heard.bytes);
    let finding = match recovers {
        true => {
            Finding::new("many-clients.never-reads.stalls", &[]).mistake("broadcast-under-lock")
        }
        false => Finding::new("many-clients.never-reads.silent", &[]),
    };
    fails(finding.but(shown, seen))
}

/// Does `work` while `deaf` reads, after all.
fn while_reading<T>(bench: &Bench, deaf: &Peer, work: impl FnOnce() -> T) -> T {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| deaf.receive(bench.answer(), |_| done.load(Ordering::Relaxed)));
        let result = work();
        done.store(true, Ordering::Relaxed);
        result
    })
}

/// A thousand at once, one of which never reads.
fn thousand(bench: &Bench) -> Checked {
    room()?;
    let mut server = echo::serve(bench)?;
    let deaf = deaf(bench, &server)?;
    // What each single one does would fill a book.
    let quiet = Bench::new(bench.plan, bench.stop);
    let crowd = gather(bench, &quiet, &mut server)?;
    all_at_once(bench, &crowd, &mut server)?;
    leave(bench, crowd, &mut server)?;
    deaf.reset()
}

/// Sees to it that this process may have as many descriptors as it needs.
fn room() -> Checked {
    const WANTED: u64 = 1 << 14;
    const NEEDED: u64 = 1100;
    let limit = getrlimit(Resource::Nofile);
    let possible = limit.maximum.unwrap_or(u64::MAX).min(WANTED);
    if limit.current.is_some_and(|current| current < possible) {
        let raised = Rlimit { current: Some(possible), maximum: limit.maximum };
        setrlimit(Resource::Nofile, raised).map_err(|error| trouble("setrlimit")(error.into()))?;
    }
    match possible < NEEDED {
        false => Ok(()),
        true => Err(Stop::Skipped(Words::new(
            "many-clients.thousand.room",
            &[("limit", &possible), ("needed", &NEEDED)],
        ))),
    }
}

/// They come one after the other, so that a short queue of connections to accept is no fault; each is served, and stays.
fn gather<'a>(bench: &Bench, quiet: &'a Bench<'a>, server: &mut Server) -> Checked<Vec<Peer<'a>>> {
    let mut crowd = Vec::with_capacity(CLIENTS);
    for number in 2..=CLIENTS {
        let come = || {
            let client = Peer::connect(quiet, format!("client {number}"), server.address)?;
            // It goes with a reset, if it is not told otherwise: a thousand connections in TIME_WAIT would be in the way.
            let linger = client.socket().set_linger(Some(Duration::ZERO));
            linger.map_err(trouble("SO_LINGER"))?;
            echo::echoes(&client, b"hello\n")?;
            Ok(client)
        };
        match come() {
            Ok(client) => crowd.push(client),
            Err(stop) => return Err(explained(bench, server, stop, number)),
        }
    }
    bench.tell("many-clients.thousand.connected", &[("count", &crowd.len())]);
    Ok(crowd)
}

/// All send, each something of its own; then they are heard, the last one first.
fn all_at_once(bench: &Bench, crowd: &[Peer], server: &mut Server) -> Checked {
    let message = |number: usize| format!("this is number {number} of many\n").repeat(40);
    for (number, client) in crowd.iter().enumerate() {
        client.send(message(number).as_bytes())?;
    }
    bench.tell("many-clients.thousand.sent", &[("count", &crowd.len())]);
    for (number, client) in crowd.iter().enumerate().rev() {
        let expected = message(number);
        if let Err(heard) = client.expect(expected.as_bytes())? {
            let stop = not_echoed(expected.as_bytes(), &heard);
            return Err(explained(bench, server, stop, number + 2));
        }
    }
    bench.tell("many-clients.thousand.answered", &[("count", &crowd.len())]);
    Ok(())
}

fn not_echoed(expected: &[u8], heard: &Heard) -> Stop {
    echo::unlike(expected, heard).into()
}

/// Some say that they have no more to send, and get their end of file; then all go.
fn leave(bench: &Bench, crowd: Vec<Peer>, server: &mut Server) -> Checked {
    for (number, client) in crowd.iter().enumerate().step_by(20) {
        client.half_close()?;
        if client.expect_end()?.is_err() {
            let stop = Finding::new("many-clients.thousand.no-end", &[]).into();
            return Err(explained(bench, server, stop, number + 2));
        }
    }
    drop(crowd);
    bench.tell("many-clients.thousand.gone", &[]);
    Ok(())
}

/// What went wrong with one of many, told with its number, and whether the program is there still.
fn explained(bench: &Bench, server: &mut Server, stop: Stop, number: usize) -> Stop {
    let Stop::Failed(finding) = stop else { return stop };
    bench.tell("many-clients.thousand.failed", &[("number", &number), ("what", &finding.cause)]);
    let ended =
        server.program.ends_before(Instant::now() + bench.patiently(Duration::from_millis(500)));
    let last = server.program.last_words();
    let told = match ended {
        Some(how) => Finding::new("many-clients.thousand.died", &[("how", &how)]),
        None => Finding::new(
            "many-clients.thousand.one",
            &[("number", &number), ("what", &finding.cause)],
        ),
    };
    match finding.actual.is_empty() || ended.is_some() {
        true => told.but(finding.expected, last).into(),
        false => told.but(finding.expected, finding.actual).into(),
    }
}
