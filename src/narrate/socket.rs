//! The narrated socket: socket2's, call by call, with an observer told before and after.

use std::fmt;
use std::io::{self, Read, Write};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use socket2::{Domain, Protocol, SockAddr, Type};

use super::call::{flag_names, narrate};
use super::event::{Args, Call, Circumstance, Data, Ended, Value};
use super::mask::Mask;
use super::narration::{Narration, of_calls};

/// A socket that tells the narration in which it was made what is done with it.
///
/// Every method is socket2's of the same name. Dropping it is a call too: `close`, with the result that socket2
/// discards. Made outside a narration it is socket2's socket and one branch a call.
pub struct Socket {
    /// `None` only while it is being dropped.
    inner: Option<socket2::Socket>,
    narration: Option<Arc<Narration>>,
    /// Shared with the clones: they are the same socket to the kernel.
    known: Arc<Known>,
}

/// What the narration must know of a socket to say what a result means.
struct Known {
    stream: bool,
    nonblocking: AtomicBool,
    sent: Mutex<Mask>,
    received: Mutex<Mask>,
}

impl Known {
    fn of(ty: Type) -> Arc<Self> {
        let (nonblocking, sent, received) = Default::default();
        Arc::new(Self { stream: ty == Type::STREAM, nonblocking, sent, received })
    }
}

impl Socket {
    /// `socket(2)`. The kernel is asked to close it on `exec` (SOCK_CLOEXEC).
    pub fn new(domain: Domain, ty: Type, protocol: Option<Protocol>) -> io::Result<Self> {
        let narration = of_calls();
        let describe = || Call {
            call: "socket".into(),
            fd: None,
            args: Args::default()
                .with("domain", format!("{domain:?}"))
                .with("type", format!("{ty:?}{CLOSE_ON_EXEC}"))
                .with(
                    "protocol",
                    protocol.map_or(Value::Int(0), |protocol| format!("{protocol:?}").into()),
                ),
            data: None,
            waits: false,
        };
        let inner = narrate(
            narration.as_deref(),
            describe,
            || socket2::Socket::new(domain, ty, protocol),
            |ended, socket| ended.result = descriptor(socket),
        )?;
        Ok(Self { inner: Some(inner), narration, known: Known::of(ty) })
    }

    /// `bind(2)`: gives the socket its address.
    pub fn bind(&self, address: &SockAddr) -> io::Result<()> {
        self.call("bind", |args| args.with("addr", shown(address)), |socket| socket.bind(address))
    }

    /// `listen(2)`: `backlog` bounds how many connections, their handshake done, wait to be accepted.
    pub fn listen(&self, backlog: i32) -> io::Result<()> {
        self.call("listen", |args| args.with("backlog", backlog), |socket| socket.listen(backlog))
    }

    /// `accept(2)`: the next finished connection, and who is at its other end. Waits for one.
    pub fn accept(&self) -> io::Result<(Self, SockAddr)> {
        let (inner, peer) = narrate(
            self.narration.as_deref(),
            || self.describe("accept", Args::default(), self.blocking()),
            || self.inner().accept(),
            |ended, (socket, peer)| {
                ended.result = descriptor(socket);
                ended.call.args.set("addr", shown(peer));
            },
        )?;
        let narration = self.narration.clone();
        Ok((Self { inner: Some(inner), narration, known: Known::of(Type::STREAM) }, peer))
    }

    /// `connect(2)`: for TCP the three-way handshake, and waits for it.
    pub fn connect(&self, address: &SockAddr) -> io::Result<()> {
        narrate(
            self.narration.as_deref(),
            || {
                let waits = self.known.stream && self.blocking();
                self.describe("connect", Args::default().with("addr", shown(address)), waits)
            },
            || self.inner().connect(address),
            |_, ()| {},
        )
    }

