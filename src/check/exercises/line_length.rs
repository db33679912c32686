//! `line-length`: for each line, its length in characters; whatever the pieces in which the bytes come.

use std::time::{Duration, Instant};

use super::dialogue::{Dialogue, Excess, ask, excess, held_back, memory, offer, serve, unlike};
use super::{Check, Exercise};
use crate::check::bench::{Bench, Server};
use crate::check::peer::{Heard, Instead, Peer, fails};
use crate::check::story::{difference, preview};
use crate::check::verdict::{Checked, Finding};

/// The exercise.
pub const EXERCISE: Exercise = Exercise {
    name: "line-length",
    checks: &[
        Check::new("listens", 5, |bench| serve(bench).map(drop)),
        Check::new("line", 10, line).after(&["listens"]),
        Check::new("characters", 10, characters).after(&["line"]),
        Check::new("joined", 10, joined).after(&["line"]),
        Check::new("split", 15, split).after(&["line"]),
        Check::new("cut", 10, cut).after(&["characters", "split"]),
        Check::new("end", 10, |bench| HELLO.end(bench, b"last", &[b"4\n", b""])).after(&["line"]),
        Check::new("together", 10, |bench| HELLO.together(bench)).after(&["line"]),
        Check::new("reset", 5, |bench| HELLO.reset(bench, &b"abc\n".repeat(16 << 10)))
            .after(&["line"]),
        Check::new("longest", 5, longest).after(&["joined", "split"]),
        Check::new("endless", 10, endless).after(&["joined", "split"]),
    ],
};

const HELLO: Dialogue = Dialogue { question: b"hello\n", answer: b"5\n" };

/// How many bytes a line may have before its newline.
const LIMIT: usize = 1 << 20;

/// Lines, one at a time, that can be counted wrongly, and how many characters each has.
const LINES: [(&str, usize); 13] = [
    ("hello world\r", 11),
    ("héllo", 5),
    ("日本語", 3),
    ("a🎉b", 3),
    ("e\u{301}", 2),
    ("", 0),
    ("\r", 0),
    (" two \t", 6),
    ("a\rb", 3),
    ("c\r\r", 2),
    ("a\0b", 3),
    ("one\u{2028}two\u{b}three\u{85}four", 18),
    ("\u{feff}x", 2),
];

/// A line is answered, and one more.
fn line(bench: &Bench) -> Checked {
    let mut server = serve(bench)?;
    let client = Peer::connect(bench, "client", server.address)?;
    for (question, answer) in [("hello\n", "5\n"), ("goodbye\n", "7\n")] {
        if let Err(heard) = ask(&client, question.as_bytes(), answer.as_bytes())? {
            return fails(no_answer(bench, &mut server, client, answer.as_bytes(), &heard)?);
        }
    }
    Ok(())
}

/// Why a plain line got no answer, or another one.
fn no_answer(
    bench: &Bench,
    server: &mut Server,
    client: Peer,
    answer: &[u8],
    heard: &Heard,
) -> Checked<Finding> {
    let (shown, seen) = difference(answer, &heard.bytes);
    let number = answer.strip_suffix(b"\n").unwrap_or(answer);
    if heard.bytes == number {
        let finding = Finding::new("line-length.line.no-newline", &[]);
        return Ok(finding.mistake("missing-delimiter").but(shown, seen));
    }
    if heard.instead == Instead::Silence && heard.bytes.is_empty() {
        client.close();
        let much = [b"hello\n", &*b"\n".repeat(100_000)].concat();
        return Ok(held_back(bench, server, &much, b"5\n")?.but(shown, seen));
    }
    let otherwise = match &*heard.bytes {
        bytes if bytes.starts_with(number) => "line-length.line.other-end",
        bytes if bytes.starts_with(b"6") => "line-length.line.counts-newline",
        _ => "dialogue.other",
    };
    Ok(unlike(server, answer, heard, Finding::new(otherwise, &[])))
}

/// Characters are counted: not bytes, not UTF-16 units, and all of them.
fn characters(bench: &Bench) -> Checked {
    let mut server = serve(bench)?;
    let client = Peer::connect(bench, "client", server.address)?;
    for (text, count) in LINES {
        let (question, answer) = (format!("{text}\n"), format!("{count}\n"));
        if let Err(heard) = ask(&client, question.as_bytes(), answer.as_bytes())? {
            let heard = whole_line(&client, heard)?;
            let finding = miscounted(text, number_in(&heard.bytes));
            return fails(unlike(&mut server, answer.as_bytes(), &heard, finding));
        }
    }
    Ok(())
}

