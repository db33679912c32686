//! One connection of the robust client. Its socket never blocks: every wait is a `poll` with a limit.

use std::io::{self, Read};
use std::net::{Shutdown, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Type};

use crate::error::{Error, Result};
use crate::narrate::{self, Interest, PollFd, Ready, Socket, message, note, poll};
use crate::stage::Stop;

use super::{Client, Cue, rounded};

/// An answer may be this long, in bytes; what comes after is not waited for.
const LONGEST_ANSWER: usize = 64 * 1024;

/// A connection, and the client whose patience it has.
pub struct Connection<'a> {
    pub socket: Arc<Socket>,
    pub address: SocketAddr,
    client: &'a Client<'a>,
}

/// How sending went.
#[derive(Default)]
struct Sent {
    bytes: usize,
    calls: u32,
    partial: u32,
    full: u32,
}

/// What was received, and why there is no more of it.
pub struct Heard {
    pub bytes: Vec<u8>,
    pub until: Until,
}

/// Why receiving ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Until {
    /// The line is whole, or too long.
    Line,
    /// The peer sends no more.
    EndOfFile,
    /// The limit passed.
    TimedOut,
}

impl<'a> Connection<'a> {
    // ANCHOR: open
    /// A connection to `address`, made by its primitives. When it fails, the socket is closed: the next try gets its own.
    pub(super) fn open(client: &'a Client<'a>, address: SocketAddr) -> Result<Self> {
        let on_it = |call| Error::during(call, address);
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))
            .map_err(on_it("socket"))?;
        socket.set_nonblocking(true).map_err(on_it("fcntl"))?;
        let connection = Self { socket: Arc::new(socket), address, client };
        connection.shake_hands()?;
        Ok(connection)
    }
    // ANCHOR_END: open

    /// What was connected elsewhere. Its socket does not block.
    pub(super) fn over(socket: Socket, address: SocketAddr, client: &'a Client<'a>) -> Self {
        let socket = Arc::new(socket);
        wake_on_stop(&socket, client.stop);
        Self { socket, address, client }
    }

    // ANCHOR: shake-hands
    /// Begins the handshake, waits for its end, asks how it ended.
    fn shake_hands(&self) -> Result<()> {
        let on_it = |call| Error::during(call, self.address);
        let begun = self.socket.connect(&self.address.into());
        wake_on_stop(&self.socket, self.client.stop);
        match begun {
            Err(error) if is_under_way(&error) => {}
            over => return over.map_err(on_it("connect")),
        }
        if !self.ready(Interest::Writable, self.client.patience.connect)? {
            return Err(self.no_connection());
        }
        let ended = self.socket.take_error().map_err(on_it("getsockopt"))?;
        ended.map_or(Ok(()), |error| Err(on_it("connect")(error)))
    }
    // ANCHOR_END: shake-hands

    // ANCHOR: ready
    /// Waits until the socket is ready, but no longer than `limit`; says whether it is.
    pub fn ready(&self, interest: Interest, limit: Duration) -> Result<bool> {
        self.poll(interest, limit).map(|found| found != Ready::default())
    }

    /// Waits until the socket is ready, but no longer than `limit`; says for what. Ctrl-C ends it.
    pub fn poll(&self, interest: Interest, limit: Duration) -> Result<Ready> {
        let (begun, mut left) = (Instant::now(), limit);
        loop {
            let mut asked = [PollFd::new(&self.socket, interest)];
            let outcome = poll(&mut asked, Some(whole_millis(left)));
            match outcome {
                _ if self.client.stop.requested() => return Err(Error::Interrupted),
                Ok(_) => return Ok(asked[0].ready()),
                // A signal's handler ran meanwhile: what is left of the time is left.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                    left = limit.saturating_sub(begun.elapsed());
                }
                Err(error) => return Err(Error::during("poll", self.address)(error)),
            }
        }
    }
    // ANCHOR_END: ready

    // ANCHOR: converse
    /// Sends a line, receives a line, closes in order.
    pub fn converse(self, words: &[u8]) -> Result<()> {
        note("robust-client.converse", &[]);
        let heard = self.send_all(words).and_then(|()| self.receive_line());
        match heard {
            Ok(heard) => {
                let answered = self.judge(&heard);
                self.close();
                answered
            }
            Err(error) => {
                // There is no order to close in: the connection is broken, or the peer takes no more.
                let stop = self.client.stop;
                drop(self);
                if !stop.requested() {
                    note("robust-client.not-repeated", &[]);
                }
                Err(error)
            }
        }
    }
    // ANCHOR_END: converse

    // ANCHOR: send
    /// Sends until all is sent. When that takes more than one call, says how it went.
    pub fn send_all(&self, bytes: &[u8]) -> Result<()> {
        let mut sent = Sent::default();
        let outcome = self.send_rest(bytes, &mut sent);
        if sent.partial + sent.full > 0 {
            sent.tell(bytes.len());
        }
        outcome
    }

    fn send_rest(&self, bytes: &[u8], sent: &mut Sent) -> Result<()> {
        while sent.bytes < bytes.len() {
            let rest = &bytes[sent.bytes..];
            match self.socket.send(rest) {
                Ok(count) => sent.add(count, rest.len()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    sent.full += 1;
                    self.await_room()?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::during("send", self.address)(error)),
            }
        }
        Ok(())
    }

    fn await_room(&self) -> Result<()> {
        (self.client.cue)(Cue::BufferFull);
        if self.ready(Interest::Writable, self.client.patience.answer)? {
            return Ok(());
        }
        Err(self.timed_out("robust-client.no-room"))
    }
    // ANCHOR_END: send

    // ANCHOR: receive
    /// Receives until a line is whole or the peer sends no more, but no longer than the limit, however slowly it comes.
    pub fn receive_line(&self) -> Result<Heard> {
        let (begun, limit) = (Instant::now(), self.client.patience.answer);
        let mut bytes = Vec::new();
        let mut buffer = [0; 4096];
        let until = loop {
            if !self.readable_within(limit, begun)? {
                break Until::TimedOut;
            }
            match (&*self.socket).read(&mut buffer) {
                Ok(0) => break Until::EndOfFile,
                Ok(count) => bytes.extend(&buffer[..count]),
                Err(error) if is_passing(&error) => {}
                Err(error) => return Err(Error::during("recv", self.address)(error)),
            }
            if bytes.contains(&b'\n') || bytes.len() >= LONGEST_ANSWER {
                break Until::Line;
            }
        };
        Ok(Heard { bytes, until })
    }

    /// Waits for something to receive until `limit` after `begun`: it ends, however much comes.
    fn readable_within(&self, limit: Duration, begun: Instant) -> Result<bool> {
        let left = limit.saturating_sub(begun.elapsed());
        Ok(!left.is_zero() && self.ready(Interest::Readable, left)?)
    }
    // ANCHOR_END: receive

    /// Shows the answer; none is a failure.
    fn judge(&self, heard: &Heard) -> Result<()> {
        if !heard.bytes.is_empty() {
            message(None, String::from_utf8_lossy(&heard.bytes).trim_end_matches('\n'));
            return Ok(());
        }
        if heard.until == Until::TimedOut {
            note("robust-client.not-repeated", &[]);
            return Err(self.timed_out("robust-client.no-answer"));
        }
        let on = self.address.to_string();
        Err(Error::failed("robust-client.closed-without-answer", [("address", on)]))
    }

    // ANCHOR: close
    /// Closes in order: no more from us, then what the peer still sends, then the descriptor.
    pub fn close(self) {
        note("robust-client.closing", &[]);
        if self.socket.shutdown(Shutdown::Write).is_ok() {
            self.drain();
        }
    }

    /// Reads on until the peer's end of file, but no longer than the limit. What goes wrong now changes nothing.
    fn drain(&self) {
        let (begun, limit) = (Instant::now(), self.client.patience.answer);
        let mut buffer = [0; 1024];
        while let Ok(true) = self.readable_within(limit, begun) {
            match (&*self.socket).read(&mut buffer) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if is_passing(&error) => {}
                Err(_) => break,
            }
        }
    }
    // ANCHOR_END: close

    fn no_connection(&self) -> Error {
        let (host, port) = (self.address.ip().to_string(), self.address.port().to_string());
        let limit = rounded(self.client.patience.connect).to_string();
        let blanks = [("host", host), ("port", port), ("limit", limit)];
        Error::failed("robust-client.no-connection", blanks)
    }

    /// The limit for room and answers passed.
    pub fn timed_out(&self, what: &'static str) -> Error {
        let limit = rounded(self.client.patience.answer).to_string();
        Error::failed(what, [("address", self.address.to_string()), ("limit", limit)])
    }
}

