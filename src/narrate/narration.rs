//! Who is speaking, and who listens.
//!
//! A [`Narration`] numbers and times what happens and hands it to its [`Observer`]. Which narration a thread belongs to,
//! and as which actor, is kept for the thread: [`perform`] sets it, [`spawn`] passes it on. So code that makes calls
//! carries nothing around, and two narrations in one process do not mix.

use std::cell::RefCell;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use super::event::{
    Args, Call, Done, Ended, Event, Kind, Message, Name, Note, SCHEMA, State, micros,
};

/// Is told everything that happens, as it happens, on the thread on which it happens.
///
/// A call's [`Kind::Begin`] comes before the call is made: an observer that does not return yet holds the call back.
pub trait Observer: Send + Sync {
    /// Something happened, or is about to.
    fn observe(&self, event: &Event);
}

/// Numbers and times what happens, and tells an observer.
pub struct Narration {
    observer: Arc<dyn Observer>,
    calls_too: bool,
    started: Instant,
    seq: AtomicU64,
    calls: AtomicU64,
    failed: AtomicU64,
}

impl Narration {
    /// A narration of everything: calls, notes, messages.
    pub fn new(observer: Arc<dyn Observer>) -> Arc<Self> {
        Self::with(observer, true)
    }

    /// A narration without the calls: sockets made in it stay silent, and cost what plain ones cost.
    pub fn without_calls(observer: Arc<dyn Observer>) -> Arc<Self> {
        Self::with(observer, false)
    }

    fn with(observer: Arc<dyn Observer>, calls_too: bool) -> Arc<Self> {
        let (seq, calls, failed) = Default::default();
        Arc::new(Self { observer, calls_too, started: Instant::now(), seq, calls, failed })
    }

    /// Says that the narration is over, with the program's exit status.
    pub fn done(&self, exit: i32) {
        let (calls, failed) =
            (self.calls.load(Ordering::Relaxed), self.failed.load(Ordering::Relaxed));
        self.tell(Kind::Done(Done {
            calls,
            failed,
            exit,
            elapsed_us: micros(self.started.elapsed()),
        }));
    }

    /// Tells that `call` is about to be made. The observer may take its time.
    pub(super) fn begin(&self, call: Call) -> Event {
        let event = self.event(Kind::Begin(call));
        self.observer.observe(&event);
        event
    }

    /// Tells how the call that `begun` announced came out.
    pub(super) fn end(&self, begun: Event, ended: Ended) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.failed.fetch_add(u64::from(ended.error.is_some()), Ordering::Relaxed);
        self.observer.observe(&Event { kind: Kind::Call(ended), ..begun });
    }

    pub(super) fn tell(&self, kind: Kind) {
        self.observer.observe(&self.event(kind));
    }

    fn event(&self, kind: Kind) -> Event {
        Event {
            schema: Name::Borrowed(SCHEMA),
            seq: self.seq.fetch_add(1, Ordering::Relaxed) + 1,
            t_us: micros(self.started.elapsed()),
            tid: thread_id(),
            actor: actor(),
            kind,
        }
    }
}

/// What a thread belongs to.
#[derive(Clone)]
struct Part {
    narration: Option<Arc<Narration>>,
    actor: Arc<str>,
}

thread_local! {
    static PART: RefCell<Part> = RefCell::new(Part { narration: None, actor: Arc::from("") });
}

fn part() -> Part {
    PART.with_borrow(Part::clone)
}

/// The name under which this thread acts.
pub fn actor() -> Arc<str> {
    PART.with_borrow(|part| part.actor.clone())
}

/// The narration for the calls made on this thread; `None` when they are not narrated.
pub(super) fn of_calls() -> Option<Arc<Narration>> {
    PART.with_borrow(|part| part.narration.clone().filter(|narration| narration.calls_too))
}

/// The narration that this thread belongs to.
pub(super) fn of_thread() -> Option<Arc<Narration>> {
    PART.with_borrow(|part| part.narration.clone())
}

/// Does `play` on this thread as part of `narration` (`None`: silently), under the name `actor`.
pub fn perform<T>(narration: Option<Arc<Narration>>, actor: &str, play: impl FnOnce() -> T) -> T {
    let before = PART.replace(Part { narration, actor: actor.into() });
    let outcome = play();
    PART.set(before);
    outcome
}

/// Does `play` on this thread under the name `actor`, in the narration that the thread belongs to.
pub fn acting_as<T>(actor: &str, play: impl FnOnce() -> T) -> T {
    perform(of_thread(), actor, play)
}

/// Starts a thread that goes on in this thread's narration, under the name `actor` (which is also the thread's name).
///
/// # Errors
/// Those of [`thread::Builder::spawn`]: no more threads are to be had.
pub fn spawn<T: Send + 'static>(
    actor: &str,
    play: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    let part = Part { actor: actor.into(), ..part() };
    thread::Builder::new().name(actor.to_owned()).spawn(move || {
        PART.set(part);
        play()
    })
}

/// A note for the reader: `note` names the words in `reference/`, `blanks` what to fill in.
pub fn note(note: &'static str, blanks: &[(&'static str, &dyn fmt::Display)]) {
    let Some(narration) = of_thread() else { return };
    let blanks = blanks.iter().map(|(name, value)| (*name, value.to_string()));
    let args = blanks.fold(Args::default(), |args, (name, value)| args.with(name, value));
    narration.tell(Kind::Note(Note { note: note.into(), args }));
}

/// A line of chat: whose words (`None`: the server's own), and the words.
pub fn message(from: Option<&str>, text: &str) {
    if let Some(narration) = of_thread() {
        narration
            .tell(Kind::Message(Message { from: from.map(str::to_owned), text: text.to_owned() }));
    }
}

/// The state of a TCP connection, as the kernel told it.
pub fn state(state: State) {
    if let Some(narration) = of_thread() {
        narration.tell(Kind::State(state));
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn thread_id() -> u64 {
    u64::try_from(nix::unistd::gettid().as_raw()).unwrap_or(0)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn thread_id() -> u64 {
    0
}
