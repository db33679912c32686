//! `{{#run socklab …}}`: a recorded run as its transcript, which stepper.js plays call by call.

use std::collections::HashSet;
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
    let blocks = transcript::blocks(&recording.events);
    let begins = after_the_setup(&recording.events);
    let waited = waited(&blocks);
    for block in &blocks {
        let mut marks = String::new();
        if matches!(block.event.kind, Kind::Call(_)) && !waited.contains(&block.event.seq) {
            marks.push_str(" data-asks");
        }
        if begins.is_some_and(|begins| std::ptr::eq(begins, block.event)) {
            marks.push_str(" data-begins");
        }
        html.push_str(&item(block, &marks, &mut narration, page));
    }
    html + "</ol>" + &end(recording) + "</div>"
}

/// The calls that are shown waiting: what they return is asked by that.
fn waited(blocks: &[Block]) -> HashSet<u64> {
    let begun = blocks.iter().filter(|block| matches!(block.event.kind, Kind::Begin(_)));
    begun.map(|block| block.event.seq).collect()
}

/// The heading at which the story begins, when all before it is how one end gets ready.
fn after_the_setup(events: &[Event]) -> Option<&Event> {
    let heading = |event: &Event| match &event.kind {
        Kind::Note(note) => reference::note(&note.note).is_some_and(|text| text.heading),
        _ => false,
    };
    let (at, begins) = events.iter().enumerate().filter(|(_, event)| heading(event)).nth(1)?;
    let mut calls = events[..at].iter().filter_map(|event| match &event.kind {
        Kind::Call(ended) => Some((&event.actor, ended)),
        _ => None,
    });
    let (server, _) = calls.next()?;
    let is_quiet = calls.all(|(actor, ended)| actor == server && ended.call.data.is_none());
    (&**server == "server" && is_quiet).then_some(begins)
}

/// How the program ended, when not well: what it said on standard error, and its exit status.
fn end(recording: &Recording) -> String {
    let status = recording.events.iter().find_map(|event| match &event.kind {
        Kind::Done(done) if done.exit != 0 => Some(format!("exit status {}", done.exit)),
        _ => None,
    });
    let lines: Vec<String> = recording
        .errors
        .lines()
        .map(|line| format!("<span class=\"failed\">{}</span>", escape(line)))
        .chain(status)
        .collect();
    if lines.is_empty() {
        return String::new();
    }
    format!("<p class=\"run-end terminal\">{}</p>", lines.join("<br>"))
}

fn item(block: &Block, marks: &str, narration: &mut Narration, page: &Page) -> String {
    let lines: Vec<Vec<Part>> = block.text.lines().map(|line| narration.line(line)).collect();
    let mut item = format!("<li class=\"event\"{}{marks}>", attributes(block.event, &lines));
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
