//! The text of a run with placeholders for what differs from run to run, so that it can be compared with a picture.

use std::sync::LazyLock;

use regex::{Captures, Regex};

/// What stands between two texts, and the placeholder for it. An empty second text is the end.
pub type Differs = (&'static str, &'static str, &'static str);

/// What differs from run to run of every demo.
pub const DIFFERS: &[Differs] = &[
    (", time: ", "", "[TIME]"),
    // The buffers that the kernel gives unasked, and the smallest that it gives.
    ("SO_RCVBUF, [", "]", "[BYTES]"),
    ("SO_SNDBUF, [", "]", "[BYTES]"),
    ("no room in its ", " bytes", "[BYTES]"),
    // In how many pieces it took the bytes.
    ("calls of send that took some: ", ", only", "[N]"),
    ("only in part: ", ";", "[N]"),
    ("buffer full (EAGAIN): ", "", "[N]"),
    ("from the first send to the answer: ", " with two", "[TIME]"),
    (" with two calls, ", " with one", "[TIME]"),
    (" with one call, ", " with two", "[TIME]"),
    // The Chat-Room's name for a client: its address, and the time of day.
    (r#""user_id":"127.0.0.1:"#, "\"", "[PORT]:[TIME]"),
    ("in hand after ", " ms", "[TIME]"),
    ("in hand after: min ", " ms,", "[TIME]"),
    (" ms, average ", " ms,", "[TIME]"),
    (" ms, max ", " ms", "[TIME]"),
    (r#","timestamp":"#, "}", "[TIME]"),
    // How many datagrams the smallest buffer holds.
    ("meanwhile, received ", ". ", "[N]"),
    ("[N]. ", " found no room", "[N]"),
    ("lost flood ", " (beat 7 came after", "[N]"),
    (" (beat 7 came after ", ")", "[N]"),
];

/// What the kernel writes into an IPv4 header: an identification, and a checksum that takes it in.
pub const IPV4: &[Differs] = &[
    (r"← E\x00\x00$", r"\x7f\x00\x00\x01", "[ID AND CHECKSUM]"),
    ("● ping     ", "        identification: which", "[ID]"),
    ("● ping     ", "        header checksum: the words", "[CHECKSUM]"),
];

/// The number of a ping socket, and the answer's checksum, which takes it in.
pub const PING_SOCKET: &[Differs] = &[
    ("[0.0.0.0:", "]", "[ID]"),
    ("where UDP would have a port: ", ". It stands", "[ID]"),
    (r"← \x00\x00", r"\x00\x01socklab!", "[CHECKSUM AND ID]"),
    ("● ping     ", "        checksum: all words add up", "[CHECKSUM]"),
    ("● ping     ", "        identifier: as in our", "[ID]"),
];

/// The text with placeholders. What one of them is put into is no longer broken into lines: its width differs too.
pub fn settled(text: &str, differs: &[Differs]) -> String {
    let ports = ports_in(text);
    let place = |text: &str| {
        let text = differs.iter().fold(text.to_owned(), |text, differs| between(&text, differs));
        without_ports(&text, &ports)
    };
    let mut blocks: Vec<Vec<&str>> = Vec::new();
    for line in text.trim_end().lines() {
        match blocks.last_mut() {
            Some(block) if is_of_actor(block[0]) && line.starts_with("          ") => {
                block.push(line)
            }
            _ => blocks.push(vec![line]),
        }
    }
    // A call that was shown waiting, and is shown again when it has returned.
    let waiting = |block: &&Vec<&str>| block[block.len() - 1].ends_with("... waiting");
    let blocks = blocks.iter().filter(|block| !waiting(block));
    blocks.flat_map(|block| items(block)).map(|item| item.settled(place) + "\n").collect()
}

/// Whether the line begins with an actor's mark.
fn is_of_actor(line: &str) -> bool {
    line.chars().nth(4).is_some_and(|mark| "●○◆◇■□▲△".contains(mark))
}

/// Whether the line begins with a call. Calls have numbers, but for the one that is no system call.
fn is_call(line: &str) -> bool {
    is_of_actor(line) && (!line.starts_with("    ") || line.contains(" getaddrinfo("))
}

/// Lines that are one: a call with its result, the bytes that it moved, a line of why; a note.
struct Item<'a> {
    lines: Vec<&'a str>,
    call: bool,
}

fn items<'a>(block: &[&'a str]) -> Vec<Item<'a>> {
    let call = is_call(block[0]);
    let note = !call && !block[0].contains(" ▸ ");
    let mut items = vec![Item { lines: vec![block[0]], call }];
    for &line in &block[1..] {
        let item = items.last_mut().expect("there is the first");
        if note || item.goes_on_with(line) {
            item.lines.push(line);
        } else {
            items.push(Item { lines: vec![line], call: false });
        }
    }
    items
}

