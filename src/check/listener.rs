//! Where a learner's client connects to: the checker's listening socket, and ports where nobody answers.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};

use super::bench::{Bench, Transport};
use super::peer::Peer;
use super::verdict::{Checked, trouble};

/// How often Ctrl-C is listened for.
const GLANCE: Duration = Duration::from_millis(100);

/// A socket that the program is to connect to.
pub struct Listener<'a> {
    bench: &'a Bench<'a>,
    socket: Socket,
    /// Where.
    pub address: SocketAddr,
}

impl<'a> Listener<'a> {
    /// One that listens, at an address of its own.
    ///
    /// # Errors
    /// The checker's trouble.
    pub fn new(bench: &'a Bench<'a>) -> Checked<Self> {
        let bound = Self::bound(bench)?;
        bound.listen(128)?;
        Ok(bound)
    }

    /// One that is bound and does not listen: its port is taken, and connections to it are refused.
    ///
    /// # Errors
    /// The checker's trouble.
    pub fn bound(bench: &'a Bench<'a>) -> Checked<Self> {
        // Its port anew: a process that is being started still has, until its exec, a copy of the socket that was at the
        // other one.
        let host = bench.address(Transport::Tcp)?.ip();
        Self::bound_at(bench, SocketAddr::new(host, 0))
    }

    /// The same, at a certain address.
    ///
    /// # Errors
    /// The checker's trouble.
    pub fn bound_at(bench: &'a Bench<'a>, address: SocketAddr) -> Checked<Self> {
        let (domain, protocol) = (Domain::for_address(address), Some(Protocol::TCP));
        let socket = Socket::new(domain, Type::STREAM, protocol).map_err(trouble("socket"))?;
        socket.set_reuse_address(true).map_err(trouble("SO_REUSEADDR"))?;
        socket.bind(&address.into()).map_err(trouble(&format!("bind {address}")))?;
        // Port 0 was any port; now it is one.
        let bound = socket.local_addr().map_err(trouble("getsockname"))?;
        Ok(Self { bench, socket, address: bound.as_socket().unwrap_or(address) })
    }

    /// From now on it listens.
    ///
    /// # Errors
    /// The checker's trouble.
    pub fn listen(&self, backlog: i32) -> Checked {
        self.socket.listen(backlog).map_err(trouble("listen"))
    }

    /// Lets connections have a receive buffer of about so many bytes: who sends more must wait for it to be read.
    ///
    /// # Errors
    /// The checker's trouble.
    pub fn with_small_buffers(self, bytes: usize) -> Checked<Self> {
        self.socket.set_recv_buffer_size(bytes).map_err(trouble("SO_RCVBUF"))?;
        Ok(self)
    }

    /// The next connection; none when nobody comes before the deadline.
    ///
    /// # Errors
    /// The checker's trouble.
    pub fn accept(&self, name: &str, deadline: Instant) -> Checked<Option<Peer<'a>>> {
        loop {
            self.bench.check_stop()?;
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                self.bench.tell("check.nobody-came", &[("address", &self.address)]);
                return Ok(None);
            }
            if let Some(peer) = self.accept_within(name, left.min(GLANCE))? {
                return Ok(Some(peer));
            }
        }
    }

    /// The same for one short look, of which nothing is told when nobody comes.
    ///
    /// # Errors
    /// The checker's trouble.
    pub fn accept_within(&self, name: &str, limit: Duration) -> Checked<Option<Peer<'a>>> {
        // A limit of 0 would be none.
        let limit = limit.max(Duration::from_millis(1));
        self.socket.set_read_timeout(Some(limit)).map_err(trouble("SO_RCVTIMEO"))?;
        match self.socket.accept() {
            Ok((socket, from)) => {
                self.bench.tell("check.came", &[("name", &name)]);
                let from = from.as_socket().unwrap_or(self.address);
                Peer::of(self.bench, name, socket, from).map(Some)
            }
            Err(error) if is_no_failure(&error) => Ok(None),
            Err(error) => Err(trouble("accept")(error)),
        }
    }
}

/// Nobody came, or came and was gone before it was accepted (accept(2): ECONNABORTED).
fn is_no_failure(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted
    )
}