impl Sent {
    fn add(&mut self, count: usize, asked: usize) {
        self.bytes += count;
        self.calls += 1;
        self.partial += u32::from(count < asked);
    }

    fn tell(&self, all: usize) {
        let Self { bytes, calls, partial, full } = self;
        note(
            "robust-client.sent",
            &[
                ("bytes", bytes),
                ("all", &all),
                ("calls", calls),
                ("partial", partial),
                ("full", full),
            ],
        );
    }
}

/// Has `socket` shut down when somebody asks to stop: whoever waits on it wakes then. The socket may be gone by then.
fn wake_on_stop(socket: &Arc<Socket>, stop: &Stop) {
    let (socket, actor) = (Arc::downgrade(socket), narrate::actor());
    stop.on_request(move || {
        narrate::acting_as(&actor, move || {
            if let Some(socket) = socket.upgrade() {
                let _ = socket.shutdown(Shutdown::Both);
            }
        });
    });
}

/// poll counts in milliseconds. Rounded up: rounded down, it would return before the limit has passed.
fn whole_millis(time: Duration) -> Duration {
    let millis = time.as_micros().div_ceil(1_000);
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}

/// The next attempt may fare better: a signal came, or what was ready is so no longer.
pub fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock)
}

/// The handshake has begun and is not over.
fn is_under_way(error: &io::Error) -> bool {
    #[cfg(unix)]
    let in_progress = error.raw_os_error() == Some(nix::errno::Errno::EINPROGRESS as i32);
    #[cfg(not(unix))]
    let in_progress = false;
    in_progress || error.kind() == io::ErrorKind::WouldBlock
}
