//! Every run that the book plays back, `{{#run socklab graceful-close abrupt}}`, is recorded in `book/runs`; here the
//! program runs again, and each actor must do the same.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::PathBuf;

use snapbox::assert::Action;
use snapbox::report::Palette;
use snapbox::{Assert, Data, IntoData};
use socklab::narrate::event::{Event, Kind};

use crate::network::Network;
use crate::pages::{files, pages, project};
use crate::support::drawn::each_apart;
use crate::support::placeholders::{differing, settled};
use crate::support::program::Program;
use crate::support::skipped;
use crate::{nothing_to_complain_about, recording};

/// The commands of which pages show a run: as a transcript to step through, or in a picture.
fn commands() -> BTreeSet<String> {
    let of =
        |directive| pages().into_iter().flat_map(move |page| owned(page.directives(directive)));
    ["run", "sequence", "states"].into_iter().flat_map(of).collect()
}

fn owned(commands: Vec<&str>) -> Vec<String> {
    commands.into_iter().map(str::to_owned).collect()
}

/// Where the run of a command is recorded: `book/runs/graceful-close-abrupt.jsonl`.
fn recorded(command: &str) -> PathBuf {
    let (_, args) = command.split_once("socklab ").expect("a run of socklab");
    let words = args.split(|it: char| !it.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let name = words.collect::<Vec<_>>().join("-");
    project().join("book/runs").join(name + ".jsonl")
}

fn events(text: &str) -> Vec<Event> {
    let event = |line| serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {line}"));
    text.lines().map(event).collect()
}

/// What each actor did in these events.
fn story(events: &[Event]) -> String {
    settled(&each_apart(&numbered_anew(events)), differing())
}

/// The events with descriptors that each actor counts for itself: of two threads, whoever comes first has the lower one.
fn numbered_anew(events: &[Event]) -> Vec<Event> {
    let mut numbers = HashMap::new();
    let mut next = HashMap::new();
    let mut events = events.to_vec();
    for event in &mut events {
        let actor = event.actor.clone();
        let mut anew = |fd: i64| {
            let next = next.entry(actor.clone()).or_insert(100);
            *numbers
                .entry((actor.clone(), fd))
                .or_insert_with(|| std::mem::replace(next, *next + 1))
        };
        let Kind::Call(ended) = &mut event.kind else { continue };
        let fd = ended.call.fd;
        ended.call.fd = fd.map(&mut anew);
        if ["socket", "accept"].contains(&&*ended.call.call) && ended.result >= 0 {
            ended.result = anew(ended.result);
        }
        if let Some(fd) = fd.filter(|_| ended.call.call == "close") {
            numbers.remove(&(actor, fd));
        }
    }
    events
}

fn check(command: &str, network: &Network) -> Result<(), String> {
    let line = format!("{command} --format json");
    let finished = Program::run(network.shell(&line)).finish();
    let today = finished.text() + "\n";
    let path = recorded(command);
    let then = fs::read_to_string(&path).unwrap_or_default();
    let (shown, seen) = (story(&events(&then)), story(&events(&today)));
    if shown == seen {
        return Ok(());
    }
    if recording() {
        return fs::write(&path, today).map_err(|why| format!("{}: {why}", path.display()));
    }
    let assert = Assert::new().action(Action::Verify).palette(Palette::plain());
    let same = assert.try_eq(Some(&command), seen.into_data().raw(), Data::text(shown).raw());
    same.map_err(|why| format!("{}\n{why}", path.display()))
}

#[test]
fn every_recorded_run_is_what_the_program_does_today() {
    let network = match Network::new() {
        Ok(network) => network,
        Err(why) => return skipped(&why),
    };
    let commands = commands();
    let complaints = commands.iter().filter_map(|command| check(command, &network).err());
    nothing_to_complain_about(&complaints.collect::<Vec<_>>());
}

#[test]
fn every_recording_is_shown() {
    let shown: BTreeSet<PathBuf> = commands().iter().map(|command| recorded(command)).collect();
    let kept: BTreeSet<PathBuf> =
        files(&project().join("book/runs"), "jsonl").into_iter().collect();
    assert_eq!(kept.difference(&shown).collect::<Vec<_>>(), Vec::<&PathBuf>::new());
}
