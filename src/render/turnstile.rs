//! Pauses before calls, one thread at a time: `--pace` lets time pass, `--step` waits for Enter.
//!
//! A call's begin is told on the thread that is about to make it, and the call is made when the observer returns. So an
//! observer that waits holds the call back, and this is the one place where anybody waits for the reader.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::narrate::Observer;
use crate::narrate::event::{Event, Kind};

/// When stepping, a call that returns within this time is shown whole before the next one is announced.
const RETURNS_AT_ONCE: Duration = Duration::from_millis(50);

/// Holds calls back, then hands on to another observer.
pub struct Turnstile {
    inner: Arc<dyn Observer>,
    pace: Duration,
    step: bool,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Nobody is held any more.
    released: bool,
    /// The next call is made no earlier than this.
    next: Option<Instant>,
    /// How often Enter was pressed that let nobody through yet.
    presses: u64,
    /// Somebody stands in it.
    occupied: bool,
    /// Who was last let through, while that call has not returned.
    passed: Option<u64>,
}

impl Turnstile {
    /// Calls are at least `pace` apart; or, with `step`, each waits for a [`press`](Self::press).
    pub fn new(inner: Arc<dyn Observer>, pace: Duration, step: bool) -> Arc<Self> {
        let (state, changed) = Default::default();
        Arc::new(Self { inner, pace, step, state, changed })
    }

    /// Lets one call through: the one that waits, or the next one to come.
    pub fn press(&self) {
        self.lock().presses += 1;
        self.changed.notify_all();
    }

    /// Lets everybody through, from now on.
    pub fn release(&self) {
        self.lock().released = true;
        self.changed.notify_all();
    }

    /// Shows the call and waits until it may be made. Others who come meanwhile wait in front.
    fn wait_for_press(&self, event: &Event) {
        if self.enter().released {
            // Nobody waits for Enter any more, so nothing is said of it.
            return;
        }
        self.inner.observe(event);
        let mut state = self.wait_while(self.lock(), |state| state.presses == 0);
        state.presses = state.presses.saturating_sub(1);
        state.passed = Some(event.seq);
        state.occupied = false;
        self.changed.notify_all();
    }

    /// Becomes the one who stands in the turnstile, once the call before has returned or is known to wait.
    fn enter(&self) -> MutexGuard<'_, State> {
        let mut state = self.wait_while(self.lock(), |state| state.occupied);
        state.occupied = true;
        let waited = self.changed.wait_timeout_while(state, RETURNS_AT_ONCE, |state| {
            state.passed.is_some() && !state.released
        });
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Takes the next free moment, and waits for it.
    fn wait_for_pace(&self) {
        let mut state = self.lock();
        let mine = state.next.unwrap_or_else(Instant::now).max(Instant::now());
        state.next = Some(mine + self.pace);
        while !state.released
            && let left = mine.saturating_duration_since(Instant::now())
            && !left.is_zero()
        {
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits while `held` says so, but not once everybody is let through.
    fn wait_while<'a>(
        &self,
        state: MutexGuard<'a, State>,
        held: impl Fn(&State) -> bool,
    ) -> MutexGuard<'a, State> {
        let waited = self.changed.wait_while(state, |state| held(state) && !state.released);
        waited.unwrap_or_else(PoisonError::into_inner)
    }

    fn returned(&self, seq: u64) {
        let mut state = self.lock();
        if state.passed == Some(seq) {
            state.passed = None;
            self.changed.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Turnstile {
    fn observe(&self, event: &Event) {
        match event.kind {
            Kind::Begin(_) if self.step => {
                self.wait_for_press(event);
                return;
            }
            Kind::Begin(_) if !self.pace.is_zero() => self.wait_for_pace(),
            _ => {}
        }
        self.inner.observe(event);
        if self.step && matches!(event.kind, Kind::Call(_)) {
            self.returned(event.seq);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{self, Receiver, Sender};
    use std::thread;

    use super::*;
    use crate::narrate::event::{Call, Ended, SCHEMA};

    /// Tells what it observes: the sequence, and whether it is a begin.
    struct Told(Sender<(u64, bool)>);

    impl Observer for Told {
        fn observe(&self, event: &Event) {
            self.0.send((event.seq, matches!(event.kind, Kind::Begin(_)))).unwrap();
        }
    }

    fn turnstile(pace: Duration, step: bool) -> (Arc<Turnstile>, Receiver<(u64, bool)>) {
        let (told, heard) = mpsc::channel();
        (Turnstile::new(Arc::new(Told(told)), pace, step), heard)
    }

    fn event(seq: u64, begin: bool) -> Event {
        let (args, data, waits) = Default::default();
        let call = Call { call: "close".into(), fd: Some(3), args, data, waits };
        let (result, error, circumstance, elapsed_us, syscalls) = Default::default();
        let kind = if begin {
            Kind::Begin(call)
        } else {
            Kind::Call(Ended { call, result, error, circumstance, elapsed_us, syscalls })
        };
        Event { schema: SCHEMA.into(), seq, t_us: 0, tid: 0, actor: "server".into(), kind }
    }

    /// Makes one call on a thread of its own.
    fn call(turnstile: &Arc<Turnstile>, seq: u64) -> thread::JoinHandle<()> {
        let turnstile = Arc::clone(turnstile);
        thread::spawn(move || {
            turnstile.observe(&event(seq, true));
            turnstile.observe(&event(seq, false));
        })
    }

    #[test]
    fn a_stepped_call_is_shown_and_held_until_somebody_presses() {
        let (turnstile, heard) = turnstile(Duration::ZERO, true);
        let first = call(&turnstile, 1);
        assert_eq!(heard.recv().unwrap(), (1, true));
        let second = call(&turnstile, 2);
        assert!(heard.try_recv().is_err(), "nobody pressed");
        turnstile.press();
        first.join().unwrap();
        assert_eq!(heard.recv().unwrap(), (1, false), "shown whole before the next is announced");
        assert_eq!(heard.recv().unwrap(), (2, true));
        turnstile.press();
        second.join().unwrap();
        assert_eq!(heard.recv().unwrap(), (2, false));
    }

    #[test]
    fn releasing_lets_everybody_through() {
        for (pace, step) in [(Duration::ZERO, true), (Duration::from_secs(3600), false)] {
            let (turnstile, heard) = turnstile(pace, step);
            let calls: Vec<_> = (1..=5).map(|seq| call(&turnstile, seq)).collect();
            let first = heard.recv().unwrap();
            turnstile.release();
            calls.into_iter().for_each(|call| call.join().unwrap());
            call(&turnstile, 6).join().unwrap();
            let told = heard.try_iter().chain([first]);
            assert_eq!(told.filter(|&(_, begin)| !begin).count(), 6);
        }
    }

    #[test]
    fn calls_of_all_threads_are_a_pace_apart() {
        let pace = Duration::from_millis(20);
        let (turnstile, heard) = turnstile(pace, false);
        let started = Instant::now();
        let calls: Vec<_> = (1..=4).map(|seq| call(&turnstile, seq)).collect();
        calls.into_iter().for_each(|call| call.join().unwrap());
        assert!(started.elapsed() >= 3 * pace);
        assert_eq!(heard.try_iter().count(), 8);
    }

    #[test]
    fn nobody_is_held_without_pace_or_step() {
        let (turnstile, heard) = turnstile(Duration::ZERO, false);
        call(&turnstile, 1).join().unwrap();
        assert_eq!(heard.try_iter().count(), 2);
    }
}
