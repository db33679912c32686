//! A connection with both its ends in one hand: a call at the client, a call at the server, in the order of the story.
//!
//! To the kernel it makes no difference that one thread holds both ends; to the reader it does: nothing happens between
//! two lines but what the kernel does by itself.

use std::io::{self, Read};
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{Domain, Protocol, SockAddr, Type};

use crate::cli::LOOPBACK;
use crate::error::{Error, Result};
use crate::narrate::{Socket, acting_as};
use crate::observe::{Seen, TcpState};

use super::watch::{Ends, Watch};

/// The sizes asked for both buffers of both ends: small, so that they are soon full.
const BUFFER: usize = 8 * 1024;

/// What there is to send is more than these buffers take.
const PLENTY: usize = 128 * 1024;

/// How long `send` waits for room. Nobody reads meanwhile, so that more time brings no more room.
const NO_ROOM: Duration = Duration::from_millis(50);

/// How long an end waits for bytes, at most. They come from the other end's kernel, not from a person.
const LIMIT: Duration = Duration::from_secs(10);

/// A server's listening socket.
pub struct Listener<'a> {
    socket: Socket,
    address: SocketAddr,
    watch: &'a Watch,
}

impl<'a> Listener<'a> {
    /// Listens on a port that the kernel picks, with SO_REUSEADDR or without.
    pub fn open(watch: &'a Watch, reuse: bool) -> Result<Self> {
        let address = SocketAddr::from((LOOPBACK, 0));
        let on_it = |call| Error::during(call, address);
        acting_as("server", || {
            let socket = stream().map_err(on_it("socket"))?;
            if reuse {
                socket.set_reuse_address(true).map_err(on_it("setsockopt"))?;
            }
            small_buffers(&socket).map_err(on_it("setsockopt"))?;
            socket.bind(&address.into()).map_err(on_it("bind"))?;
            socket.listen(1).map_err(on_it("listen"))?;
            let address = internet(socket.local_addr().map_err(on_it("getsockname"))?)?;
            Ok(Self { socket, address, watch })
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A connection: one end the client's, the other the server's.
    pub fn connect(&self) -> Result<Connection<'a>> {
        let on_it = |call| Error::during(call, self.address);
        let client = acting_as("client", || {
            let client = stream().map_err(on_it("socket"))?;
            small_buffers(&client).map_err(on_it("setsockopt"))?;
            client.set_read_timeout(Some(LIMIT)).map_err(on_it("setsockopt"))?;
            client.connect(&self.address.into()).map_err(on_it("connect"))?;
            Ok(client)
        })?;
        let (server, from) = acting_as("server", || self.socket.accept()).map_err(on_it("accept"))?;
        let ends = Ends::new(internet(from)?, self.address);
        let connection =
            Connection { client: Some(client), server: Some(server), ends, watch: self.watch };
        connection.watch.look(&connection.ends);
        connection.server("setsockopt", |server| server.set_read_timeout(Some(LIMIT)))?;
        Ok(connection)
    }

    /// Closes it. The connections that it accepted stay.
    pub fn close(self) {
        acting_as("server", || drop(self.socket));
    }
}

/// A stream socket, as both ends need it.
pub fn stream() -> io::Result<Socket> {
    Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))
}

/// What a listening socket has, the sockets that it accepts inherit.
fn small_buffers(socket: &Socket) -> io::Result<()> {
    socket.set_send_buffer_size(BUFFER)?;
    socket.set_recv_buffer_size(BUFFER)
}

fn internet(address: SockAddr) -> Result<SocketAddr> {
    address.as_socket().ok_or_else(|| {
        Error::during("getsockname", "a loopback address")(io::ErrorKind::InvalidData.into())
    })
}

/// Both ends of one connection. After every call, both are looked at.
pub struct Connection<'a> {
    client: Option<Socket>,
    server: Option<Socket>,
    ends: Ends,
    watch: &'a Watch,
}

/// What an end received until no more came.
pub struct Drained {
    /// How many bytes.
    pub bytes: usize,
    /// Why no more came: `None` is the end of file.
    pub error: Option<io::Error>,
}

impl Connection<'_> {
    // ANCHOR: ends
    /// A call at the client.
    pub fn client<T>(
        &self,
        call: &'static str,
        make: impl FnOnce(&Socket) -> io::Result<T>,
    ) -> Result<T> {
        self.at("client", &self.client, call, make)
    }

    /// A call at the server.
    pub fn server<T>(
        &self,
        call: &'static str,
        make: impl FnOnce(&Socket) -> io::Result<T>,
    ) -> Result<T> {
        self.at("server", &self.server, call, make)
    }
    // ANCHOR_END: ends
}
