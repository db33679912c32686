//! Who is in the room, and who is told what.
//!
//! The room has one lock, and nothing slow happens under it: what a client is told goes into its [`Outbox`], and
//! whoever writes it to a socket does so without the lock.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::message::{Reply, Request};
use super::outbox::Outbox;

/// As many characters has the longest name.
const LONGEST_NAME: usize = 64;

/// Under this name go out the words of those who gave none, where that is allowed.
const ANONYMOUS: &str = "anonymous";

/// What the room allows.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// How many clients may be connected at a time, logged in or not.
    pub max_clients: usize,
    /// Whether clients may chat without a login, and under any name that they put into the message.
    pub trusting: bool,
}

/// One client, for as long as it is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(u64);

impl fmt::Display for ClientId {
    /// The how-manieth it was to arrive.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What is left to do for the server, with its sockets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Nothing more is to be read from the client. Once what waits for it is sent, its connection is to be closed.
    pub hang_up: bool,
    /// These clients, perhaps the one itself, have left too much unread: their connections are to be cut.
    pub overflowed: Vec<ClientId>,
}

/// Why a client may not come in. Its `Display` is what the client is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Refused {
    /// There are as many clients as may be.
    Full {
        /// As many.
        max_clients: usize,
    },
    /// The room was closed.
    Closed {
        /// The reason that everybody was given.
        reason: String,
    },
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Full { max_clients } => {
                write!(f, "the room is full: it holds {max_clients} clients")
            }
            Self::Closed { reason } => f.write_str(reason),
        }
    }
}

impl std::error::Error for Refused {}

/// The room, shared by the threads of all its clients.
#[derive(Debug)]
pub struct Room(Mutex<State>);

#[derive(Debug)]
struct State {
    rules: Rules,
    /// In the order of their arrival.
    clients: BTreeMap<ClientId, Client>,
    arrived: u64,
    closed: Option<String>,
}

#[derive(Debug)]
struct Client {
    user_id: String,
    /// What it logged in as.
    name: Option<String>,
    outbox: Arc<Outbox>,
}

impl Room {
    /// An empty room.
    pub fn new(rules: Rules) -> Self {
        let (clients, arrived, closed) = Default::default();
        Self(Mutex::new(State { rules, clients, arrived, closed }))
    }

    /// Lets a client in, not logged in yet. What it is told will go into `outbox`.
    ///
    /// # Errors
    /// When the room is full or closed, with the words for the client.
    pub fn enter(&self, user_id: String, outbox: Arc<Outbox>) -> Result<ClientId, Refused> {
        let mut state = self.lock();
        if let Some(reason) = state.closed.clone() {
            return Err(Refused::Closed { reason });
        }
        let max_clients = state.rules.max_clients;
        if state.clients.len() >= max_clients {
            return Err(Refused::Full { max_clients });
        }
        state.arrived += 1;
        let client = ClientId(state.arrived);
        state.clients.insert(client, Client { user_id, name: None, outbox });
        Ok(client)
    }

    /// Does what `client` asks for, at the time `now` (seconds since 1970).
    pub fn handle(&self, client: ClientId, request: Request, now: f64) -> Outcome {
        let mut state = self.lock();
        if state.is_leaving(client) {
            return Outcome { hang_up: true, ..Outcome::default() };
        }
        match request {
            Request::Login { username, password } => state.log_in(client, username, &password),
            Request::Chat { username, content } => state.chat(client, username, content, now),
            Request::Logout { username } => state.log_out(client, username),
        }
    }

    /// Tells `client` what is wrong with what it sent.
    pub fn complain(&self, client: ClientId, problem: &dyn fmt::Display) -> Outcome {
        self.lock().complain(client, problem)
    }

    /// Takes `client` out. What waits for it can still be sent. Nothing happens if it is out already.
    pub fn leave(&self, client: ClientId) {
        if let Some(gone) = self.lock().clients.remove(&client) {
            gone.outbox.close();
        }
    }