/// What came, to the end of the line if it comes soon: a number may come in pieces.
fn whole_line(client: &Peer, heard: Heard) -> Checked<Heard> {
    if heard.instead != Instead::Other || heard.bytes.contains(&b'\n') {
        return Ok(heard);
    }
    let soon = Instant::now() + Duration::from_millis(300);
    let (rest, _) = client.receive(soon, |bytes| bytes.ends_with(b"\n"))?;
    Ok(Heard { bytes: [heard.bytes, rest].concat(), ..heard })
}

/// The number in the first line, if it is one.
fn number_in(bytes: &[u8]) -> Option<usize> {
    let line = bytes.split(|&byte| byte == b'\n').next()?;
    str::from_utf8(line).ok()?.trim().parse().ok()
}

/// What was counted instead of the characters of `text`, by the number that came.
fn miscounted(text: &str, number: Option<usize>) -> Finding {
    let found = |id: &str| Finding::new(id, &[("line", &preview(text.as_bytes()))]);
    let Some(number) = number else { return found("line-length.characters.no-number") };
    let line = text.strip_suffix('\r').unwrap_or(text);
    let characters = |part: &str| part.chars().count() == number;
    let both = [line, text];
    if both.iter().any(|it| it.len() == number) && !line.is_ascii() {
        return found("line-length.characters.bytes");
    }
    if both.iter().any(|it| it.encode_utf16().count() == number) && !line.is_ascii() {
        return found("line-length.characters.utf-16");
    }
    if characters(text) {
        return found("line-length.characters.return");
    }
    if line.split('\0').next().is_some_and(|before| before != line && characters(before)) {
        return found("line-length.characters.nul").mistake("text-not-bytes");
    }
    if line.split(is_other_end).next().is_some_and(|before| before != line && characters(before)) {
        return found("line-length.characters.ends");
    }
    if [line.trim(), line.trim_end(), line.trim_start()].into_iter().any(characters) {
        return found("line-length.characters.trimmed").mistake("text-not-bytes");
    }
    found("line-length.characters.wrong")
}