    /// `shutdown(2)`: no more will be sent, or received, or both. The descriptor stays open.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        let name = match how {
            Shutdown::Read => "SHUT_RD",
            Shutdown::Write => "SHUT_WR",
            Shutdown::Both => "SHUT_RDWR",
        };
        self.call("shutdown", |args| args.with("how", name), |socket| socket.shutdown(how))
    }

    /// `send(2)` without flags: how many bytes the kernel took, which may be fewer than given.
    pub fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        self.send_with_flags(bytes, 0)
    }

    /// `send(2)` with flags, such as MSG_DONTWAIT.
    pub fn send_with_flags(&self, bytes: &[u8], flags: i32) -> io::Result<usize> {
        let make = |socket: &socket2::Socket| socket.send_with_flags(bytes, flags);
        self.sending("send", bytes, flags, None, make)
    }

    /// `sendto(2)`: one datagram to `address`.
    pub fn send_to(&self, bytes: &[u8], address: &SockAddr) -> io::Result<usize> {
        let make = |socket: &socket2::Socket| socket.send_to(bytes, address);
        self.sending("sendto", bytes, 0, Some(address), make)
    }

    /// `recv(2)` without flags: how many bytes came, 0 at the peer's end of file. Waits for some.
    pub fn recv(&self, buffer: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
        self.recv_with_flags(buffer, 0)
    }

    /// `recv(2)` with flags, such as MSG_PEEK.
    pub fn recv_with_flags(&self, buffer: &mut [MaybeUninit<u8>], flags: i32) -> io::Result<usize> {
        let room = buffer.len();
        self.receiving(
            "recv",
            room,
            flags,
            || self.inner().recv_with_flags(buffer, flags).map(|count| (count, buffer)),
            |ended, (count, buffer)| {
                self.note_received(ended, filled(buffer, *count), *count, room)
            },
        )
        .map(|(count, _)| count)
    }

    /// `recvfrom(2)`: one datagram and its sender. What does not fit into `buffer` is lost. Waits for one.
    pub fn recv_from(&self, buffer: &mut [MaybeUninit<u8>]) -> io::Result<(usize, SockAddr)> {
        self.recv_from_with_flags(buffer, 0)
    }

    /// `recvfrom(2)` with flags. With MSG_TRUNC Linux tells the datagram's whole length, though less fits.
    pub fn recv_from_with_flags(
        &self,
        buffer: &mut [MaybeUninit<u8>],
        flags: i32,
    ) -> io::Result<(usize, SockAddr)> {
        let room = buffer.len();
        self.receiving(
            "recvfrom",
            room,
            flags,
            || {
                self.inner()
                    .recv_from_with_flags(buffer, flags)
                    .map(|(count, sender)| (count, sender, buffer))
            },
            |ended, (count, sender, buffer)| {
                self.note_received(ended, filled(buffer, (*count).min(room)), *count, room);
                ended.call.args.set("addr", shown(sender));
            },
        )
        .map(|(count, sender, _)| (count, sender))
    }

    /// `recvfrom(2)` as std's `UdpSocket` has it, into a buffer that is initialised: so its bytes can be read afterwards.
    #[expect(unsafe_code, reason = "initialised bytes lent as perhaps uninitialised ones")]
    pub fn recv_from_into(&self, buffer: &mut [u8], flags: i32) -> io::Result<(usize, SockAddr)> {
        // SAFETY: the layout is the same, and nobody makes bytes uninitialised: recvfrom(2) only writes to them.
        let lent: &mut [MaybeUninit<u8>] =
            unsafe { std::slice::from_raw_parts_mut(buffer.as_mut_ptr().cast(), buffer.len()) };
        self.recv_from_with_flags(lent, flags)
    }

    /// `getsockname(2)`: this end's address.
    pub fn local_addr(&self) -> io::Result<SockAddr> {
        self.address("getsockname", socket2::Socket::local_addr)
    }

    /// `getpeername(2)`: the other end's address.
    pub fn peer_addr(&self) -> io::Result<SockAddr> {
        self.address("getpeername", socket2::Socket::peer_addr)
    }

    /// `fcntl(2)` with F_SETFL: calls that would wait fail with EAGAIN instead (or wait again).
    ///
    /// Two system calls: the flags are read first. None when nothing changes.
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        if self.known.nonblocking.load(Ordering::Relaxed) == nonblocking {
            return Ok(());
        }
        // A socket is open for reading and writing; the other flags are kept as they were.
        let flags = if nonblocking { "O_RDWR|O_NONBLOCK" } else { "O_RDWR" };
        narrate(
            self.narration.as_deref(),
            || {
                self.describe(
                    "fcntl",
                    Args::default().with("cmd", "F_SETFL").with("flags", flags),
                    false,
                )
            },
            || self.inner().set_nonblocking(nonblocking),
            |ended, ()| {
                // F_GETFL comes first.
                ended.syscalls.iter_mut().for_each(|syscalls| syscalls.push("fcntl".into()));
            },
        )?;
        self.known.nonblocking.store(nonblocking, Ordering::Relaxed);
        Ok(())
    }

    /// `fcntl(2)` with F_DUPFD_CLOEXEC: a second descriptor for the same socket. The connection ends with the last one.
    pub fn try_clone(&self) -> io::Result<Self> {
        let inner = narrate(
            self.narration.as_deref(),
            || {
                self.describe(
                    "fcntl",
                    Args::default().with("cmd", "F_DUPFD_CLOEXEC").with("arg", 0),
                    false,
                )
            },
            || self.inner().try_clone(),
            |ended, socket| ended.result = descriptor(socket),
        )?;
        Ok(Self {
            inner: Some(inner),
            narration: self.narration.clone(),
            known: self.known.clone(),
        })
    }

    /// `getsockopt(2)` with SO_ERROR: the error that is waiting on the socket, which this clears.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.get("SOL_SOCKET", "SO_ERROR", socket2::Socket::take_error)
    }
}

