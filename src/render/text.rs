//! Lines for people: each call as it returns, and the ones that wait once they have waited a moment.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::narrate::Observer;
use crate::narrate::event::{Call, Event, Kind};

use super::output::Output;
use super::page::Page;
use super::{Explain, call};

/// A call that has not returned after this long is shown as waiting.
const A_MOMENT: Duration = Duration::from_millis(100);

/// How the text is to be.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How many columns there are. Lines are laid out for 40 to 120 of them.
    pub width: usize,
    /// How much is explained.
    pub explain: Explain,
    /// Every call is shown before it is made, because somebody decides when it is.
    pub stepped: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { width: 80, explain: Explain::Short, stepped: false }
    }
}

/// Writes events as text.
pub struct Text {
    shared: Arc<Shared>,
    stepped: bool,
    timer: Option<JoinHandle<()>>,
}

struct Shared {
    output: Arc<Output>,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    page: Page,
    /// The oldest first.
    waiting: VecDeque<Waiting>,
    over: bool,
}

/// A call that has begun, and that is shown as waiting when it is `due`.
struct Waiting {
    seq: u64,
    actor: Arc<str>,
    pieces: Vec<String>,
    due: Instant,
}

impl Text {
    /// Writes to `output`.
    pub fn new(output: Arc<Output>, options: Options) -> Self {
        let page = Page::new(options.width, options.explain);
        let state = Mutex::new(State { page, waiting: VecDeque::new(), over: false });
        let shared = Arc::new(Shared { output, state, changed: Condvar::new() });
        let timers = Arc::clone(&shared);
        let timer = thread::Builder::new().name("waiting".into()).spawn(move || timers.keep_time());
        // Without the thread, calls are shown all the same: when they return.
        Self { shared, stepped: options.stepped, timer: timer.ok() }
    }
}

impl Drop for Text {
    fn drop(&mut self) {
        self.shared.lock().over = true;
        self.shared.changed.notify_all();
        if let Some(timer) = self.timer.take() {
            // It only waits and writes; had it panicked, the lines are what is missing.
            let _ = timer.join();
        }
    }
}

impl Observer for Text {
    fn observe(&self, event: &Event) {
        let mut state = self.shared.lock();
        let page = &mut state.page;
        let text = match &event.kind {
            Kind::Begin(call) if self.stepped => {
                page.begun(event.seq, &event.actor, call::pieces(call), "text.enter")
            }
            Kind::Begin(call) => return self.shared.begin(state, event, call),
            Kind::Call(ended) => {
                state.waiting.retain(|waiting| waiting.seq != event.seq);
                state.page.returned(event.seq, &event.actor, ended)
            }
            Kind::Note(note) => page.noted(&event.actor, note),
            Kind::Message(message) => page.said(&event.actor, message),
            Kind::State(state) => page.state(&event.actor, state),
            Kind::Resolve(resolve) => page.resolved(&event.actor, resolve),
            Kind::Done(done) => page.done(done),
        };
        // With the state locked: lines come out in the order in which the page was made.
        self.shared.output.line(&text);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, mut state: MutexGuard<'_, State>, event: &Event, call: &Call) {
        state.page.number(event.seq);
        if !call.waits {
            return;
        }
        if state.waiting.is_empty() {
            self.changed.notify_all();
        }
        let (seq, actor, due) = (event.seq, Arc::clone(&event.actor), Instant::now() + A_MOMENT);
        state.waiting.push_back(Waiting { seq, actor, pieces: call::pieces(call), due });
    }

    /// Shows calls as waiting when they are due, until it is over.
    fn keep_time(&self) {
        let mut state = self.lock();
        while !state.over {
            let now = Instant::now();
            state =
                match state.waiting.front().map(|first| first.due.saturating_duration_since(now)) {
                    None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                    Some(left) if left.is_zero() => {
                        self.show_waiting(&mut state);
                        state
                    }
                    Some(left) => {
                        let waited = self.changed.wait_timeout(state, left);
                        waited.unwrap_or_else(PoisonError::into_inner).0
                    }
                };
        }
    }

    fn show_waiting(&self, state: &mut State) {
        if let Some(Waiting { seq, actor, pieces, .. }) = state.waiting.pop_front() {
            self.output.line(&state.page.begun(seq, &actor, pieces, "text.waiting"));
        }
    }
}
