//! The typed account of one thing that happened: what an observer is told, and what `--format json` prints.
//!
//! An [`Event`] says who did what and when, never how to show it. Each is one JSON object with the schema
//! [`SCHEMA`]; reading it back gives the same event.

mod args;
mod data;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use args::{Args, Value};
pub use data::{Data, is_invisible, visible};

/// The name and version of the JSON shape, in every event's `schema` field.
pub const SCHEMA: &str = "socklab/event/1";

/// A name that the program knows (`bind`, `SO_REUSEADDR`) or that was read back from JSON.
pub type Name = Cow<'static, str>;

/// One thing that happened: who, when, and what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Always [`SCHEMA`].
    pub schema: Name,
    /// Counts what happens in one narration, from 1, in the order in which it began. A call's begin and its end share one.
    pub seq: u64,
    /// Microseconds since the narration started, taken when it began.
    pub t_us: u64,
    /// The kernel's id of the thread (`gettid(2)`); 0 where it is not known.
    pub tid: u64,
    /// Who: `server`, `client`, or `server/1`, the server's thread for its first client.
    pub actor: Arc<str>,
    /// What.
    #[serde(flatten)]
    pub kind: Kind,
}

/// What kind of thing happened. The variant's name, in lower case, is the JSON field `kind`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Kind {
    /// A call is about to be made. In JSON only for calls that may wait, or when every call is stepped.
    Begin(Call),
    /// A call returned.
    Call(Ended),
    /// The demo explains something. The words for `note` are data in `reference/`.
    Note(Note),
    /// Somebody said something to somebody: a line of chat.
    Message(Message),
    /// The state of a TCP connection, as the kernel told it.
    State(State),
    /// A name was resolved to addresses, or was not.
    Resolve(Resolve),
    /// The narration is over.
    Done(Done),
}

/// A call as the C programmer knows it, before it is made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// The C function: `bind`, `recv`, `accept`.
    pub call: Name,
    /// The descriptor it is made on; null for `socket`.
    pub fd: Option<i64>,
    /// Its arguments in C's order, by the names of the manual page. Buffers and lengths of addresses are left out.
    /// What the kernel fills in (the address of `accept`) is there once the call has returned.
    pub args: Args,
    /// The bytes to be sent, or that were received. Passwords are masked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Data>,
    /// The call may wait: for a peer, or for room in a buffer.
    pub waits: bool,
}

/// A call that returned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    /// The call, with what the kernel filled in.
    #[serde(flatten)]
    pub call: Call,
    /// What it returned, as in C: -1 when it failed.
    pub result: i64,
    /// Why it failed.
    pub error: Option<Errno>,
    /// What a bare result does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub circumstance: Option<Circumstance>,
    /// How long it took, in microseconds.
    pub elapsed_us: u64,
    /// The system calls that were made, in order: `recv` is `recvfrom` to the kernel. Null where that cannot be known (not Linux).
    pub syscalls: Option<Vec<Name>>,
}

/// What happened in a call, where its result alone does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Circumstance {
    /// Nothing was received because the peer has sent everything it will ever send.
    EndOfFile,
    /// Fewer bytes were sent than asked.
    Partial,
    /// As much was received as the buffer holds: there may be more.
    Full,
    /// The datagram was longer than the buffer: the rest of it is lost.
    Truncated,
    /// The time limit passed (EAGAIN; EINPROGRESS for connect; 0 from poll).
    TimedOut,
    /// The socket is non-blocking, and the call would have waited (EAGAIN, or EINPROGRESS for connect).
    WouldBlock,
}

impl Circumstance {
    /// Its name in JSON and in `reference/`.
    pub fn name(self) -> &'static str {
        match self {
            Self::EndOfFile => "end-of-file",
            Self::Partial => "partial",
            Self::Full => "full",
            Self::Truncated => "truncated",
            Self::TimedOut => "timed-out",
            Self::WouldBlock => "would-block",
        }
    }
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Errno {
    /// The number, on this system.
    pub errno: i32,
    /// Its symbolic name: `EADDRINUSE`. On Windows, the name of the Winsock error: `WSAEADDRINUSE`.
    pub name: Name,
    /// The system's own words.
    pub message: Name,
}

/// Something that the demo explains: a name for the words in `reference/`, and what to fill in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Note {
    /// Which words: `tcp-server.ready`.
    pub note: Name,
    /// What to fill in, by name.
    pub args: Args,
}

/// A line of chat, as its reader sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Whose words these are: a user name, as the server tells it. Null for the server's own.
    pub from: Option<String>,
    /// The words, exactly as they came. They may hold control characters: a renderer makes them visible.
    pub text: String,
}

/// The state of a TCP connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// This end's address.
    pub local: Name,
    /// The other end's address.
    pub peer: Name,
    /// The state by its name in RFC 9293: `ESTABLISHED`, `TIME_WAIT`; null when the kernel has no such connection (any more).
    pub state: Option<Name>,
    /// The thread that asked the kernel: what it does on a socket of its own is not narrated. Null where threads have no
    /// numbers.
    pub observer_tid: Option<u64>,
}

/// A name that was looked up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Resolve {
    /// The name or address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// What it stands for, in the order in which the addresses should be tried.
    pub addresses: Vec<String>,
    /// Why it was not found.
    pub error: Option<EaiError>,
    /// How long it took, in microseconds.
    pub elapsed_us: u64,
    /// The thread that asked: what it does on sockets of its own is not narrated. Null when the name was an address, and nothing was asked.
    pub resolver_tid: Option<u64>,
}

/// An error of `getaddrinfo(3)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EaiError {
    /// The number, on this system.
    pub code: i32,
    /// Its symbolic name: `EAI_NONAME`.
    pub name: Name,
    /// The system's own words.
    pub message: String,
}

/// The end of a narration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// How many calls were narrated.
    pub calls: u64,
    /// How many of them failed.
    pub failed: u64,
    /// The program's exit status.
    pub exit: i32,
    /// How long it all took, in microseconds.
    pub elapsed_us: u64,
}

impl Errno {
    /// The errno of an error of the operating system; `None` for an error that std made up.
    pub fn of(error: &std::io::Error) -> Option<Self> {
        let errno = error.raw_os_error()?;
        Some(Self { errno, name: errno_name(errno), message: errno_message(error).into() })
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.name)
    }
}

#[cfg(unix)]
fn errno_name(errno: i32) -> Name {
    match nix::errno::Errno::from_raw(errno) {
        nix::errno::Errno::UnknownErrno => format!("errno {errno}").into(),
        known => format!("{known:?}").into(),
    }
}

#[cfg(not(unix))]
fn errno_name(errno: i32) -> Name {
    format!("error {errno}").into()
}

/// The system's words without the "(os error 98)" that std adds.
fn errno_message(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

/// Whole microseconds, as the events count time.
pub fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
