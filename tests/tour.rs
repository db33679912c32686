//! The tour plays every chapter by itself, and has three questions or more for each.

mod support;

use std::sync::{Arc, Mutex, OnceLock};

use clap::ValueEnum;
use nix::sys::signal::Signal;
use socklab::cli::Visit;
use socklab::narrate::Observer;
use socklab::narrate::event::{Event, Kind};
use socklab::reference;
use socklab::render::questions::Questions;
use support::program::{Program, socklab};

/// The whole tour, as it happened.
fn tour(chapters: &[&str]) -> Vec<Event> {
    let args = [&["tour", "--pace", "0s", "--format", "json"], chapters].concat();
    let finished = Program::run(socklab(&args)).finish();
    assert_eq!(finished.code, 0, "{:?}", finished.errors);
    finished.narration()
}

fn headings(events: &[Event]) -> Vec<String> {
    let heading = |event: &Event| match &event.kind {
        Kind::Note(note) if reference::note(&note.note).is_some_and(|text| text.heading) => {
            note.note.strip_prefix("tour.").map(str::to_owned)
        }
        _ => None,
    };
    events.iter().filter_map(heading).collect()
}

#[test]
fn every_chapter_is_visited_in_order() {
    let visited = headings(&tour(&[]));
    let mut all: Vec<String> = Visit::value_variants()
        .iter()
        .filter_map(|visit| Some(visit.to_possible_value()?.get_name().to_owned()))
        .filter(|chapter| chapter != "tcp-client")
        .collect();
    all.push("end".to_owned());
    assert_eq!(visited, all);
}

#[test]
fn a_chapter_can_be_visited_alone() {
    assert_eq!(headings(&tour(&["framing"])), ["framing", "end"]);
    assert_eq!(
        headings(&tour(&["tcp-client", "socket-types"])),
        ["socket-types", "tcp-server", "end"]
    );
}

/// Presses Enter at each question, and keeps what was asked.
#[derive(Default)]
struct Reader {
    questions: OnceLock<Arc<Questions>>,
    asked: Mutex<Vec<String>>,
}

impl Observer for Reader {
    fn observe(&self, event: &Event) {
        if let Kind::Note(note) = &event.kind
            && note.note == "ask.question"
        {
            let text = note.args.get("text").expect("a question").to_string();
            self.asked.lock().unwrap().push(text);
            self.questions.get().expect("the questions").press();
        }
    }
}

/// A question whose call has changed its name would never be asked.
#[test]
fn every_question_finds_its_call() {
    let reader = Arc::new(Reader::default());
    let questions = Questions::new(reader.clone());
    assert!(reader.questions.set(questions.clone()).is_ok());
    let mut events = tour(&[]);
    events.sort_by_key(|event| event.seq);
    for event in events {
        match &event.kind {
            Kind::Begin(_) => {}
            Kind::Call(ended) => {
                let begin = Kind::Begin(ended.call.clone());
                questions.observe(&Event { kind: begin, ..event.clone() });
                questions.observe(&event);
            }
            _ => questions.observe(&event),
        }
    }
    let asked = reader.asked.lock().unwrap();
    for visit in Visit::value_variants() {
        let chapter = visit.to_possible_value().expect("a name");
        let chapter = chapter.get_name();
        let wanted = reference::questions(chapter);
        assert!(chapter == "tcp-client" || wanted.len() >= 3, "{chapter} asks too little");
        for question in wanted {
            assert!(asked.contains(&question.ask), "{chapter} never asks: {}", question.ask);
        }
    }
}

#[test]
fn ctrl_c_ends_it_in_order() {
    let mut program =
        Program::run(socklab(&["tour", "tcp-server", "--pace", "200ms", "--format", "json"]));
    program.wait_for("a server that listens", |event| match &event.kind {
        Kind::Call(ended) if ended.call.call == "listen" => Some(()),
        _ => None,
    });
    program.signal(Signal::SIGINT);
    let finished = program.finish();
    assert_eq!(finished.code, 130, "{:?}", finished.errors);
}
