//! A learner's ping at work: what it sends, what it is sent, how it ends.

use std::fmt::Display;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use super::wire::{HEADER, Packet, Wire, hex};
use crate::check::bench::{Bench, Transport};
use crate::check::peer::fails;
use crate::check::program::{Ended, Program};
use crate::check::story::preview;
use crate::check::verdict::{Checked, Finding, Stop, Words};
use crate::check::{ANSWER, private};

/// The limit that the program is given where it is not to matter.
pub const LONG: Duration = Duration::from_secs(60);

/// How often the program is looked at while its packet is waited for.
const GLANCE: Duration = Duration::from_millis(50);

/// How much of a message is shown.
const SHOWN: usize = 24;

/// A program that is to ping `host`.
pub struct Ping<'a> {
    bench: &'a Bench<'a>,
    /// The program.
    pub program: Program,
    /// The checker's raw socket.
    pub wire: Wire,
    /// Whom it is to ping.
    pub host: Ipv4Addr,
    /// Its limit.
    limit: Duration,
    /// When it was started, or a little before.
    begin: Instant,
}

impl<'a> Ping<'a> {
    /// Starts it, in a private network; elsewhere the check is skipped.
    pub fn start(bench: &'a Bench<'a>, limit: Duration) -> Checked<Self> {
        Self::start_at(bench, address(bench)?, limit)
    }

    /// The same, with this address to ping.
    pub fn start_at(bench: &'a Bench<'a>, host: Ipv4Addr, limit: Duration) -> Checked<Self> {
        let wire = open(bench)?;
        let (begin, program) = (Instant::now(), launch(bench, host, limit)?);
        Ok(Self { bench, program, wire, host, limit, begin })
    }

    /// The first packet that it sends to its host.
    pub fn request(&mut self) -> Checked<Packet> {
        let deadline = Instant::now() + self.bench.patiently(self.bench.plan.startup);
        loop {
            self.bench.check_stop()?;
            if let Some(packet) = self.wire.hear(self.host, Instant::now() + GLANCE)? {
                let shown = packet.message.len().min(SHOWN);
                let (count, bytes) = (packet.message.len(), hex(&packet.message[..shown]));
                self.bench.tell("raw-ping.sent", &[("count", &count), ("bytes", &bytes)]);
                return Ok(packet);
            }
            if self.program.ended().is_some() || Instant::now() > deadline {
                return fails(self.sent_nothing()?);
            }
        }
    }

    fn sent_nothing(&mut self) -> Checked<Finding> {
        let host = self.host;
        Ok(match self.bench.ended(&mut self.program, Duration::ZERO)? {
            Some(ended) => {
                let last = self.program.last_words();
                let blanks: [(&str, &dyn Display); 2] = [("how", &ended), ("last", &last)];
                Finding::new("raw-ping.sends.ended", &[("host", &host), ("how", &ended)])
                    .but("", Words::new("check.ended", &blanks).to_string())
            }
            None => Finding::new("raw-ping.sends.nothing", &[("host", &host)]),
        })
    }

    /// Sends it a message as `from`; `words` tell what it is.
    pub fn send(&self, words: &str, from: Ipv4Addr, to: Ipv4Addr, message: &[u8]) -> Checked {
        self.send_with(words, from, to, &[], message)
    }

    /// The same, with options in the IPv4 header.
    pub fn send_with(
        &self,
        words: &str,
        from: Ipv4Addr,
        to: Ipv4Addr,
        options: &[u8],
        message: &[u8],
    ) -> Checked {
        self.bench.tell(&format!("raw-ping.says.{words}"), &[("from", &from)]);
        self.wire.send(from, to, options, message)
    }

    /// How it ends, if it does some time after its limit at the latest.
    pub fn ends(&mut self) -> Checked<Option<Ended>> {
        let patience = self.bench.patiently(ANSWER);
        let limit = if self.limit == LONG { patience } else { self.limit + patience };
        self.bench.ended(&mut self.program, limit)
    }

