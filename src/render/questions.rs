//! `--ask`: stops before the telling calls with a question, waits for Enter, and lets the kernel answer.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::narrate::Observer;
use crate::narrate::event::{Args, Call, Event, Kind, Note};
use crate::reference::{self, Question};

/// A heading of the tour names the chapter that begins: `tour.framing`.
const HEADING: &str = "tour.";

/// Asks the questions of `reference/` as their calls come, then hands on to another observer.
pub struct Questions {
    inner: Arc<dyn Observer>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    chapter: String,
    /// How many calls have fitted each question, by chapter and place in it.
    fitted: HashMap<(String, usize), usize>,
    /// What to say when the call of this sequence has returned.
    answers: HashMap<u64, &'static Question>,
    /// Somebody stands before a question: no other call is made.
    asking: bool,
    pressed: bool,
    released: bool,
}

impl Questions {
    /// Hands on to `inner`.
    pub fn new(inner: Arc<dyn Observer>) -> Arc<Self> {
        let (state, changed) = Default::default();
        Arc::new(Self { inner, state, changed })
    }

    /// Goes on after a question; says whether one was waiting.
    pub fn press(&self) -> bool {
        let mut state = self.lock();
        state.pressed = state.asking;
        self.changed.notify_all();
        state.asking
    }

    /// Asks nothing more, from now on.
    pub fn release(&self) {
        self.lock().released = true;
        self.changed.notify_all();
    }

    fn before(&self, event: &Event, call: &Call) {
        let waiting = self.changed.wait_while(self.lock(), |state| state.asking && !state.released);
        let mut state = waiting.unwrap_or_else(PoisonError::into_inner);
        let Some(question) = state.question(event, call).filter(|_| !state.released) else {
            return;
        };
        state.answers.insert(event.seq, question);
        (state.asking, state.pressed) = (true, false);
        drop(state);
        self.say(event, "ask.question", &question.ask);
        let held = self.changed.wait_while(self.lock(), |state| !state.pressed && !state.released);
        held.unwrap_or_else(PoisonError::into_inner).asking = false;
        self.changed.notify_all();
    }

    fn after(&self, event: &Event) {
        let question = self.lock().answers.remove(&event.seq);
        if let Some(question) = question {
            self.say(event, "ask.answer", &question.answer);
        }
    }

    /// A note in the place of `event`.
    fn say(&self, event: &Event, note: &'static str, text: &str) {
        let args = Args::default().with("text", text.to_owned());
        let kind = Kind::Note(Note { note: note.into(), args });
        self.inner.observe(&Event { kind, ..event.clone() });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The question that stands before this call, if any does.
    fn question(&mut self, event: &Event, call: &Call) -> Option<&'static Question> {
        let of_chapter = reference::questions(&self.chapter).iter().enumerate();
        let mut due = None;
        for (place, question) in of_chapter.filter(|(_, question)| belongs(question, event, call)) {
            let fitted = self.fitted.entry((self.chapter.clone(), place)).or_default();
            *fitted += 1;
            due = due.or((*fitted == question.nth).then_some(question));
        }
        due
    }
}

fn belongs(question: &Question, event: &Event, call: &Call) -> bool {
    let by = question.actor.as_deref().is_none_or(|actor| actor == &*event.actor);
    let with = |wanted: &str| call.args.iter().any(|(_, value)| value.to_string().contains(wanted));
    call.call == question.before && by && question.with.as_deref().is_none_or(with)
}

impl Observer for Questions {
    fn observe(&self, event: &Event) {
        match &event.kind {
            Kind::Begin(call) => self.before(event, call),
            Kind::Note(note) => {
                let heads = reference::note(&note.note).is_some_and(|text| text.heading);
                if let Some(chapter) = note.note.strip_prefix(HEADING).filter(|_| heads) {
                    chapter.clone_into(&mut self.lock().chapter);
                }
            }
            _ => {}
        }
        self.inner.observe(event);
        if let Kind::Call(_) = event.kind {
            self.after(event);
        }
    }
}
