//! Where everything that the client waits for arrives: what the server says, what is typed, and the request to stop.
//!
//! It has room for a few messages. Who brings one more waits: so a server that talks faster than anybody listens is held
//! up by TCP's flow control, and does not fill the memory.

use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::time::Duration;

use crate::chat::Reply;

/// So many messages may wait to be looked at.
const ROOM: usize = 16;

/// What the client may hear of.
pub enum Happening {
    /// The server says something.
    Answer(Reply),
    /// It says something that is no message.
    NotUnderstood(String),
    /// It sends no more: its end of file, or an error.
    Gone(io::Result<()>),
    /// A line was typed, or read from a pipe.
    Typed(String),
    /// There will be no more lines.
    NothingMoreTyped,
    /// Somebody wants it to end.
    Stop,
}

/// The end that is read.
pub struct Mailbox {
    happenings: Receiver<(Happening, bool)>,
    /// Holds one token for each message that waited for room.
    taken: Receiver<()>,
}

/// An end that is written to.
#[derive(Clone)]
pub struct Slot {
    happenings: Sender<(Happening, bool)>,
    room: SyncSender<()>,
}

/// An empty mailbox, and a slot to put things in.
pub fn mailbox() -> (Mailbox, Slot) {
    let (put, happenings) = mpsc::channel();
    let (room, taken) = mpsc::sync_channel(ROOM);
    (Mailbox { happenings, taken }, Slot { happenings: put, room })
}

impl Mailbox {
    /// The next happening, when it comes within `limit`.
    pub fn next_within(&self, limit: Duration) -> Result<Happening, RecvTimeoutError> {
        self.happenings.recv_timeout(limit).map(|happening| self.make_room(happening))
    }

    /// The next happening, whenever it comes.
    pub fn next(&self) -> Option<Happening> {
        self.happenings.recv().ok().map(|happening| self.make_room(happening))
    }

    fn make_room(&self, (happening, waited): (Happening, bool)) -> Happening {
        if waited {
            let _ = self.taken.try_recv();
        }
        happening
    }
}

impl Slot {
    /// Puts it in when there is room. When nobody reads any more, it is dropped.
    pub fn put(&self, happening: Happening) {
        if self.room.send(()).is_ok() {
            let _ = self.happenings.send((happening, true));
        }
    }

    /// Puts it in at once.
    pub fn put_now(&self, happening: Happening) {
        let _ = self.happenings.send((happening, false));
    }
}
