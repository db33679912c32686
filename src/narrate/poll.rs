//! `poll(2)` on narrated sockets: which of them can go on without waiting?

use std::io;
use std::time::Duration;

use super::call::narrate;
use super::event::{Args, Call, Circumstance, Ended};
use super::socket::{Socket, descriptor};

/// A socket, and what is asked of it.
pub struct PollFd<'a> {
    socket: &'a Socket,
    interest: Interest,
    ready: Ready,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// POLLIN: there is something to receive, a connection to accept, or the end of file.
    Readable,
    /// POLLOUT: there is room to send, or an attempt to connect is over.
    Writable,
    /// Both.
    Both,
}

/// What `poll` found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ready {
    /// POLLIN.
    pub readable: bool,
    /// POLLOUT.
    pub writable: bool,
    /// POLLERR: an error waits to be read by [`Socket::take_error`].
    pub error: bool,
    /// POLLHUP: both directions are over.
    pub hung_up: bool,
}

impl<'a> PollFd<'a> {
    /// Asks whether `socket` is ready for `interest`.
    pub fn new(socket: &'a Socket, interest: Interest) -> Self {
        Self { socket, interest, ready: Ready::default() }
    }

    /// What the last [`poll`] found.
    pub fn ready(&self) -> Ready {
        self.ready
    }

    /// The structure that C passes.
    fn asked(&self) -> String {
        format!("{{{}, {}}}", descriptor(self.socket.inner()), self.interest.name())
    }
}

/// Waits until a socket is ready, but no longer than `limit` (`None`: without limit; milliseconds count). How many are.
///
/// # Errors
/// Those of `poll(2)`; [`io::ErrorKind::Unsupported`] where the system has no such call.
pub fn poll(fds: &mut [PollFd], limit: Option<Duration>) -> io::Result<usize> {
    let Some(narration) = fds.first().and_then(|fd| fd.socket.narration().cloned()) else {
        return ask(fds, limit);
    };
    let call = describe(fds, limit);
    let make = || ask(fds, limit).map(|count| (count, fds));
    let finish = |ended: &mut Ended, (count, fds): &(usize, &mut [PollFd])| {
        ended.result = i64::try_from(*count).unwrap_or(i64::MAX);
        ended.circumstance = (*count == 0).then_some(Circumstance::TimedOut);
        let found: Vec<String> = fds.iter().map(|fd| fd.ready.names()).collect();
        ended.call.args.set("revents", found.join(", "));
    };
    narrate(Some(&narration), || call, make, finish).map(|(count, _)| count)
}

fn describe(fds: &[PollFd], limit: Option<Duration>) -> Call {
    let asked: Vec<String> = fds.iter().map(PollFd::asked).collect();
    let milliseconds =
        limit.map_or(-1, |limit| i64::try_from(limit.as_millis()).unwrap_or(i64::MAX));
    let args = Args::default()
        .with("fds", format!("[{}]", asked.join(", ")))
        .with("nfds", asked.len())
        .with("timeout", milliseconds);
    // One descriptor can be named; a list of them stands in the arguments alone.
    let fd = match fds {
        [only] => Some(descriptor(only.socket.inner())),
        _ => None,
    };
    Call { call: "poll".into(), fd, args, data: None, waits: limit != Some(Duration::ZERO) }
}

#[cfg(unix)]
fn ask(fds: &mut [PollFd], limit: Option<Duration>) -> io::Result<usize> {
    use std::os::fd::AsFd;

    use nix::poll::{PollFd as Asked, PollFlags, PollTimeout};

    let mut asked: Vec<Asked> =
        fds.iter().map(|fd| Asked::new(fd.socket.as_fd(), fd.interest.flags())).collect();
    let limit = limit.map_or(PollTimeout::NONE, |limit| {
        PollTimeout::try_from(limit).unwrap_or(PollTimeout::MAX)
    });
    let count = nix::poll::poll(&mut asked, limit)?;
    let found: Vec<PollFlags> =
        asked.iter().map(|fd| fd.revents().unwrap_or(PollFlags::empty())).collect();
    for (fd, flags) in fds.iter_mut().zip(found) {
        fd.ready = Ready {
            readable: flags.contains(PollFlags::POLLIN),
            writable: flags.contains(PollFlags::POLLOUT),
            error: flags.contains(PollFlags::POLLERR),
            hung_up: flags.contains(PollFlags::POLLHUP),
        };
    }
    Ok(usize::try_from(count).unwrap_or(0))
}

#[cfg(not(unix))]
fn ask(_: &mut [PollFd], _: Option<Duration>) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

impl Interest {
    /// As C writes it.
    fn name(self) -> &'static str {
        match self {
            Self::Readable => "POLLIN",
            Self::Writable => "POLLOUT",
            Self::Both => "POLLIN|POLLOUT",
        }
    }

    #[cfg(unix)]
    fn flags(self) -> nix::poll::PollFlags {
        use nix::poll::PollFlags;
        match self {
            Self::Readable => PollFlags::POLLIN,
            Self::Writable => PollFlags::POLLOUT,
            Self::Both => PollFlags::POLLIN | PollFlags::POLLOUT,
        }
    }
}

impl Ready {
    /// As C writes it: `POLLIN|POLLHUP`, or 0.
    fn names(self) -> String {
        let all = [
            (self.readable, "POLLIN"),
            (self.writable, "POLLOUT"),
            (self.error, "POLLERR"),
            (self.hung_up, "POLLHUP"),
        ];
        let found: Vec<&str> =
            all.into_iter().filter_map(|(is, name)| is.then_some(name)).collect();
        if found.is_empty() { "0".to_owned() } else { found.join("|") }
    }
}
