//! `heartbeat`: who is up, what was lost, who fell silent, each printed at once.

mod monitor;

use std::time::{Duration, Instant};

use super::{Check, Exercise};
use crate::check::bench::Bench;
use crate::check::peer::fails;
use crate::check::story::preview;
use crate::check::verdict::{Checked, Finding, Stop};
use monitor::{Monitor, Output, is_silence};

/// The exercise.
pub const EXERCISE: Exercise = Exercise {
    name: "heartbeat",
    checks: &[
        Check::new("listens", 5, |bench| Monitor::start(bench, PATIENT).map(drop)),
        Check::new("up", 15, up).after(&["listens"]),
        Check::new("lost", 15, lost).after(&["up"]),
        Check::new("names", 10, names).after(&["lost"]),
        Check::new("late", 10, late).after(&["up"]),
        Check::new("garbage", 15, garbage).after(&["up"]),
        Check::new("silence", 15, silence).after(&["up"]),
        Check::new("each", 5, |bench| in_time(bench, each)).after(&["up"]),
        Check::new("stale", 5, stale).after(&["up"]),
        Check::new("again", 5, |bench| in_time(bench, again)).after(&["silence"]),
    ],
};

/// The interval where silence is what is looked for.
const INTERVAL: Duration = Duration::from_millis(200);

/// The interval where it is not: three times as long nobody falls silent here, however slow the machine.
const PATIENT: Duration = Duration::from_secs(10);

/// The longest name.
const LONGEST: usize = 64;

/// The first and the next beat of a name, with numbers long enough that a cut one is noticed.
const NUMBERS: [u64; 2] = [1_000_000_001, 1_000_000_003];

/// The first beat of a name is told at once.
fn up(bench: &Bench) -> Checked {
    let mut monitor = Monitor::start(bench, PATIENT)?;
    for name in ["anna", "ben"] {
        monitor.beat(name, 1)?;
        monitor.prints(&format!("up {name}"), "heartbeat.up.other")?;
    }
    Ok(())
}

/// Beats that have not come are counted, for each name by itself.
fn lost(bench: &Bench) -> Checked {
    const WRONG: &str = "heartbeat.lost.other";
    let mut monitor = Monitor::start(bench, PATIENT)?;
    let beats = [
        ("anna", 7, "up anna"),
        ("anna", 8, ""),
        ("anna", 10, "lost anna 1"),
        ("ben", 3, "up ben"),
        ("anna", 15, "lost anna 4"),
        ("ben", 4, ""),
        ("ben", 6, "lost ben 1"),
        ("anna", 1_000_016, "lost anna 1000000"),
    ];
    for (name, number, line) in beats {
        monitor.beat(name, number)?;
        if !line.is_empty() {
            monitor.prints(line, WRONG)?;
        }
    }
    monitor.prints_nothing(WRONG)
}

/// Names up to the longest are told whole.
fn names(bench: &Bench) -> Checked {
    let mut monitor = Monitor::start(bench, PATIENT)?;
    for length in [1, LONGEST / 2, LONGEST - 1, LONGEST] {
        let Err(stop) = is_followed(&mut monitor, &"n".repeat(length)) else { continue };
        let Stop::Failed(finding) = stop else { return Err(stop) };
        let Some(room) = room(bench)? else { return Err(Stop::Failed(finding)) };
        let cut = Finding::new("heartbeat.names.cut", &[("room", &room)]).mistake("udp-truncation");
        return fails(cut.but(finding.expected, finding.actual));
    }
    monitor.prints_nothing("heartbeat.names.other")
}

/// It says that `name` is up, and what it lost.
fn is_followed(monitor: &mut Monitor, name: &str) -> Checked {
    let lines = [format!("up {name}"), format!("lost {name} 1")];
    for (number, line) in NUMBERS.into_iter().zip(lines) {
        monitor.beat(name, number)?;
        monitor.prints(&line, "heartbeat.names.other")?;
    }
    Ok(())
}

