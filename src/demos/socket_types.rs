//! Chapter 1: what a socket is. Each type is made, and what the kernel made of it is read back.

use socket2::{Domain, Protocol, Type};

use crate::cli::{SocketType, SocketTypes};
use crate::error::{Error, Result};
use crate::narrate::{Socket, note};

/// Makes the sockets that `args` asks for, one after the other.
pub fn run(args: &SocketTypes) -> Result<()> {
    match args.which {
        SocketType::Tcp => stream(),
        SocketType::Udp => datagram(),
        SocketType::Raw => raw(),
        SocketType::All => {
            note("socket-types.table", &[]);
            stream()?;
            datagram()?;
            raw()
        }
    }
}

// ANCHOR: types
/// A stream of bytes in order, between two ends: TCP.
fn stream() -> Result<()> {
    note("socket-types.stream", &[]);
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))
        .map_err(Error::during("socket", "SOCK_STREAM"))?;
    read_back(&socket)
}

/// Single messages, each to whom it is addressed: UDP.
fn datagram() -> Result<()> {
    note("socket-types.datagram", &[]);
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))
        .map_err(Error::during("socket", "SOCK_DGRAM"))?;
    read_back(&socket)
}

/// IP packets of one protocol, here ICMP, headers and all. Not everybody may.
fn raw() -> Result<()> {
    note("socket-types.raw", &[]);
    match Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4)) {
        Ok(socket) => read_back(&socket),
        Err(refused) if refused.kind() == std::io::ErrorKind::PermissionDenied => {
            note("socket-types.raw-refused", &[("program", &program())]);
            Ok(())
        }
        Err(error) => Err(Error::during("socket", "SOCK_RAW")(error)),
    }
}
// ANCHOR_END: types

/// This program's file, as a shell takes it.
fn program() -> String {
    let path = std::env::current_exe().unwrap_or_else(|_| "socklab".into());
    format!("'{}'", path.display())
}

// ANCHOR: read-back
/// What the kernel says the socket is, and what it was given by default.
fn read_back(socket: &Socket) -> Result<()> {
    let read = || {
        #[cfg(target_os = "linux")]
        socket.domain()?;
        socket.r#type()?;
        #[cfg(target_os = "linux")]
        socket.protocol()?;
        socket.recv_buffer_size()?;
        socket.send_buffer_size()?;
        socket.reuse_address()
    };
    read().map_err(Error::during("getsockopt", "the new socket"))?;
    Ok(())
}
// ANCHOR_END: read-back
