//! What a demo stands on besides its arguments: when to stop, where typed lines come from, how long a wait may last.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Given to every demo.
pub struct Stage {
    /// Ctrl-C, SIGTERM, or whoever runs the demo says that it should end.
    pub stop: Stop,
    /// The lines that somebody types or pipes in.
    pub input: Box<dyn Input>,
    /// How much longer than asked a demo waits, because its reader is given time between the calls.
    pub stretch: Stretch,
}

/// Where lines come from. A terminal implements it so that what is being typed and what is printed do not tear each other.
pub trait Input: Send {
    /// Hands each line to `deliver` as it comes, without its end, and at the end of the input `None`. Returns at once.
    fn start(&mut self, deliver: Box<dyn FnMut(Option<String>) + Send>);
}

/// No lines at all.
pub struct NoInput;

impl Input for NoInput {
    fn start(&mut self, mut deliver: Box<dyn FnMut(Option<String>) + Send>) {
        deliver(None);
    }
}

/// A request to end, made once, seen by all who hold a clone.
#[derive(Clone, Default)]
pub struct Stop(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    requested: bool,
    callbacks: Vec<Box<dyn FnOnce() + Send>>,
}

impl Stop {
    /// Asks everybody to end.
    pub fn request(&self) {
        let callbacks = {
            let mut state = self.state();
            state.requested = true;
            std::mem::take(&mut state.callbacks)
        };
        self.0.changed.notify_all();
        callbacks.into_iter().for_each(|callback| callback());
    }

    /// Whether somebody asked.
    pub fn requested(&self) -> bool {
        self.state().requested
    }

    /// Has `callback` called when somebody asks, on the thread that asks; at once if somebody has.
    pub fn on_request(&self, callback: impl FnOnce() + Send + 'static) {
        let mut state = self.state();
        if state.requested {
            drop(state);
            return callback();
        }
        state.callbacks.push(Box::new(callback));
    }

    /// Waits until somebody asks.
    pub fn wait(&self) {
        drop(self.0.changed.wait_while(self.state(), |state| !state.requested));
    }

    /// Waits for `time`, or less when somebody asks; says whether somebody did.
    pub fn wait_for(&self, time: Duration) -> bool {
        let waited =
            self.0.changed.wait_timeout_while(self.state(), time, |state| !state.requested);
        waited.unwrap_or_else(PoisonError::into_inner).0.requested
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// No wait grows beyond this.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// How waits grow with the pace at which calls are shown, so that nobody times out because somebody is reading.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stretch {
    /// Time-outs are multiplied by this.
    Times(u32),
    /// Every call waits for Enter: time-outs are a day.
    Stepped,
}

impl Stretch {
    /// The wait that stands in for `limit`.
    pub fn of(self, limit: Duration) -> Duration {
        match self {
            // At most a year: a clock must be able to add it.
            Self::Times(factor) => limit.saturating_mul(factor).min(LONGEST),
            Self::Stepped => limit.max(Duration::from_secs(24 * 60 * 60)),
        }
    }

    /// The wait that stands in for `time`, which no other end's call can shorten: it grows with the pace, but lasts no
    /// day because somebody must press Enter.
    pub fn of_pause(self, time: Duration) -> Duration {
        match self {
            Self::Times(_) => self.of(time),
            Self::Stepped => time,
        }
    }
}
