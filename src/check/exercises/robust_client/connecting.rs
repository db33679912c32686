//! Names and addresses, servers that are not there, not yet there, or do not answer.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::attempts::{Attempt, Full, Watched, watch};
use super::{PATIENT, REPLY, SLOWER, Settings, TEXT, names};
use crate::check::ANSWER;
use crate::check::bench::{Bench, Transport};
use crate::check::exercises::client::{comes, ended, ends_badly, prints_nothing};
use crate::check::listener::Listener;
use crate::check::peer::{Peer, fails};
use crate::check::program::{Ended, Program};
use crate::check::story::preview;
use crate::check::verdict::{Checked, Finding, Stop, Words, trouble};

/// How much sooner than told a pause may end, by the rounding of clocks.
const ROUNDING: Duration = Duration::from_millis(10);

/// Starts the program with a name in place of an address.
fn start(bench: &Bench, host: &str, port: u16, settings: Settings) -> Checked<Program> {
    let mut program = bench.start_at(host, port, &settings.variables())?;
    bench.tell("check.input", &[("text", &preview(TEXT))]);
    program.feed(TEXT.to_vec()).map_err(trouble("its standard input"))?;
    Ok(program)
}

/// From the connection to the program's end, all goes well.
fn goes_well(bench: &Bench, peer: &Peer, program: &mut Program) -> Checked {
    if peer.expect(TEXT)?.is_err() {
        return fails(Finding::new("robust-client.nothing-sent", &[]));
    }
    peer.send(REPLY)?;
    peer.half_close()?;
    match ended(bench, program)? {
        Some(Ended::Exit(0)) if program.output() == REPLY => Ok(()),
        _ => fails(Finding::new("robust-client.other-end", &[])),
    }
}

/// A name will do as well as an address.
pub fn name(bench: &Bench) -> Checked {
    let (name, addresses) = names::name()?;
    let all = names::bound_at_all(bench, &addresses)?;
    all.iter().try_for_each(|listener| listener.listen(8))?;
    let all: Vec<&Listener> = all.iter().collect();
    let port = all.first().map_or(0, |listener| listener.address.port());
    let mut program = start(bench, name, port, PATIENT)?;
    let peer = comes(bench, &all, &mut program)?;
    goes_well(bench, &peer, &mut program)
}

/// Of a name's addresses one will do, whichever it is.
pub fn addresses(bench: &Bench) -> Checked {
    let (name, addresses) = names::with_two_addresses()?;
    for good in 0..addresses.len() {
        let all = names::bound_at_all(bench, &addresses)?;
        let Some(listener) = all.get(good) else { continue };
        listener.listen(8)?;
        for other in all.iter().filter(|other| other.address != listener.address) {
            bench.tell("robust-client.nobody", &[("address", &other.address)]);
        }
        bench.tell("robust-client.somebody", &[("address", &listener.address)]);
        let port = listener.address.port();
        let mut program = start(bench, name, port, Settings { retries: 1, ..PATIENT })?;
        let peer = match comes(bench, &[listener], &mut program) {
            // With a server at every address it came, in the check before.
            Err(Stop::Failed(_)) => return fails(never_tried(name, listener.address, &program)),
            peer => peer?,
        };
        goes_well(bench, &peer, &mut program)?;
    }
    Ok(())
}

fn never_tried(name: &str, address: SocketAddr, program: &Program) -> Finding {
    let finding = Finding::new("robust-client.addresses.one", &[("name", &name)]);
    let expected = Words::new("robust-client.addresses.comes", &[("address", &address)]);
    finding.mistake("first-address-only").but(expected.to_string(), program.last_words())
}

