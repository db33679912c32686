//! `chat-client`: logs in, sends what is typed, prints what others say, each when it comes; logs out, and waits for that.

mod deliveries;
mod ends;
mod messages;
mod session;

use std::time::{Duration, Instant};

use super::{Check, Exercise};
use crate::chat::{Reply, Request};
use crate::check::bench::Bench;
use crate::check::evidence;
use crate::check::peer::{Instead, fails};
use crate::check::story::preview;
use crate::check::verdict::{Checked, Finding};
use messages::{Got, Odd, ben, ben_says, chat, goodbye, logout};
use session::Session;

/// The exercise.
pub const EXERCISE: Exercise = Exercise {
    name: "chat-client",
    checks: &[
        Check::new("login", 10, |bench| Session::before_answer(bench).map(drop)),
        Check::new("says", 10, says).after(&["login"]),
        Check::new("shows", 10, shows).after(&["login"]),
        Check::new("lines", 8, lines).after(&["says"]),
        Check::new("nothing-else", 5, nothing_else).after(&["says", "shows"]),
        Check::new("joined", 10, deliveries::joined).after(&["shows"]),
        Check::new("split", 10, deliveries::split).after(&["joined"]),
        Check::new("characters", 5, deliveries::characters).after(&["split"]),
        Check::new("json", 5, deliveries::json).after(&["joined"]),
        Check::new("quiet", 5, quiet).after(&["says", "shows"]),
        Check::new("logout", 10, ends::logout).after(&["says", "joined"]),
        Check::new("refused", 5, ends::refused).after(&["login"]),
        Check::new("server-first", 5, ends::server_first).after(&["login"]),
        Check::new("nobody-there", 2, ends::nobody_there).after(&["login"]),
    ],
};

/// Nobody says anything for longer than any sensible time-out of a thread that polls.
const PAUSE: Duration = Duration::from_millis(1500);

/// What is typed is sent at once, while the input stays open.
fn says(bench: &Bench) -> Checked {
    let mut session = Session::enter(bench)?;
    for text in ["hello", "is anybody there?"] {
        session.types(&format!("{text}\n"));
        match session.hear()? {
            Ok(Request::Chat { content, .. }) if content == text => {}
            Err(Odd::Nothing(Instead::Silence)) => return fails(why_silent(&mut session, text)?),
            got => return fails(session.unlike(&chat(text), got, "chat-client.says.other")),
        }
    }
    Ok(())
}

/// Why a line that was typed is not sent: the input is not read, or what is sent is held back in a buffer.
fn why_silent(session: &mut Session, text: &str) -> Checked<Finding> {
    let finding = if session.leaves_input() {
        Finding::new("chat-client.says.deaf", &[])
    } else if session.sends_when_flooded()? {
        Finding::new("chat-client.says.unflushed", &[]).mistake("unflushed-buffer")
    } else {
        Finding::new("chat-client.says.silent", &[])
    };
    Ok(finding.but(preview(chat(text).to_line().trim_ascii_end()), ""))
}

/// What somebody else says is printed at once, while the input stays open and nothing is typed.
fn shows(bench: &Bench) -> Checked {
    let mut session = Session::enter(bench)?;
    for content in ["hello", "how are you?"] {
        session.reply(&ben(content))?;
        if !session.shows(&ben_says(content))? {
            return fails(why_hidden(&mut session, &ben_says(content))?);
        }
    }
    Ok(())
}

/// Why a chat is not printed: it is not received, or held back in a buffer, or printed otherwise.
fn why_hidden(session: &mut Session, line: &str) -> Checked<Finding> {
    let actual = session.printed_instead();
    let has_ended = session.program.ended().is_some();
    if has_ended && actual.is_empty() {
        return Ok(session.gone(line));
    }
    let held = !has_ended && actual.is_empty();
    let finding = if held && session.leaves_messages() {
        Finding::new("chat-client.shows.deaf", &[])
    } else if held && shows_at_its_end(session, line)? {
        Finding::new("chat-client.shows.unflushed", &[]).mistake("unflushed-buffer")
    } else if !held && actual.contains(line) {
        Finding::new("chat-client.shows.not-alone", &[])
    } else {
        Finding::new("chat-client.shows.other", &[])
    };
    Ok(finding.but(line, actual))
}