    /// It has been answered: it must print that and end well. `id` names the words for one that does not take the answer.
    pub fn must_tell(&mut self, request: &Packet, id: &str) -> Checked {
        let payload = request.message.len().saturating_sub(HEADER);
        let line = format!("reply from {}: bytes={payload} seq=1", self.host);
        let ended = self.ends()?;
        let output = self.program.output();
        if ended == Some(Ended::Exit(0)) && output == format!("{line}\n").as_bytes() {
            return Ok(());
        }
        let finding = match ended {
            None => Finding::new(&format!("raw-ping.{id}"), &[]),
            Some(_) if output.is_empty() => Finding::new(&format!("raw-ping.{id}"), &[]),
            Some(_) => unlike(&output, payload, request.source, self.host),
        };
        let status =
            ended.map_or_else(|| Words::new("raw-ping.runs", &[]).to_string(), |it| it.to_string());
        let wanted = format!("{line}\\n ({})", Ended::Exit(0));
        fails(finding.but(wanted, format!("{} ({status})", preview(&output))))
    }

    /// Nobody has answered it: it must print nothing, wait as long as it was told, say so, and end with status 1.
    /// `taken` are the words for one that saw an answer.
    pub fn must_give_up(&mut self, taken: &str) -> Checked {
        let ended = self.ends()?;
        let waited = self.begin.elapsed();
        let output = self.program.output();
        let milliseconds = self.limit.as_millis();
        let finding = match ended {
            _ if !output.is_empty() => Finding::new(taken, &[]),
            None => Finding::new("raw-ping.silence.waits", &[("limit", &milliseconds)])
                .mistake("no-timeout"),
            Some(_) if waited < self.limit => {
                Finding::new("raw-ping.silence.early", &[("limit", &milliseconds)])
            }
            Some(Ended::Exit(1)) if !self.program.last_words().is_empty() => return Ok(()),
            Some(Ended::Exit(1)) => Finding::new("raw-ping.silence.no-reason", &[]),
            Some(ended) => Finding::new("raw-ping.silence.status", &[("how", &ended)]),
        };
        let status =
            ended.map_or_else(|| Words::new("raw-ping.runs", &[]).to_string(), |it| it.to_string());
        fails(finding.but(Ended::Exit(1).to_string(), format!("{} ({status})", preview(&output))))
    }
}

/// The checker's raw socket.
pub fn open(bench: &Bench) -> Checked<Wire> {
    let skipped = |id: &str, why: &dyn Display| Stop::Skipped(Words::new(id, &[("why", why)]));
    if !private::is_entered() {
        return Err(skipped("raw-ping.not-private", &""));
    }
    bench.check_stop()?;
    Wire::open().map_err(|error| skipped("raw-ping.no-raw-socket", &error))
}

/// An address that no other check has.
pub fn address(bench: &Bench) -> Checked<Ipv4Addr> {
    match bench.address(Transport::Udp)?.ip() {
        IpAddr::V4(host) => Ok(host),
        IpAddr::V6(host) => Err(Stop::Trouble(format!("{host} is no IPv4 address"))),
    }
}

/// Starts the program. ICMP has no ports, so that it is given none but 0.
pub fn launch(bench: &Bench, host: Ipv4Addr, limit: Duration) -> Checked<Program> {
    let variables = [("SOCKLAB_TIMEOUT_MS", limit.as_millis().to_string())];
    bench.start((host, 0).into(), &variables)
}

/// What was printed, and is not the line that should have been: whom it names, and what its number of bytes counts.
fn unlike(output: &[u8], payload: usize, own: Ipv4Addr, host: Ipv4Addr) -> Finding {
    const IP_HEADER: usize = 20;
    let output = String::from_utf8_lossy(output);
    if own != host && output.contains(&format!("reply from {own}:")) {
        return Finding::new("raw-ping.reply.own-request", &[("own", &own), ("host", &host)]);
    }
    let number = |name: &str| -> Option<usize> {
        let (_, rest) = output.split_once(name)?;
        rest.split(|it: char| !it.is_ascii_digit()).next()?.parse().ok()
    };
    let id = match number("bytes=") {
        Some(count) if count == payload + HEADER => "raw-ping.reply.icmp-header-counted",
        Some(count) if count == payload + HEADER + IP_HEADER => "raw-ping.reply.headers-counted",
        Some(count) if count == payload + IP_HEADER => "raw-ping.reply.ip-header-counted",
        _ => "raw-ping.reply.other",
    };
    Finding::new(id, &[])
}
