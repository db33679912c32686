//! `raw-ping`: one ICMP echo request, built by hand; its answer, and nobody else's, is told.
//!
//! The checks want a private network, in which whoever runs them is root: there the checker opens a raw socket, too. They
//! run one after the other, as a raw socket sees everybody's packets.

mod ping;
mod wire;

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use super::{Check, Exercise};
use crate::check::bench::Bench;
use crate::check::peer::fails;
use crate::check::program::Ended;
use crate::check::verdict::{Checked, Finding, Stop, Words};
use crate::check::{ANSWER, private};
use ping::{LONG, Ping};
use wire::{HEADER, IDLE_OPTIONS, Packet, Silence, checksum, hex, number, sealed};

/// The exercise.
pub const EXERCISE: Exercise = Exercise {
    name: "raw-ping",
    checks: &[
        Check::new("sends", 15, sends).alone(),
        Check::new("checksum", 15, right_checksum).after(&["sends"]).alone(),
        Check::new("sequence", 15, sequence).after(&["checksum"]).alone(),
        Check::new("reply", 15, reply).after(&["sequence"]).alone(),
        Check::new("silence", 12, silence).after(&["reply"]).alone(),
        Check::new("foreign", 13, foreign).after(&["silence"]).alone(),
        Check::new("noise", 5, noise).after(&["silence"]).alone(),
        Check::new("options", 5, options).after(&["reply"]).alone(),
        Check::new("permission", 5, permission).after(&["sends"]).alone(),
    ],
};

const ECHO_REPLY: u8 = 0;
const ECHO_REQUEST: u8 = 8;
const UNREACHABLE: u8 = 3;

/// How long the program is to wait where nobody answers.
const SHORT: Duration = Duration::from_millis(500);

/// Somebody else in this network.
const STRANGER: Ipv4Addr = Ipv4Addr::new(127, 77, 77, 77);

/// It sends an echo request.
fn sends(bench: &Bench) -> Checked {
    let message = Ping::start(bench, LONG)?.request()?.message;
    let finding = match message[..] {
        [ECHO_REQUEST, 0, ..] => return Ok(()),
        [0x45, ..] => Finding::new("raw-ping.sends.ip-header", &[]),
        _ => Finding::new("raw-ping.sends.other", &[]),
    };
    let begin = &message[..message.len().min(HEADER)];
    fails(finding.but("08 00 … (type 8, code 0)", hex(begin)))
}

/// Its checksum is right.
fn right_checksum(bench: &Bench) -> Checked {
    let message = Ping::start(bench, LONG)?.request()?.message;
    if checksum(&message) == 0 {
        return Ok(());
    }
    let right = number(&sealed(message.clone()), 2);
    let sent = number(&message, 2);
    let finding = match sent {
        0 => Finding::new("raw-ping.checksum.none", &[]),
        sent if sent == right.swap_bytes() => {
            Finding::new("raw-ping.checksum.swapped", &[]).mistake("byte-order")
        }
        sent if sent == !right => Finding::new("raw-ping.checksum.not-turned", &[]),
        _ => Finding::new("raw-ping.checksum.wrong", &[]),
    };
    fails(finding.but(hex(&right.to_be_bytes()), hex(&sent.to_be_bytes())))
}

/// Its sequence number is 1, in network byte order.
fn sequence(bench: &Bench) -> Checked {
    let message = Ping::start(bench, LONG)?.request()?.message;
    let sent = number(&message, 6);
    let finding = match sent {
        1 => return Ok(()),
        0x0100 => Finding::new("raw-ping.sequence.swapped", &[]).mistake("byte-order"),
        _ => Finding::new("raw-ping.sequence.other", &[("number", &sent)]),
    };
    fails(finding.but(hex(&1_u16.to_be_bytes()), hex(&sent.to_be_bytes())))
}

/// The kernel answers, and it tells so; one request is enough.
fn reply(bench: &Bench) -> Checked {
    let mut ping = Ping::start(bench, LONG)?;
    let request = ping.request()?;
    ping.must_tell(&request, "reply.not-taken")?;
    let mut more = 0;
    while let Some(packet) = ping.wire.hear(ping.host, Instant::now())? {
        // The kernel's answer goes to the host as well, when the program sends from the host's address.
        more += u32::from(packet.message.first() != Some(&ECHO_REPLY));
    }
    match more {
        0 => Ok(()),
        more => fails(Finding::new("raw-ping.reply.several", &[("count", &(more + 1))])),
    }
}

/// Nobody answers: its own request, which a raw socket sees too, is no answer. At this address it comes from whom it goes
/// to, so that nothing but its type tells.
fn silence(bench: &Bench) -> Checked {
    let _silence = silent(bench)?;
    let mut ping = Ping::start_at(bench, Ipv4Addr::LOCALHOST, SHORT)?;
    ping.request()?;
    ping.must_give_up("raw-ping.silence.own-request")
}

