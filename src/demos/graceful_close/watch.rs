//! Looking at both ends of a connection after every call: the TCP states, as the kernel tells them.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::narrate::event::State;
use crate::narrate::{self, acting_as, note};
use crate::observe::{Observer, Seen, TcpState};
use crate::stage::Stop;

/// A state that is about to change does so within this time, on a busy machine too.
const LIMIT: Duration = Duration::from_secs(10);

/// How often the kernel is asked meanwhile: nobody tells when a state changes.
const INTERVAL: Duration = Duration::from_millis(1);

/// Who looks.
pub struct Watch {
    observer: Option<Observer>,
    /// The kernel does not tell, and the narration has said so.
    blind: Cell<bool>,
    stop: Stop,
}

/// Both ends of one connection, as the kernel has them.
#[derive(Clone, Copy, Debug)]
pub struct Both {
    /// The end that connected.
    pub client: Seen,
    /// The end that was accepted.
    pub server: Seen,
}

impl Watch {
    /// Starts looking. Where that cannot be done, the narration says so, and the calls are made all the same.
    pub fn start(stop: &Stop) -> Self {
        let (observer, refused) = match Observer::start() {
            Ok(observer) => (Some(observer), None),
            Err(error) => (None, Some(error)),
        };
        let watch = Self { observer, blind: Cell::new(false), stop: stop.clone() };
        match refused {
            None => note("graceful-close.states", &[]),
            Some(error) => watch.give_up(&error),
        }
        watch
    }

    /// Whether somebody wants it all to end.
    pub fn stopped(&self) -> bool {
        self.stop.requested()
    }

    fn ask(&self, client: SocketAddr, server: SocketAddr) -> Option<Both> {
        let observer = self.observer.as_ref().filter(|_| !self.blind.get())?;
        let look = || -> io::Result<Both> {
            let (near, far) = (observer.look(client, server)?, observer.look(server, client)?);
            Ok(Both { client: near, server: far })
        };
        look().inspect_err(|error| self.give_up(error)).ok()
    }

    fn show(&self, actor: &str, local: SocketAddr, peer: SocketAddr, state: TcpState) {
        let state = State {
            local: local.to_string().into(),
            peer: peer.to_string().into(),
            state: (state != TcpState::Closed).then(|| state.name().into()),
            observer_tid: self.observer.as_ref().and_then(Observer::thread_id),
        };
        acting_as(actor, || narrate::state(state));
    }

    fn give_up(&self, error: &io::Error) {
        self.blind.set(true);
        match error.kind() {
            io::ErrorKind::Unsupported => note("graceful-close.states-need-linux", &[]),
            _ => note("graceful-close.states-unreadable", &[("why", error)]),
        }
    }
}

/// A connection, known by its addresses, and what was last shown of it.
pub struct Pair<'a> {
    watch: &'a Watch,
    client: SocketAddr,
    server: SocketAddr,
    shown: Cell<Option<(TcpState, TcpState)>>,
}

impl<'a> Pair<'a> {
    /// The connection between these addresses, which has just been made.
    pub fn new(watch: &'a Watch, client: SocketAddr, server: SocketAddr) -> Self {
        Self { watch, client, server, shown: Cell::new(None) }
    }

    /// Whether somebody wants it all to end.
    pub fn stopped(&self) -> bool {
        self.watch.stopped()
    }

    /// Asks for both ends, and shows them if one has changed since they were last shown.
    pub fn look(&self) -> Option<Both> {
        let both = self.watch.ask(self.client, self.server)?;
        let states = (both.client.state, both.server.state);
        if self.shown.get().is_none() && both.client.state == TcpState::Closed {
            // It has just been made. A kernel that was built without an answer for TCP says that there is none.
            self.watch.give_up(&io::ErrorKind::NotFound.into());
            return None;
        }
        if self.shown.replace(Some(states)) != Some(states) {
            self.watch.show("client", self.client, self.server, both.client.state);
            self.watch.show("server", self.server, self.client, both.server.state);
        }
        Some(both)
    }

    // ANCHOR: reach
    /// Looks until the client's end is in the one state and the server's in the other, but not for ever: an
    /// acknowledgement may take its time. What is on the way is shown too. Says whether it came about.
    pub fn reach(&self, client: TcpState, server: TcpState) -> bool {
        let there = |both: &Both| both.client.state == client && both.server.state == server;
        self.look_until(there).is_some_and(|both| there(&both))
    }
    // ANCHOR_END: reach

    /// The same, until `settled`.
    pub fn look_until(&self, settled: impl Fn(&Both) -> bool) -> Option<Both> {
        let deadline = Instant::now() + LIMIT;
        loop {
            let both = self.look()?;
            if settled(&both) || Instant::now() > deadline || self.watch.stop.wait_for(INTERVAL) {
                return Some(both);
            }
        }
    }
}
