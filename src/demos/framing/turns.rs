//! Turns: the sender sends, then the reader reads what was sent, and only then the sender sends again.
//!
//! TCP does not keep sends apart. Here the two ends are on threads of one process and tell each other on channels when
//! it is whose turn, so that everybody sees what comes of which bytes.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::panic::resume_unwind;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use socket2::{Domain, Protocol, Type};

use crate::cli::LOOPBACK;
use crate::demos::no_thread;
use crate::error::{Error, Result};
use crate::narrate::{self, Socket, acting_as};

/// Where the readers are to be found.
pub struct Listener {
    socket: Socket,
    address: SocketAddr,
}

impl Listener {
    /// A listener on a free port of this machine, which waits for nobody longer than `limit`.
    pub fn open(limit: Duration) -> Result<Self> {
        let address = SocketAddr::from((LOOPBACK, 0));
        let on_it = |call| Error::during(call, address);
        let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))
            .map_err(on_it("socket"))?;
        socket.bind(&address.into()).map_err(on_it("bind"))?;
        socket.listen(1).map_err(on_it("listen"))?;
        socket.set_read_timeout(Some(limit)).map_err(on_it("setsockopt"))?;
        let bound = socket.local_addr().map_err(on_it("getsockname"))?;
        Ok(Self { socket, address: bound.as_socket().unwrap_or(address) })
    }

    fn accept(&self) -> Result<Socket> {
        let accepted = self.socket.accept().map_err(Error::during("accept", self.address))?;
        Ok(accepted.0)
    }
}

/// The sender's end of a connection, and the reader at the other end.
pub struct Line {
    socket: Socket,
    sent: usize,
    /// Tells the reader that so many bytes have been sent in all.
    go: Sender<usize>,
    /// Is told how many times the reader had to call `recv` in its turn.
    done: Receiver<usize>,
    reader: JoinHandle<io::Result<usize>>,
}

impl Line {
    /// Connects, and has `read` read the other end on a thread of its own, as the actor `name`. `read` says how many
    /// messages it got right.
    pub fn open(
        name: &str,
        listener: &Listener,
        read: impl FnOnce(&mut Turns) -> io::Result<usize> + Send + 'static,
    ) -> Result<Self> {
        let socket = acting_as("sender", || connect(listener.address))?;
        let accepted = acting_as(name, || listener.accept())?;
        let (go, told) = mpsc::channel();
        let (tell, done) = mpsc::channel();
        let mut turns = Turns { socket: accepted, told, tell, due: 0, received: 0, recvs: 0 };
        let reader = narrate::spawn(name, move || read(&mut turns)).map_err(no_thread)?;
        Ok(Self { socket, sent: 0, go, done, reader })
    }

    /// Sends the pieces, a send for each, and lets the reader read them. How many times it called `recv`; `None` when
    /// it has ended, or says nothing within `limit`.
    pub fn send(&mut self, pieces: &[Vec<u8>], limit: Duration) -> Result<Option<usize>> {
        acting_as("sender", || pieces.iter().try_for_each(|piece| (&self.socket).write_all(piece)))
            .map_err(Error::during("send", "the reader"))?;
        self.sent += pieces.iter().map(Vec::len).sum::<usize>();
        // If the reader has ended, it says on joining why.
        let _ = self.go.send(self.sent);
        Ok(self.done.recv_timeout(limit).ok())
    }

    /// Closes the sender's end, which is the end of the stream, and waits for what the reader has to say.
    pub fn close(self) -> Result<usize> {
        acting_as("sender", || drop(self.socket));
        drop(self.go);
        let read = self.reader.join().unwrap_or_else(|panic| resume_unwind(panic));
        read.map_err(Error::during("recv", "the sender"))
    }
}

fn connect(address: SocketAddr) -> Result<Socket> {
    let on_it = |call| Error::during(call, address);
    let socket =
        Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)).map_err(on_it("socket"))?;
    socket.connect(&address.into()).map_err(on_it("connect"))?;
    socket.set_tcp_nodelay(true).map_err(on_it("setsockopt"))?;
    Ok(socket)
}

/// The reader's end: reading waits until it is the reader's turn, and that is over when all that was sent is read.
pub struct Turns {
    socket: Socket,
    told: Receiver<usize>,
    tell: Sender<usize>,
    due: usize,
    received: usize,
    recvs: usize,
}

impl Turns {
    fn next_turn(&mut self) {
        if self.recvs > 0 {
            // A sender that no longer listens has closed.
            let _ = self.tell.send(self.recvs);
            self.recvs = 0;
        }
        // When nothing more will be sent, the end of the stream is due.
        self.due = self.told.recv().unwrap_or(usize::MAX);
    }
}

impl Read for Turns {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.received >= self.due {
            self.next_turn();
        }
        let count = (&self.socket).read(buffer)?;
        self.recvs += 1;
        self.received += count;
        Ok(count)
    }
}
