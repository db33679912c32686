//! A connection with both its ends in one hand: a call at the client, a call at the server, in the order of the story.
//!
//! To the kernel it makes no difference that one thread holds both ends. To the reader it does: between two lines
//! happens nothing but what the kernel does by itself.

use std::io::{self, Read};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use socket2::{Domain, Protocol, SockAddr, Type};

use crate::cli::LOOPBACK;
use crate::error::{Error, Result};
use crate::narrate::{Socket, acting_as, note};
use crate::observe::Seen;

use super::watch::{Both, Pair, Watch};

/// The size asked for both buffers of both ends: small, so that they are soon full.
const BUFFER: usize = 8 * 1024;

/// What there is to send: more than those buffers take.
const PLENTY: usize = 128 * 1024;

/// How long `send` waits for room. Nobody reads meanwhile: more time would bring no more room.
const NO_ROOM: Duration = Duration::from_millis(50);

/// How long an end waits for bytes. They come from the other end's kernel, not from a person: no pace stretches it.
const LIMIT: Duration = Duration::from_secs(10);

/// A server's listening socket.
pub struct Listener<'a> {
    held: Held,
    address: SocketAddr,
    /// Both ends of its connections have small buffers.
    small: bool,
    watch: &'a Watch,
}

impl<'a> Listener<'a> {
    /// Listens on a port that the kernel picks. Its connections have small buffers.
    pub fn with_small_buffers(watch: &'a Watch) -> Result<Self> {
        Self::open(watch, true, true)
    }

    /// Listens on a port that the kernel picks, with SO_REUSEADDR or without.
    pub fn with_reuse(watch: &'a Watch, reuse: bool) -> Result<Self> {
        Self::open(watch, reuse, false)
    }

    fn open(watch: &'a Watch, reuse: bool, small: bool) -> Result<Self> {
        let any_port = SocketAddr::from((LOOPBACK, 0));
        let held = Held::new("server", any_port)?;
        if reuse {
            held.call("setsockopt", |socket| socket.set_reuse_address(true))?;
        }
        if small {
            held.call("setsockopt", small_buffers)?;
        }
        held.call("bind", |socket| socket.bind(&any_port.into()))?;
        held.call("listen", |socket| socket.listen(1))?;
        let address = internet(&held.call("getsockname", Socket::local_addr)?)?;
        Ok(Self { held, address, small, watch })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A connection: the client's end and the server's.
    pub fn connect(&self) -> Result<(End<'a>, End<'a>)> {
        let client = Held::new("client", self.address)?;
        if self.small {
            client.call("setsockopt", small_buffers)?;
        }
        client.call("setsockopt", |socket| socket.set_read_timeout(Some(LIMIT)))?;
        client.call("connect", |socket| socket.connect(&self.address.into()))?;

        let (socket, from) = self.held.call("accept", Socket::accept)?;
        let from = internet(&from)?;
        let server = Held { actor: "server", socket: Some(socket), with: from };
        let pair = Rc::new(Pair::new(self.watch, from, self.address));
        pair.look();
        let client =
            End { held: client, pair: pair.clone(), seen: |both| (both.client, both.server) };
        let server = End { held: server, pair, seen: |both| (both.server, both.client) };
        server.call("setsockopt", |socket| socket.set_read_timeout(Some(LIMIT)))?;
        Ok((client, server))
    }
}

/// What a listening socket has, the sockets that it accepts inherit.
fn small_buffers(socket: &Socket) -> io::Result<()> {
    socket.set_send_buffer_size(BUFFER)?;
    socket.set_recv_buffer_size(BUFFER)
}

fn internet(address: &SockAddr) -> Result<SocketAddr> {
    let not_internet = || io::Error::other("not an address of the internet family");
    address.as_socket().ok_or_else(not_internet).map_err(Error::during("accept", LOOPBACK))
}

/// One end of a connection. After every call at it, both ends are looked at.
pub struct End<'a> {
    held: Held,
    pair: Rc<Pair<'a>>,
    /// This end and the other.
    seen: fn(&Both) -> (Seen, Seen),
}

