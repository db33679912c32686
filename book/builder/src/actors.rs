//! Who has which colour: whoever plays the same part has the same one, on every page, in transcripts and in pictures.

use socklab::narrate::event::{Event, Kind};
use socklab::reference;

/// The classes of those whose part their name tells. Who tells the story has the plain one.
const PARTS: [(&str, usize); 7] = [
    ("client", 1),
    ("sender", 1),
    ("server", 2),
    ("peer", 2),
    ("receiver", 2),
    ("monitor", 2),
    ("socklab", 8),
];

/// The classes of all others, as they come.
const OTHERS: std::ops::RangeInclusive<usize> = 3..=7;

/// The actors of a run whose names do not tell their part, in the order in which the terminal shows them.
#[derive(Default)]
pub struct Cast {
    others: Vec<String>,
}

impl Cast {
    /// All who act in `events`.
    pub fn of(events: &[Event]) -> Self {
        let mut cast = Self::default();
        for event in events.iter().filter(|event| has_a_margin(event)) {
            cast.class(&event.actor);
        }
        cast
    }

    /// The style sheet's class for an actor. The threads of a program (`server/1`) have the same.
    pub fn class(&mut self, actor: &str) -> String {
        let program = actor.split('/').next().unwrap_or(actor);
        let part = PARTS.iter().find(|(name, _)| *name == program).map(|(_, class)| *class);
        let class = part.unwrap_or_else(|| {
            let place = self.others.iter().position(|other| other == program);
            let place = place.unwrap_or_else(|| {
                self.others.push(program.to_owned());
                self.others.len() - 1
            });
            OTHERS.start() + place % OTHERS.count()
        });
        format!("actor-{class}")
    }
}

/// Headings and tables are nobody's.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_has_its_colour_whoever_comes_first() {
        let mut cast = Cast::default();
        let classes = ["lin", "server/1w", "client", "mei/r", "lin/r"].map(|name| cast.class(name));
        assert_eq!(classes, ["actor-3", "actor-2", "actor-1", "actor-4", "actor-3"]);
        assert_eq!(Cast::default().class("peer"), "actor-2");
    }
}
