//! `--quiet`: only what was said, and the notes that somebody who asked for quiet still needs (where a server listens).

use std::sync::Arc;

use crate::narrate::Observer;
use crate::narrate::event::{Event, Kind};
use crate::reference;

/// Hands on messages and the notes marked `quiet`, nothing else.
pub struct Quiet {
    inner: Arc<dyn Observer>,
}

impl Quiet {
    /// Hands on to `inner`.
    pub fn new(inner: Arc<dyn Observer>) -> Self {
        Self { inner }
    }
}

impl Observer for Quiet {
    fn observe(&self, event: &Event) {
        let needed = match &event.kind {
            Kind::Message(_) => true,
            Kind::Note(note) => reference::note(&note.note).is_some_and(|text| text.quiet),
            _ => false,
        };
        if needed {
            self.inner.observe(event);
        }
    }
}
