//! The text that the renderer makes of events, with all that the kernel and the scheduler may do one way or another done
//! in one way: how a stream is cut, how much a buffer holds, how long things take.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, mpsc};

use socklab::narrate::Observer;
use socklab::narrate::event::{Call, Circumstance, Ended, Event, Kind, Note, Value};
use socklab::render::output::Output;
use socklab::render::text::{Options, Text};

/// A number of bytes that is left open.
const OPEN: i64 = 99_999;

/// The text of these events. What depends on the clock is left out: which calls are shown waiting, how long they took.
pub fn drawn(events: Vec<Event>, choices: &[i64]) -> String {
    colored::control::set_override(false);
    let (lines, written) = mpsc::channel();
    let output = Output::new(Box::new(io::sink()));
    output.set_sink(Box::new(move |text| lines.send(text.to_owned()).map_err(io::Error::other)));
    let text = Text::new(output, Options::default());
    for event in without_passing_states(whole(events)) {
        if !matches!(event.kind, Kind::Done(_)) && !is_left_to_the_buffer(&event) {
            text.observe(&without(choices, event));
        }
    }
    drop(text);
    written.iter().collect::<String>().replace(&OPEN.to_string(), "[BYTES]")
}

/// The text of the events of each actor in their order. Between two threads that race, nobody promises one.
pub fn each_apart(events: &[Event]) -> String {
    let actors: BTreeSet<Arc<str>> = events.iter().map(|event| event.actor.clone()).collect();
    let choices = kernels_choices(events);
    let part = |actor: &Arc<str>| {
        let own = events.iter().filter(|event| event.actor == *actor).cloned().collect();
        format!("══ {actor} ══\n{}\n", drawn(own, &choices))
    };
    actors.iter().filter(|actor| !actor.is_empty()).map(part).collect()
}

/// Of a flood of datagrams the first is received, and the one after it. How many more find room is the kernel's choice.
fn is_left_to_the_buffer(event: &Event) -> bool {
    let Kind::Call(ended) = &event.kind else { return false };
    let data = ended.call.data.as_ref().filter(|_| ended.call.call == "recvfrom");
    let number = data.and_then(|data| data.bytes.strip_prefix(b"beat flood "));
    number.is_some_and(|number| number != b"1" && number != b"7")
}

/// In how many pieces TCP takes and hands out bytes is not promised. Here it does each in one.
fn whole(events: Vec<Event>) -> Vec<Event> {
    let (mut story, mut run) = (Vec::new(), Vec::new());
    let returned = events.into_iter().filter(|event| !matches!(event.kind, Kind::Begin(_)));
    for event in returned {
        if is_traffic(&event) {
            run.push(event);
        } else {
            story.extend(in_one_piece(std::mem::take(&mut run)));
            story.push(event);
        }
    }
    story.extend(in_one_piece(run));
    story
}

fn is_traffic(event: &Event) -> bool {
    match &event.kind {
        Kind::Call(ended) => ["send", "recv", "poll", "shutdown"].contains(&&*ended.call.call),
        Kind::State(_) => true,
        _ => false,
    }
}

/// The first piece becomes the whole; with the other pieces go the waits between them.
fn in_one_piece(run: Vec<Event>) -> Vec<Event> {
    let last = run.iter().rposition(|event| moved(event).is_some());
    let (all, mut kept) = (run.len(), Vec::<(usize, Event)>::new());
    for (index, event) in run.into_iter().enumerate() {
        let first = kept.iter_mut().find_map(|(_, earlier)| continued(earlier, &event));
        match (first, moved(&event)) {
            (Some(first), Some(piece)) => add(first, piece),
            _ => kept.push((index, event)),
        }
    }
    if kept.len() < all {
        kept.retain(|(index, event)| last < Some(*index) || !waits_for_its_turn(event));
    }
    kept.into_iter().map(|(_, event)| without_rest(event)).collect()
}

/// The call, if bytes went through the socket.
fn moved(event: &Event) -> Option<&Ended> {
    match &event.kind {
        Kind::Call(ended) if ended.result > 0 && ended.call.data.is_some() => Some(ended),
        _ => None,
    }
}