/// Ends the input, and with it the program; whether the line is printed then.
fn shows_at_its_end(session: &mut Session, line: &str) -> Checked<bool> {
    session.ends_input();
    if let Ok(Request::Logout { .. }) = session.hear()? {
        session.reply(&goodbye())?;
        session.server.half_close()?;
    }
    session.ends()?;
    session.shows(line)
}

/// Lines that come together, an empty one among them, with all that JSON writes in another way.
fn lines(bench: &Bench) -> Checked {
    let long = "x".repeat(20_000);
    let texts = ["one", "  two, \"quoted\", a \\ and {braces}", "a\ttab", "Grüße, 你好, 🦀", &long];
    let mut session = Session::enter(bench)?;
    let [first, rest @ ..] = texts;
    session.types(&format!("{first}\n\n{}\n", rest.join("\n")));
    for text in texts {
        let got = session.hear()?;
        let otherwise = match &got {
            Ok(Request::Chat { content, .. }) if content == text => continue,
            Ok(Request::Chat { content, .. }) if content.is_empty() => "chat-client.lines.empty",
            Err(Odd::Nothing(Instead::Silence)) => {
                let finding = Finding::new("chat-client.lines.stuck", &[]);
                return fails(finding.but(preview(text.as_bytes()), ""));
            }
            _ => "chat-client.lines.changed",
        };
        return fails(session.unlike(&chat(text), got, otherwise));
    }
    Ok(())
}

/// A whole conversation, of which chats only are printed.
fn nothing_else(bench: &Bench) -> Checked {
    let mut session = Session::enter(bench)?;
    session.reply(&Reply::Error { message: "speak more slowly".to_owned() })?;
    session.reply(&ben("hi"))?;
    session.types("hello\n");
    session.expect(&chat("hello"), "chat-client.says.other")?;
    session.ends_input();
    session.expect(&logout(), "chat-client.logout.other")?;
    session.reply(&goodbye())?;
    session.server.half_close()?;
    session.ends()?;
    let (expected, output) = (format!("{}\n", ben_says("hi")), session.program.output());
    match output == expected.as_bytes() {
        true => Ok(()),
        false => fails(
            Finding::new("chat-client.nothing-else.more", &[])
                .but(preview(expected.as_bytes()), preview(&output)),
        ),
    }
}

/// Silence is no failure, however long.
fn quiet(bench: &Bench) -> Checked {
    let mut session = Session::enter(bench)?;
    session.reply(&ben("before"))?;
    session.must_show(&[ben_says("before")], || Finding::new("chat-client.shows.other", &[]))?;
    let (program, peer) = (session.server.remote, session.server.local);
    let impatient = evidence::impatience(&session.program, program, peer);
    bench.tell("check.pauses", &[("seconds", &PAUSE.as_secs_f64())]);
    let (_, ended) = session.server.receive(Instant::now() + PAUSE, |bytes| !bytes.is_empty())?;
    if ended != Some(Instead::Silence) {
        let finding = Finding::new("chat-client.quiet.gone", &[]);
        let finding = if impatient { finding.mistake("eagain-fatal") } else { finding };
        session.ends()?;
        return fails(finding.but("", session.program.last_words()));
    }
    session.reply(&ben("after"))?;
    session.must_show(&[ben_says("after")], || Finding::new("chat-client.quiet.deaf", &[]))?;
    session.types("after\n");
    session.expect(&chat("after"), "chat-client.says.other")
}

/// Whether it is silence.
fn is_silence(got: &Got) -> bool {
    matches!(got, Err(Odd::Nothing(Instead::Silence)))
}
