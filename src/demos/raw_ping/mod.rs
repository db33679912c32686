//! Chapter 8: ping. An ICMP echo request is built byte by byte, sent, and the answer taken apart.
//!
//! ICMP lies beside TCP and UDP, and ordinary sockets do not reach it. A raw socket does, with a privilege; the kernel's
//! ping socket does, for those whom the system lets.

mod checksum;
mod icmp;
mod ipv4;
mod permission;
mod private;
mod show;
mod tally;

use std::io;
use std::net::{IpAddr, Shutdown, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, SockAddr, Type};

use crate::cli::RawPing;
use crate::error::{Error, Result};
use crate::narrate::{self, Socket, note};
use crate::stage::{Stage, Stop};

use super::is_timeout;
use super::worker::Waker;
use checksum::Checksum;
use icmp::{Echo, Meaning, Message, Version};
use tally::{Outcome, Tally};

/// Who makes the calls.
const ACTOR: &str = "ping";

/// What every request carries, and every answer must bring back.
const PAYLOAD: &[u8] = b"socklab!";

/// As much as an Ethernet frame usually holds: more than any answer to us.
const BUFFER: usize = 1500;

/// How long a name may take to resolve.
const RESOLVE_LIMIT: Duration = Duration::from_secs(10);

/// Pings `args.host`, `args.count` times.
///
/// # Errors
/// No request was answered; or neither a raw socket nor a ping socket is allowed: the failure `raw-ping.not-permitted`.
pub fn run(args: &RawPing, stage: &Stage) -> Result<()> {
    if args.private {
        return Err(private::enter());
    }
    narrate::acting_as(ACTOR, || ping(args, stage))
}

fn ping(args: &RawPing, stage: &Stage) -> Result<()> {
    let limit = stage.stretch.of(args.timeout);
    let target = target(&args.host, stage)?;
    if private::is_here() {
        note("raw-ping.private", &[]);
    }
    let mut pinger = Pinger::open(target, limit, stage)?;
    let waker = pinger.wake_on(&stage.stop)?;
    let outcome = pinger.all(args.count);
    waker.end();
    let tally = outcome?;
    note("raw-ping.measured", &[]);
    tally.tell(stage.stretch);
    tally.verdict(&args.host, limit)
}

/// The first address of `host`.
fn target(host: &str, stage: &Stage) -> Result<SocketAddr> {
    let addresses = super::resolve(host, 0, stage.stretch.of(RESOLVE_LIMIT))?;
    let first = addresses.first().copied();
    first.ok_or_else(|| Error::failed("resolve.no-address", [("host", host.to_owned())]))
}

/// How the socket came by its ICMP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    /// SOCK_RAW: every ICMP message that comes in, as it is.
    Raw,
    /// SOCK_DGRAM: the kernel's ping socket, with answers to its own requests only.
    Unprivileged,
}

// ANCHOR: open
/// A raw socket; where that is not allowed, a ping socket.
fn open(version: Version) -> Result<(Socket, Access)> {
    let (domain, protocol) = match version {
        Version::V4 => (Domain::IPV4, Protocol::ICMPV4),
        Version::V6 => (Domain::IPV6, Protocol::ICMPV6),
    };
    note("raw-ping.socket", &[]);
    match Socket::new(domain, Type::RAW, Some(protocol)) {
        Ok(socket) => return Ok((socket, Access::Raw)),
        Err(refused) if refused.kind() == io::ErrorKind::PermissionDenied => {}
        Err(error) => return Err(Error::during("socket", "SOCK_RAW")(error)),
    }
    note("raw-ping.refused", &[]);
    match Socket::new(domain, Type::DGRAM, Some(protocol)) {
        Ok(socket) => Ok((socket, Access::Unprivileged)),
        Err(_) => Err(permission::missing()),
    }
}
// ANCHOR_END: open

// ANCHOR: build
/// The request with its checksum. What is new in it is shown.
fn build(echo: Echo, version: Version) -> Vec<u8> {
    let mut bytes = echo.request(version);
    if echo.sequence == 1 {
        show::request(&bytes, version);
    }
    // Over ICMPv6 it takes in the IPv6 addresses too, and so it is left to the kernel.
    if version == Version::V4 {
        let checksum = Checksum::of(&bytes);
        icmp::write_checksum(&mut bytes, checksum.checksum);
        show::checksum(echo.sequence, &checksum, &bytes);
    }
    bytes
}
// ANCHOR_END: build

/// An ICMP socket, and whom it pings.
struct Pinger {
    socket: Arc<Socket>,
    access: Access,
    version: Version,
    target: SocketAddr,
    /// What stands in the requests as they leave.
    identifier: u16,
    limit: Duration,
    stop: Stop,
}

impl Pinger {
    fn open(target: SocketAddr, limit: Duration, stage: &Stage) -> Result<Self> {
        let version = if target.is_ipv4() { Version::V4 } else { Version::V6 };
        // Not every number fits: the lower half tells programs apart well enough.
        let identifier = std::process::id() as u16;
        let (socket, access) = open(version).inspect_err(|_| {
            note("raw-ping.unsent", &[]);
            build(Echo { identifier, sequence: 1, payload: PAYLOAD }, version);
        })?;
        show::access(access, version);
        socket.set_read_timeout(Some(limit)).map_err(Error::during("setsockopt", target))?;

        let (socket, stop) = (Arc::new(socket), stage.stop.clone());
        Ok(Self { socket, access, version, target, identifier, limit, stop })
    }