/// A connect that is not answered is given up when its time is over.
pub fn limit(bench: &Bench) -> Checked {
    let settings = Settings { retries: 1, delay_ms: 50, timeout_ms: 300 };
    let full = Full::new(bench)?;
    let target = full.listener.address;
    bench.tell("robust-client.full", &[("address", &target)]);
    let mut program = bench.client(target, &settings.variables(), TEXT)?;
    let (long, most) = (bench.patiently(ANSWER), bench.patiently(ANSWER + bench.plan.startup));
    // It may have been slow to start: each connect has its own time.
    let lasts = |attempt: &Attempt| attempt.last - attempt.first > long;
    let watched = watch(bench, &mut program, &[target], most, |watched| {
        watched.attempts.iter().any(lasts) || watched.attempts.len() > 1
    })?;
    if watched.attempts.iter().any(lasts) {
        let limit = settings.timeout_ms;
        let finding = Finding::new("robust-client.limit.waits", &[("limit", &limit)]);
        return fails(finding.mistake("no-timeout"));
    }
    if watched.attempts.len() > 1 {
        // One was given up. How often it tries, and after which pause, is another matter.
        return Ok(());
    }
    ends_badly(bench, &mut program, &[1], Finding::new("robust-client.stays", &[]))?;
    prints_nothing(&program)
}

/// Watches a program that connects in vain, again if the machine was too slow to see connects as short as these.
fn watched(
    bench: &Bench,
    host: &str,
    full: &[Full],
    settings: Settings,
    most: usize,
) -> Checked<(Program, Watched, Settings)> {
    let targets: Vec<SocketAddr> = full.iter().map(|full| full.listener.address).collect();
    let port = targets.first().map_or(0, SocketAddr::port);
    targets.iter().for_each(|it| bench.tell("robust-client.full", &[("address", it)]));
    for settings in SLOWER.map(|times| settings.slower(times)) {
        let mut program = start(bench, host, port, settings)?;
        let limit = settings.longest(targets.len()) + bench.patiently(ANSWER);
        let watched = watch(bench, &mut program, &targets, limit, |it| it.attempts.len() > most)?;
        if watched.blind < Duration::from_millis(settings.timeout_ms / 2) {
            return Ok((program, watched, settings));
        }
    }
    Err(Stop::Skipped(Words::new("robust-client.slow-machine", &[])))
}

/// Between two tries it pauses, for as long as it was told to.
pub fn pause(bench: &Bench) -> Checked {
    let settings = Settings { retries: 2, delay_ms: 300, timeout_ms: 200 };
    let full = [Full::new(bench)?];
    let host = full[0].listener.address.ip().to_string();
    let (_program, watched, settings) = watched(bench, &host, &full, settings, 2)?;
    let delay = Duration::from_millis(settings.delay_ms);
    if let Some(short) = watched.pauses().find(|pause| *pause + ROUNDING < delay) {
        let (short, delay) = (short.as_millis(), settings.delay_ms);
        let finding =
            Finding::new("robust-client.pause.short", &[("short", &short), ("delay", &delay)]);
        return fails(
            finding.mistake("retry-blindly").but(format!("{delay} ms"), format!("{short} ms")),
        );
    }
    // Whether it tries more often is another matter.
    match watched.attempts.len() {
        count @ ..2 => fails(too_few(1, count, settings.retries)),
        _ => Ok(()),
    }
}

/// So many tries in all, each through every address.
pub fn tries(bench: &Bench) -> Checked {
    let settings = Settings { retries: 3, delay_ms: 50, timeout_ms: 120 };
    let full = match names::with_two_addresses() {
        Ok((_, addresses)) => names::bound_at_all(bench, &addresses)?
            .into_iter()
            .map(Full::of)
            .collect::<Checked<Vec<Full>>>()?,
        Err(_) => vec![Full::new(bench)?],
    };
    let host = match full.as_slice() {
        [one] => one.listener.address.ip().to_string(),
        _ => names::name()?.0.to_owned(),
    };
    let allowed = settings.retries as usize;
    let (mut program, watched, settings) =
        watched(bench, &host, &full, settings, allowed * full.len())?;
    for target in full.iter().map(|full| full.listener.address) {
        match watched.at(target) {
            count if count > allowed => {
                let finding = Finding::new("robust-client.tries.more", &[("retries", &allowed)]);
                return fails(finding.mistake("retry-blindly"));
            }
            0 if !watched.attempts.is_empty() => {
                let words = Finding::new("robust-client.tries.never", &[("address", &target)]);
                return fails(words.but(settings.retries.to_string(), "0"));
            }
            count if count < allowed => return fails(too_few(full.len(), count, settings.retries)),
            _ => {}
        }
    }
    ends_badly(bench, &mut program, &[1], Finding::new("robust-client.stays", &[]))?;
    prints_nothing(&program)
}

