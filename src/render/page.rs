//! What the text looks like: turns one event into its lines, and remembers what the reader has seen already.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use colored::Colorize;
use comfy_table::ContentArrangement;

use crate::narrate::event::{
    self, Args, Call, Done, Ended, Errno, Message, Note, Resolve, State, Value,
};
use crate::reference::{self, Entry, Table};

use super::actors::Actors;
use super::why::{self, Reason};
use super::{Explain, call, harmless, layout, words};

/// At most this many lines of the bytes of one call are shown.
const DATA_LINES: usize = 3;

/// More bytes than this are no message that somebody reads: one line of them is enough.
const BULK: usize = 1024;

/// Rules above, below and under the heads of the columns, none between: in comfy-table's order of components.
const TABLE: &str = "  ── ──      ──    ";

/// The columns of a TCP state: as many as ESTABLISHED has.
const STATE: usize = 11;

/// How the lines look.
pub struct Page {
    width: usize,
    explain: Explain,
    actors: Actors,
    /// The numbers of the calls that have begun and not returned, by sequence.
    numbers: HashMap<u64, u64>,
    numbered: u64,
    /// Which sentences and paragraphs were shown.
    seen: HashSet<(String, String)>,
    /// The call whose beginning is the last thing shown.
    open: Option<(u64, Vec<String>)>,
    started: bool,
}

/// What a line starts with, and how wide that is.
struct Margin {
    text: String,
    width: usize,
}

impl Page {
    /// An empty page.
    pub fn new(width: usize, explain: Explain) -> Self {
        let width = width.clamp(layout::NARROWEST, layout::WIDEST);
        let (numbers, numbered, seen, open, started) = Default::default();
        Self { width, explain, actors: Actors::new(), numbers, numbered, seen, open, started }
    }

    /// Gives the call its number: calls are counted as they begin. (Events are too, but not every event is a call.)
    pub fn number(&mut self, seq: u64) -> u64 {
        *self.numbers.entry(seq).or_insert_with(|| {
            self.numbered += 1;
            self.numbered
        })
    }

    /// A call that has begun: it waits, or is held back until the reader presses Enter (`hint` says which).
    pub fn begun(&mut self, seq: u64, actor: &str, pieces: Vec<String>, hint: &str) -> String {
        let number = self.number(seq);
        let margin = self.margin(Some(number), actor);
        let hint = words(hint, &Args::default());
        let shown = pieces.iter().cloned().chain([format!("... {hint}")]).collect();
        let mut lines = layout::call(shown, "", self.room(&margin));
        paint_name(&mut lines);
        paint_end(&mut lines, &hint, |hint| hint.dimmed().to_string());
        let text = self.block(&margin, lines);
        self.open = Some((seq, pieces));
        text
    }

    /// A call that has returned: the call, its bytes, its why.
    pub fn returned(&mut self, seq: u64, actor: &str, ended: &Ended) -> String {
        let number = self.number(seq);
        self.numbers.remove(&seq);
        let margin = self.margin(Some(number), actor);
        let pieces = call::pieces(&ended.call);
        let (margin, pieces) = match self.open.take() {
            Some(open) if open == (seq, pieces.clone()) => (blank(margin.width), Vec::new()),
            _ => (margin, pieces),
        };
        let mut lines = self.outcome(&margin, pieces, ended);
        lines.extend(self.data(&margin, ended));
        lines.extend(self.explained(
            &margin,
            &subject(&ended.call),
            why::of_call(ended),
            &entries(ended),
        ));
        self.block(&margin, lines)
    }

    /// A name that was looked up.
    pub fn resolved(&mut self, actor: &str, resolve: &Resolve) -> String {
        let margin = self.margin(None, actor);
        let mut pieces = call::lookup_pieces(resolve);
        let elapsed = layout::elapsed(Duration::from_micros(resolve.elapsed_us));
        match &resolve.error {
            Some(error) => pieces.push(format!("= {}", harmless(&error.name))),
            None => pieces.extend(addresses(&resolve.addresses)),
        }
        let mut lines = layout::call(pieces, &elapsed, self.room(&margin));
        paint_end(&mut lines, &elapsed, |elapsed| elapsed.dimmed().to_string());
        if let Some(error) = &resolve.error {
            paint_end(&mut lines, &error.name, |name| name.red().bold().to_string());
        }
        paint_name(&mut lines);
        let names: Vec<&str> = resolve.error.iter().map(|error| error.name.as_ref()).collect();
        let names: Vec<&str> = ["getaddrinfo"].into_iter().chain(names).collect();
        lines.extend(self.explained(&margin, "getaddrinfo", why::of_resolve(resolve), &names));
        self.block(&margin, lines)
    }