    /// Without a peer `shutdown` fails with ENOTCONN. On Linux it wakes recvfrom all the same.
    fn wake_on(&self, stop: &Stop) -> Result<Waker> {
        let socket = self.socket.clone();
        Waker::start(stop, move || drop(socket.shutdown(Shutdown::Both)))
    }

    /// One request after the other.
    fn all(&mut self, count: u16) -> Result<Tally> {
        let mut tally = Tally::default();
        for sequence in 1..=count {
            note("raw-ping.request", &[("number", &sequence), ("count", &count)]);
            let request = build(self.echo(sequence), self.version);
            tally.add(self.exchange(&request)?);
        }
        Ok(tally)
    }

    fn echo(&self, sequence: u16) -> Echo<'static> {
        Echo { identifier: self.identifier, sequence, payload: PAYLOAD }
    }

    // ANCHOR: exchange
    /// Sends the request, and waits for what comes of it.
    fn exchange(&mut self, request: &[u8]) -> Result<Outcome> {
        if self.stop.requested() {
            return Err(Error::Interrupted);
        }
        let sequence = Message::new(request).map_or(0, Message::sequence);
        let started = Instant::now();
        self.socket
            .send_to(request, &self.target.into())
            .map_err(Error::during("sendto", self.target))?;
        self.learn_identifier(sequence)?;
        self.await_answer(&self.echo(sequence), started)
    }

    /// Receives until the answer to `echo` is there, or the time is over.
    fn await_answer(&self, echo: &Echo, started: Instant) -> Result<Outcome> {
        let deadline = started + self.limit;
        let mut buffer = [0; BUFFER];
        while let Some((count, sender)) = self.receive(&mut buffer, deadline)? {
            let waited = started.elapsed();
            let Some(answer) = Answer::read(&buffer[..count], &sender, self) else {
                note("raw-ping.not-understood", &[("bytes", &count)]);
                continue;
            };
            match echo.meaning_of(answer.message, self.version) {
                Meaning::Reply => {
                    show::reply(&answer, echo, waited);
                    return Ok(Outcome::Answered(waited));
                }
                Meaning::Unreachable | Meaning::TimeExceeded => {
                    show::rejected(&answer);
                    return Ok(Outcome::Rejected);
                }
                Meaning::OurRequest => show::our_request(&answer),
                Meaning::Stray => show::stray(&answer),
                Meaning::Other => show::not_ours(&answer),
            }
        }
        note("raw-ping.silence", &[("limit", &humantime::format_duration(self.limit))]);
        Ok(Outcome::Silence)
    }
    // ANCHOR_END: exchange

    /// What came next; `None` when nothing came in time.
    fn receive(&self, buffer: &mut [u8], deadline: Instant) -> Result<Option<(usize, SockAddr)>> {
        while Instant::now() < deadline {
            let received = self.socket.recv_from_into(buffer, 0);
            if self.stop.requested() {
                return Err(Error::Interrupted);
            }
            match received {
                Ok(received) => return Ok(Some(received)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if is_timeout(&error) => return Ok(None),
                Err(error) => return Err(Error::during("recvfrom", self.target)(error)),
            }
        }
        Ok(None)
    }

    /// On Linux a ping socket has an identifier of its own, which the kernel puts into every request.
    fn learn_identifier(&mut self, sequence: u16) -> Result<()> {
        if self.access == Access::Raw || sequence != 1 || !cfg!(target_os = "linux") {
            return Ok(());
        }
        let local = self.socket.local_addr().map_err(Error::during("getsockname", self.target))?;
        if let Some(local) = local.as_socket() {
            show::identifier(self.identifier, local.port());
            self.identifier = local.port();
        }
        Ok(())
    }

    /// A raw socket gets IPv4 packets with their header. So does, on Apple's systems, a ping socket.
    fn gets_ip_header(&self) -> bool {
        let raw = self.access == Access::Raw || cfg!(target_vendor = "apple");
        raw && self.version == Version::V4
    }
}

/// What came, in its parts.
struct Answer<'a> {
    version: Version,
    sender: Option<IpAddr>,
    /// In front of the message, where the socket hands it over.
    header: Option<ipv4::Header<'a>>,
    message: Message<'a>,
}

impl<'a> Answer<'a> {
    /// `None` when it is no ICMP message, or one that its checksum does not fit.
    fn read(bytes: &'a [u8], sender: &SockAddr, pinger: &Pinger) -> Option<Self> {
        let version = pinger.version;
        let header = match pinger.gets_ip_header() {
            true => Some(ipv4::Header::new(bytes)?),
            false => None,
        };
        let message = Message::new(header.map_or(bytes, ipv4::Header::payload))?;
        let sender = sender.as_socket().map(|address| address.ip());
        // That of ICMPv6 takes in more than the message: the kernel has looked at it.
        let intact = version == Version::V6 || checksum::is_intact(message.bytes());
        intact.then_some(Self { version, sender, header, message })
    }
}