/// The room that the program has for a datagram, if that is what limits it: then names whose number is cut are up, and
/// lose nothing. A program that limits the name itself follows all those that are up.
fn room(bench: &Bench) -> Checked<Option<usize>> {
    const BEFORE_NUMBER: usize = "beat  ".len();
    const DIGITS: usize = 10;
    // One that is so slow shows nothing by what it leaves out.
    const ENOUGH: Duration = Duration::from_secs(30);
    let begin = Instant::now();
    let monitor = Monitor::start(bench, PATIENT)?;
    let mut longest_up = None;
    for length in (1..=LONGEST).rev() {
        let name = "n".repeat(length);
        for number in NUMBERS {
            monitor.beat(&name, number)?;
        }
        let lines = monitor.lines_until_up(&format!("w{length}"))?;
        let Some(lines) = lines.filter(|_| begin.elapsed() < ENOUGH) else { return Ok(None) };
        if lines.iter().any(|line| line.starts_with(&format!("lost {name} "))) {
            let number_cut = longest_up.is_some() && lines.contains(&format!("lost {name} 1"));
            return Ok(number_cut.then_some(length + BEFORE_NUMBER + DIGITS));
        }
        if lines.contains(&format!("up {name}")) {
            longest_up.get_or_insert(length);
        }
    }
    // Not even the shortest name has a number of ten digits.
    Ok(longest_up.map(|length| length + BEFORE_NUMBER + 1))
}

/// A beat that is not newer than the newest changes nothing.
fn late(bench: &Bench) -> Checked {
    const WRONG: &str = "heartbeat.late.other";
    let mut monitor = Monitor::start(bench, PATIENT)?;
    monitor.beat("anna", 10)?;
    monitor.prints("up anna", WRONG)?;
    for number in [10, 9, 3, 0, 10] {
        monitor.beat("anna", number)?;
        monitor.prints_nothing(WRONG)?;
    }
    monitor.beat("anna", 11)?;
    monitor.prints_nothing(WRONG)?;
    monitor.beat("anna", 13)?;
    monitor.prints("lost anna 1", WRONG)?;
    monitor.prints_nothing(WRONG)
}

/// What is no beat is ignored. Anybody can send anything to a UDP port.
fn garbage(bench: &Bench) -> Checked {
    let mut monitor = Monitor::start(bench, PATIENT)?;
    monitor.beat("anna", 7)?;
    monitor.prints("up anna", "heartbeat.garbage.other")?;
    for datagram in no_beats() {
        monitor.client.deliver(&datagram)?;
        let text = preview(&datagram);
        let finding = Finding::new("heartbeat.garbage.taken", &[("text", &text)]);
        let ended = Finding::new("heartbeat.garbage.other", &[("text", &text)]);
        monitor.ignores(finding, ended)?;
    }
    Ok(())
}

/// Datagrams that look more or less like a beat.
fn no_beats() -> Vec<Vec<u8>> {
    let long = "n".repeat(LONGEST + 1);
    // Fewer characters than the longest name may have bytes, and more bytes.
    let many_bytes = "é".repeat(LONGEST / 2 + 1);
    let texts = [
        "",
        "hello",
        "beat",
        "beat ",
        "beat anna",
        "beat anna ",
        "beat  9",
        "beat anna nine",
        "beat anna 9x",
        "beat anna 9\n",
        "beat anna  9",
        "beat anna +9",
        "beat an na 9",
        "beat anna 9 9",
        "beta anna 9",
        "beat,anna,9",
        " ",
        "\0",
    ];
    let texts = texts.into_iter().map(|text| text.as_bytes().to_vec());
    let names = [&long, &many_bytes].map(|name| format!("beat {name} 9").into_bytes());
    let binary =
        [(0x80..=0xff).collect(), b"beat \xff\xfe".to_vec(), vec![0; 1000], vec![b'x'; 60_000]];
    texts.chain(names).chain(binary).collect()
}

