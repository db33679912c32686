//! The monitor: one socket hears every client, and silence is noticed by a time-out.

use std::fmt::Display;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use socket2::SockAddr;

use crate::cli::{DEFAULT_PORT, UdpHeartbeat};
use crate::demos::worker::Waker;
use crate::error::{Error, Result};
use crate::narrate::event::visible;
use crate::narrate::{Socket, note};
use crate::stage::{Stage, Stop};

use super::roll::{Beat, News, Roll};

/// So many intervals without news, and a client is down.
const SILENT_INTERVALS: u32 = 3;

/// So many names are kept. Anybody may send any name, so without a bound anybody could fill the memory.
const MOST_NAMES: usize = 256;

/// No datagram is longer, so none is cut.
const LONGEST_DATAGRAM: usize = 64 * 1024;

/// So many datagrams are heard after somebody was due: a flood from one client must not hide another's silence.
const PATIENCE: u32 = 100;

/// Time-outs are rounded up to this, so that steady beats do not need a new one each time.
const GRAIN: Duration = Duration::from_millis(10);

/// Hears beats until `stage.stop` is requested, or until `--count` datagrams have come.
pub fn run(args: &UdpHeartbeat, stage: &Stage) -> Result<()> {
    let host = args.host.as_deref().unwrap_or("localhost");
    let port = args.port.unwrap_or(DEFAULT_PORT);
    let address = super::monitor_address(host, port, stage.stretch)?;
    let interval = stage.stretch.of(args.interval);
    let monitor = Monitor::open(address, interval, stage.stop.clone())?;
    announce(monitor.address, interval);
    let waker = monitor.wake_on_stop()?;
    let outcome = monitor.serve(args.count);
    waker.end();
    outcome
}

/// Where it hears, and by which rules.
fn announce(address: SocketAddr, interval: Duration) {
    let port = address.port();
    let limit = humantime::format_duration(interval.saturating_mul(SILENT_INTERVALS));
    note("udp-heartbeat.ready", &[("address", &address)]);
    note("udp-heartbeat.try", &[("port", &port)]);
    note("udp-heartbeat.rules", &[("limit", &limit), ("most", &MOST_NAMES)]);
    if port == DEFAULT_PORT {
        note("udp-heartbeat.ports", &[("port", &port)]);
    }
    if !address.ip().is_loopback() {
        note("udp-heartbeat.open-to-others", &[("address", &address)]);
    }
}

/// A socket, and who was heard on it.
pub struct Monitor {
    socket: Arc<Socket>,
    address: SocketAddr,
    roll: Roll,
    interval: Duration,
    /// The time-out that the socket has.
    timeout: Option<Duration>,
    received: u64,
    stop: Stop,
}

/// What one attempt to hear something brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A datagram.
    Datagram,
    /// Nothing, until the time-out.
    Nothing,
    /// Nothing: a signal came.
    Signal,
    /// The request to stop.
    Stop,
}

impl Monitor {
    // ANCHOR: open
    /// A socket at `address`: it needs no more than that to hear everybody.
    pub fn open(address: SocketAddr, interval: Duration, stop: Stop) -> Result<Self> {
        let socket = super::udp_socket(address)?;
        socket.bind(&address.into()).map_err(Error::during("UDP bind", address))?;
        let bound = socket.local_addr().map_err(Error::during("getsockname", address))?;
        let address = bound.as_socket().unwrap_or(address);
        let roll = Roll::new(interval.saturating_mul(SILENT_INTERVALS), MOST_NAMES);
        let (timeout, received) = Default::default();
        Ok(Self { socket: Arc::new(socket), address, roll, interval, timeout, received, stop })
    }
    // ANCHOR_END: open

    /// An address at which this machine reaches it, also when it is bound to all addresses.
    pub fn reachable(&self) -> SocketAddr {
        let ip = match self.address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        SocketAddr::new(ip, self.address.port())
    }

    /// How many datagrams it has received.
    pub fn received(&self) -> u64 {
        self.received
    }

    // ANCHOR: serve
    /// Hears and judges until `count` datagrams have come; without that number, being stopped is the way to end.
    fn serve(mut self, count: Option<u64>) -> Result<()> {
        let started = Instant::now();
        let mut overdue = 0;
        while count.is_none_or(|count| self.received < count) {
            let left = self.roll.next_due().map(|due| due.saturating_sub(started.elapsed()));
            self.wait_at_most(left.map(round_up))?;
            match self.hear(|| started.elapsed())? {
                Heard::Stop if count.is_some() => return Err(Error::Interrupted),
                Heard::Stop => return Ok(()),
                Heard::Signal => {}
                Heard::Datagram if left != Some(Duration::ZERO) => overdue = 0,
                // The beat of one who seems silent may still wait in the queue.
                Heard::Datagram if overdue < PATIENCE => overdue += 1,
                Heard::Datagram | Heard::Nothing => {
                    overdue = 0;
                    self.judge(started.elapsed());
                }
            }
        }
        Ok(())
    }