    /// What the demo says.
    pub fn noted(&mut self, actor: &str, note: &Note) -> String {
        let text = reference::note(&note.note);
        if let Some(table) = text.and_then(|text| text.table.as_ref()) {
            return self.table(table);
        }
        let said = words(&note.note, &note.args);
        if text.is_some_and(|text| text.heading) {
            return self.heading(&said);
        }
        let margin = self.margin(None, actor);
        let lines = layout::words(&said, self.room(&margin));
        self.block(&margin, lines)
    }

    /// What somebody said to somebody.
    pub fn said(&mut self, actor: &str, message: &Message) -> String {
        let margin = self.margin(None, actor);
        let blanks = Args::default().with("text", message.text.clone());
        let line = match &message.from {
            Some(from) => words("text.said", &blanks.with("from", from.clone())),
            None => words("text.server-said", &blanks),
        };
        let lines = layout::words(&line, self.room(&margin));
        let lines = lines.iter().map(|line| line.bold().to_string()).collect();
        self.block(&margin, lines)
    }

    /// The state of a TCP connection: first the state, all of the same width, so that those of both ends stand in a column.
    pub fn state(&mut self, actor: &str, state: &State) -> String {
        let margin = self.margin(None, actor);
        let gone = words("text.state-gone", &Args::default());
        let shown = state.state.as_deref().unwrap_or(&gone);
        let blanks = Args::default()
            .with("state", layout::column(shown, STATE))
            .with("local", state.local.to_string())
            .with("peer", state.peer.to_string());
        let mut lines = layout::words(&words("text.state", &blanks), self.room(&margin));
        if let Some(first) = lines.first_mut() {
            *first = first.replacen(shown, &shown.bold().to_string(), 1);
        }
        let name = state.state.as_deref().unwrap_or("CLOSED");
        let known = reference::explain(name);
        let reason = known
            .and_then(|entry| entry.why.clone())
            .map(|text| Reason { key: name.to_owned(), text });
        let names: Vec<&str> = known.iter().map(|entry| entry.name.as_str()).collect();
        lines.extend(self.explained(&margin, "state", reason, &names));
        self.block(&margin, lines)
    }

    /// The end of it all.
    pub fn done(&mut self, done: &Done) -> String {
        let blanks = Args::default()
            .with("calls", done.calls)
            .with("failed", done.failed)
            .with("time", layout::elapsed(Duration::from_micros(done.elapsed_us)));
        let margin = self.margin(None, "");
        let lines = layout::words(&words("text.done", &blanks), self.room(&margin));
        let lines = lines.iter().map(|line| line.dimmed().to_string()).collect();
        self.block(&margin, lines)
    }

    /// The call with its result, and how long it took at the end of the line.
    fn outcome(&self, margin: &Margin, mut pieces: Vec<String>, ended: &Ended) -> Vec<String> {
        let result = call::result(ended);
        let elapsed = layout::elapsed(Duration::from_micros(ended.elapsed_us));
        pieces.push(result.clone());
        let mut lines = layout::call(pieces, &elapsed, self.room(margin));
        paint_end(&mut lines, &elapsed, |elapsed| elapsed.dimmed().to_string());
        paint_end(&mut lines, &result, |result| paint_result(result, ended));
        paint_name(&mut lines);
        lines
    }

    /// The bytes that went through the socket. What a failed call was to send did not.
    fn data(&self, margin: &Margin, ended: &Ended) -> Vec<String> {
        let Some(data) = &ended.call.data else {
            return Vec::new();
        };
        if ended.error.is_some() || data.bytes.is_empty() {
            return Vec::new();
        }
        let arrow = if call::sends(&ended.call) { "→" } else { "←" };
        let cut = words("text.cut", &Args::default().with("bytes", data.len));
        let room = self.room(margin).saturating_sub(2);
        let most = if data.len > BULK { 1 } else { DATA_LINES };
        let lines = layout::data(&event::visible(&data.bytes), room, most, &cut);
        let arrows = std::iter::once(arrow).chain(std::iter::repeat(" "));
        arrows.zip(lines).map(|(arrow, line)| format!("{arrow} {line}")).collect()
    }

    /// The sentence, unless it was shown for this subject before; and each entry's paragraph, once.
    fn explained(
        &mut self,
        margin: &Margin,
        subject: &str,
        reason: Option<Reason>,
        names: &[&str],
    ) -> Vec<String> {
        if self.explain == Explain::None {
            return Vec::new();
        }
        let room = self.room(margin);
        let mut lines = Vec::new();
        if let Some(reason) = reason
            && self.seen.insert((subject.to_owned(), reason.key))
        {
            lines.extend(layout::sentence(&reason.text, room));
        }
        if self.explain == Explain::Full {
            let entries = names.iter().filter_map(|name| reference::explain(name));
            lines.extend(entries.flat_map(|entry| self.paragraph(entry, room)));
        }
        lines.iter().map(|line| line.dimmed().to_string()).collect()
    }

