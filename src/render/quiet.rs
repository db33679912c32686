//! `--quiet`: only what was said, and the notes that somebody who asked for quiet still needs (where a server listens).

use std::sync::Arc;

use crate::narrate::Observer;
use crate::narrate::event::{Event, Kind};
use crate::reference;

/// Hands on messages and the notes marked `quiet`, nothing else.
pub struct Quiet {
    inner: Arc<dyn Observer>,
    anonymous: bool,
}

impl Quiet {
    /// Hands on to `inner`; when `anonymous`, without saying on which of the program's threads it happened.
    pub fn new(inner: Arc<dyn Observer>, anonymous: bool) -> Self {
        Self { inner, anonymous }
    }
}

impl Observer for Quiet {
    fn observe(&self, event: &Event) {
        let needed = match &event.kind {
            Kind::Message(_) => true,
            Kind::Note(note) => reference::note(&note.note).is_some_and(|text| text.quiet),
            _ => false,
        };
        if !needed {
            return;
        }
        if self.anonymous {
            self.inner.observe(&Event { actor: "".into(), ..event.clone() });
        } else {
            self.inner.observe(event);
        }
    }
}
