//! Chapter 4: a stream has no messages. The same five are sent in four framings, joined and cut on purpose. A naive
//! reader takes each `recv` for a message; a right one, on a connection of its own, finds where each message ends.

mod frames;
mod readers;
mod turns;
mod verdict;

use std::fmt::Display;
use std::io;
use std::time::Duration;

use crate::cli::{Framing, FramingKind};
use crate::error::{Error, Result};
use crate::narrate::event::visible;
use crate::narrate::{acting_as, note};
use crate::stage::Stage;

use frames::{About, MESSAGES, TORN, Turn, frame};
use readers::{HEADER, Messages};
use turns::{Line, Listener, Turns};
use verdict::{Judge, hex};

/// All framings, in the order in which they are shown.
const ALL: [FramingKind; 4] =
    [FramingKind::None, FramingKind::Newline, FramingKind::Length, FramingKind::Json];

/// How long a reader may take for its turn. Everything it waits for has been sent already.
const LIMIT: Duration = Duration::from_secs(10);

/// Shows the framing that `args` asks for, or all.
pub fn run(args: &Framing, stage: &Stage) -> Result<()> {
    introduce(args.cut);
    let listener = acting_as("readers", || Listener::open(stage.stretch.of(LIMIT)))?;
    let mut tallies = Vec::new();
    for kind in args.which.map_or(ALL.to_vec(), |which| vec![which]) {
        tallies.push(show(kind, args.cut, &listener, stage)?);
    }
    acting_as("readers", || drop(listener));
    if tallies.len() > 1 {
        note("framing.recap", &[("sent", &MESSAGES.len()), ("text", &MESSAGES.concat().len())]);
        tallies.iter().for_each(|tally| tally.tell("framing.recap-line"));
    }
    Ok(())
}

fn introduce(cut: Option<u16>) {
    note("framing.begin", &[]);
    note("framing.turns", &[]);
    note("framing.messages", &[("sent", &MESSAGES.len()), ("list", &quoted(&MESSAGES))]);
    if let Some(cut) = cut {
        note("framing.cut", &[("cut", &cut)]);
    }
}

fn quoted(texts: &[impl AsRef<str>]) -> String {
    let quoted = texts.iter().map(|text| format!("\"{}\"", visible(text.as_ref().as_bytes())));
    quoted.collect::<Vec<_>>().join(", ")
}

/// What came of one framing.
struct Tally {
    framing: &'static str,
    /// How many bytes the frames are.
    bytes: usize,
    /// How many messages each reader got right.
    naive: usize,
    right: usize,
}

impl Tally {
    fn tell(&self, words: &'static str) {
        let blanks: [(_, &dyn Display); 5] = [
            ("framing", &self.framing),
            ("bytes", &self.bytes),
            ("naive", &self.naive),
            ("right", &self.right),
            ("sent", &MESSAGES.len()),
        ];
        note(words, &blanks);
    }
}

// ANCHOR: show
/// Sends the messages in one framing to both readers, each on a connection of its own.
fn show(kind: FramingKind, cut: Option<u16>, listener: &Listener, stage: &Stage) -> Result<Tally> {
    let frames = MESSAGES.map(|message| frame(kind, message));
    explain(kind, &frames);

    let judge = Judge::of(&frames);
    let mut naive = Line::open("naive", listener, move |stream| be_naive(stream, kind, judge))?;
    let judge = Judge::of(&frames);
    let mut right = match Line::open("right", listener, move |stream| be_right(stream, kind, judge))
    {
        Ok(right) => right,
        Err(error) => return naive.close().and(Err(error)),
    };

    let sent = deliver(&frames::turns(&frames, cut), &mut naive, &mut right, stage);
    let (naive, right) = (naive.close(), right.close());
    if stage.stop.requested() {
        return Err(Error::Interrupted);
    }
    let bytes = frames.concat().len();
    // A reader that failed knows better why than the sender who waited for it.
    let tally = Tally { framing: name(kind), bytes, naive: naive?, right: right? };
    sent?;
    tally.tell("framing.tally");
    if kind == FramingKind::None {
        note("framing.none-tally", &[]);
    }
    Ok(tally)
}
// ANCHOR_END: show

/// How this framing wraps a message, and what is to be seen in it.
fn explain(kind: FramingKind, frames: &[Vec<u8>; 5]) {
    let [hello, _, lines, ..] = frames;
    let [message, _, with_newline, ..] = MESSAGES;
    note(heading(kind), &[]);
    note("framing.sent-as", &[("message", &message), ("frame", &visible(hello))]);
    match kind {
        FramingKind::None => {}
        FramingKind::Newline => explain_escape(with_newline, lines),
        FramingKind::Length => explain_header(hello),
        FramingKind::Json => note("framing.json-inside", &[("frame", &visible(lines))]),
    }
}