fn too_few(addresses: usize, count: usize, retries: u32) -> Finding {
    let words =
        if addresses > 1 { "robust-client.tries.fewer-each" } else { "robust-client.tries.fewer" };
    Finding::new(words, &[("count", &count), ("retries", &retries)])
        .but(retries.to_string(), count.to_string())
}

/// Nobody listens, and nobody will: after the last try it fails, and says so.
pub fn refused(bench: &Bench) -> Checked {
    let settings = Settings { retries: 3, delay_ms: 150, ..PATIENT };
    let nobody = Listener::bound(bench)?;
    bench.tell("robust-client.nobody", &[("address", &nobody.address)]);
    let begin = Instant::now();
    let mut program = bench.client(nobody.address, &settings.variables(), TEXT)?;
    ends_badly(bench, &mut program, &[1], Finding::new("robust-client.refused.stays", &[]))?;
    prints_nothing(&program)?;
    let pauses = Duration::from_millis(settings.delay_ms) * (settings.retries - 1);
    match begin.elapsed() + ROUNDING < pauses {
        false => Ok(()),
        true => fails(Finding::new(
            "robust-client.refused.soon",
            &[
                ("milliseconds", &begin.elapsed().as_millis()),
                ("retries", &settings.retries),
                ("delay", &settings.delay_ms),
            ],
        )),
    }
}

/// The server comes to listen only after the first try.
pub fn late(bench: &Bench) -> Checked {
    /// By then most programs have tried once; the last try of none is before.
    const LATE: Duration = Duration::from_millis(500);
    let settings = Settings { retries: 100, delay_ms: 120, ..PATIENT };
    let listener = Listener::bound(bench)?;
    bench.tell("robust-client.nobody", &[("address", &listener.address)]);
    let mut program = bench.client(listener.address, &settings.variables(), TEXT)?;
    if let Some(how) = program.ends_before(Instant::now() + LATE) {
        bench.ended(&mut program, Duration::ZERO)?;
        let finding = Finding::new("robust-client.late.gave-up", &[("retries", &settings.retries)]);
        return fails(finding.but(Words::new("client.goes-on", &[]).to_string(), how.to_string()));
    }
    listener.listen(8)?;
    bench.tell("robust-client.somebody", &[("address", &listener.address)]);
    let peer = comes(bench, &[&listener], &mut program)?;
    goes_well(bench, &peer, &mut program)
}

/// A name that does not exist will not exist after a pause either.
pub fn unknown(bench: &Bench) -> Checked {
    // On a busy machine a program that gives up at once needs longer for that, too.
    let times = bench.patiently(Duration::from_secs(1)).as_secs();
    let settings = Settings { retries: 3, delay_ms: 3000, ..PATIENT }.slower(times);
    let name = names::unknown();
    // The pauses alone would take so long.
    let pauses = Duration::from_millis(settings.delay_ms) * (settings.retries - 1);
    let begin = Instant::now();
    let port = bench.address(Transport::Tcp)?.port();
    let mut program = start(bench, name, port, settings)?;
    while begin.elapsed() < pauses && program.ended().is_none() {
        bench.check_stop()?;
        program.ends_before(Instant::now() + Duration::from_millis(100));
    }
    if program.ended().is_none() {
        let finding = Finding::new("robust-client.unknown.again", &[("name", &name)]);
        return fails(finding.mistake("retry-blindly"));
    }
    ends_badly(bench, &mut program, &[1], Finding::new("robust-client.stays", &[]))?;
    prints_nothing(&program)
}
