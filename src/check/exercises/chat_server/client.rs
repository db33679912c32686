//! A client of the Chat-Room, as the checks of its server need it: it says anything, and takes answers as they come.

use std::time::{Duration, Instant};

use crate::chat::{ENVELOPE, Frame, Framer, Reply, Request};
use crate::check::ANSWER;
use crate::check::bench::{Bench, Server};
use crate::check::evidence;
use crate::check::peer::{Heard, Instead, Peer, fails};
use crate::check::story::preview;
use crate::check::verdict::{Checked, Finding, Words};

/// The longest message from a client, without its newline.
pub const LONGEST: usize = 64 << 10;

/// An answer may write each character of a message as an escape of six.
const LONGEST_REPLY: usize = 6 * LONGEST + ENVELOPE;

/// The next message of the server, or what came in its place.
pub type Got = Result<Reply, Heard>;

/// A client.
pub struct Client<'a> {
    bench: &'a Bench<'a>,
    /// Its connection.
    pub peer: Peer<'a>,
    /// Answers end at their last brace here: whether a newline follows is one check's business only.
    framer: Framer,
    /// Its name in the story and in the room.
    pub name: &'static str,
}

impl<'a> Client<'a> {
    /// Connects.
    pub fn connect(bench: &'a Bench<'a>, name: &'static str, server: &Server) -> Checked<Self> {
        Ok(Self::of(bench, name, Peer::connect(bench, name, server.address)?))
    }

    /// Connects and logs in, with a receive buffer of some KiB: what it does not read soon waits at the server.
    pub fn enter_small(bench: &'a Bench<'a>, name: &'static str, server: &Server) -> Checked<Self> {
        let peer = Peer::connect_small(bench, name, server.address, 8 << 10)?;
        Self::of(bench, name, peer).log_in(server)
    }

    /// Connects and logs in.
    pub fn enter(bench: &'a Bench<'a>, name: &'static str, server: &Server) -> Checked<Self> {
        Self::connect(bench, name, server)?.log_in(server)
    }

    fn of(bench: &'a Bench<'a>, name: &'static str, peer: Peer<'a>) -> Self {
        Self { bench, peer, framer: Framer::new(LONGEST_REPLY), name }
    }

    fn log_in(mut self, server: &Server) -> Checked<Self> {
        self.say(&login(self.name))?;
        let got = self.answer()?;
        if let Ok(Reply::LoginResponse { success: true, .. }) = got {
            return Ok(self);
        }
        // The kernel completes the handshake by itself; whether accept was called shows in the program's descriptors.
        let (local, remote) = (self.peer.local, self.peer.remote);
        if is_silence(&got) && !evidence::holds(&server.program, remote, local) {
            let finding = Finding::new("chat-server.not-accepted", &[("name", &self.name)]);
            let finding = finding.mistake("one-client-at-a-time");
            return fails(finding.but(line_of(&expected_login()), shown(&got)));
        }
        fails(unlike("chat-server.login.other", line_of(&expected_login()), &got))
    }

    /// Sends a message in a segment of its own.
    pub fn say(&self, request: &Request) -> Checked {
        self.peer.send(&request.to_line())
    }

    /// Says something to the room.
    pub fn chat(&self, content: &str) -> Checked {
        self.say(&chat(content))
    }

    /// The next message.
    pub fn hear(&mut self) -> Checked<Got> {
        self.hear_before(self.bench.answer())
    }

    /// The same, with a limit of its own.
    pub fn hear_before(&mut self, deadline: Instant) -> Checked<Got> {
        loop {
            if let Some(frame) = self.framer.next() {
                return Ok(read(frame));
            }
            let (bytes, ended) = self.peer.receive(deadline, |bytes| !bytes.is_empty())?;
            self.framer.feed(&bytes);
            if let Some(instead) = ended {
                return Ok(Err(Heard { bytes, instead }));
            }
        }
    }

    /// The next message, when nothing comes after it that has not been asked for: its pieces are put together first.
    pub fn hear_long(&mut self) -> Checked<Got> {
        let whole = |bytes: &[u8]| bytes.trim_ascii_end().ends_with(b"}");
        let (bytes, _) = self.peer.receive(self.bench.answer(), whole)?;
        self.framer.feed(&bytes);
        self.hear_before(Instant::now())
    }

    /// The next message that is no chat: who has not logged in may be told what others say, or not.
    pub fn answer(&mut self) -> Checked<Got> {
        loop {
            match self.hear()? {
                Ok(Reply::ChatMessage { .. }) => {}
                got => return Ok(got),
            }
        }
    }

