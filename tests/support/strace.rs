//! Reads what `strace -f` wrote: which system calls were made on sockets, thread by thread.
//!
//! A descriptor is a socket from the return of the call that made it (`socket`, `accept4`, a duplicate of a socket) until
//! the *entry* of its `close`: from then on another thread may get the number for something else. The lines of the
//! trace are in the order in which strace saw entries and returns, so following them in order follows the descriptors.

use std::collections::{BTreeMap, HashMap, HashSet};

/// What strace is asked to write down. Its class of network calls has no close, fcntl, poll, dup and the like. The last
/// two are nobody's calls: they end a signal's handler and go on with what it interrupted.
pub const CALLS: &str = "trace=%network,close,fcntl,ioctl,read,write,readv,writev,?poll,ppoll,dup,?dup2,dup3,\
                         sendfile,splice,rt_sigreturn,restart_syscall";

/// How much of strings and lists it writes: enough to name the descriptors of a poll.
pub const LENGTH: &str = "8";

/// A system call on a socket.
#[derive(Clone, Debug, PartialEq)]
pub struct SocketCall {
    /// Its name for the kernel.
    pub syscall: String,
    /// The socket; `None` for the call that makes one.
    pub fd: Option<i64>,
    /// `None`: it did not return before the program ended (or it is not known how).
    pub outcome: Option<Outcome>,
}

/// How a system call came out.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It returned this.
    Returned(i64),
    /// It failed with this errno.
    Failed(String),
}

/// The calls of each thread, in the order in which the thread made them.
pub type ByThread = BTreeMap<u64, Vec<SocketCall>>;

/// The calls on sockets in `trace`, without those of the threads in `apart` and those on the sockets that they made.
pub fn socket_calls(trace: &str, apart: &HashSet<u64>) -> ByThread {
    let mut follower = Follower::default();
    for (tid, step) in trace.lines().filter_map(parse).filter(|(tid, _)| !apart.contains(tid)) {
        follower.step(tid, step);
    }
    follower.calls
}

/// One thing that strace saw.
#[derive(Debug, PartialEq)]
enum Step<'a> {
    /// A thread enters a call.
    Enter { call: &'a str, args: &'a str },
    /// It comes back.
    Return { call: &'a str, result: &'a str },
    /// Both.
    Whole { call: &'a str, args: &'a str, result: &'a str },
}

/// A line is `TID CALL(ARGS) = RESULT`, or its beginning, or its end, or something about signals and exits.
fn parse(line: &str) -> Option<(u64, Step<'_>)> {
    let (tid, rest) = line.trim_start().split_once(' ')?;
    let (tid, rest) = (tid.parse().ok()?, rest.trim_start());
    if rest.starts_with("---") || rest.starts_with("+++") {
        return None;
    }
    if let Some(resumed) = rest.strip_prefix("<... ") {
        let (call, tail) = resumed.split_once(" resumed>")?;
        return Some((tid, Step::Return { call, result: result_of(tail)?.1 }));
    }
    let (call, tail) = rest.split_once('(')?;
    if let Some(args) = tail.strip_suffix("<unfinished ...>") {
        return Some((tid, Step::Enter { call, args }));
    }
    let (args, result) = result_of(tail)?;
    Some((tid, Step::Whole { call, args, result }))
}

/// Splits `ARGS) = RESULT`.
fn result_of(tail: &str) -> Option<(&str, &str)> {
    let (args, result) = tail.rsplit_once(" = ")?;
    Some((args.trim_end().strip_suffix(')')?, result))
}

/// Follows the descriptors that are sockets.
#[derive(Default)]
struct Follower {
    calls: ByThread,
    sockets: HashSet<i64>,
    /// The call that a thread is in, if it is on a socket.
    inside: HashMap<u64, Inside>,
    /// The call that a signal interrupted in a thread, and that the kernel may make again by itself.
    interrupted: HashMap<u64, Inside>,
}

#[derive(Clone)]
struct Inside {
    call: String,
    fd: Option<i64>,
    /// Its place in the thread's calls.
    index: usize,
    makes_descriptor: bool,
}

impl Follower {
    fn step(&mut self, tid: u64, step: Step) {
        match step {
            Step::Enter { call, args } => self.enter(tid, call, args),
            Step::Return { call, result } => self.leave(tid, call, result),
            Step::Whole { call, args, result } => {
                self.enter(tid, call, args);
                self.leave(tid, call, result);
            }
        }
    }

    fn enter(&mut self, tid: u64, call: &str, args: &str) {
        if call == "restart_syscall" {
            self.inside.extend(self.interrupted.remove(&tid).map(|again| (tid, again)));
            return;
        }
        let fd = self.socket_in(call, args);
        if fd.is_none() && !makes_socket(call, args) {
            return;
        }
        let interrupted = self.interrupted.remove(&tid);
        if let Some(again) = interrupted.filter(|was| was.call == call && was.fd == fd) {
            self.inside.insert(tid, again);
            return;
        }
        if call == "close" {
            fd.map(|fd| self.sockets.remove(&fd));
        }
        let calls = self.calls.entry(tid).or_default();
        let makes_descriptor = makes_descriptor(call, args);
        let inside = Inside { call: call.to_owned(), fd, index: calls.len(), makes_descriptor };
        calls.push(SocketCall { syscall: call.to_owned(), fd, outcome: None });
        self.inside.insert(tid, inside);
    }

    fn leave(&mut self, tid: u64, call: &str, result: &str) {
        let given_up = call == "rt_sigreturn" && result.starts_with("-1 EINTR");
        let left = if given_up { &mut self.interrupted } else { &mut self.inside };
        let Some(inside) = left.remove(&tid) else {
            return;
        };
        if result.starts_with("? ERESTART") {
            self.interrupted.insert(tid, inside);
            return;
        }
        let outcome = outcome(result);
        if let (true, Some(Outcome::Returned(fd))) = (inside.makes_descriptor, &outcome) {
            self.sockets.insert(*fd);
        }
        let calls = self.calls.entry(tid).or_default();
        calls[inside.index].outcome = outcome;
    }

    /// The descriptor that a call is on, if it is a socket; of the several of a poll, the first that is.
    fn socket_in(&self, call: &str, args: &str) -> Option<i64> {
        let is_socket = |fd: &i64| self.sockets.contains(fd);
        if call.ends_with("poll") {
            return args.split("fd=").skip(1).filter_map(number).find(is_socket);
        }
        number(args).filter(is_socket)
    }
}

/// `socket` makes one; but netlink sockets ask the kernel how it is, nobody's data goes through them: they are the
/// observer's own.
fn makes_socket(call: &str, args: &str) -> bool {
    call == "socket" && !args.starts_with("AF_NETLINK")
}

fn makes_descriptor(call: &str, args: &str) -> bool {
    ["socket", "accept", "accept4", "dup", "dup2", "dup3"].contains(&call)
        || call == "fcntl" && args.contains("F_DUPFD")
}

/// The number at the beginning of `text`.
fn number(text: &str) -> Option<i64> {
    text.split(|character: char| !character.is_ascii_digit()).next()?.parse().ok()
}

/// `RESULT` is a number, hexadecimal for flags, or `-1 EAGAIN (...)`, or `?`.
fn outcome(result: &str) -> Option<Outcome> {
    let mut words = result.split_whitespace();
    let first = words.next()?;
    if first == "-1" {
        return Some(Outcome::Failed(words.next()?.to_owned()));
    }
    let returned = match first.strip_prefix("0x") {
        Some(hex) => i64::from_str_radix(hex, 16).ok()?,
        None => first.parse().ok()?,
    };
    Some(Outcome::Returned(returned))
}