/// Who says nothing more is down, in time.
fn silence(bench: &Bench) -> Checked {
    let mut monitor = Monitor::start(bench, INTERVAL)?;
    let since = Instant::now();
    monitor.beat("anna", 1)?;
    monitor.prints("up anna", "heartbeat.up.other")?;
    bench.tell("heartbeat.nothing-sent", &[("milliseconds", &monitor.limit().as_millis())]);
    match monitor.goes_down("anna", since, || Ok(()))? {
        Output::Right => Ok(()),
        Output::Wrong => fails(monitor.instead(Finding::new("heartbeat.silence.other", &[]))),
        Output::Short => fails(monitor.sleeps("anna")?),
    }
}

/// One that sends without a pause does not hide another's silence, and stays up itself.
fn each(bench: &Bench, interval: Duration) -> Checked {
    let mut monitor = Monitor::start(bench, interval)?;
    monitor.beat("carl", 1)?;
    monitor.prints("up carl", "heartbeat.up.other")?;
    let since = Instant::now();
    monitor.beat("anna", 1)?;
    monitor.prints("up anna", "heartbeat.up.other")?;
    bench.tell("heartbeat.goes-on", &[("name", &"carl")]);
    let carl = monitor.another("client 2")?;
    let mut number = 1;
    let beat = || {
        let until = Instant::now() + interval / 10;
        let beats = (number + 1..).map(|number| format!("beat carl {number}").into_bytes());
        number += carl.deliver_many(beats, || Instant::now() > until)?;
        Ok(())
    };
    match monitor.goes_down("anna", since, beat)? {
        Output::Right => monitor.prints_nothing("heartbeat.each.other"),
        Output::Wrong => fails(monitor.instead(Finding::new("heartbeat.each.other", &[]))),
        Output::Short => fails(monitor.missing(Finding::new("heartbeat.each.hidden", &[]))?),
    }
}

/// Beats that are not newer are no news: they keep nobody up.
fn stale(bench: &Bench) -> Checked {
    let mut monitor = Monitor::start(bench, INTERVAL)?;
    let since = Instant::now();
    monitor.beat("anna", 5)?;
    monitor.prints("up anna", "heartbeat.up.other")?;
    bench.tell("heartbeat.goes-stale", &[("name", &"anna")]);
    let client = monitor.another("client 2")?;
    let beat = || {
        let stale = [b"beat anna 5".to_vec(), b"beat anna 4".to_vec()];
        client.deliver_many(stale.into_iter(), || false).map(drop)
    };
    // When it is down, the next of them is the first beat of a new life: no more is looked at.
    match monitor.goes_down("anna", since, beat)? {
        Output::Right => Ok(()),
        Output::Wrong => fails(monitor.instead(Finding::new("heartbeat.late.other", &[]))),
        Output::Short => fails(monitor.missing(Finding::new("heartbeat.stale.kept", &[]))?),
    }
}

/// After `down` the name is forgotten.
fn again(bench: &Bench, interval: Duration) -> Checked {
    const WRONG: &str = "heartbeat.again.other";
    let mut monitor = Monitor::start(bench, interval)?;
    let since = Instant::now();
    monitor.beat("anna", 100)?;
    monitor.prints("up anna", "heartbeat.up.other")?;
    match monitor.goes_down("anna", since, || Ok(()))? {
        Output::Right => {}
        _ => return fails(monitor.instead(Finding::new("heartbeat.silence.other", &[]))),
    }
    monitor.beat("anna", 3)?;
    monitor.prints("up anna", WRONG)?;
    monitor.beat("anna", 4)?;
    monitor.beat("anna", 6)?;
    monitor.prints("lost anna 1", WRONG)?;
    monitor.prints_nothing(WRONG)
}

/// Runs a check in which somebody must not fall silent. When the machine was too slow for that, the interval was too
/// short, and lines came that should not: then it is run once more with a longer one.
fn in_time(bench: &Bench, run: fn(&Bench, Duration) -> Checked) -> Checked {
    match run(bench, INTERVAL) {
        Err(Stop::Failed(finding)) if !is_silence(&finding) => {
            bench.tell("heartbeat.slower", &[]);
            run(bench, 5 * INTERVAL)
        }
        other => other,
    }
}