    /// Lets nobody in any more, and tells everybody the reason, after which nothing more is sent to them.
    pub fn close(&self, reason: &str) -> Outcome {
        let mut state = self.lock();
        let outcome = state.tell(|_| true, &Reply::Error { message: reason.into() });
        state.clients.values().for_each(|client| client.outbox.close());
        state.closed = Some(reason.into());
        outcome
    }

    /// How many clients are connected, logged in or not.
    pub fn len(&self) -> usize {
        self.lock().clients.len()
    }

    /// Whether nobody is connected.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn log_in(&mut self, client: ClientId, username: String, password: &str) -> Outcome {
        if let Some(name) = self.name_of(client) {
            return self.complain(client, &format_args!("already logged in as {name}"));
        }
        if let Err(message) = self.check_login(&username, password) {
            let refusal = Reply::LoginResponse { success: false, message, user_id: None };
            return self.tell(|other| other == client, &refusal);
        }
        let message = format!("welcome {username}!");
        let user_id = self.clients.get_mut(&client).map(|client| {
            client.name = Some(username);
            client.user_id.clone()
        });
        let welcome = Reply::LoginResponse { success: true, message, user_id };
        self.tell(|other| other == client, &welcome)
    }

    fn check_login(&self, username: &str, password: &str) -> Result<(), String> {
        if username.is_empty() || password.is_empty() {
            return Err("username and password must not be empty".into());
        }
        if username.chars().count() > LONGEST_NAME {
            return Err(format!("a name has at most {LONGEST_NAME} characters"));
        }
        if self.clients.values().any(|client| client.name.as_deref() == Some(username)) {
            return Err(format!("somebody named {username} is here already"));
        }
        Ok(())
    }

    fn chat(
        &mut self,
        client: ClientId,
        username: Option<String>,
        content: String,
        now: f64,
    ) -> Outcome {
        let anonymous = self.rules.trusting.then(|| ANONYMOUS.into());
        let Some(username) = self.speaker(client, username).or(anonymous) else {
            return self.complain(client, &"log in before you chat");
        };
        if content.is_empty() {
            return self.complain(client, &"field `content` is empty");
        }
        let message = Reply::ChatMessage { username, content, timestamp: now };
        self.tell(|other| other != client, &message)
    }

    fn log_out(&mut self, client: ClientId, username: Option<String>) -> Outcome {
        let name = self.speaker(client, username).map(|name| format!(" {name}"));
        let message = format!("goodbye{}!", name.unwrap_or_default());
        let farewell = Reply::LogoutResponse { success: true, message };
        let outcome = self.tell(|other| other == client, &farewell);
        if let Some(client) = self.clients.get_mut(&client) {
            // Once it has read the answer, it may come back under the same name.
            client.name = None;
            client.outbox.close();
        }
        Outcome { hang_up: true, ..outcome }
    }

    fn complain(&mut self, client: ClientId, problem: &dyn fmt::Display) -> Outcome {
        self.tell(|other| other == client, &Reply::Error { message: problem.to_string() })
    }

    // ANCHOR: tell
    /// Puts `reply` into the outbox of each client that it is `meant_for`. Who has left too much unread loses its name.
    fn tell(&mut self, meant_for: impl Fn(ClientId) -> bool, reply: &Reply) -> Outcome {
        let line: Arc<[u8]> = reply.to_line().into();
        let mut outcome = Outcome::default();
        for (&id, client) in self.clients.iter_mut().filter(|(id, _)| meant_for(**id)) {
            if client.outbox.push(line.clone()).is_err() {
                client.name = None;
                outcome.overflowed.push(id);
            }
        }
        outcome
    }

    /// Whose words these are: those of who logged in here, unless the room trusts what the message says.
    fn speaker(&self, client: ClientId, claimed: Option<String>) -> Option<String> {
        let claimed = claimed.filter(|_| self.rules.trusting);
        claimed.or_else(|| self.name_of(client))
    }
    // ANCHOR_END: tell

    fn name_of(&self, client: ClientId) -> Option<String> {
        self.clients.get(&client)?.name.clone()
    }

    fn is_leaving(&self, client: ClientId) -> bool {
        self.clients.get(&client).is_none_or(|client| client.outbox.closed())
    }
}

#[cfg(test)]
mod tests;
