//! Chapter 3: the Chat-Room client. It resolves the name, connects to one address after the other until one answers,
//! and then a thread receives while this one sends.

mod mailbox;

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Type};

use crate::chat::{Frame, Framer, Reply, Request};
use crate::cli::TcpClient;
use crate::error::{Error, Result};
use crate::narrate::{self, Socket, message, note};
use crate::stage::{Input, Stage, Stop};

use super::worker::Worker;
use mailbox::{Happening, Mailbox, Slot, mailbox};

/// The longest message that a server may send: 64 KiB of text and what it wraps around them, with room to spare.
const MAX_MESSAGE: usize = 512 * 1024;

/// How long the server may take to close its end, at most, before the connection is cut.
const GRACE: Duration = Duration::from_secs(2);

/// Connects, logs in, sends what is typed, piped or given by `--send`, logs out.
pub fn run(args: &TcpClient, stage: Stage) -> Result<()> {
    let limit = stage.stretch.of(args.timeout);
    let session = Session::start(connect(&args.host, args.port, limit, &stage.stop)?, limit)?;
    let outcome = session.hold(args, stage);
    session.close();
    outcome
}

// ANCHOR: connect
/// A connection to the first address of `host` that takes one.
fn connect(host: &str, port: u16, limit: Duration, stop: &Stop) -> Result<Socket> {
    let mut last = Error::failed("resolve.no-address", [("host", host.to_owned())]);
    for address in super::resolve(host, port, limit)? {
        if stop.requested() {
            return Err(Error::Interrupted);
        }
        match connect_to(address, limit) {
            Ok(socket) => return Ok(socket),
            Err(error) if is_interrupted(&error) => return Err(Error::Interrupted),
            Err(error) => last = error,
        }
    }
    Err(if stop.requested() { Error::Interrupted } else { last })
}

fn connect_to(address: SocketAddr, limit: Duration) -> Result<Socket> {
    let on_it = |call| Error::during(call, address);
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))
        .map_err(on_it("socket"))?;
    socket.set_write_timeout(Some(limit)).map_err(on_it("setsockopt"))?;
    socket.connect(&address.into()).map_err(on_it("connect"))?;
    socket.set_tcp_nodelay(true).map_err(on_it("setsockopt"))?;
    Ok(socket)
}

/// A signal ends a waiting `connect` with EINTR, perhaps before anybody has heard of the request to stop.
fn is_interrupted(error: &Error) -> bool {
    matches!(error, Error::Call { source, .. } if source.kind() == io::ErrorKind::Interrupted)
}
// ANCHOR_END: connect

// ANCHOR: session
/// A connection, with a thread that receives from it.
struct Session {
    socket: Arc<Socket>,
    receiver: Worker,
    mailbox: Mailbox,
    slot: Slot,
    limit: Duration,
}

impl Session {
    fn start(socket: Socket, limit: Duration) -> Result<Self> {
        let socket = Arc::new(socket);
        let (mailbox, slot) = mailbox();
        let (receiving, telling) = (socket.clone(), slot.clone());
        let actor = format!("{}/r", narrate::actor());
        let receiver = Worker::start(&actor, move || receive(&receiving, &telling))
            .map_err(super::no_thread)?;
        Ok(Self { socket, receiver, mailbox, slot, limit })
    }
    // ANCHOR_END: session

    /// The whole conversation, from login to logout.
    fn hold(&self, args: &TcpClient, stage: Stage) -> Result<()> {
        let slot = self.slot.clone();
        stage.stop.on_request(move || slot.put_now(Happening::Stop));
        self.log_in(args)?;
        self.converse(args, stage)?;
        self.log_out(args)
    }

    // ANCHOR: login
    /// Logs in, and waits for the answer.
    fn log_in(&self, args: &TcpClient) -> Result<()> {
        let (username, password) = (args.user.clone(), args.password.clone());
        self.send(&Request::Login { username, password })?;
        match self.await_answer("login")? {
            Reply::LoginResponse { success: true, message: welcome, .. } => message(None, &welcome),
            Reply::LoginResponse { message, .. } => {
                return Err(Error::failed("tcp-client.refused", [("message", message)]));
            }
            Reply::Error { message } => {
                return Err(Error::failed("tcp-client.turned-away", [("message", message)]));
            }
            other => show(&other),
        }
        Ok(())
    }
    // ANCHOR_END: login

    // ANCHOR: converse
    /// Sends line after line, and shows what comes, until there are no more lines.
    fn converse(&self, args: &TcpClient, mut stage: Stage) -> Result<()> {
        self.take_lines(args, &mut *stage.input)?;
        while let Some(happening) = self.mailbox.next() {
            match happening {
                Happening::Typed(line) if line.is_empty() => {}
                Happening::Typed(content) => {
                    self.send(&Request::Chat { username: Some(args.user.clone()), content })?;
                    stage.stop.wait_for(stage.stretch.of_pause(args.gap));
                }
                Happening::Answer(reply) => show(&reply),
                Happening::NotUnderstood(why) => not_understood(&why),
                Happening::Gone(how) => return Err(gone(how)),
                Happening::NothingMoreTyped | Happening::Stop => break,
            }
        }
        Ok(())
    }
    // ANCHOR_END: converse

