//! The checker's end of a TCP connection with a learner's program. Every wait has a limit, everything is told.

mod slowly;
#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use socket2::{Domain, SockRef, Socket, Type};

use super::ANSWER;
use super::bench::Bench;
use super::story::preview;
use super::verdict::{Checked, Finding, Stop, trouble};
use crate::observe::Observer;

/// When something came so short a time ago, nobody can say that no more comes.
const STILL: Duration = Duration::from_millis(50);

/// More than any check asks for: who sends so much does not end, and fills the checker's memory.
const MOST: usize = 64 << 20;

/// So many times longer may all of a message take, as long as some of it moves all the time.
const ALL_OF_IT: u32 = 6;

/// For so long pieces are kept apart from each other by waiting until the program has received them.
const APART: Duration = Duration::from_secs(2);

/// A connection.
pub struct Peer<'a> {
    bench: &'a Bench<'a>,
    socket: Socket,
    /// How the story names it: `client 1`.
    name: String,
    /// This end's address.
    pub local: SocketAddr,
    /// The program's address.
    pub remote: SocketAddr,
}

/// Why what was expected did not come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Instead {
    /// Nothing more came in time.
    Silence,
    /// The program ended its sending.
    End,
    /// The connection was reset.
    Reset,
    /// Something else came.
    Other,
}

/// What came, and why not what was expected.
#[derive(Clone, Debug)]
pub struct Heard {
    /// All that came.
    pub bytes: Vec<u8>,
    /// What came in place of the rest.
    pub instead: Instead,
}

impl<'a> Peer<'a> {
    /// Connects to the program.
    ///
    /// # Errors
    /// It does not take the connection: that is the program's, as it listened before.
    pub fn connect(bench: &'a Bench<'a>, name: impl Into<String>, to: SocketAddr) -> Checked<Self> {
        Self::connect_with(bench, name, to, |_| Ok(()))
    }

    /// The same, with a receive buffer of about `bytes`: a program that sends more must wait for it to be read.
    ///
    /// # Errors
    /// It does not take the connection.
    pub fn connect_small(
        bench: &'a Bench<'a>,
        name: impl Into<String>,
        to: SocketAddr,
        bytes: usize,
    ) -> Checked<Self> {
        Self::connect_with(bench, name, to, |socket| socket.set_recv_buffer_size(bytes))
    }

    fn connect_with(
        bench: &'a Bench<'a>,
        name: impl Into<String>,
        to: SocketAddr,
        prepare: impl Fn(&Socket) -> io::Result<()>,
    ) -> Checked<Self> {
        let name = name.into();
        let socket =
            Socket::new(Domain::for_address(to), Type::STREAM, None).map_err(trouble("socket"))?;
        prepare(&socket).map_err(trouble("setsockopt"))?;
        if let Err(error) = socket.connect_timeout(&to.into(), bench.patiently(ANSWER)) {
            bench.tell("check.not-connected", &[("name", &name), ("error", &error)]);
            return Err(
                Finding::new("check.refused", &[("address", &to), ("error", &error)]).into()
            );
        }
        bench.tell("check.connected", &[("name", &name)]);
        Self::of(bench, name, socket, to)
    }

    /// A connection with the program's `remote`, which may have reset it already: the socket does not know it any more then.
    ///
    /// # Errors
    /// The checker's trouble.
    pub fn of(
        bench: &'a Bench<'a>,
        name: impl Into<String>,
        socket: Socket,
        remote: SocketAddr,
    ) -> Checked<Self> {
        let local = socket.local_addr().map_err(trouble("getsockname"))?.as_socket();
        let none = || trouble("getsockname")(io::ErrorKind::InvalidData.into());
        let local = local.ok_or_else(none)?;
        socket.set_tcp_nodelay(true).map_err(trouble("TCP_NODELAY"))?;
        Ok(Self { bench, socket, name: name.into(), local, remote })
    }

