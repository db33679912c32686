//! The narrated socket: socket2's, call by call, with an observer told before and after.

use std::fmt;
use std::io::{self, Read, Write};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, SockAddr, Type};

use super::event::{Args, Call, Circumstance, Data, Ended, Errno, Name, Value, micros};
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

    /// `listen(2)`: at most `backlog` finished connections wait to be accepted.
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
        let args = Args::default;
        self.sending("send", bytes, args, |socket| socket.send(bytes))
    }

    /// `sendto(2)`: one datagram to `address`.
    pub fn send_to(&self, bytes: &[u8], address: &SockAddr) -> io::Result<usize> {
        let args = || Args::default().with("addr", shown(address));
        self.sending("sendto", bytes, args, |socket| socket.send_to(bytes, address))
    }

    /// `recv(2)` without flags: how many bytes came, 0 at the peer's end of file. Waits for some.
    pub fn recv(&self, buffer: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
        let room = buffer.len();
        self.receiving(
            "recv",
            room,
            || self.inner().recv(buffer).map(|count| (count, buffer)),
            |ended, (count, buffer)| self.note_received(ended, filled(buffer, *count), room),
        )
        .map(|(count, _)| count)
    }

    /// `recvfrom(2)`: one datagram and its sender. What does not fit into `buffer` is lost. Waits for one.
    pub fn recv_from(&self, buffer: &mut [MaybeUninit<u8>]) -> io::Result<(usize, SockAddr)> {
        let room = buffer.len();
        self.receiving(
            "recvfrom",
            room,
            || self.inner().recv_from(buffer).map(|(count, sender)| (count, sender, buffer)),
            |ended, (count, sender, buffer)| {
                self.note_received(ended, filled(buffer, *count), room);
                ended.call.args.set("addr", shown(sender));
            },
        )
        .map(|(count, sender, _)| (count, sender))
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
    /// The flags are read first, and written only when they change: one system call or two.
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        let changes = self.known.nonblocking.load(Ordering::Relaxed) != nonblocking;
        let flags = if nonblocking { "O_NONBLOCK" } else { "0" };
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
                if let (true, Some(syscalls)) = (changes, &mut ended.syscalls) {
                    syscalls.push("fcntl".into());
                }
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

/// Options: each a `getsockopt(2)` or `setsockopt(2)`.
impl Socket {
    /// SO_DOMAIN: the address family that the socket was made with.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub fn domain(&self) -> io::Result<Domain> {
        self.get("SOL_SOCKET", "SO_DOMAIN", socket2::Socket::domain)
    }

    /// SO_TYPE: the type that the socket was made with.
    pub fn r#type(&self) -> io::Result<Type> {
        self.get("SOL_SOCKET", "SO_TYPE", socket2::Socket::r#type)
    }

    /// SO_PROTOCOL: the protocol, which the kernel chose when 0 was asked for.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub fn protocol(&self) -> io::Result<Option<Protocol>> {
        self.get("SOL_SOCKET", "SO_PROTOCOL", socket2::Socket::protocol)
    }

    /// SO_REUSEADDR.
    pub fn reuse_address(&self) -> io::Result<bool> {
        self.get("SOL_SOCKET", "SO_REUSEADDR", socket2::Socket::reuse_address)
    }

    /// SO_REUSEADDR: `bind` may take an address on which old connections sit in TIME_WAIT.
    pub fn set_reuse_address(&self, reuse: bool) -> io::Result<()> {
        self.set("SOL_SOCKET", "SO_REUSEADDR", reuse, |socket| socket.set_reuse_address(reuse))
    }

    /// SO_RCVBUF: the receive buffer's size in bytes, with the kernel's bookkeeping counted in.
    pub fn recv_buffer_size(&self) -> io::Result<usize> {
        self.get("SOL_SOCKET", "SO_RCVBUF", socket2::Socket::recv_buffer_size)
    }

    /// SO_RCVBUF: asks for a receive buffer of `size` bytes. Linux doubles the number.
    pub fn set_recv_buffer_size(&self, size: usize) -> io::Result<()> {
        self.set("SOL_SOCKET", "SO_RCVBUF", size, |socket| socket.set_recv_buffer_size(size))
    }

    /// SO_SNDBUF: the send buffer's size in bytes, with the kernel's bookkeeping counted in.
    pub fn send_buffer_size(&self) -> io::Result<usize> {
        self.get("SOL_SOCKET", "SO_SNDBUF", socket2::Socket::send_buffer_size)
    }

    /// SO_SNDBUF: asks for a send buffer of `size` bytes. Linux doubles the number.
    pub fn set_send_buffer_size(&self, size: usize) -> io::Result<()> {
        self.set("SOL_SOCKET", "SO_SNDBUF", size, |socket| socket.set_send_buffer_size(size))
    }

    /// SO_RCVTIMEO: calls that receive or accept wait no longer than this (`None`: without limit).
    pub fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        self.set("SOL_SOCKET", "SO_RCVTIMEO", limit, |socket| socket.set_read_timeout(limit))
    }

    /// SO_SNDTIMEO: calls that send (on Linux also `connect`) wait no longer than this (`None`: without limit).
    pub fn set_write_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        self.set("SOL_SOCKET", "SO_SNDTIMEO", limit, |socket| socket.set_write_timeout(limit))
    }

    /// SO_LINGER: how long `close` waits for what was sent to be acknowledged. 0: it resets the connection instead.
    pub fn set_linger(&self, linger: Option<Duration>) -> io::Result<()> {
        self.set("SOL_SOCKET", "SO_LINGER", Linger(linger), |socket| socket.set_linger(linger))
    }

    /// TCP_NODELAY: small segments are sent at once, though earlier ones are not yet acknowledged (Nagle's algorithm off).
    pub fn set_tcp_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.set("IPPROTO_TCP", "TCP_NODELAY", nodelay, |socket| socket.set_tcp_nodelay(nodelay))
    }
}

