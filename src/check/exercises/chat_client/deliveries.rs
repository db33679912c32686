//! What the server says reaches the program in all the ways that TCP and JSON allow.

use super::messages::{ben, ben_says, welcome};
use super::session::Session;
use crate::check::bench::Bench;
use crate::check::verdict::{Checked, Finding};

/// Longer than what is received at once by most programs, and within what the protocol allows.
const LONG: usize = 20_000;

/// What others say, as lines to be printed.
fn said(contents: &[&str]) -> Vec<String> {
    contents.iter().map(|content| ben_says(content)).collect()
}

/// The same, as messages with their newlines.
fn messages(contents: &[&str]) -> Vec<u8> {
    contents.iter().flat_map(|content| ben(content).to_line()).collect()
}

/// A finding about messages that came joined or cut.
fn boundaries(id: &str) -> Finding {
    Finding::new(&format!("chat-client.{id}"), &[]).mistake("one-recv-one-message")
}

/// Several messages in one segment; the answer to the login may be among them.
pub fn joined(bench: &Bench) -> Checked {
    let mut session = Session::enter(bench)?;
    let contents = ["one", "two", "three"];
    session.send(&messages(&contents));
    session.must_show(&said(&contents), || boundaries("joined.lost"))?;

    let mut session = Session::before_answer(bench)?;
    session.send(&[welcome().to_line(), messages(&contents)].concat());
    session.must_show(&said(&contents), || boundaries("joined.lost-with-login"))
}

/// Messages of plain ASCII, cut anywhere: each byte by itself, one that is long, one and a half.
pub fn split(bench: &Bench) -> Checked {
    let mut session = Session::before_answer(bench)?;
    session.send_byte_by_byte(&welcome().to_line())?;
    session.send_byte_by_byte(&messages(&["byte by byte"]))?;
    session.must_show(&said(&["byte by byte"]), || boundaries("split.bytes"))?;

    let long = "0123456789".repeat(LONG / 10);
    session.send(&messages(&[&long]));
    session.must_show(&said(&[&long]), || boundaries("split.long"))?;

    let two = messages(&["the first", "the second"]);
    let (begin, end) = two.split_at(two.len() * 3 / 4);
    session.server.send_apart(&[begin, end])?;
    session.must_show(&said(&["the first", "the second"]), || boundaries("split.half"))
}

/// Characters of several bytes, first in one piece, then cut in the middle.
pub fn characters(bench: &Bench) -> Checked {
    let mut session = Session::enter(bench)?;
    let (whole, cut) = (["Grüße, 你好, 🦀"], ["schön, 再见, 🐢"]);
    session.send(&messages(&whole));
    let changed = || Finding::new("chat-client.characters.changed", &[]);
    session.must_show(&said(&whole), changed)?;
    session.send_byte_by_byte(&messages(&cut))?;
    let torn = || Finding::new("chat-client.characters.cut", &[]).mistake("utf8-split");
    session.must_show(&said(&cut), torn)
}

/// Messages written in other ways that JSON allows: nothing between them, white space everywhere, escapes, more fields.
pub fn json(bench: &Bench) -> Checked {
    let chat = |content: &str| {
        format!(r#"{{"type":"chat_message","username":"ben","content":{content},"timestamp":1.5}}"#)
    };
    let glued = [r#""one""#, r#""two""#, r#""{three""#].map(chat).concat();
    let spaced = "\r\n\t {\r\n\t\"type\" : \"chat_message\",\n\n \"username\" : \"ben\",\n \"content\" : \"spaced\" ,\n \"timestamp\" : 2 \n}\n \n";
    let escapes = [
        r#""\u00e9 \ud83e\udd80 \u4f60""#,
        r#""a \"quote\", a \/, a } and a {""#,
        r#""C:\\""#,
        r#""the last""#,
    ];
    let escapes = escapes.map(chat).join("\n");
    let fields = r#"{"timestamp":1.7e9,"edited":false,"topic":null,"room":"lobby","content":"more","username":"ben","type":"chat_message"}"#;
    let others = concat!(
        r#"{"type":"error","message":"not so fast"}"#,
        "\n",
        r#"{"type":"news","message":"a type that nobody knows"}"#,
        "\n",
        r#"{"type":"chat_message","username":"ben","content":"still here","timestamp":3.5}"#,
        "\n"
    );
    let mut session = Session::enter(bench)?;
    for (id, text, contents) in [
        ("glued", glued.as_str(), &["one", "two", "{three"][..]),
        ("spaced", spaced, &["spaced"]),
        ("escapes", &escapes, &["é 🦀 你", r#"a "quote", a /, a } and a {"#, r"C:\", "the last"]),
        ("fields", fields, &["more"]),
        ("others", others, &["still here"]),
    ] {
        session.send(text.as_bytes());
        let finding = || Finding::new(&format!("chat-client.json.{id}"), &[]);
        session.must_show(&said(contents), finding)?;
    }
    Ok(())
}