    /// Receives one datagram, if one comes in time, and tells what it says.
    pub fn hear(&mut self, now: impl FnOnce() -> Duration) -> Result<Heard> {
        let mut buffer = vec![0; LONGEST_DATAGRAM];
        let outcome = self.socket.recv_from_into(&mut buffer, 0);
        if self.stop.requested() {
            return Ok(Heard::Stop);
        }
        match outcome {
            Ok((count, sender)) => {
                self.received += 1;
                self.understand(&buffer[..count], &sender, now());
                Ok(Heard::Datagram)
            }
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut => Ok(Heard::Nothing),
                ErrorKind::Interrupted => Ok(Heard::Signal),
                _ => Err(Error::during("recvfrom", self.address)(error)),
            },
        }
    }

    /// Says who is down by now. They are forgotten: their next beat is a first one.
    pub fn judge(&mut self, now: Duration) {
        for name in self.roll.take_silent(now) {
            let interval = humantime::format_duration(self.interval);
            let blanks: [(_, &dyn Display); 3] = [
                ("name", &visible(&name)),
                ("intervals", &SILENT_INTERVALS),
                ("interval", &interval),
            ];
            note("udp-heartbeat.down", &blanks);
        }
    }
    // ANCHOR_END: serve

    /// From now on, receiving waits no longer than this (`None`: as long as it takes).
    pub fn wait_at_most(&mut self, limit: Option<Duration>) -> Result<()> {
        if self.timeout != limit {
            let set = self.socket.set_read_timeout(limit);
            set.map_err(Error::during("setsockopt", self.address))?;
            self.timeout = limit;
        }
        Ok(())
    }

    /// Asks for a receive buffer of one byte; returns the size that the kernel gave.
    pub fn shrink(&mut self) -> Result<usize> {
        self.socket.set_recv_buffer_size(1).map_err(Error::during("setsockopt", self.address))?;
        self.socket.recv_buffer_size().map_err(Error::during("getsockopt", self.address))
    }

    // ANCHOR: news
    /// What a datagram tells. A name is whatever its sender wrote: it is made visible before it is shown.
    fn understand(&mut self, datagram: &[u8], sender: &SockAddr, now: Duration) {
        let Some(beat) = Beat::parse(datagram) else {
            return not_a_beat(datagram, sender);
        };
        let (name, seq) = (visible(beat.name), beat.seq);
        let tell = |news, more: &[(&'static str, &dyn Display)]| {
            note(news, &[&[("name", &name as &dyn Display), ("seq", &seq)], more].concat());
        };
        match self.roll.heard(&beat, now) {
            News::Up => tell("udp-heartbeat.up", &[]),
            News::Next => {}
            News::Lost { count, newest } => {
                tell("udp-heartbeat.lost", &[("count", &count), ("newest", &newest)]);
            }
            News::Late { newest } => tell("udp-heartbeat.late", &[("newest", &newest)]),
            News::Again { newest } => tell("udp-heartbeat.again", &[("newest", &newest)]),
            News::Old { newest } => tell("udp-heartbeat.old", &[("newest", &newest)]),
            News::NoRoom => tell("udp-heartbeat.no-room", &[("most", &MOST_NAMES)]),
        }
    }
    // ANCHOR_END: news

    // ANCHOR: wake
    /// A thread that waits for the request to stop, and then sends this socket a datagram: so recvfrom returns at once.
    ///
    /// `shutdown` would do on Linux, though it fails with ENOTCONN; an empty datagram does everywhere.
    pub fn wake_on_stop(&self) -> Result<Waker> {
        let (socket, to_itself) = (self.socket.clone(), self.reachable().into());
        Waker::start(&self.stop, move || {
            note("udp-heartbeat.waking", &[]);
            let _ = socket.send_to(&[], &to_itself);
        })
    }
    // ANCHOR_END: wake
}

fn not_a_beat(datagram: &[u8], sender: &SockAddr) {
    /// So much of it is shown.
    const SHOWN: usize = 64;
    let start = visible(&datagram[..datagram.len().min(SHOWN)]);
    let cut = if datagram.len() > SHOWN { "…" } else { "" };
    let sender = sender.as_socket().map_or_else(String::new, |sender| sender.to_string());
    let blanks: [(_, &dyn Display); 3] =
        [("sender", &sender), ("bytes", &datagram.len()), ("text", &(start + cut))];
    note("udp-heartbeat.not-a-beat", &blanks);
}

/// Up to the next multiple of the grain. Never zero, which would be no limit at all.
fn round_up(time: Duration) -> Duration {
    let grains = time.as_millis() / GRAIN.as_millis() + 1;
    GRAIN.saturating_mul(u32::try_from(grains).unwrap_or(u32::MAX))
}
