//! Lines for programs: one event a line, one JSON object each, flushed at once.
use std::sync::Arc;

use serde::Serialize;

use crate::narrate::Observer;
use crate::narrate::event::{Event, Kind, is_invisible};
use crate::reference;

use super::output::Output;
use super::words;

/// Writes events as JSON.
pub struct Json {
    output: Arc<Output>,
    stepped: bool,
}

/// An event, and for a note its words.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    event: &'a Event,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

impl Json {
    /// Writes to `output`. With `stepped`, every call's `begin` is told, otherwise only of those that may wait.
    pub fn new(output: Arc<Output>, stepped: bool) -> Self {
        Self { output, stepped }
    }
}

impl Observer for Json {
    fn observe(&self, event: &Event) {
        let text = match &event.kind {
            Kind::Begin(call) if !call.waits && !self.stepped => return,
            Kind::Note(note) => {
                Some(match reference::note(&note.note).and_then(|text| text.table.as_ref()) {
                    Some(table) => table.plain(),
                    None => words(&note.note, &note.args),
                })
            }
            _ => None,
        };
        match serde_json::to_string(&Line { event, text }) {
            Ok(line) => self.output.line(&escaped(&line)),
            Err(error) => tracing::error!(%error, "an event that is no JSON"),
        }
    }
}

/// The same JSON, with what a terminal would obey or hide written as `\u001b`: it may be read on one.
fn escaped(line: &str) -> String {
    let mut safe = String::with_capacity(line.len());
    for character in line.chars() {
        if is_invisible(character) {
            let mut units = [0; 2];
            safe.extend(
                character.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")),
            );
        } else {
            safe.push(character);
        }
    }
    safe
}