    /// Its socket, for what this type has no words for.
    pub fn socket(&self) -> SockRef<'_> {
        SockRef::from(&self.socket)
    }

    /// Sends all of it.
    ///
    /// # Errors
    /// The program takes it too slowly, or reset the connection.
    pub fn send(&self, bytes: &[u8]) -> Checked {
        let limit = self.bench.patiently(ANSWER);
        self.socket.set_write_timeout(Some(limit)).map_err(trouble("SO_SNDTIMEO"))?;
        let sent = self.send_before(Instant::now() + ALL_OF_IT * limit, bytes);
        let (name, count, text) = (&self.name, bytes.len(), preview(bytes));
        match sent {
            Ok(()) => {
                self.bench
                    .tell("check.sent", &[("name", name), ("count", &count), ("text", &text)]);
                Ok(())
            }
            Err(error) => {
                self.bench.tell(
                    "check.not-sent",
                    &[("name", name), ("count", &count), ("error", &error)],
                );
                Err(Finding::new("check.does-not-take", &[("count", &count), ("error", &error)])
                    .into())
            }
        }
    }

    /// Sends all of it, or says after the deadline that it could not: a program that takes a little, again and again, would
    /// put off every other limit.
    fn send_before(&self, deadline: Instant, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match (&self.socket).write(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            if Instant::now() > deadline && !bytes.is_empty() {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
        Ok(())
    }

    /// Sends it in these pieces, each when the program has received the one before: it takes a `recv` for each. One that
    /// looks without receiving (MSG_PEEK) is not waited for long. What comes back tells of a connection that ended.
    ///
    /// # Errors
    /// The checker's trouble.
    pub fn send_apart(&self, pieces: &[&[u8]]) -> Checked {
        let observer = Observer::start().map_err(trouble("sock_diag"))?;
        let deadline = Instant::now() + self.bench.patiently(APART);
        let on_its_way = || {
            let ours = observer.look(self.local, self.remote).is_ok_and(|it| it.unacknowledged > 0);
            ours || observer.look(self.remote, self.local).is_ok_and(|it| it.unread > 0)
        };
        for piece in pieces {
            if (&self.socket).write_all(piece).is_err() {
                break;
            }
            while on_its_way() && Instant::now() < deadline {
                thread::sleep(Duration::from_micros(200));
            }
        }
        let whole = pieces.concat();
        let (count, text) = (whole.len(), preview(&whole));
        let words = if pieces.len() > 1 { "check.sent-apart" } else { "check.sent" };
        self.bench.tell(
            words,
            &[("name", &self.name), ("count", &count), ("pieces", &pieces.len()), ("text", &text)],
        );
        Ok(())
    }

    /// Receives as many bytes as `expected` has, and compares. What else came, and in place of what, is told.
    ///
    /// # Errors
    /// Something else came, in the inner result; the checker's trouble in the outer.
    pub fn expect(&self, expected: &[u8]) -> Checked<Result<(), Heard>> {
        self.expect_within(expected, self.bench.patiently(ANSWER))
    }

    /// The same, with a limit of its own. It is for the next bytes: who is slow is not silent. For all of it there is more.
    ///
    /// # Errors
    /// Something else came, in the inner result; the checker's trouble in the outer, or that the program is far too slow.
    pub fn expect_within(&self, expected: &[u8], limit: Duration) -> Checked<Result<(), Heard>> {
        // So many are right: each byte is compared once, or large answers would take long.
        let right = Cell::new(0);
        let enough = |bytes: &[u8]| {
            let new = right.get()..bytes.len().min(expected.len());
            let same = bytes[new.clone()] == expected[new.clone()];
            right.set(if same { new.end } else { new.start });
            !same || bytes.len() >= expected.len()
        };
        let last = Instant::now() + ALL_OF_IT * limit;
        let (bytes, ended) = self.receive_until(|news| last.min(news + limit), enough)?;
        if bytes == expected {
            return Ok(Ok(()));
        }
        if ended == Some(Instead::Silence) && Instant::now() >= last {
            return Err(too_slow(bytes.len(), expected.len(), ALL_OF_IT * limit).into());
        }
        let instead = if expected.starts_with(&bytes) {
            ended.unwrap_or(Instead::Silence)
        } else {
            Instead::Other
        };
        Ok(Err(Heard { bytes, instead }))
    }

    /// Receives until `enough` of it is there, the program ends its sending, or the limit is over. What came, and how it
    /// ended, if not by being enough. More than any check asks for is something else.
    ///
    /// # Errors
    /// The checker's trouble.
    pub fn receive(
        &self,
        deadline: Instant,
        enough: impl Fn(&[u8]) -> bool,
    ) -> Checked<(Vec<u8>, Option<Instead>)> {
        self.receive_until(|_| deadline, enough)
    }

    /// The same, with a deadline that depends on when something came last.
    fn receive_until(
        &self,
        until: impl Fn(Instant) -> Instant,
        enough: impl Fn(&[u8]) -> bool,
    ) -> Checked<(Vec<u8>, Option<Instead>)> {
        let (mut bytes, mut buffer, mut news) = (Vec::new(), vec![0; 64 << 10], Instant::now());
        let ended = loop {
            if enough(&bytes) {
                break None;
            }
            if bytes.len() > MOST {
                break Some(Instead::Other);
            }
            self.bench.check_stop()?;
            let deadline = until(news);
            let in_vain = self.bench.waits_in_vain(news, deadline);
            // A short limit each time, so that Ctrl-C is heard; a limit of zero would be none.
            let left = deadline.saturating_duration_since(Instant::now());
            let limit = left.clamp(Duration::from_millis(1), Duration::from_millis(250));
            self.socket.set_read_timeout(Some(limit)).map_err(trouble("SO_RCVTIMEO"))?;
            match (&self.socket).read(&mut buffer) {
                Ok(0) => break Some(Instead::End),
                Ok(count) => {
                    bytes.extend(&buffer[..count]);
                    news = Instant::now();
                    if news >= until(news) && !enough(&bytes) {
                        break Some(Instead::Silence);
                    }
                }
                Err(error) if is_timeout(&error) && in_vain => break Some(Instead::Silence),
                Err(error) if is_timeout(&error) => {}
                Err(_) => break Some(Instead::Reset),
            }
        };
        self.tell_received(&bytes, ended.as_ref(), news.elapsed() < STILL);
        Ok((bytes, ended))
    }

    fn tell_received(&self, bytes: &[u8], ended: Option<&Instead>, still: bool) {
        let (count, text) = (bytes.len(), preview(bytes));
        let blanks: [(&str, &dyn std::fmt::Display); 3] =
            [("name", &self.name), ("count", &count), ("text", &text)];
        if count > 0 {
            self.bench.tell("check.received", &blanks);
        }
        match ended {
            Some(Instead::Silence) if still && count > 0 => {
                self.bench.tell("check.still-comes", &blanks);
            }
            Some(Instead::Silence) => self.bench.tell("check.silence", &blanks),
            Some(Instead::End) => self.bench.tell("check.end-of-file", &blanks),
            Some(Instead::Reset) => self.bench.tell("check.reset", &blanks),
            Some(Instead::Other) => self.bench.tell("check.endless", &blanks),
            None => {}
        }
    }

    /// The first bytes of an answer; none where none come.
    ///
    /// # Errors
    /// The checker's trouble.
    pub fn beginning(&self) -> Checked<Vec<u8>> {
        Ok(self.receive(self.bench.answer(), |bytes| !bytes.is_empty())?.0)
    }

    /// Waits for the program's end of file, with nothing before it.
    ///
    /// # Errors
    /// Something else came, in the inner result; the checker's trouble in the outer.
    pub fn expect_end(&self) -> Checked<Result<(), Heard>> {
        let (bytes, ended) = self.receive(self.bench.answer(), |bytes| !bytes.is_empty())?;
        Ok(match ended {
            Some(Instead::End) => Ok(()),
            ended => Err(Heard { bytes, instead: ended.unwrap_or(Instead::Other) }),
        })
    }

    /// Says that no more will be sent.
    ///
    /// # Errors
    /// The checker's trouble.
    pub fn half_close(&self) -> Checked {
        self.bench.tell("check.half-close", &[("name", &self.name)]);
        match self.socket.shutdown(std::net::Shutdown::Write) {
            Err(error) if error.kind() != io::ErrorKind::NotConnected => {
                Err(trouble("shutdown")(error))
            }
            _ => Ok(()),
        }
    }

    /// Resets the connection.
    ///
    /// # Errors
    /// The checker's trouble.
    pub fn reset(self) -> Checked {
        self.bench.tell("check.resets", &[("name", &self.name)]);
        self.socket.set_linger(Some(Duration::ZERO)).map_err(trouble("SO_LINGER"))
    }

    /// Closes it.
    pub fn close(self) {
        self.bench.tell("check.closes", &[("name", &self.name)]);
    }
}

fn too_slow(count: usize, all: usize, limit: Duration) -> Finding {
    let seconds = limit.as_secs_f32().round();
    Finding::new("check.too-slow", &[("count", &count), ("all", &all), ("seconds", &seconds)])
}

/// Whether nothing is wrong, only nothing has come yet.
pub fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
    )
}

impl Heard {
    /// Whether the connection was reset.
    pub fn was_reset(&self) -> bool {
        self.instead == Instead::Reset
    }
}

/// A finding as an error, for a check's `?`.
pub fn fails<T>(finding: Finding) -> Checked<T> {
    Err(Stop::from(finding))
}