    fn paragraph(&mut self, entry: &Entry, room: usize) -> Vec<String> {
        if !self.seen.insert((String::new(), entry.name.clone())) {
            return Vec::new();
        }
        let text = format!("{} ({})", entry.long, entry.see.join(", "));
        layout::words(&text, room.saturating_sub(2))
            .iter()
            .map(|line| format!("│ {line}"))
            .collect()
    }

    fn heading(&mut self, text: &str) -> String {
        let rule = self.width.saturating_sub(layout::width(text) + 4);
        let line = format!("── {text} {}", "─".repeat(rule));
        let above = if self.started { "\n" } else { "" };
        let lines = layout::words(line.trim_end(), self.width);
        let lines = lines.iter().map(|line| line.bold().to_string()).collect();
        format!("{above}{}", self.block(&blank(0), lines))
    }

    fn table(&mut self, table: &Table) -> String {
        let mut drawn = comfy_table::Table::new();
        drawn
            .load_preset(TABLE)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(u16::try_from(self.width).unwrap_or(u16::MAX))
            .set_header(&table.columns)
            .add_rows(&table.rows);
        let lines = drawn.lines().map(|line| line.trim_end().to_owned()).collect();
        self.block(&blank(0), lines)
    }

    /// `  1 ● server   `: the number, if it is a call, and who. Nothing at all for a narrator without a name.
    fn margin(&mut self, number: Option<u64>, actor: &str) -> Margin {
        let number = match (number, actor) {
            (None, "") => return blank(0),
            (None, _) => "   ".to_owned(),
            (Some(number), _) => format!("{number:>3}"),
        };
        let shown = self.actors.show(actor);
        let width = layout::width(&number) + layout::width(&shown.name) + 4;
        let mark = if actor.is_empty() { " " } else { shown.mark };
        let name = shown.name.color(shown.color);
        let text = format!("{} {} {name} ", number.dimmed(), mark.color(shown.color));
        Margin { text, width }
    }

    fn room(&self, margin: &Margin) -> usize {
        self.width.saturating_sub(margin.width)
    }

    fn block(&mut self, margin: &Margin, lines: Vec<String>) -> String {
        self.open = None;
        self.started = true;
        let first = std::iter::once(margin.text.clone());
        let margins = first.chain(std::iter::repeat(" ".repeat(margin.width)));
        let lines = margins.zip(lines).map(|(margin, line)| format!("{margin}{line}\n"));
        lines.collect()
    }
}

fn blank(width: usize) -> Margin {
    Margin { text: " ".repeat(width), width }
}

/// What a sentence is about: a call, or one option of it.
fn subject(call: &Call) -> String {
    match call.args.get("optname") {
        Some(option) => format!("{} {option}", call.call),
        None => call.call.to_string(),
    }
}

/// Whose paragraphs belong to what happened: the call, its option, its error.
fn entries(ended: &Ended) -> Vec<&str> {
    let option = match ended.call.args.get("optname") {
        Some(Value::Text(option)) => Some(option.as_ref()),
        _ => None,
    };
    let error = ended.error.as_ref().map(|error: &Errno| error.name.as_ref());
    [Some(ended.call.call.as_ref()), option, error].into_iter().flatten().collect()
}

fn addresses(addresses: &[String]) -> Vec<String> {
    let last = addresses.len().saturating_sub(1);
    let listed = addresses.iter().enumerate().map(|(index, address)| {
        let start = if index == 0 { "= " } else { "" };
        format!("{start}{address}{}", if index == last { "" } else { "," })
    });
    listed.collect()
}

fn paint_result(result: &str, ended: &Ended) -> String {
    match (&ended.error, ended.circumstance) {
        (Some(_), Some(_)) => result.yellow().bold().to_string(),
        (Some(_), None) => result.red().bold().to_string(),
        (None, _) => result.to_owned(),
    }
}

/// The function's name, up to its parenthesis.
fn paint_name(lines: &mut [String]) {
    if let Some(first) = lines.first_mut()
        && let Some((name, rest)) = first.split_once('(')
    {
        *first = format!("{}({rest}", name.bold());
    }
}

/// The last `part` in the last line.
fn paint_end(lines: &mut [String], part: &str, paint: impl FnOnce(&str) -> String) {
    if let Some(last) = lines.last_mut()
        && let Some(start) = last.rfind(part)
    {
        last.replace_range(start..start + part.len(), &paint(part));
    }
}
