//! The text of a run with placeholders for what differs from run to run, so that it can be compared with a picture.

/// What stands between two texts, and the placeholder for it. An empty second text is the end.
pub type Differs = (&'static str, &'static str, &'static str);

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
        result || self.is_data() && indent(line) > indent(self.lines[0])
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

/// The ports that the kernel picked, in the order in which they appear.
fn ports_in(text: &str) -> Vec<&str> {
    let mut ports = Vec::new();
    for rest in text.split("127.0.0.1").skip(1) {
        let port = rest.strip_prefix(':').or_else(|| rest.strip_prefix(", port ")).unwrap_or("0");
        let end = port.find(|it: char| !it.is_ascii_digit()).unwrap_or(port.len());
        let port = &port[..end];
        if !["", "0"].contains(&port) && !ports.contains(&port) {
            ports.push(port);
        }
    }
    ports
}

fn without_ports(text: &str, ports: &[&str]) -> String {
    (1..).zip(ports).fold(text.to_owned(), |text, (number, port)| {
        let settled =
            text.replace(&format!("127.0.0.1:{port}"), &format!("127.0.0.1:[PORT {number}]"));
        settled.replace(&format!("port {port}"), &format!("port [PORT {number}]"))
    })
}