/// What an end received until no more came.
pub struct Drained {
    /// How many bytes.
    pub bytes: usize,
    /// It ended with a reset, not with the end of file.
    pub reset: bool,
}

impl<'a> End<'a> {
    /// Makes `call` here.
    pub fn call<T>(
        &self,
        call: &'static str,
        make: impl FnOnce(&Socket) -> io::Result<T>,
    ) -> Result<T> {
        if self.pair.stopped() {
            return Err(Error::Interrupted);
        }
        let outcome = self.held.call(call, make);
        self.pair.look();
        outcome
    }

    /// The connection, seen from outside.
    pub fn pair(&self) -> Rc<Pair<'a>> {
        self.pair.clone()
    }

    // ANCHOR: fill
    /// Sends until there is no room, as the other end does not read. Returns how many bytes the kernel took.
    pub fn fill(&self) -> Result<usize> {
        let plenty: String = (0..PLENTY / 8).map(|number| format!("{number:07} ")).collect();
        self.call("setsockopt", |socket| socket.set_write_timeout(Some(NO_ROOM)))?;
        let sent = self.call("send", |socket| socket.send(plenty.as_bytes()))?;
        self.say_where_it_is(sent);
        Ok(sent)
    }
    // ANCHOR_END: fill

    /// Of the bytes sent, some are in the other end's receive buffer, the others still in this end's send buffer.
    fn say_where_it_is(&self, sent: usize) {
        let waiting = |both: &Both| {
            let (here, there) = (self.seen)(both);
            (there.unread, here.unacknowledged)
        };
        let adds_up = |both: &Both| {
            let (arrived, unsent) = waiting(both);
            usize::try_from(arrived + unsent) == Ok(sent)
        };
        if let Some((arrived, unsent)) = self.pair.look_until(adds_up).as_ref().map(waiting) {
            note("graceful-close.full", &[("arrived", &arrived), ("unsent", &unsent)]);
        }
    }

    // ANCHOR: drain
    /// Receives until no more comes: the end of file, or a reset.
    pub fn drain(&self) -> Result<Drained> {
        let mut bytes = 0;
        let mut buffer = vec![0; PLENTY];
        loop {
            match self.call("recv", |mut socket| socket.read(&mut buffer)) {
                Ok(0) => return Ok(Drained { bytes, reset: false }),
                Ok(count) => bytes += count,
                Err(error) if is_reset(&error) => return Ok(Drained { bytes, reset: true }),
                Err(error) => return Err(error),
            }
        }
    }
    // ANCHOR_END: drain

    /// Closes it.
    pub fn close(self) {
        let Self { held, pair, .. } = self;
        drop(held);
        pair.look();
    }
}

fn is_reset(error: &Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset};
    matches!(error, Error::Call { source, .. }
        if matches!(source.kind(), ConnectionReset | ConnectionAborted))
}

/// A socket in somebody's hand: the calls at it are theirs, and so is its end.
pub struct Held {
    actor: &'static str,
    /// `None` only while it is being dropped.
    socket: Option<Socket>,
    with: SocketAddr,
}

impl Held {
    /// A stream socket for `actor`, who has to do with the address `with`.
    pub fn new(actor: &'static str, with: SocketAddr) -> Result<Self> {
        let domain = Domain::for_address(with);
        let socket = acting_as(actor, || Socket::new(domain, Type::STREAM, Some(Protocol::TCP)));
        let socket = Some(socket.map_err(Error::during("socket", with))?);
        Ok(Self { actor, socket, with })
    }

    /// Makes `call` at it.
    pub fn call<T>(
        &self,
        call: &'static str,
        make: impl FnOnce(&Socket) -> io::Result<T>,
    ) -> Result<T> {
        let socket = self.socket.as_ref().expect("a socket is held until it is dropped");
        acting_as(self.actor, || make(socket)).map_err(Error::during(call, self.with))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let socket = self.socket.take();
        acting_as(self.actor, || drop(socket));
    }
}
