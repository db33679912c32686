//! The narrated socket's options: each a `getsockopt(2)` or `setsockopt(2)`, named as socket2 names them.

use std::io;
use std::time::Duration;

use socket2::{Domain, Protocol, Type};

use super::call::narrate;
use super::event::{Args, Errno, Value};
use super::socket::Socket;

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

    /// TCP_QUICKACK: acknowledges at once (`true`), or when there is something to send or a delay has passed. For now:
    /// the kernel changes between the two by itself.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub fn set_tcp_quickack(&self, quickack: bool) -> io::Result<()> {
        self.set("IPPROTO_TCP", "TCP_QUICKACK", quickack, |socket| {
            socket.set_tcp_quickack(quickack)
        })
    }
}

/// How the methods above tell what they do.
impl Socket {
    pub(super) fn get<T: OptionValue>(
        &self,
        level: &'static str,
        name: &'static str,
        make: impl FnOnce(&socket2::Socket) -> io::Result<T>,
    ) -> io::Result<T> {
        narrate(
            self.narration().map(AsRef::as_ref),
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
}

/// What an option is set to, as C writes it.
pub(super) trait OptionValue {
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