    // ANCHOR: answer
    /// Logs out, and waits for the answer.
    fn log_out(&self, args: &TcpClient) -> Result<()> {
        self.send(&Request::Logout { username: Some(args.user.clone()) })?;
        show(&self.await_answer("logout")?);
        Ok(())
    }

    fn send(&self, request: &Request) -> Result<()> {
        (&*self.socket).write_all(&request.to_line()).map_err(Error::during("send", "the server"))
    }

    /// Waits for the answer to `request`; shows what comes before it. Logging in can be answered by an `error` too.
    fn await_answer(&self, request: &'static str) -> Result<Reply> {
        let deadline = Instant::now() + self.limit;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.mailbox.next_within(left) {
                Ok(Happening::Answer(reply)) if answers(request, &reply) => return Ok(reply),
                Ok(Happening::Answer(reply)) => show(&reply),
                Ok(Happening::NotUnderstood(why)) => not_understood(&why),
                Ok(Happening::Gone(Ok(()))) => return Err(no_answer_but_the_end(request)),
                Ok(Happening::Gone(how)) => return Err(gone(how)),
                Ok(Happening::Stop) if request == "login" => return Err(Error::Interrupted),
                Ok(Happening::Typed(_) | Happening::NothingMoreTyped | Happening::Stop) => {}
                Err(_) => return Err(no_answer(request, self.limit)),
            }
        }
    }
    // ANCHOR_END: answer

    /// Has the lines brought that are to be sent: those of `--send`, or what is typed.
    fn take_lines(&self, args: &TcpClient, input: &mut dyn Input) -> Result<()> {
        if args.send.len() > 1 {
            note("tcp-client.gap", &[("gap", &humantime::format_duration(args.gap))]);
        }
        let slot = self.slot.clone();
        let mut bring = move |line: Option<String>| match line {
            Some(line) => slot.put(Happening::Typed(line)),
            None => slot.put(Happening::NothingMoreTyped),
        };
        if args.send.is_empty() {
            input.start(Box::new(bring));
            return Ok(());
        }
        let lines = args.send.clone();
        let bring_all = move || lines.into_iter().map(Some).chain([None]).for_each(&mut bring);
        narrate::spawn(&narrate::actor(), bring_all).map(drop).map_err(super::no_thread)
    }

    // ANCHOR: close
    /// Closes in order: no more from us, then whatever the server still sends, then the descriptor.
    fn close(self) {
        // Who waits for room in it goes on: nobody reads it any more.
        drop(self.mailbox);
        let _ = self.socket.shutdown(Shutdown::Write);
        if !self.receiver.done_within(self.limit.min(GRACE)) {
            let _ = self.socket.shutdown(Shutdown::Both);
        }
        self.receiver.join();
    }
    // ANCHOR_END: close
}

// ANCHOR: receive
/// Receives until the server sends no more. What one `recv` brings may be half a message, or several.
fn receive(socket: &Socket, slot: &Slot) {
    let mut framer = Framer::new(MAX_MESSAGE);
    let mut buffer = [0; 4096];
    let how = loop {
        match (&*socket).read(&mut buffer) {
            Ok(0) => break Ok(()),
            Ok(count) => framer.feed(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => break Err(error),
        }
        for frame in framer.by_ref() {
            slot.put(understand(frame));
        }
    };
    slot.put_now(Happening::Gone(how));
}
// ANCHOR_END: receive

fn understand(frame: Frame) -> Happening {
    match frame {
        Frame::Object(object) => match Reply::parse(&object) {
            Ok(reply) => Happening::Answer(reply),
            Err(malformed) => Happening::NotUnderstood(malformed.to_string()),
        },
        Frame::Garbage => Happening::NotUnderstood("not a JSON object".to_owned()),
        Frame::TooLong => {
            let too_long =
                io::Error::new(io::ErrorKind::InvalidData, "the server's message is too long");
            Happening::Gone(Err(too_long))
        }
    }
}

fn answers(request: &str, reply: &Reply) -> bool {
    match reply {
        Reply::LoginResponse { .. } => request == "login",
        Reply::Error { .. } => request == "login",
        Reply::LogoutResponse { .. } => request == "logout",
        Reply::ChatMessage { .. } => false,
    }
}

fn show(reply: &Reply) {
    match reply {
        Reply::ChatMessage { username, content, .. } => message(Some(username), content),
        Reply::LoginResponse { message: text, .. }
        | Reply::LogoutResponse { message: text, .. }
        | Reply::Error { message: text } => message(None, text),
    }
}

fn not_understood(why: &str) {
    note("tcp-client.not-understood", &[("why", &why)]);
}

fn gone(how: io::Result<()>) -> Error {
    match how {
        Ok(()) => Error::failed("tcp-client.server-gone", []),
        Err(error) => Error::during("recv", "the server")(error),
    }
}

fn no_answer_but_the_end(request: &str) -> Error {
    Error::failed("tcp-client.no-answer-but-the-end", [("request", request.to_owned())])
}

fn no_answer(request: &'static str, limit: Duration) -> Error {
    let limit = humantime::format_duration(limit).to_string();
    Error::failed("tcp-client.no-answer", [("request", request.to_owned()), ("limit", limit)])
}