    /// Sends it in these pieces, each when the program has read the one before, and so in a segment of its own.
    pub fn send_in_pieces(&self, pieces: &[&[u8]]) -> Checked {
        let (name, count) = (&self.name, pieces.len());
        let all = preview(&pieces.concat());
        self.bench
            .tell("chat-server.in-pieces", &[("name", name), ("count", &count), ("text", &all)]);
        let mut reads = true;
        for piece in pieces {
            self.send_quietly(piece)?;
            // One that has not read the last piece in all that time will not read this one: no need to wait again.
            reads = reads && self.waits_until_read(ANSWER);
        }
        Ok(())
    }

    /// Sends without a line in the story.
    fn send_quietly(&self, bytes: &[u8]) -> Checked {
        let sent = self.peer.socket().send(bytes);
        sent.map(drop).or_else(|error| {
            let blanks: [(&str, &dyn std::fmt::Display); 2] =
                [("count", &bytes.len()), ("error", &error)];
            fails(Finding::new("check.does-not-take", &blanks))
        })
    }

    /// Sends as much of it as the program takes within a while. It may end the connection before: how much was sent?
    pub fn send_as_taken(&self, bytes: &[u8]) -> usize {
        let socket = self.peer.socket();
        let deadline = self.bench.answer();
        let mut sent = 0;
        while sent < bytes.len() && Instant::now() < deadline {
            let left = deadline.saturating_duration_since(Instant::now());
            // A limit of zero would be none.
            let left = left.max(Duration::from_millis(1));
            let piece = bytes.get(sent..(sent + LONGEST).min(bytes.len())).unwrap_or_default();
            let taken = socket.set_write_timeout(Some(left)).and_then(|()| socket.send(piece));
            match taken {
                Ok(count) => sent += count,
                Err(_) => break,
            }
        }
        sent
    }

    /// Whether the program still holds its end, and reads all that was sent to it within this time.
    pub fn waits_until_read(&self, limit: Duration) -> bool {
        let read = |queues: Option<evidence::Queues>| queues.is_some_and(|it| it.unread == 0);
        self.waits_until(limit, read)
    }

    /// Whether that comes to be true of the connection within this time.
    pub fn waits_until(
        &self,
        limit: Duration,
        is_so: impl Fn(Option<evidence::Queues>) -> bool,
    ) -> bool {
        // It is asked after every byte: a longer pause would be felt.
        evidence::comes_true(Instant::now() + limit, Duration::from_millis(1), || {
            is_so(evidence::queues(self.peer.local, self.peer.remote))
        })
    }
}

/// What one frame says.
fn read(frame: Frame) -> Got {
    let other = |bytes| Err(Heard { bytes, instead: Instead::Other });
    match frame {
        Frame::Object(bytes) => Reply::parse(&bytes).or_else(|_| other(bytes)),
        Frame::Garbage | Frame::TooLong => other(Vec::new()),
    }
}

/// A login under this name.
pub fn login(name: &str) -> Request {
    Request::Login { username: name.to_owned(), password: "secret".to_owned() }
}

/// A chat that does not say whose it is.
pub fn chat(content: &str) -> Request {
    Request::Chat { username: None, content: content.to_owned() }
}

/// Whether nothing came.
pub fn is_silence(got: &Got) -> bool {
    matches!(got, Err(heard) if heard.instead == Instead::Silence)
}

/// What came, for a learner.
pub fn shown(got: &Got) -> String {
    let words = |id| Words::new(id, &[]).to_string();
    match got {
        Ok(reply) => preview(reply.to_line().trim_ascii_end()),
        Err(heard) => match heard.instead {
            Instead::Silence => words("chat-server.got.nothing"),
            Instead::End => words("chat-server.got.end"),
            Instead::Reset => words("chat-server.got.reset"),
            Instead::Other if heard.bytes.is_empty() => words("chat-server.got.no-object"),
            Instead::Other => preview(&heard.bytes),
        },
    }
}

/// What should come, as a line of text.
pub fn line_of(reply: &Reply) -> String {
    String::from_utf8_lossy(reply.to_line().trim_ascii_end()).into_owned()
}

/// As an example of what should come.
pub fn expected_login() -> Reply {
    Reply::LoginResponse {
        success: true, message: "…".to_owned(), user_id: Some("…".to_owned())
    }
}

/// As an example of what should come.
pub fn expected_error() -> Reply {
    Reply::Error { message: "…".to_owned() }
}

/// A finding of what came in place of `expected`: `id` when it was something else, and otherwise what is told of every
/// silence, end and reset.
pub fn unlike(id: &str, expected: String, got: &Got) -> Finding {
    let id = match got {
        Err(heard) => match heard.instead {
            Instead::Silence => "chat-server.silence",
            Instead::End => "chat-server.ended",
            Instead::Reset => "chat-server.reset-by-server",
            Instead::Other => id,
        },
        Ok(_) => id,
    };
    Finding::new(id, &[]).but(expected, shown(got))
}
