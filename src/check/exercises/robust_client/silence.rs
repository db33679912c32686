//! Servers that connect and then do not keep up: silent, too short, slow, or gone.

use std::time::{Duration, Instant};

use super::{PATIENT, REPLY, SLOWER, Settings, TEXT};
use crate::check::bench::Bench;
use crate::check::evidence;
use crate::check::exercises::client::{Client, ends_badly, prints_nothing};
use crate::check::peer::{Instead, fails};
use crate::check::program::Program;
use crate::check::verdict::{Checked, Finding, Stop, Words};

/// One that soon loses its patience.
const HASTY: Settings = Settings { retries: 3, delay_ms: 50, timeout_ms: 500 };

/// The server reads everything and never answers.
pub fn silent(bench: &Bench) -> Checked {
    let mut client = Client::meet(bench, &HASTY.variables(), TEXT)?;
    client.sends(TEXT)?;
    waits_no_longer(bench, &mut client)?;
    prints_nothing(&client.program)
}

/// The server stops in the middle of its answer.
pub fn stops(bench: &Bench) -> Checked {
    let mut client = Client::meet(bench, &HASTY.variables(), TEXT)?;
    client.sends(TEXT)?;
    client.peer.send(b"half of an ans")?;
    waits_no_longer(bench, &mut client)
}

/// The program ends with a failure, soon after its limit, and does not connect again.
fn waits_no_longer(bench: &Bench, client: &mut Client) -> Checked {
    let limit = HASTY.timeout_ms;
    let hangs =
        Finding::new("robust-client.waits", &[("limit", &limit)]).mistake("no-timeout").but(
            Words::new("robust-client.ends-after", &[("limit", &limit)]).to_string(),
            Words::new("robust-client.still-waits", &[]).to_string(),
        );
    let outcome = ends_badly(bench, &mut client.program, &[1], hangs);
    came_once(client)?;
    outcome
}

/// What has failed once it was connected is not tried again.
fn came_once(client: &Client) -> Checked {
    match client.listener.accept_within("the server, a second time", Duration::ZERO)? {
        None => Ok(()),
        Some(_) => fails(Finding::new("robust-client.came-again", &[])),
    }
}

/// The server answers in pieces, each well within the limit, all together after it.
pub fn drips(bench: &Bench) -> Checked {
    for times in SLOWER {
        if let Some(outcome) = drip(bench, times)? {
            return outcome;
        }
    }
    Err(Stop::Skipped(Words::new("robust-client.slow-machine", &[])))
}

/// None when the checker itself paused for too long.
fn drip(bench: &Bench, times: u64) -> Checked<Option<Checked>> {
    const PIECES: [&[u8]; 5] = [b"an ", b"answer ", b"that ", b"takes its ", b"time\n"];
    let settings = Settings { timeout_ms: 600 * times, ..PATIENT };
    let limit = Duration::from_millis(settings.timeout_ms);
    let pause = limit * 5 / 16;
    let (mut client, impatient) = Client::meet_held(bench, &settings.variables(), TEXT)?;
    client.sends(TEXT)?;
    let begin = Instant::now();
    let mut last = begin;
    for piece in PIECES {
        let ended = client.program.ends_before(last + pause);
        if last.elapsed() > limit * 3 / 4 {
            return Ok(None);
        }
        if let Some(how) = ended {
            // One that takes its limit for the whole answer ends later than one that takes EAGAIN for a failure.
            let soon = begin.elapsed() < limit * 3 / 4;
            return Ok(Some(fails(gave_up(&client.program, impatient && soon, &how))));
        }
        last = Instant::now();
        match client.peer.send(piece) {
            // It has gone just now: the next look shows it.
            Err(Stop::Failed(_)) => {}
            sent => sent?,
        }
    }
    client.peer.half_close()?;
    Ok(Some(client.ends_well(&PIECES.concat())))
}

/// It ended though no pause was as long as its limit.
fn gave_up(program: &Program, impatient: bool, how: &dyn std::fmt::Display) -> Finding {
    let finding = Finding::new("robust-client.drips.gave-up", &[("how", how)]);
    let finding = finding.but(
        Words::new("client.goes-on", &[]).to_string(),
        Words::new("check.ended", &[("how", how), ("last", &program.last_words())]).to_string(),
    );
    match impatient || evidence::names_eagain(program) {
        true => finding.mistake("eagain-fatal"),
        false => finding,
    }
}

/// The server resets the connection in the middle of its answer.
pub fn reset(bench: &Bench) -> Checked {
    let client = Client::meet(bench, &Settings { retries: 3, ..PATIENT }.variables(), TEXT)?;
    let (_, ended) = client.peer.receive(bench.answer(), |_| false)?;
    if ended != Some(Instead::End) {
        return fails(Finding::new("client.no-end", &[]));
    }
    // Received before the reset: what arrives with a reset can be lost, or be taken for the end, in a library that polls.
    client.peer.send_apart(&[&REPLY[..4]])?;
    let Client { listener, mut program, peer, .. } = client;
    peer.reset()?;
    ends_badly(bench, &mut program, &[1], Finding::new("robust-client.reset.stays", &[]))?;
    match listener.accept_within("the server, a second time", Duration::ZERO)? {
        None => Ok(()),
        Some(_) => fails(Finding::new("robust-client.came-again", &[])),
    }
}