/// How the methods above tell what they do.
impl Socket {
    fn inner(&self) -> &socket2::Socket {
        self.inner.as_ref().expect("a socket is open until it is dropped")
    }

    fn blocking(&self) -> bool {
        !self.known.nonblocking.load(Ordering::Relaxed)
    }

    fn describe(&self, call: &'static str, args: Args, waits: bool) -> Call {
        Call { call: call.into(), fd: Some(descriptor(self.inner())), args, data: None, waits }
    }

    /// A call that does not wait and returns nothing but success.
    fn call(
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

    fn get<T: OptionValue>(
        &self,
        level: &'static str,
        name: &'static str,
        make: impl FnOnce(&socket2::Socket) -> io::Result<T>,
    ) -> io::Result<T> {
        narrate(
            self.narration.as_deref(),
            || {
                self.describe(
                    "getsockopt",
                    Args::default().with("level", level).with("optname", name),
                    false,
                )
            },
            || make(self.inner()),
            |ended, value| ended.call.args.set("optval", value.shown()),
        )
    }

    fn set(
        &self,
        level: &'static str,
        name: &'static str,
        value: impl OptionValue,
        make: impl FnOnce(&socket2::Socket) -> io::Result<()>,
    ) -> io::Result<()> {
        let args = |args: Args| {
            args.with("level", level).with("optname", name).with("optval", value.shown())
        };
        self.call("setsockopt", args, make)
    }

    fn sending(
        &self,
        call: &'static str,
        bytes: &[u8],
        args: impl FnOnce() -> Args,
        make: impl FnOnce(&socket2::Socket) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let describe = || {
            let flags = Args::default().with("len", bytes.len()).with("flags", 0);
            let args = args()
                .iter()
                .fold(flags, |all, (name, value)| all.with(name.to_owned(), value.clone()));
            let preview = lock(&self.known.sent).clone().hide(&bytes[..bytes.len().min(PREVIEW)]);
            let data = Some(Data { len: bytes.len(), ..Data::of(&preview) });
            Call { data, ..self.describe(call, args, self.blocking()) }
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
        make: impl FnOnce() -> io::Result<T>,
        finish: impl FnOnce(&mut Ended, &T),
    ) -> io::Result<T> {
        let describe = || {
            self.describe(call, Args::default().with("len", room).with("flags", 0), self.blocking())
        };
        narrate(self.narration.as_deref(), describe, make, finish)
    }

    fn note_received(&self, ended: &mut Ended, bytes: &[u8], room: usize) {
        ended.result = returned(bytes.len());
        if self.known.stream && bytes.is_empty() && room > 0 {
            ended.circumstance = Some(Circumstance::EndOfFile);
            return;
        }
        ended.circumstance = (bytes.len() == room).then_some(Circumstance::Full);
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
            || self.inner().read(buffer).map(|count| (count, buffer)),
            |ended, (count, buffer)| self.note_received(ended, &buffer[..*count], room),
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

/// Makes a call and tells the narration its beginning and its end; `finish` adds what success brought.
///
/// Without a narration: one branch, no clock, nothing described.
fn narrate<T>(
    narration: Option<&Narration>,
    describe: impl FnOnce() -> Call,
    make: impl FnOnce() -> io::Result<T>,
    finish: impl FnOnce(&mut Ended, &T),
) -> io::Result<T> {
    let Some(narration) = narration else {
        return make();
    };
    let call = describe();
    let begun = narration.begin(call.clone());
    let called = Instant::now();
    let outcome = make();
    let mut ended = Ended {
        result: 0,
        error: None,
        circumstance: None,
        elapsed_us: micros(called.elapsed()),
        syscalls: cfg!(target_os = "linux").then(|| vec![kernels_name(&call.call)]),
        call,
    };
    match &outcome {
        Ok(value) => finish(&mut ended, value),
        Err(error) => fail(&mut ended, error),
    }
    narration.end(begun, ended);
    outcome
}

/// What the kernel calls the C library's function (on Linux).
fn kernels_name(function: &Name) -> Name {
    match function.as_ref() {
        "accept" => "accept4".into(),
        "send" => "sendto".into(),
        "recv" => "recvfrom".into(),
        _ => function.clone(),
    }
}

fn fail(ended: &mut Ended, error: &io::Error) {
    ended.result = -1;
    ended.error = Errno::of(error);
    let given_up = matches!(error.kind(), io::ErrorKind::WouldBlock) || is_in_progress(error);
    if given_up {
        ended.circumstance =
            Some(if ended.call.waits { Circumstance::TimedOut } else { Circumstance::WouldBlock });
    }
}

#[cfg(unix)]
fn is_in_progress(error: &io::Error) -> bool {
    error.raw_os_error() == Some(nix::errno::Errno::EINPROGRESS as i32)
}

#[cfg(not(unix))]
fn is_in_progress(_: &io::Error) -> bool {
    false
}

/// What an option is set to, as C writes it.
trait OptionValue {
    fn shown(&self) -> Value;
}

/// The two numbers of `struct linger`.
struct Linger(Option<Duration>);

impl OptionValue for Linger {
    fn shown(&self) -> Value {
        match self.0 {
            Some(time) => format!("{{on, {} s}}", time.as_secs()).into(),
            None => "{off, 0 s}".into(),
        }
    }
}

/// The two numbers of `struct timeval`; zero is no limit.
impl OptionValue for Option<Duration> {
    fn shown(&self) -> Value {
        let time = self.unwrap_or_default();
        format!("{{{} s, {} µs}}", time.as_secs(), time.subsec_micros()).into()
    }
}

impl OptionValue for Option<io::Error> {
    fn shown(&self) -> Value {
        match self.as_ref().and_then(Errno::of) {
            Some(errno) => Value::Text(errno.name),
            None => Value::Int(0),
        }
    }
}

impl OptionValue for bool {
    fn shown(&self) -> Value {
        (*self).into()
    }
}

impl OptionValue for usize {
    fn shown(&self) -> Value {
        (*self).into()
    }
}

impl OptionValue for Domain {
    fn shown(&self) -> Value {
        format!("{self:?}").into()
    }
}

impl OptionValue for Type {
    fn shown(&self) -> Value {
        format!("{self:?}").into()
    }
}

impl OptionValue for Option<Protocol> {
    fn shown(&self) -> Value {
        self.map_or(Value::Int(0), |protocol| format!("{protocol:?}").into())
    }
}

fn shown(address: &SockAddr) -> Value {
    match address.as_socket() {
        Some(address) => address.to_string().into(),
        None => format!("{address:?}").into(),
    }
}

#[cfg(unix)]
fn descriptor(socket: &socket2::Socket) -> i64 {
    use std::os::fd::AsRawFd;
    socket.as_raw_fd().into()
}

#[cfg(windows)]
fn descriptor(socket: &socket2::Socket) -> i64 {
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