/// What is not the answer, though it looks like it: its name, who sends it, and the message.
type Lure = (&'static str, Ipv4Addr, Vec<u8>);

/// All of them, for this request.
fn lures(request: &Packet) -> Vec<Lure> {
    let host = request.destination;
    let mut answer = request.message.clone();
    answer[0] = ECHO_REPLY;
    let with = |at: usize, byte: u8| {
        let mut other = answer.clone();
        other[at] = byte;
        sealed(other)
    };
    let mut broken = sealed(answer.clone());
    broken[2] ^= 0x55;
    vec![
        ("identifier", host, with(5, answer[5].wrapping_add(1))),
        ("sequence", host, with(7, 2)),
        ("checksum", host, broken),
        ("type", host, with(0, UNREACHABLE)),
        ("sender", STRANGER, sealed(answer.clone())),
    ]
}

/// What looks like the answer and is not: without the answer, and before it.
fn foreign(bench: &Bench) -> Checked {
    let _silence = silent(bench)?;
    if lured(bench, None)?.is_err() {
        // Which of them was it? Each by itself tells.
        for one in 0..LURES.len() {
            lured(bench, Some(one))??;
        }
        return fails(Finding::new("raw-ping.foreign.some", &[]));
    }
    let mut ping = Ping::start(bench, LONG)?;
    let request = ping.request()?;
    for (name, from, message) in lures(&request) {
        ping.send(name, from, request.source, &message)?;
    }
    answer(&ping, &request, &[])?;
    ping.must_tell(&request, "foreign.answer-missed")
}

/// The names of the lures.
const LURES: [&str; 5] = ["identifier", "sequence", "checksum", "type", "sender"];

/// Sends all lures, or one; whether the program falls for it is in the inner result.
fn lured(bench: &Bench, only: Option<usize>) -> Checked<Checked> {
    let mut ping = Ping::start(bench, SHORT)?;
    let request = ping.request()?;
    for (index, (name, from, message)) in lures(&request).into_iter().enumerate() {
        if only.is_none_or(|only| only == index) {
            ping.send(name, from, request.source, &message)?;
        }
    }
    let taken = only.map_or("some", |only| LURES[only]);
    match ping.must_give_up(&format!("raw-ping.foreign.{taken}")) {
        Err(Stop::Failed(finding)) => Ok(Err(Stop::Failed(finding))),
        other => other.map(Ok),
    }
}

/// The limit stays, however much comes that is not the answer.
fn noise(bench: &Bench) -> Checked {
    let _silence = silent(bench)?;
    let mut ping = Ping::start(bench, SHORT)?;
    let request = ping.request()?;
    let (name, from, message) = lures(&request).swap_remove(0);
    bench.tell("raw-ping.noise.begins", &[]);
    let deadline = Instant::now() + SHORT + bench.patiently(ANSWER);
    while ping.program.ended().is_none() {
        bench.check_stop()?;
        if Instant::now() > deadline {
            ping.send(name, from, request.source, &message)?;
            return fails(Finding::new(
                "raw-ping.noise.restarts",
                &[("limit", &SHORT.as_millis())],
            ));
        }
        ping.wire.send(from, request.source, &[], &message)?;
        std::thread::sleep(SHORT / 20);
    }
    ping.must_give_up("raw-ping.foreign.identifier")
}

/// An answer whose IPv4 header is longer than most.
fn options(bench: &Bench) -> Checked {
    let _silence = silent(bench)?;
    let mut ping = Ping::start(bench, LONG)?;
    let request = ping.request()?;
    answer(&ping, &request, IDLE_OPTIONS)?;
    ping.must_tell(&request, "options.not-found")
}

/// Sends the right answer.
fn answer(ping: &Ping, request: &Packet, options: &[u8]) -> Checked {
    let mut message = request.message.clone();
    message[0] = ECHO_REPLY;
    let (from, to) = (request.destination, request.source);
    ping.send_with("answer", from, to, options, &sealed(message))
}

/// Without the right to open a raw socket it says what is missing.
fn permission(bench: &Bench) -> Checked {
    ping::open(bench)?;
    let host = ping::address(bench)?;
    let started = private::without_raw_sockets(|| ping::launch(bench, host, LONG));
    let not_given_up =
        |why| Stop::Skipped(Words::new("raw-ping.permission.kept", &[("why", &why)]));
    let mut program = started.map_err(not_given_up)??;
    bench.tell("raw-ping.permission.without", &[]);
    let ended = bench.ends(&mut program)?;
    let errors = String::from_utf8_lossy(&program.errors()).to_lowercase();
    let finding = match ended {
        Some(Ended::Exit(1)) if errors.contains("net_raw") => return Ok(()),
        Some(Ended::Exit(1)) => Finding::new("raw-ping.permission.unnamed", &[]),
        Some(ended) => Finding::new("raw-ping.permission.status", &[("how", &ended)]),
        None => Finding::new("raw-ping.permission.goes-on", &[]),
    };
    fails(finding.but("CAP_NET_RAW", program.last_words()))
}

/// Keeps the kernel from answering.
fn silent(bench: &Bench) -> Checked<Silence> {
    ping::open(bench)?;
    let not_silent = |why| Stop::Skipped(Words::new("raw-ping.not-silent", &[("why", &why)]));
    let silence = Silence::begin().map_err(not_silent)?;
    bench.tell("raw-ping.silent", &[]);
    Ok(silence)
}
