//! The rows and lanes of the diagram: who did what, in the order in which it was over.

use std::collections::HashMap;

use anyhow::{Result, bail};
use socklab::narrate::event::{Event, Kind, State};

use super::label;
use crate::actors::places;

/// The diagram without its arrows.
#[derive(Default)]
pub struct Rows {
    /// One for each program: threads of one (`server/1`) share its lane.
    pub lanes: Vec<Lane>,
    /// From the top.
    pub rows: Vec<Row>,
    /// Where each call (by its sequence number) begins and ends.
    pub spans: HashMap<u64, Span>,
}

/// Who acts.
pub struct Lane {
    /// The name of the program: `server`.
    pub name: String,
    /// Its place among the terminal's actors, which have their colours by it.
    pub place: usize,
}

/// One thing that happened.
pub struct Row {
    /// Whose lane it is on.
    pub lane: usize,
    /// The thread, if it has a name of its own: `1w` of `server/1w`.
    pub thread: String,
    /// A few words.
    pub text: String,
    /// What it is.
    pub kind: RowKind,
}

/// What a row shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowKind {
    /// A call that succeeded.
    Call,
    /// A call that failed.
    Failed,
    /// A call that had to wait no longer than it may: a time-out, or a socket that is not to block.
    Limited,
    /// A TCP state.
    State,
}

/// The rows between which a call was under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The row above which it began.
    pub from: usize,
    /// The row in which it returned.
    pub to: usize,
}

/// Makes the rows of `events`.
///
/// # Errors
/// There is nothing to show.
pub fn rows(events: &[Event]) -> Result<Rows> {
    let mut rows = Rows::default();
    let places = places(events);
    let mut begun: Vec<(u64, &Event, usize)> = Vec::new();
    let mut states = HashMap::new();
    for event in events {
        let next = rows.rows.len();
        match &event.kind {
            Kind::Begin(_) => begun.push((event.seq, event, next)),
            Kind::Call(ended) => {
                let from = begun.iter().position(|(seq, ..)| *seq == event.seq);
                let from = from.map_or(next, |index| begun.swap_remove(index).2);
                rows.spans.insert(event.seq, Span { from, to: next });
                rows.push(&places, &event.actor, label::call(ended), label::kind(ended));
            }
            Kind::Resolve(resolve) => {
                let (text, kind) = label::lookup(resolve);
                rows.push(&places, &event.actor, text, kind);
            }
            Kind::State(state) if is_new(&mut states, &event.actor, state) => {
                let name = state.state.as_deref().unwrap_or("gone").to_owned();
                rows.push(&places, &event.actor, name, RowKind::State);
            }
            _ => {}
        }
    }
    for (seq, event, from) in begun {
        rows.spans.insert(seq, Span { from, to: rows.rows.len() });
        rows.push(&places, &event.actor, label::unfinished(event), RowKind::Limited);
    }
    if rows.rows.is_empty() {
        bail!("the recording has no calls");
    }
    Ok(rows)
}

impl Rows {
    fn push(&mut self, places: &HashMap<&str, usize>, actor: &str, text: String, kind: RowKind) {
        let (name, thread) = actor.split_once('/').unwrap_or((actor, ""));
        let lane = self.lanes.iter().position(|lane| lane.name == name).unwrap_or_else(|| {
            let place = places.get(actor).copied().unwrap_or_default();
            self.lanes.push(Lane { name: name.to_owned(), place });
            self.lanes.len() - 1
        });
        self.rows.push(Row { lane, thread: thread.to_owned(), text, kind });
    }
}

/// Whether this end of a connection is in another state than when it was last asked.
fn is_new<'a>(
    states: &mut HashMap<(&'a str, &'a str), &'a str>,
    actor: &'a str,
    state: &'a State,
) -> bool {
    let name = state.state.as_deref().unwrap_or_default();
    states.insert((actor, &state.local), name) != Some(name)
}