impl Item<'_> {
    fn goes_on_with(&self, line: &str) -> bool {
        let indent = |line: &str| line.len() - line.trim_start().len();
        let result = self.call && line.trim_start().starts_with("= ");
        let more = self.call && indent(line) >= column(self.lines[0]) + 4;
        result || more || self.is_data() && indent(line) > indent(self.lines[0])
    }

    fn is_data(&self) -> bool {
        self.lines[0].trim_start().starts_with(['→', '←'])
    }

    fn settled(&self, place: impl Fn(&str) -> String) -> String {
        let separator = if self.is_data() { "" } else { " " };
        let rest = self.lines[1..].iter().map(|line| line.trim_start());
        let first = self.lines[0].trim_end_matches(" ... waiting");
        let joined = std::iter::once(first).chain(rest).collect::<Vec<_>>().join(separator);
        let timeless = if self.call { without_time(&joined) } else { joined.clone() };
        let placed = place(&timeless);
        if placed == joined { self.lines.join("\n") } else { placed }
    }
}

/// Where the call stands in its line, behind its number, the mark and the name of who makes it.
fn column(call: &str) -> usize {
    let name = call.chars().skip(6).take_while(|it| *it != ' ').count();
    let gap = call.chars().skip(6 + name).take_while(|it| *it == ' ').count();
    6 + name + gap
}

/// How long a call took stands at its end, as far right as there is room.
fn without_time(call: &str) -> String {
    let unit = ["µs", "ms", "s"].iter().find_map(|unit| call.strip_suffix(unit)?.strip_suffix(' '));
    let number = unit.and_then(|timed| timed.rsplit_once(' '));
    number.map_or_else(|| call.to_owned(), |(call, _)| format!("{} [TIME]", call.trim_end()))
}

fn between(text: &str, (before, after, name): &Differs) -> String {
    let Some((head, rest)) = text.split_once(before) else { return text.to_owned() };
    let end = if after.is_empty() { Some(rest.len()) } else { rest.find(after) };
    let settled = |end| format!("{head}{before}{name}{}", &rest[end..]);
    end.map_or_else(|| text.to_owned(), settled)
}

/// The ports that the kernel picked, in the order in which they appear. It picks those of five digits: a shorter one is a
/// command's, and has to be the same.
fn ports_in(text: &str) -> Vec<&str> {
    static PORT: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"(?:127\.0\.0\.1|\[::1\])(?::|, port )([0-9]+)"));
    let mut ports = Vec::new();
    for (_, [port]) in PORT.captures_iter(text).map(|found| found.extract()) {
        if port.len() == 5 && !ports.contains(&port) {
            ports.push(port);
        }
    }
    ports
}

fn without_ports(text: &str, ports: &[&str]) -> String {
    static PORT: LazyLock<Regex> =
        LazyLock::new(|| pattern(r#"(127\.0\.0\.1:|\[::1\]:|port |", ")([0-9]+)"#));
    let placed = |found: &Captures| match ports.iter().position(|port| *port == &found[2]) {
        Some(index) => format!("{}[PORT {}]", &found[1], index + 1),
        None => found[0].to_owned(),
    };
    PORT.replace_all(text, placed).into_owned()
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern")
}

/// All that may differ, for texts of which it is not known which demo made them.
pub fn differing() -> &'static [Differs] {
    static ALL: LazyLock<Vec<Differs>> = LazyLock::new(|| [DIFFERS, IPV4, PING_SOCKET].concat());
    &ALL
}
