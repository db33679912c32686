//! The two threads of one client: this one reads, its writer writes.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Instant;

use crate::chat::{ClientId, Frame, Framer, Malformed, Outbox, Outcome, Reply, Request};
use crate::demos::worker::Worker;
use crate::narrate::{self, Socket, note};

use super::{GRACE, Hall, seconds_since_1970};

/// One client, as its threads see it.
pub struct Client {
    pub hall: Arc<Hall>,
    pub socket: Arc<Socket>,
    pub outbox: Arc<Outbox>,
}

impl Client {
    // ANCHOR: life
    /// The life of a client: a writer beside this thread, which reads until one side has had enough.
    pub fn serve(self, id: ClientId) {
        // A chat line is small and should leave now, not when the last one was acknowledged.
        let _ = self.socket.set_tcp_nodelay(true);
        match self.start_writer() {
            Ok(writer) => self.converse(id, writer),
            Err(error) => tracing::warn!("no thread to write to client {id}: {error}"),
        }
        self.hall.forget(id);
    }

    fn converse(&self, id: ClientId, writer: Worker) {
        let ending = self.read_requests(id);
        self.hall.room.leave(id);
        if let Ending::HangUp = ending {
            self.drain();
        }
        // A peer that does not read must not keep the writer, and us, for ever.
        if !writer.done_within(self.hall.stretch.of(GRACE)) {
            let _ = self.socket.shutdown(Shutdown::Both);
        }
        writer.join();
        note(ending.note(), &[("client", &id)]);
    }
    // ANCHOR_END: life

    // ANCHOR: read
    /// Reads and handles requests. One `recv` is not one message: the framer finds where each ends.
    fn read_requests(&self, id: ClientId) -> Ending {
        let mut framer = Framer::new(self.hall.max_message);
        let mut buffer = [0; 4096];
        loop {
            match (&*self.socket).read(&mut buffer) {
                Ok(0) if self.outbox.overflowed() => return Ending::Cut,
                Ok(0) if self.outbox.closed() => return Ending::Dismissed,
                Ok(0) => return Ending::EndOfFile,
                Ok(count) => framer.feed(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) if self.outbox.overflowed() => return Ending::Cut,
                Err(_) => return Ending::Broken,
            }
            for frame in framer.by_ref() {
                if self.handle(id, frame) {
                    return Ending::HangUp;
                }
            }
        }
    }

    /// Handles what came; says whether to hang up.
    fn handle(&self, id: ClientId, frame: Frame) -> bool {
        let room = &self.hall.room;
        let outcome = match frame {
            Frame::Object(object) => match Request::parse(&object) {
                Ok(request) => room.handle(id, request, seconds_since_1970()),
                Err(malformed) => room.complain(id, &malformed),
            },
            Frame::Garbage => room.complain(id, &Malformed::NotAnObject),
            Frame::TooLong => {
                let max_message = self.hall.max_message;
                let outcome = room.complain(id, &Malformed::TooLong { max_message });
                Outcome { hang_up: true, ..outcome }
            }
        };
        for slow in outcome.overflowed {
            self.hall.cut(slow);
        }
        outcome.hang_up
    }
    // ANCHOR_END: read

    // ANCHOR: write
    /// Starts the thread that sends what is in the outbox, and when no more will come, says so to the peer.
    fn start_writer(&self) -> io::Result<Worker> {
        let (socket, outbox) = (self.socket.clone(), self.outbox.clone());
        Worker::start(&format!("{}w", narrate::actor()), move || {
            while let Some(message) = outbox.next() {
                if (&*socket).write_all(&message).is_err() {
                    return outbox.close();
                }
            }
            let _ = socket.shutdown(Shutdown::Write);
        })
    }
    // ANCHOR_END: write

    // ANCHOR: drain
    /// Reads on without listening, until the peer has closed: closing with bytes unread would reset the connection, and
    /// the peer might lose our last words.
    fn drain(&self) {
        let limit = self.hall.stretch.of(GRACE);
        let deadline = Instant::now() + limit;
        let _ = self.socket.set_read_timeout(Some(limit));
        let mut buffer = [0; 4096];
        while Instant::now() < deadline {
            match (&*self.socket).read(&mut buffer) {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
    }
    // ANCHOR_END: drain

    /// Says that the room is full, and closes.
    pub fn turn_away(self, reason: &str) {
        let full = Reply::Error { message: reason.to_owned() };
        let _ = (&*self.socket).write_all(&full.to_line());
        let _ = self.socket.shutdown(Shutdown::Write);
        self.drain();
    }
}

/// Why reading a client ended.
#[derive(Clone, Copy)]
enum Ending {
    /// It sent its last byte.
    EndOfFile,
    /// The connection is no more: reset, most likely.
    Broken,
    /// We cut it: its client did not read.
    Cut,
    /// We had told it to go, and it went, or was cut for not going.
    Dismissed,
    /// We want no more of it.
    HangUp,
}

impl Ending {
    fn note(self) -> &'static str {
        match self {
            Self::EndOfFile => "tcp-server.client-closed",
            Self::Broken => "tcp-server.client-lost",
            Self::Cut => "tcp-server.client-cut",
            Self::Dismissed | Self::HangUp => "tcp-server.client-dismissed",
        }
    }
}