/// How the methods above tell what they do.
impl Socket {
    /// Who is told of its calls.
    pub(super) fn narration(&self) -> Option<&Arc<Narration>> {
        self.narration.as_ref()
    }

    pub(super) fn inner(&self) -> &socket2::Socket {
        self.inner.as_ref().expect("a socket is open until it is dropped")
    }

    fn blocking(&self) -> bool {
        !self.known.nonblocking.load(Ordering::Relaxed)
    }

    /// Whether a call with these flags may wait.
    fn waits(&self, flags: i32) -> bool {
        self.blocking() && flags & DONT_WAIT == 0
    }

    pub(super) fn describe(&self, call: &'static str, args: Args, waits: bool) -> Call {
        Call { call: call.into(), fd: Some(descriptor(self.inner())), args, data: None, waits }
    }

    /// A call that does not wait and returns nothing but success.
    pub(super) fn call(
        &self,
        call: &'static str,
        args: impl FnOnce(Args) -> Args,
        make: impl FnOnce(&socket2::Socket) -> io::Result<()>,
    ) -> io::Result<()> {
        let describe = || self.describe(call, args(Args::default()), false);
        narrate(self.narration.as_deref(), describe, || make(self.inner()), |_, ()| {})
    }

    fn address(
        &self,
        call: &'static str,
        make: impl FnOnce(&socket2::Socket) -> io::Result<SockAddr>,
    ) -> io::Result<SockAddr> {
        narrate(
            self.narration.as_deref(),
            || self.describe(call, Args::default(), false),
            || make(self.inner()),
            |ended, address| ended.call.args.set("addr", shown(address)),
        )
    }

    fn sending(
        &self,
        call: &'static str,
        bytes: &[u8],
        flags: i32,
        to: Option<&SockAddr>,
        make: impl FnOnce(&socket2::Socket) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let describe = || {
            let mut args =
                Args::default().with("len", bytes.len()).with("flags", flag_names(flags));
            if let Some(address) = to {
                args.set("addr", shown(address));
            }
            let preview = lock(&self.known.sent).clone().hide(&bytes[..bytes.len().min(PREVIEW)]);
            let data = Some(Data { len: bytes.len(), ..Data::of(&preview) });
            Call { data, ..self.describe(call, args, self.waits(flags)) }
        };
        narrate(
            self.narration.as_deref(),
            describe,
            || make(self.inner()),
            |ended, &count| {
                ended.result = returned(count);
                ended.circumstance = (count < bytes.len()).then_some(Circumstance::Partial);
                let hidden = lock(&self.known.sent).hide(&bytes[..count]);
                ended.call.data = Some(Data { len: count, ..Data::of(&hidden) });
            },
        )
    }