/// What some libraries take for the end of a line, besides the newline.
fn is_other_end(character: char) -> bool {
    matches!(
        character,
        '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

/// Several lines in one segment are several lines.
fn joined(bench: &Bench) -> Checked {
    let server = serve(bench)?;
    let client = Peer::connect(bench, "client", server.address)?;
    let answers = b"1\n2\n3\n0\n5\n";
    match ask(&client, b"a\nbb\nccc\n\nddddd\n", answers)? {
        Ok(()) => Ok(()),
        Err(heard) => fails(one_recv("line-length.joined.wrong", answers, &heard)),
    }
}

/// A line that was right in one piece is wrong in this delivery.
fn one_recv(cause: &str, answers: &[u8], heard: &Heard) -> Finding {
    let (shown, seen) = difference(answers, &heard.bytes);
    Finding::new(cause, &[]).mistake("one-recv-one-message").but(shown, seen)
}

/// A line in pieces is one line.
fn split(bench: &Bench) -> Checked {
    let server = serve(bench)?;
    let client = Peer::connect(bench, "client", server.address)?;
    let deliveries: [(&[&[u8]], &[u8]); 2] = [
        (&[b"h", b"e", b"l", b"l", b"o", b"\n"], b"5\n"),
        (&[b"one\ntw", b"o\nthree\nfo", b"ur\n"], b"3\n3\n5\n4\n"),
    ];
    for (pieces, answers) in deliveries {
        client.send_apart(pieces)?;
        if let Err(heard) = client.expect(answers)? {
            return fails(one_recv("line-length.split.wrong", answers, &heard));
        }
    }
    Ok(())
}

/// A character in pieces is one character, and `\r\n` in pieces one end of line.
fn cut(bench: &Bench) -> Checked {
    let server = serve(bench)?;
    let client = Peer::connect(bench, "client", server.address)?;
    client.send_apart(&[b"return\r", b"\n", b"\n"])?;
    if let Err(heard) = client.expect(b"6\n0\n")? {
        return fails(one_recv("line-length.split.wrong", b"6\n0\n", &heard));
    }
    let pieces: Vec<&[u8]> = "é日🎉é\n".as_bytes().chunks(1).collect();
    client.send_apart(&pieces)?;
    let Err(heard) = client.expect(b"4\n")? else { return Ok(()) };
    let (shown, seen) = difference(b"4\n", &heard.bytes);
    let cause = match heard.instead {
        Instead::Other => "line-length.cut.wrong",
        _ => "line-length.cut.gone",
    };
    fails(Finding::new(cause, &[]).mistake("utf8-split").but(shown, seen))
}

/// More than the limit in many lines, and as much as the limit in one.
fn longest(bench: &Bench) -> Checked {
    const MANY: usize = LIMIT / 16 + 1000;
    let mut server = serve(bench)?;
    let client = Peer::connect(bench, "client", server.address)?;
    let (many, answers) = (b"fifteen letters\n".repeat(MANY), b"15\n".repeat(MANY));
    let otherwise = Finding::new("line-length.longest.many", &[]);
    // The program may wait with reading until its answers are read.
    let heard = std::thread::scope(|scope| {
        let sends = scope.spawn(|| offer(&client, &many));
        let heard = client.expect(&answers);
        sends.join().unwrap_or(Ok(())).and(heard)
    })?;
    if let Err(heard) = heard {
        return fails(unlike(&mut server, &answers, &heard, otherwise));
    }
    let (longest, answer) = ([&*b"x".repeat(LIMIT), b"\n"].concat(), b"1048576\n");
    let Err(heard) = ask(&client, &longest, answer)? else { return Ok(()) };
    let finding =
        unlike(&mut server, answer, &heard, Finding::new("line-length.longest.wrong", &[]));
    let ended = matches!(heard.instead, Instead::End | Instead::Reset) && heard.bytes.is_empty();
    fails(match ended && server.program.ended().is_none() {
        true => finding.because("line-length.longest.ended", &[]),
        false => finding,
    })
}

/// A line longer than the limit ends the connection, after the answers to the lines before it.
fn endless(bench: &Bench) -> Checked {
    let mut server = serve(bench)?;
    let x = b"x".repeat(LIMIT + 1);
    too_long(bench, &mut server, &x)?;
    too_long(bench, &mut server, &[&x, &b"\n"[..]].concat())?;
    // More bytes than the limit, fewer characters.
    too_long(bench, &mut server, "é".repeat(LIMIT / 2 + 1).as_bytes())
}

fn too_long(bench: &Bench, server: &mut Server, line: &[u8]) -> Checked {
    let client = Peer::connect(bench, "client", server.address)?;
    let before = memory(server);
    offer(&client, &[HELLO.question, line].concat())?;
    let (bytes, ended) =
        client.receive(bench.answer(), |bytes| bytes.len() > HELLO.answer.len())?;
    let (shown, seen) = difference(HELLO.answer, &bytes);
    let right = bytes == HELLO.answer;
    let finding = match ended {
        Some(Instead::End | Instead::Reset) if right => return Ok(()),
        Some(Instead::Reset) => {
            Finding::new("line-length.endless.lost", &[]).mistake("reset-on-unread")
        }
        Some(Instead::End) => Finding::new("line-length.endless.lost", &[]),
        Some(Instead::Silence) if right => goes_on(bench, server, &client, before)?,
        _ => Finding::new("line-length.endless.answered", &[]),
    };
    fails(finding.but(shown, seen))
}

/// The connection is still there: does the program collect what comes?
fn goes_on(bench: &Bench, server: &Server, client: &Peer, before: u64) -> Checked<Finding> {
    Ok(match excess(bench, server, client, 16 * LIMIT, before)? {
        Excess::Keeps => {
            Finding::new("line-length.endless.grows", &[]).mistake("unbounded-message")
        }
        Excess::Ends => Finding::new("line-length.endless.late", &[]),
        Excess::Ignores => Finding::new("line-length.endless.open", &[]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_have_as_many_characters_as_is_said() {
        for (text, count) in LINES {
            let line = text.strip_suffix('\r').unwrap_or(text);
            assert_eq!(line.chars().count(), count, "{text:?}");
        }
    }

    #[test]
    fn what_was_counted_shows_in_the_number() {
        let cause = |text, number| miscounted(text, number).cause.to_string();
        let words = |id: &str, text: &str| {
            Finding::new(id, &[("line", &preview(text.as_bytes()))]).cause.to_string()
        };
        for (text, number, id) in [
            ("héllo", 6, "bytes"),
            ("a🎉b", 4, "utf-16"),
            ("hello\r", 6, "return"),
            ("a\0b", 1, "nul"),
            ("a\rb", 1, "ends"),
            (" two \t", 3, "trimmed"),
            ("e\u{301}", 1, "wrong"),
        ] {
            let id = format!("line-length.characters.{id}");
            assert_eq!(cause(text, Some(number)), words(&id, text));
        }
        assert_eq!(number_in(b"12\n7"), Some(12));
        assert_eq!(number_in(b"twelve\n"), None);
    }
}
