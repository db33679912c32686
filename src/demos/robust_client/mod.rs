//! Chapter 5: a client that copes. It tries again what may pass, gives up at once what will not, has a limit for every
//! wait, and knows how much it has sent.

mod connection;
mod scenarios;

use std::fmt::Display;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use crate::cli::{Backoff, RobustClient};
use crate::error::{Error, Result};
use crate::narrate::event::Errno;
use crate::narrate::{self, note};
use crate::stage::{Stage, Stop};

use connection::Connection;

/// Connects to `args.host`, or plays a scenario with a peer of its own.
pub fn run(args: &RobustClient, stage: &Stage) -> Result<()> {
    let outcome = narrate::acting_as("client", || match args.scenario {
        Some(scenario) => scenarios::play(scenario, args, stage),
        None => {
            let client = Client::new(Patience::of(args, stage), &stage.stop);
            client.connect(&args.host, args.port)?.converse(&line(&args.message))
        }
    });
    match outcome {
        Err(_) if stage.stop.requested() => Err(Error::Interrupted),
        outcome => outcome,
    }
}

/// The message, and a newline to say where it ends.
fn line(message: &str) -> Vec<u8> {
    format!("{message}\n").into_bytes()
}

/// How often it tries, and how long it waits.
struct Patience {
    tries: u32,
    delay: Duration,
    backoff: Backoff,
    /// For a connection. Only kernels take part in that, and they wait for no reader.
    connect: Duration,
    /// For room to send and for an answer.
    answer: Duration,
}

impl Patience {
    fn of(args: &RobustClient, stage: &Stage) -> Self {
        let delay = args.delay.unwrap_or(Duration::from_secs(2));
        let timeout = args.timeout.unwrap_or(Duration::from_secs(5));
        Self {
            tries: args.retries,
            delay: stage.stretch.of_pause(delay),
            backoff: args.backoff,
            connect: timeout,
            answer: stage.stretch.of(timeout),
        }
    }

    /// The pause that follows a pause.
    fn after(&self, delay: Duration) -> Duration {
        match self.backoff {
            Backoff::Fixed => delay,
            Backoff::Exponential => delay.saturating_mul(2),
        }
    }
}

/// How far the client has come: at these points a scenario's peer plays its part.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Cue {
    /// A try failed, and the pause before the next one begins.
    TryFailed,
    /// There is a connection.
    Connected,
    /// The send buffer is full.
    BufferFull,
}

/// Why a try failed.
enum Failure {
    /// The next try would fail in the same way.
    Lasting(Error),
    /// It may have passed by the next try.
    Passing(Error),
}

/// What one try comes to.
type Attempt<T> = std::result::Result<T, Failure>;

/// A client that copes.
struct Client<'a> {
    patience: Patience,
    stop: &'a Stop,
    cue: Box<dyn Fn(Cue) + 'a>,
}

impl<'a> Client<'a> {
    /// A client whose peer goes its own way.
    fn new(patience: Patience, stop: &'a Stop) -> Self {
        Self::with_cues(patience, stop, |_| {})
    }

    fn with_cues(patience: Patience, stop: &'a Stop, cue: impl Fn(Cue) + 'a) -> Self {
        Self { patience, stop, cue: Box::new(cue) }
    }

    // ANCHOR: retry
    /// A connection, after as many tries as it takes, but no more than allowed.
    fn connect(&self, host: &str, port: u16) -> Result<Connection<'_>> {
        let tries = self.patience.tries;
        let mut delay = self.patience.delay;
        let mut this = 1;
        loop {
            let blanks: [(_, &dyn Display); 4] =
                [("try", &this), ("tries", &tries), ("host", &host), ("port", &port)];
            note("robust-client.try", &blanks);
            let error = match self.try_once(host, port) {
                Ok(connection) => return Ok(connection),
                Err(Failure::Lasting(error)) => return Err(error),
                Err(Failure::Passing(error)) => error,
            };
            if this == tries {
                note("robust-client.given-up", &[("tries", &tries)]);
                return Err(error);
            }
            (self.cue)(Cue::TryFailed);
            note("robust-client.again", &[("delay", &rounded(delay))]);
            if self.stop.wait_for(delay) {
                return Err(Error::Interrupted);
            }
            delay = self.patience.after(delay);
            this += 1;
        }
    }
    // ANCHOR_END: retry

    // ANCHOR: try
    /// One try: the name is looked up again, and every address of it gets its chance.
    fn try_once(&self, host: &str, port: u16) -> Attempt<Connection<'_>> {
        let mut last = Error::failed("resolve.no-address", [("host", host.to_owned())]);
        for address in self.resolve(host, port)? {
            match Connection::open(self, address) {
                Ok(connection) => {
                    note("robust-client.connected", &[("address", &address)]);
                    (self.cue)(Cue::Connected);
                    return Ok(connection);
                }
                Err(Error::Interrupted) => return Err(Failure::Lasting(Error::Interrupted)),
                Err(error) => {
                    self.tell_apart(&error, address);
                    last = error;
                }
            }
        }
        Err(Failure::Passing(last))
    }
    // ANCHOR_END: try

    /// The addresses of the name. "No such name" will be so on the next try; "no answer for now" may not.
    fn resolve(&self, host: &str, port: u16) -> Attempt<Vec<SocketAddr>> {
        narrate::resolve(host, port, self.patience.connect).map_err(|failed| {
            let name = failed.error.name.into_owned();
            let about: [(_, &dyn Display); 2] = [("host", &host), ("error", &name)];
            let (words, kind): (_, fn(Error) -> Failure) = if failed.temporary {
                ("robust-client.name-passing", Failure::Passing)
            } else {
                ("robust-client.name-lasting", Failure::Lasting)
            };
            note(words, &about);
            kind(Error::Resolve { host: host.to_owned(), name, message: failed.error.message })
        })
    }

    /// Says what kind of failure it was. They differ in what they tell of the other end.
    fn tell_apart(&self, error: &Error, address: SocketAddr) {
        match error {
            Error::Call { source, .. } if source.kind() == ErrorKind::ConnectionRefused => {
                note("robust-client.refused", &[("address", &address)]);
            }
            Error::Call { call, source, .. } => {
                let words = Errno::of(source).map(|errno| errno.to_string());
                let words = words.unwrap_or_else(|| source.to_string());
                note("robust-client.failed", &[("call", call), ("error", &words)]);
            }
            _ => {
                let limit = rounded(self.patience.connect);
                note("robust-client.timed-out", &[("address", &address), ("limit", &limit)]);
            }
        }
    }
}

/// A time as a person reads it: whole milliseconds, or microseconds when it is shorter.
fn rounded(time: Duration) -> impl Display {
    let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let rounded = if micros < 1_000 { micros } else { micros / 1_000 * 1_000 };
    humantime::format_duration(Duration::from_micros(rounded))
}
