//! `{{#run socklab …}}`: a recorded run as its transcript, which stepper.js plays call by call.

use std::fmt::Write;

use socklab::narrate::event::{Event, Kind};
use socklab::reference;

use crate::html::escape;
use crate::narration::{Narration, Part};
use crate::page::Page;
use crate::recording::Recording;
use crate::transcript::{self, Block};

/// The page of the calls.
const CALLS: &str = "appendix/calls.md";

/// The whole transcript, one list item for each event.
pub fn html(recording: &Recording, page: &Page) -> String {
    let command = escape(&recording.command);
    let mut html = format!(
        "<div class=\"run\" role=\"group\" aria-label=\"Recorded run: {command}\">\
         <p class=\"run-caption\"><span class=\"prompt\">$</span> <span class=\"command\">{command}</span></p>\
         <ol class=\"run-events terminal\" tabindex=\"0\" aria-label=\"Transcript of {command}\">"
    );
    let mut narration = Narration::default();
    for block in transcript::blocks(&recording.events) {
        html.push_str(&item(&block, &mut narration, page));
    }
    html + "</ol></div>"
}

fn item(block: &Block, narration: &mut Narration, page: &Page) -> String {
    let lines: Vec<Vec<Part>> = block.text.lines().map(|line| narration.line(line)).collect();
    let mut item = format!("<li class=\"event\"{}>", attributes(block.event, &lines));
    for (index, line) in lines.iter().enumerate() {
        if index > 0 {
            item.push_str("&#10;");
        }
        item.push_str(&spans(line, page));
    }
    item + "</li>"
}

/// What the style sheet and the stepper want to know of an event.
fn attributes(event: &Event, lines: &[Vec<Part>]) -> String {
    let mut attributes = String::new();
    _ = write!(
        attributes,
        " data-kind=\"{}\" data-actor=\"{}\"",
        kind(&event.kind),
        escape(&event.actor)
    );
    if let Some(number) = number(lines) {
        _ = write!(attributes, " data-call=\"{number}\"");
    }
    if let Kind::Call(ended) = &event.kind {
        if ended.error.is_some() {
            attributes.push_str(" data-failed");
        }
        if let Some(circumstance) = ended.circumstance {
            _ = write!(attributes, " data-circumstance=\"{}\"", circumstance.name());
        }
        _ = write!(attributes, " data-why=\"{}\"", escape(&why(event)));
    }
    attributes
}

fn kind(kind: &Kind) -> &'static str {
    match kind {
        Kind::Begin(_) => "begin",
        Kind::Call(_) => "call",
        Kind::Note(_) => "note",
        Kind::Message(_) => "message",
        Kind::State(_) => "state",
        Kind::Resolve(_) => "resolve",
        Kind::Done(_) => "done",
    }
}

fn number(lines: &[Vec<Part>]) -> Option<u64> {
    lines.iter().flatten().find(|part| part.class == "number")?.text.trim().parse().ok()
}

/// The sentence for this call, whether or not the transcript gives it here.
fn why(event: &Event) -> String {
    let (mut narration, mut words) = (Narration::default(), Vec::new());
    for line in transcript::alone(event).lines() {
        let parts = narration.line(line);
        words.extend(parts.into_iter().filter(|part| part.class == "why").map(|part| part.text));
    }
    words.join(" ")
}

/// A line's parts, each in its own span. The name of a call leads to what the reference says of it.
pub fn spans(line: &[Part], page: &Page) -> String {
    let mut html = String::new();
    for Part { class, text } in line {
        let text = escape(text);
        html.push_str(&match class.as_str() {
            "" => text,
            "call" => call(&text, page),
            class => format!("<span class=\"{class}\">{text}</span>"),
        });
    }
    html
}

fn call(name: &str, page: &Page) -> String {
    let known = reference::entries(reference::Kind::Calls).any(|entry| entry.name == name);
    if known && page.knows(CALLS) {
        let target = page.link(CALLS);
        format!("<a class=\"call\" href=\"{target}#{name}\">{name}</a>")
    } else {
        format!("<span class=\"call\">{name}</span>")
    }
}
