//! Lines of the terminal, taken apart: which part of a narrated line is the number, the actor, the call, the result.
//!
//! The narration's own layout tells: a margin with number, mark and name, and what follows hangs below its first line.

use std::sync::LazyLock;

use regex::Regex;

/// The marks of the actors, in the order of their appearance.
const MARKS: [&str; 8] = ["●", "○", "◆", "◇", "■", "□", "▲", "△"];

static FIRST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^(?<number>[ \d]*(?:\d| {3})) (?<who>[●○◆◇■□▲△] \S+) +(?<body>\S.*)$")
});
static CALL: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(?<name>[a-z_]\w*)(?<rest>\(.*)$"));
static STATE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^▸ (?<name>\w+)(?<rest>.*)$"));
static TIME: LazyLock<Regex> =
    LazyLock::new(|| pattern(r" +(?<time>(?:<1|[\d.]+) (?:µs|ms|s|min \d+ s|h \d+ min))$"));
static RESULT: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?<result>= (?:-?\d+(?: [A-Z]\w+)?|EAI_\w+))$"));
static HINT: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?<hint>\.\.\. \D+)$"));

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a test uses every pattern")
}

/// A part of a line, and which it is. The class is empty where the text speaks for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// For the style sheet: `call`, `time`, `actor actor-2`.
    pub class: String,
    /// Exactly what the terminal shows.
    pub text: String,
}

impl Part {
    fn new(class: &str, text: &str) -> Self {
        Self { class: class.to_owned(), text: text.to_owned() }
    }
}

/// What the lines that hang below the first one belong to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hanging {
    /// A call: more of its arguments.
    Call,
    /// A call that has returned: its bytes or its why.
    Returned,
    /// The bytes of a call.
    Data,
    /// The meaning of a state.
    Why,
    /// More words.
    Words,
}

/// Takes lines apart, one after the other.
#[derive(Default)]
pub struct Narration {
    open: Option<(usize, Hanging)>,
}

impl Narration {
    /// The parts of the next line. Together they are the line.
    pub fn line(&mut self, line: &str) -> Vec<Part> {
        if line.starts_with("── ") {
            self.open = None;
            return vec![Part::new("heading", line)];
        }
        if let Some(first) = FIRST.captures(line) {
            return self.first(line, &first["number"], &first["who"], &first["body"]);
        }
        match self.open {
            Some((margin, hanging)) if is_indented(line, margin) => {
                self.hanging(line, margin, hanging)
            }
            _ => {
                self.open = None;
                vec![Part::new("", line)]
            }
        }
    }

    fn first(&mut self, line: &str, number: &str, who: &str, body: &str) -> Vec<Part> {
        let margin = line.len() - body.len();
        let mark = who.chars().next().map(String::from).unwrap_or_default();
        let place = MARKS.iter().position(|&known| known == mark).unwrap_or(0) + 1;
        let actor = &line[number.len() + 1..margin];
        let mut parts = vec![
            Part::new("number", number),
            Part::new("", " "),
            Part::new(&format!("actor actor-{place}"), actor),
        ];
        let (body, hanging) = first_body(number, body);
        parts.extend(body);
        self.open = Some((line[..margin].chars().count(), hanging));
        parts
    }

    fn hanging(&mut self, line: &str, margin: usize, hanging: Hanging) -> Vec<Part> {
        let (space, body) = line.split_at(margin);
        let is_data = body.starts_with("→ ") || body.starts_with("← ");
        let (next, body) = match hanging {
            Hanging::Returned if body.starts_with("= ") => returned(body),
            Hanging::Call => returned(body),
            Hanging::Returned if is_data => (Hanging::Data, vec![Part::new("data", body)]),
            Hanging::Data if body.starts_with("  ") => {
                (Hanging::Data, vec![Part::new("data", body)])
            }
            Hanging::Words => (Hanging::Words, vec![Part::new("", body)]),
            _ => (Hanging::Why, vec![Part::new("why", body)]),
        };
        self.open = Some((margin, next));
        [vec![Part::new("", space)], body].concat()
    }
}

/// The margin holds nothing. (It has as many columns as characters; text below it may not.)
fn is_indented(line: &str, margin: usize) -> bool {
    line.len() > margin && line.bytes().take(margin).all(|byte| byte == b' ')
}

fn first_body(number: &str, body: &str) -> (Vec<Part>, Hanging) {
    if let Some(state) = STATE.captures(body) {
        let parts = ["▸ ", &state["name"], &state["rest"]];
        let classes = ["", "state", ""];
        let parts = classes.iter().zip(parts).map(|(class, text)| Part::new(class, text));
        return (parts.collect(), Hanging::Why);
    }
    let is_call = !number.trim().is_empty() || body.starts_with("getaddrinfo(");
    match CALL.captures(body).filter(|_| is_call) {
        Some(call) => {
            let (hanging, rest) = returned(&call["rest"]);
            ([vec![Part::new("call", &call["name"])], rest].concat(), hanging)
        }
        None => (vec![Part::new("", body)], Hanging::Words),
    }
}

