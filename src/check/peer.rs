//! The checker's end of a TCP connection with a learner's program. Every wait has a limit, everything is told.

use std::cell::Cell;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use socket2::{Domain, SockRef, Socket, Type};

use super::ANSWER;
use super::bench::Bench;
use super::story::preview;
use super::verdict::{Checked, Finding, Stop, trouble};
use crate::observe::Observer;

/// When nothing has been taken for so long, both sides' buffers are full.
const STALLED: Duration = Duration::from_millis(150);

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
        Self::of(bench, name, socket)
    }

    /// A connection that was accepted.
    ///
    /// # Errors
    /// The checker's trouble.
    pub fn of(bench: &'a Bench<'a>, name: impl Into<String>, socket: Socket) -> Checked<Self> {
        let address = |it: io::Result<socket2::SockAddr>| it.ok().and_then(|it| it.as_socket());
        let (local, remote) = (address(socket.local_addr()), address(socket.peer_addr()));
        let gone = || trouble("getpeername")(io::ErrorKind::NotConnected.into());
        let (local, remote) = (local.ok_or_else(gone)?, remote.ok_or_else(gone)?);
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
        self.socket
            .set_write_timeout(Some(self.bench.patiently(ANSWER)))
            .map_err(trouble("SO_SNDTIMEO"))?;
        let sent = (&self.socket).write_all(bytes);
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

    /// Sends it in these pieces, each in a segment of its own: the next goes out when the last has been acknowledged.
    ///
    /// # Errors
    /// The program takes it too slowly, or reset the connection.
    pub fn send_in_pieces(&self, pieces: &[&[u8]], pause: Duration) -> Checked {
        for piece in pieces {
            self.send(piece)?;
            std::thread::sleep(pause);
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

    /// The same, with a limit of its own.
    ///
    /// # Errors
    /// Something else came, in the inner result; the checker's trouble in the outer.
    pub fn expect_within(&self, expected: &[u8], limit: Duration) -> Checked<Result<(), Heard>> {
        // So many are right: each byte is compared once, or large answers would take long.
        let right = Cell::new(0);
        let enough = |bytes: &[u8]| {
            let new = right.get()..bytes.len().min(expected.len());
            let same = bytes[new.clone()] == expected[new.clone()];
            right.set(if same { new.end } else { new.start });
            !same || bytes.len() >= expected.len()
        };
        let (bytes, ended) = self.receive(Instant::now() + limit, enough)?;
        if bytes == expected {
            return Ok(Ok(()));
        }
        let instead = if expected.starts_with(&bytes) {
            ended.unwrap_or(Instead::Silence)
        } else {
            Instead::Other
        };
        Ok(Err(Heard { bytes, instead }))
    }

    /// Receives until `enough` of it is there, the program ends its sending, or the limit is over. What came, and how it
    /// ended, if not by being enough.
    ///
    /// # Errors
    /// The checker's trouble.
    pub fn receive(
        &self,
        deadline: Instant,
        enough: impl Fn(&[u8]) -> bool,
    ) -> Checked<(Vec<u8>, Option<Instead>)> {
        let (mut bytes, mut buffer) = (Vec::new(), vec![0; 64 << 10]);
        let ended = loop {
            if enough(&bytes) {
                break None;
            }
            self.bench.check_stop()?;
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break Some(Instead::Silence);
            }
            // A short limit each time, so that Ctrl-C is heard.
            let limit = left.min(Duration::from_millis(250));
            self.socket.set_read_timeout(Some(limit)).map_err(trouble("SO_RCVTIMEO"))?;
            match (&self.socket).read(&mut buffer) {
                Ok(0) => break Some(Instead::End),
                Ok(count) => bytes.extend(&buffer[..count]),
                Err(error) if is_timeout(&error) => {}
                Err(_) => break Some(Instead::Reset),
            }
        };
        self.tell_received(&bytes, ended.as_ref());
        Ok((bytes, ended))
    }

    fn tell_received(&self, bytes: &[u8], ended: Option<&Instead>) {
        let (count, text) = (bytes.len(), preview(bytes));
        let blanks: [(&str, &dyn std::fmt::Display); 3] =
            [("name", &self.name), ("count", &count), ("text", &text)];
        if count > 0 {
            self.bench.tell("check.received", &blanks);
        }
        match ended {
            Some(Instead::Silence) => self.bench.tell("check.silence", &blanks),
            Some(Instead::End) => self.bench.tell("check.end-of-file", &blanks),
            Some(Instead::Reset) => self.bench.tell("check.reset", &blanks),
            Some(Instead::Other) | None => {}
        }
    }

    /// Sends all of it, and reads nothing back until the program takes no more because its own answers are not read; then
    /// reads as many bytes as were sent. The program must cope with full buffers on both sides.
    ///
    /// # Errors
    /// Something else came back, in the inner result; the checker's trouble in the outer.
    pub fn exchange_slowly(&self, message: &[u8]) -> Checked<Result<(), Heard>> {
        self.socket
            .set_write_timeout(Some(self.bench.patiently(2 * ANSWER)))
            .map_err(trouble("SO_SNDTIMEO"))?;
        let taken = AtomicUsize::new(0);
        thread::scope(|scope| {
            scope.spawn(|| {
                for piece in message.chunks(16 << 10) {
                    if (&self.socket).write_all(piece).is_err() {
                        return;
                    }
                    taken.fetch_add(piece.len(), Ordering::Relaxed);
                }
            });
            let mut seen = 0;
            while seen < message.len() {
                thread::sleep(STALLED);
                let now = taken.load(Ordering::Relaxed);
                if now == seen {
                    break;
                }
                seen = now;
            }
            self.bench.tell("check.stalled", &[("name", &self.name), ("count", &seen)]);
            let heard = self.expect_within(message, self.bench.patiently(2 * ANSWER));
            if !matches!(heard, Ok(Ok(()))) {
                // So that the thread that sends is not kept waiting.
                let _ = self.socket.shutdown(std::net::Shutdown::Both);
            }
            heard
        })
    }

    /// Sends up to `message` and reads nothing back, until the program takes no more because its own answers are not read.
    /// How much it took.
    ///
    /// # Errors
    /// The checker's trouble.
    pub fn flood(&self, message: &[u8]) -> Checked<usize> {
        self.socket.set_write_timeout(Some(STALLED)).map_err(trouble("SO_SNDTIMEO"))?;
        let mut taken = 0;
        // An error is that nothing was taken for so long, or that the program ended the connection.
        while taken < message.len()
            && let Ok(count) = (&self.socket).write(&message[taken..])
        {
            taken += count;
        }
        self.bench.tell("check.floods", &[("name", &self.name), ("count", &taken)]);
        Ok(taken)
    }

    /// The first bytes of an answer; none where none come.
    ///
    /// # Errors
    /// The checker's trouble.
    pub fn beginning(&self) -> Checked<Vec<u8>> {
        Ok(self.receive(self.bench.answer(), |bytes| !bytes.is_empty())?.0)
    }

    /// Receives like [`Peer::receive`], but takes a rest of `pause` before each look, and sends `more` at the same time.
    ///
    /// # Errors
    /// The checker's trouble.
    pub fn receive_slowly(
        &self,
        more: &[u8],
        pause: Duration,
        enough: impl Fn(&[u8]) -> bool,
    ) -> Checked<(Vec<u8>, Option<Instead>)> {
        let limit = self.bench.patiently(2 * ANSWER);
        self.socket.set_write_timeout(Some(limit)).map_err(trouble("SO_SNDTIMEO"))?;
        thread::scope(|scope| {
            let sender = scope.spawn(|| (&self.socket).write_all(more));
            let heard = self.receive(Instant::now() + limit, |bytes| {
                thread::sleep(pause);
                enough(bytes)
            });
            if !matches!(heard, Ok((_, Some(Instead::End)))) {
                // So that the thread that sends is not kept waiting.
                let _ = self.socket.shutdown(std::net::Shutdown::Both);
            }
            let sent = sender.join().unwrap_or(Ok(()));
            heard.map(|(bytes, ended)| match (ended, sent) {
                // The kernel tells of a reset once only: it may have told the thread that sends.
                (Some(Instead::End), Err(error))
                    if error.kind() == io::ErrorKind::ConnectionReset =>
                {
                    (bytes, Some(Instead::Reset))
                }
                (ended, _) => (bytes, ended),
            })
        })
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
