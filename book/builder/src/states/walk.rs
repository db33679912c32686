//! The states that each end of each connection was seen in, one after the other.

use std::collections::HashMap;

use anyhow::{Context, Result, bail};
use socklab::narrate::event::{Event, Kind};

use super::diagram::{self, Place};
use crate::actors::{class, places};

/// One end was seen in a state.
pub struct Step {
    /// Which actor's end, among those of the walk.
    pub actor: usize,
    /// Where it was seen before. Nothing when it is seen for the first time.
    pub from: Option<&'static Place>,
    /// Where it is now.
    pub to: &'static Place,
}

impl Step {
    /// Whether the diagram has no way between the two.
    pub fn is_leap(&self) -> bool {
        self.from.is_some_and(|from| diagram::way_between(from.name, self.to.name).is_none())
    }
}

/// Whose end it is.
pub struct Actor {
    /// `client`
    pub name: String,
    /// The class of its colour.
    pub class: String,
}

/// All steps of a run, in order.
pub struct Walk {
    /// Whose ends they are, in the order in which they are first seen.
    pub actors: Vec<Actor>,
    /// In the order in which they were seen.
    pub steps: Vec<Step>,
}

/// Reads the walk from what the kernel was asked.
///
/// # Errors
/// It was not asked, or a state has no place in the diagram.
pub fn walk(events: &[Event]) -> Result<Walk> {
    let mut walk = Walk { actors: Vec::new(), steps: Vec::new() };
    let places = places(events);
    let mut seen: HashMap<(&str, &str), &'static Place> = HashMap::new();
    for event in events {
        let Kind::State(state) = &event.kind else { continue };
        let name = state.state.as_deref().unwrap_or("CLOSED");
        let to = diagram::place(name).with_context(|| format!("{name} is not in the diagram"))?;
        let from = seen.insert((&state.local, &state.peer), to);
        if from.is_none_or(|from| from.name != to.name) {
            let actor = walk.actor(&event.actor, places[&*event.actor]);
            walk.steps.push(Step { actor, from, to });
        }
    }
    if walk.steps.is_empty() {
        bail!("the recording tells of no TCP states");
    }
    Ok(walk)
}

impl Walk {
    fn actor(&mut self, name: &str, place: usize) -> usize {
        self.actors.iter().position(|known| known.name == name).unwrap_or_else(|| {
            self.actors.push(Actor { name: name.to_owned(), class: class(place) });
            self.actors.len() - 1
        })
    }
}

#[cfg(test)]
mod tests {
    use socklab::narrate::event::{SCHEMA, State};

    use super::*;

    fn seen(actor: &str, local: &'static str, state: Option<&'static str>) -> Event {
        let state = state.map(Into::into);
        let kind = State { local: local.into(), peer: "p".into(), state, observer_tid: None };
        Event {
            schema: SCHEMA.into(),
            seq: 1,
            t_us: 0,
            tid: 0,
            actor: actor.into(),
            kind: Kind::State(kind),
        }
    }

    #[test]
    fn only_changes_are_steps_and_each_connection_has_its_own() {
        let events = [
            seen("client", "a", Some("ESTABLISHED")),
            seen("server", "b", Some("ESTABLISHED")),
            seen("client", "a", Some("ESTABLISHED")),
            seen("client", "a", None),
            seen("client", "c", Some("ESTABLISHED")),
        ];
        let walk = walk(&events).unwrap();
        let steps: Vec<_> = walk
            .steps
            .iter()
            .map(|step| (step.actor, step.from.map(|from| from.name), step.to.name))
            .collect();
        assert_eq!(
            steps,
            [
                (0, None, "ESTABLISHED"),
                (1, None, "ESTABLISHED"),
                (0, Some("ESTABLISHED"), "CLOSED"),
                (0, None, "ESTABLISHED"),
            ]
        );
    }

    #[test]
    fn a_run_without_states_or_with_an_unknown_one_is_refused() {
        assert!(walk(&[]).is_err());
        assert!(walk(&[seen("client", "a", Some("ASLEEP"))]).is_err());
    }
}