/// The end of a call's line: result and time, if the call has returned.
fn returned(text: &str) -> (Hanging, Vec<Part>) {
    let time = TIME.captures(text).map(|found| found.name("time").map_or("", |time| time.as_str()));
    let before = &text[..text.len() - time.map_or(0, str::len)];
    let call = before.trim_end();
    let result = RESULT
        .captures(call)
        .map_or("", |found| found.name("result").map_or("", |result| result.as_str()));
    let hint =
        HINT.captures(call).map_or("", |found| found.name("hint").map_or("", |hint| hint.as_str()));
    let end = if result.is_empty() { hint } else { result };
    let class = match end {
        "" => "",
        _ if result.is_empty() => "why",
        _ if result.starts_with("= -") || result.starts_with("= E") => "failed",
        _ => "result",
    };
    let parts = [
        Part::new("", &call[..call.len() - end.len()]),
        Part::new(class, end),
        Part::new("", &before[call.len()..]),
        Part::new("time", time.unwrap_or_default()),
    ];
    let over = time.is_some() || class == "why";
    let hanging = if over { Hanging::Returned } else { Hanging::Call };
    (hanging, parts.into_iter().filter(|part| !part.text.is_empty()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The parts of the last of `lines` that have a class.
    fn classes(lines: &[&str]) -> Vec<(String, String)> {
        let mut narration = Narration::default();
        let mut last = Vec::new();
        for line in lines {
            last = narration.line(line);
            let whole: String = last.iter().map(|part| part.text.as_str()).collect();
            assert_eq!(&whole, line, "nothing is lost or added");
        }
        let named = last.into_iter().filter(|part| !part.class.is_empty());
        named.map(|part| (part.class, part.text.trim().to_owned())).collect()
    }

    fn named(parts: &[(&str, &str)]) -> Vec<(String, String)> {
        parts.iter().map(|(class, text)| (class.to_string(), text.to_string())).collect()
    }

    const BIND: &str = "  5 ○ server   bind(4, 127.0.0.1:0) = 0                              6 µs";
    const SPLIT: &str = " 10 ◆ client   setsockopt(5, SOL_SOCKET, SO_RCVTIMEO,";

    #[test]
    fn a_call_has_a_number_an_actor_a_name_a_result_and_a_time() {
        let parts = [
            ("number", "5"),
            ("actor actor-2", "○ server"),
            ("call", "bind"),
            ("result", "= 0"),
            ("time", "6 µs"),
        ];
        assert_eq!(classes(&[BIND]), named(&parts));
    }

    #[test]
    fn a_failure_is_marked() {
        let line = "  3 ● client   connect(3, 127.0.0.1:9) = -1 ECONNREFUSED  1.2 ms";
        assert!(classes(&[line]).contains(&("failed".into(), "= -1 ECONNREFUSED".into())));
        let line = "    ● client   getaddrinfo(\"no..such\", \"80\") = EAI_NONAME      <1 µs";
        assert!(classes(&[line]).contains(&("failed".into(), "= EAI_NONAME".into())));
    }

    #[test]
    fn what_hangs_below_a_call_is_its_rest_then_its_bytes_then_its_why() {
        let rest = "                   {10 s, 0 µs}) = 0                       2 min 5 s";
        assert_eq!(classes(&[SPLIT, rest]), named(&[("result", "= 0"), ("time", "2 min 5 s")]));
        let data = "               → {\"type\":";
        assert_eq!(classes(&[BIND, data]), named(&[("data", "→ {\"type\":")]));
        let more = "                 \"login\"}";
        assert_eq!(classes(&[BIND, data, more]), named(&[("data", "\"login\"}")]));
        let why = "               Port 0: the kernel picks a free one.";
        let expected = named(&[("why", why.trim())]);
        assert_eq!(classes(&[BIND, why]), expected);
        assert_eq!(classes(&[BIND, data, why]), expected);
    }

    #[test]
    fn a_call_that_waited_goes_on_below() {
        let waiting = "  6 ○ server   accept(3) ... waiting";
        assert!(classes(&[waiting]).contains(&("why".into(), "... waiting".into())));
        let returned = "               = 4                                           2.1 s";
        assert_eq!(classes(&[waiting, returned]), named(&[("result", "= 4"), ("time", "2.1 s")]));
    }

    #[test]
    fn states_and_words_are_told_apart() {
        let state = "    ◆ client   ▸ FIN_WAIT1    127.0.0.1:1 → 127.0.0.1:2";
        assert!(classes(&[state]).contains(&("state".into(), "FIN_WAIT1".into())));
        let note = "    ● socklab  close(2) is a call that a note may begin with = 3";
        assert_eq!(classes(&[note]), named(&[("number", ""), ("actor actor-1", "● socklab")]));
        assert_eq!(classes(&[note, "               and go on"]), vec![]);
    }

    #[test]
    fn other_programs_lines_are_left_alone() {
        assert_eq!(classes(&["Traceback (most recent call last):"]), vec![]);
        assert_eq!(classes(&[BIND, "", "   no margin"]), vec![]);
    }
}
