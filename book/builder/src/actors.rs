//! Who has which colour: the same in every picture of a run as in its transcript.

use std::collections::HashMap;

use socklab::narrate::event::{Event, Kind};
use socklab::reference;

/// How many marks, and so classes of colours, there are.
const CLASSES: usize = 8;

/// In which order the terminal shows the actors for the first time. Headings and tables are nobody's.
pub fn places(events: &[Event]) -> HashMap<&str, usize> {
    let mut places = HashMap::new();
    for event in events.iter().filter(|event| has_a_margin(event)) {
        let next = places.len();
        places.entry(event.actor.as_ref()).or_insert(next);
    }
    places
}

/// The style sheet's class for an actor.
pub fn class(place: usize) -> String {
    format!("actor-{}", place % CLASSES + 1)
}

fn has_a_margin(event: &Event) -> bool {
    match &event.kind {
        // Shown when it has waited a moment. Who waits longer than others act was there before.
        Kind::Begin(_) | Kind::Done(_) => false,
        Kind::Note(note) => {
            reference::note(&note.note).is_none_or(|text| !text.heading && text.table.is_none())
        }
        _ => true,
    }
}
