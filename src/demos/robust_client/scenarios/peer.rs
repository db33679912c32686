//! The other end: what all the misbehaving peers have in common, and how their play and the client's keep step.
//!
//! A peer waits for the client only, and the client's end ends every such wait: cues end, and connections are closed.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::panic::resume_unwind;
use std::sync::mpsc::{self, Receiver, Sender};

use socket2::{Domain, Protocol, Type};

use crate::demos::no_thread;
use crate::error::{Error, Result};
use crate::narrate::{self, Socket};

use super::Cue;

/// A socket on a loopback port of its own. Until it listens, that port refuses.
pub struct Peer {
    pub listener: Socket,
    pub address: SocketAddr,
}

impl Peer {
    /// Takes a free port.
    pub fn bind() -> Result<Self> {
        narrate::acting_as("peer", || {
            let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            let listener = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))
                .map_err(Error::during("socket", any))?;
            listener.bind(&any.into()).map_err(Error::during("bind", any))?;
            let own = listener.local_addr().map_err(Error::during("getsockname", any))?;
            Ok(Self { listener, address: own.as_socket().unwrap_or(any) })
        })
    }

    /// Takes a free port and listens, as every server does.
    pub fn listening() -> Result<Self> {
        let peer = Self::bind()?;
        narrate::acting_as("peer", || peer.listen(8))?;
        Ok(peer)
    }

    /// Listens with buffers of about `size` bytes: connections inherit them.
    pub fn listening_with_buffers(size: usize) -> Result<Self> {
        let peer = Self::bind()?;
        narrate::acting_as("peer", || {
            set_buffers(&peer.listener, size).map_err(Error::during("setsockopt", peer.address))?;
            peer.listen(8)
        })?;
        Ok(peer)
    }

    pub fn listen(&self, backlog: i32) -> Result<()> {
        self.listener.listen(backlog).map_err(Error::during("listen", self.address))
    }

    /// Waits until the client has a connection, and takes it. `None`: the client has ended.
    pub fn accept(&self, cues: &Steps<Cue>) -> Result<Option<Socket>> {
        let Some(_connected) = cues.await_step(Cue::Connected) else { return Ok(None) };
        self.accept_now().map(Some)
    }

    /// Takes a connection that is there.
    pub fn accept_now(&self) -> Result<Socket> {
        let accepted = self.listener.accept().map_err(Error::during("accept", self.address));
        accepted.map(|(socket, _)| socket)
    }
}

/// Small buffers, so that little is needed to fill them.
pub fn set_buffers(socket: &Socket, size: usize) -> io::Result<()> {
    socket.set_recv_buffer_size(size)?;
    socket.set_send_buffer_size(size)
}

/// Plays the peer's part on a thread of its own, and the client's on this one.
pub fn beside(
    peer: impl FnOnce() -> Result<()> + Send + 'static,
    client: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let playing = narrate::spawn("peer", peer).map_err(no_thread)?;
    let outcome = client();
    let played = playing.join().unwrap_or_else(|panic| resume_unwind(panic));
    // Without a peer the client could not but fail.
    played.and(outcome)
}

/// Answers one line with itself, then waits for the end of file. What goes wrong is the client's to notice.
pub fn echo_line(mut connection: &Socket) {
    if let Ok(line) = read_line(connection)
        && connection.write_all(&line).is_ok()
    {
        read_to_end(connection);
    }
}

/// Receives until a newline or the end of file has come.
pub fn read_line(mut connection: &Socket) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    let mut buffer = [0; 4096];
    while !line.ends_with(b"\n") {
        match connection.read(&mut buffer)? {
            0 => break,
            count => line.extend(&buffer[..count]),
        }
    }
    Ok(line)
}

/// Receives until the end of file or an error.
pub fn read_to_end(mut connection: &Socket) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(1..) = connection.read(&mut buffer) {}
}

/// What the other end waits for: nothing is ever sent, it is dropped.
type Hold = Sender<()>;

/// The steps of the other end's play. While one is held, the other end waits; without `Steps` it goes on by itself.
pub struct Steps<T>(Receiver<(T, Hold)>);

/// What one end calls at each of its steps; and what the other end gets.
pub fn steps<T>() -> (impl Fn(T), Steps<T>) {
    let (tell, steps) = mpsc::channel();
    let step = move |step| {
        let (hold, go_on) = mpsc::channel();
        if tell.send((step, hold)).is_ok() {
            // No value ever comes: it is disconnected when the other end has done its part.
            let _ = go_on.recv();
        }
    };
    (step, Steps(steps))
}

impl<T> Steps<T> {
    /// Waits for the next step. The other end waits until the `Hold` is dropped; `None`: it has ended.
    pub fn next(&self) -> Option<(T, Hold)> {
        self.0.recv().ok()
    }

    /// Waits until the other end has ended.
    pub fn await_end(self) {
        self.0.iter().for_each(drop);
    }
}

impl Steps<Cue> {
    /// Waits for that step.
    pub fn await_step(&self, wanted: Cue) -> Option<Hold> {
        self.0.iter().find(|(cue, _)| *cue == wanted).map(|(_, hold)| hold)
    }
}