/// What a reader of lines makes of a message with a newline inside, sent as it is; and what is sent instead.
fn explain_escape(message: &str, frame: &[u8]) {
    let mut lines = readers::messages_of(FramingKind::Newline);
    lines.feed(format!("{message}\n").as_bytes());
    let found: Vec<String> = lines.flatten().collect();
    let blanks: [(_, &dyn Display); 4] = [
        ("message", &visible(message.as_bytes())),
        ("count", &found.len()),
        ("found", &quoted(&found)),
        ("frame", &visible(frame)),
    ];
    note("framing.newline-inside", &blanks);
}

/// The four bytes before the message, and what they mean when they are read in the wrong order.
fn explain_header(frame: &[u8]) {
    let Some(header) = frame.first_chunk::<HEADER>() else { return };
    let (length, wrong) = (u32::from_be_bytes(*header), u32::from_le_bytes(*header));
    let shown = hex(header);
    note("framing.header", &[("header", &shown), ("length", &length), ("wrong", &wrong)]);
}

// ANCHOR: deliver
/// Sends turn by turn: first to the naive reader, then the same to the right one.
fn deliver(turns: &[Turn], naive: &mut Line, right: &mut Line, stage: &Stage) -> Result<()> {
    let limit = stage.stretch.of(LIMIT);
    for turn in turns {
        acting_as("sender", || announce(turn.about));
        let mut recvs = [0; 2];
        for (line, recvs) in [&mut *naive, &mut *right].into_iter().zip(&mut recvs) {
            if stage.stop.requested() {
                return Err(Error::Interrupted);
            }
            let answer = line.send(&turn.sends, limit)?;
            *recvs = answer.ok_or_else(|| Error::failed("framing.no-answer", []))?;
        }
        if turn.about == About::Together {
            compare(turn.sends.len(), recvs);
        }
    }
    Ok(())
}
// ANCHOR_END: deliver

/// Says what is special about the piece that is sent next.
fn announce(about: About) {
    match about {
        About::Alone => note("framing.alone", &[]),
        About::Torn => {
            let (character, bytes) = TORN;
            let all = hex(character.as_bytes());
            let blanks: [(_, &dyn Display); 3] =
                [("character", &character), ("all", &all), ("bytes", &bytes)];
            note("framing.torn", &blanks);
        }
        About::Rest => note("framing.rest", &[]),
        About::Together => note("framing.together", &[]),
        About::Piece => {}
    }
}

/// How many `recv` it took to receive two sends: usually one, but nobody promises it.
fn compare(sends: usize, [naive, right]: [usize; 2]) {
    let words = if [naive, right] == [1, 1] { "framing.joined" } else { "framing.apart" };
    note(words, &[("sends", &sends), ("naive", &naive), ("right", &right)]);
}

/// What the naive reader does: how many messages it gets right.
fn be_naive(stream: &mut Turns, kind: FramingKind, mut judge: Judge) -> io::Result<usize> {
    readers::read_naively(stream, kind, |piece, taken| judge.naive(piece, &taken))?;
    Ok(judge.right())
}

/// What the right reader does: how many messages it gets right.
fn be_right(stream: &mut Turns, kind: FramingKind, mut judge: Judge) -> io::Result<usize> {
    let mut messages: Box<dyn Messages> = readers::messages_of(kind);
    let waits = match kind {
        FramingKind::None => "framing.cannot-know",
        _ => "framing.waits",
    };
    let at_the_end = readers::read_right(stream, &mut *messages, |whole, held| {
        judge.found(&whole);
        if held > 0 {
            note(waits, &[("count", &held)]);
        }
    })?;
    if let Some(all) = at_the_end {
        let shown = visible(all.as_bytes());
        note("framing.end-of-file", &[("count", &all.len()), ("text", &shown)]);
    }
    Ok(judge.right())
}

fn name(kind: FramingKind) -> &'static str {
    match kind {
        FramingKind::None => "none",
        FramingKind::Newline => "newline",
        FramingKind::Length => "length",
        FramingKind::Json => "json",
    }
}

fn heading(kind: FramingKind) -> &'static str {
    match kind {
        FramingKind::None => "framing.none",
        FramingKind::Newline => "framing.newline",
        FramingKind::Length => "framing.length",
        FramingKind::Json => "framing.json",
    }
}