    fn receiving<T>(
        &self,
        call: &'static str,
        room: usize,
        flags: i32,
        make: impl FnOnce() -> io::Result<T>,
        finish: impl FnOnce(&mut Ended, &T),
    ) -> io::Result<T> {
        let args = || Args::default().with("len", room).with("flags", flag_names(flags));
        let describe = || self.describe(call, args(), self.waits(flags));
        narrate(self.narration.as_deref(), describe, make, finish)
    }

    /// Adds the bytes that came; `count` is what the call returned, which with MSG_TRUNC may be more.
    fn note_received(&self, ended: &mut Ended, bytes: &[u8], count: usize, room: usize) {
        ended.result = returned(count);
        if self.known.stream && bytes.is_empty() && room > 0 {
            ended.circumstance = Some(Circumstance::EndOfFile);
            return;
        }
        ended.circumstance = match count {
            more if more > room => Some(Circumstance::Truncated),
            all if all == room => Some(Circumstance::Full),
            _ => None,
        };
        let hidden = lock(&self.known.received).hide(bytes);
        ended.call.data = Some(Data { len: bytes.len(), ..Data::of(&hidden) });
    }
}

impl Read for &Socket {
    /// `recv(2)`, as socket2's `Read` does it.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = buffer.len();
        self.receiving(
            "recv",
            room,
            0,
            || self.inner().read(buffer).map(|count| (count, buffer)),
            |ended, (count, buffer)| self.note_received(ended, &buffer[..*count], *count, room),
        )
        .map(|(count, _)| count)
    }
}

impl Write for &Socket {
    /// `send(2)`, as socket2's `Write` does it.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.send(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let Some(inner) = self.inner.take() else {
            return;
        };
        let Some(narration) = self.narration.as_deref() else {
            return;
        };
        let fd = Some(descriptor(&inner));
        let describe =
            || Call { call: "close".into(), fd, args: Args::default(), data: None, waits: false };
        // Whatever close says, the descriptor is gone: the result is for the reader.
        let _ = narrate(Some(narration), describe, || close(inner), |_, ()| {});
    }
}

#[cfg(unix)]
fn close(socket: socket2::Socket) -> io::Result<()> {
    Ok(nix::unistd::close(socket)?)
}

/// `closesocket`, whose result std does not tell.
#[cfg(not(unix))]
fn close(socket: socket2::Socket) -> io::Result<()> {
    drop(socket);
    Ok(())
}

/// The flag that makes one call not wait.
#[cfg(unix)]
const DONT_WAIT: i32 = nix::libc::MSG_DONTWAIT;

#[cfg(not(unix))]
const DONT_WAIT: i32 = 0;

/// Of a large buffer, the part that an event shows before it is sent.
const PREVIEW: usize = 4096;

/// The flag that socket2 adds to the type where the system knows it.
const CLOSE_ON_EXEC: &str = if cfg!(any(
    target_os = "linux",
    target_os = "android",
    target_os = "freebsd",
    target_os = "netbsd",
    target_os = "openbsd"
)) {
    "|SOCK_CLOEXEC"
} else {
    ""
};

fn shown(address: &SockAddr) -> Value {
    match address.as_socket() {
        Some(address) => address.to_string().into(),
        None => format!("{address:?}").into(),
    }
}

#[cfg(unix)]
pub(super) fn descriptor(socket: &socket2::Socket) -> i64 {
    use std::os::fd::AsRawFd;
    socket.as_raw_fd().into()
}

#[cfg(unix)]
impl std::os::fd::AsFd for Socket {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.inner().as_fd()
    }
}

#[cfg(windows)]
pub(super) fn descriptor(socket: &socket2::Socket) -> i64 {
    use std::os::windows::io::AsRawSocket;
    i64::try_from(socket.as_raw_socket()).unwrap_or(-1)
}

fn returned(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn lock(mask: &Mutex<Mask>) -> std::sync::MutexGuard<'_, Mask> {
    mask.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The part of a buffer that the kernel wrote.
#[expect(unsafe_code, reason = "socket2's own signature: the kernel initialised what it counted")]
fn filled(buffer: &[MaybeUninit<u8>], count: usize) -> &[u8] {
    // SAFETY: recv(2) returned `count`, so that many bytes from the start of `buffer` are initialised, and u8 has no
    // invalid values.
    unsafe { std::slice::from_raw_parts(buffer[..count].as_ptr().cast(), count) }
}