/// The `earlier` call, if `event` goes on with what that had begun.
fn continued<'a>(earlier: &'a mut Event, event: &Event) -> Option<&'a mut Ended> {
    let (first, piece) = (moved(earlier)?, moved(event)?);
    let same = (&first.call.call, first.call.fd) == (&piece.call.call, piece.call.fd);
    let unfinished = first.call.call == "recv" || first.circumstance == Some(Circumstance::Partial);
    let goes_on = same && unfinished && earlier.actor == event.actor;
    match &mut earlier.kind {
        Kind::Call(ended) if goes_on => Some(ended),
        _ => None,
    }
}

fn add(first: &mut Ended, piece: &Ended) {
    first.result += piece.result;
    let sends = first.call.call == "send";
    first.circumstance = piece.circumstance.filter(|_| sends);
    if let (Some(data), Some(more)) = (&mut first.call.data, &piece.call.data) {
        data.len += more.len;
        data.bytes.extend(&more.bytes);
    }
}

/// What a call that found no room was to send is what others had left of it.
fn without_rest(mut event: Event) -> Event {
    if let Kind::Call(ended) = &mut event.kind
        && ended.circumstance == Some(Circumstance::WouldBlock)
    {
        ended.call.args.set("len", "[BYTES]");
    }
    event
}

fn waits_for_its_turn(event: &Event) -> bool {
    let Kind::Call(ended) = &event.kind else { return false };
    ended.call.call == "poll" || ended.circumstance == Some(Circumstance::WouldBlock)
}

/// Of the states between two calls, the last of each end: an acknowledgement may be quick, or take its time.
fn without_passing_states(events: Vec<Event>) -> Vec<Event> {
    let is_state = |event: &&Event| matches!(event.kind, Kind::State(_));
    let passes = |index: usize| {
        let mut states = events[index..].iter().take_while(is_state);
        states.next().is_some_and(|first| states.any(|later| later.actor == first.actor))
    };
    let lasting = (0..events.len()).filter(|&index| !passes(index));
    lasting.map(|index| events[index].clone()).collect()
}

/// How much the buffers hold is the kernel's choice. These are the numbers that come of it.
pub fn kernels_choices(events: &[Event]) -> Vec<i64> {
    let notes = events.iter().filter_map(|event| match &event.kind {
        Kind::Note(note) => Some(note),
        _ => None,
    });
    notes.flat_map(choices_in).collect()
}

fn choices_in(note: &Note) -> Vec<i64> {
    let number = |name| -> i64 {
        let value = note.args.get(name).map(Value::to_string);
        value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{name} of {note:?}"))
    };
    match &*note.note {
        "graceful-close.full" => {
            let (arrived, unsent) = (number("arrived"), number("unsent"));
            vec![arrived, unsent, arrived + unsent]
        }
        "robust-client.sent" if number("bytes") < number("all") => vec![number("bytes")],
        "robust-client.deadlock-stuck" => vec![number("sent")],
        _ => Vec::new(),
    }
}

/// The time of day, in a chat message, takes as many bytes as it takes.
fn tells_the_time(call: &Call) -> bool {
    let data = call.data.as_ref().map(|data| String::from_utf8_lossy(&data.bytes));
    data.is_some_and(|text| text.contains(r#""timestamp":"#))
}

/// In results and in what is said they are left open. Arguments are the program's choice.
fn without(choices: &[i64], mut event: Event) -> Event {
    match &mut event.kind {
        Kind::Call(ended) if tells_the_time(&ended.call) || choices.contains(&ended.result) => {
            if tells_the_time(&ended.call) && ended.call.call == "send" {
                ended.call.args.set("len", "[BYTES]");
            }
            ended.result = OPEN;
            ended.call.data.iter_mut().for_each(|data| data.len = OPEN as usize);
        }
        Kind::Note(note) => {
            for (name, value) in note.args.clone().iter() {
                if choices.iter().any(|choice| choice.to_string() == value.to_string()) {
                    note.args.set(name.to_owned(), "[BYTES]");
                }
            }
        }
        _ => {}
    }
    event
}
