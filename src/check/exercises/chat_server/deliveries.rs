//! The same messages in other pieces, and messages that are too long.

use std::time::{Duration, Instant};

use super::client::{
    Client, Got, LONGEST, chat as say, expected_error, is_silence, line_of, shown, unlike,
};
use super::protocol::{chat_line, is_chat};
use super::serve;
use crate::chat::Reply;
use crate::check::bench::{Bench, Server};
use crate::check::peer::{Heard, Instead, fails};
use crate::check::verdict::{Checked, Finding, Words};
use crate::check::{ANSWER, evidence};

/// One character of each length, two in the middle of others.
const CHARACTERS: &str = "naïve 世界 🦀!";

/// How much of a message without an end is sent.
const ENDLESS: usize = 8 << 20;

/// What is sent after too much, so that there is something left to read.
const MORE: usize = 256 << 10;

/// For so long a server is watched that says no more to one who does not read: whether it closes.
const WATCHED: Duration = Duration::from_secs(2);

/// Messages are found wherever the bytes are cut: several in one segment, one in many, and both.
pub fn pieces(bench: &Bench) -> Checked {
    let server = serve(bench)?;
    let mut mei = Client::enter(bench, "mei", &server)?;
    let mut lin = Client::enter(bench, "lin", &server)?;
    let line = |text: &str| say(text).to_line();

    let joined = [line("one"), line("two"), line("three")].concat();
    mei.peer.send(&joined)?;
    hears(&mut mei, &mut lin, &["one", "two", "three"], "chat-server.pieces.joined")?;

    let split = line("byte by byte");
    let bytes: Vec<&[u8]> = split.chunks(1).collect();
    mei.send_in_pieces(&bytes)?;
    hears(&mut mei, &mut lin, &["byte by byte"], "chat-server.pieces.split")?;

    let both = [line("four"), line("five"), line("six")].concat();
    let (first, rest) = both.split_at(both.len() / 6);
    let (second, third) = rest.split_at(rest.len() * 4 / 5);
    mei.send_in_pieces(&[first, second, third])?;
    hears(&mut mei, &mut lin, &["four", "five", "six"], "chat-server.pieces.both")
}

/// Whether all that is heard, in order. Each by itself in one segment would be: another check has seen that.
fn hears(
    speaker: &mut Client,
    listener: &mut Client,
    contents: &[&str],
    id: &'static str,
) -> Checked {
    for content in contents {
        let got = listener.hear()?;
        if is_chat("mei", content, &got).is_ok() {
            continue;
        }
        let finding = Finding::new(id, &[]).mistake("one-recv-one-message");
        let told = told(speaker)?;
        return fails(finding.but(chat_line("mei", content), shown(&got) + &told));
    }
    Ok(())
}

/// What the speaker was told meanwhile: that may say more than what the listener did not hear.
fn told(speaker: &mut Client) -> Checked<String> {
    let got = speaker.hear_before(Instant::now() + Duration::from_millis(100))?;
    if is_silence(&got) {
        return Ok(String::new());
    }
    let blanks: [(&str, &dyn std::fmt::Display); 2] =
        [("name", &speaker.name), ("text", &shown(&got))];
    Ok(Words::new("chat-server.got.meanwhile", &blanks).to_string())
}

/// A character that is cut in two arrives whole.
pub fn characters(bench: &Bench) -> Checked {
    let server = serve(bench)?;
    let mut mei = Client::enter(bench, "mei", &server)?;
    let mut lin = Client::enter(bench, "lin", &server)?;
    let line = say(CHARACTERS).to_line();
    // Cut inside characters only: cuts between them are another check's.
    let mut cuts: Vec<usize> = (0..line.len()).filter(|at| is_inside(&line, *at)).collect();
    cuts.push(line.len());
    let starts = std::iter::once(0).chain(cuts.iter().copied());
    let pieces: Vec<&[u8]> =
        starts.zip(&cuts).map(|(from, to)| line.get(from..*to).unwrap_or_default()).collect();
    mei.send_in_pieces(&pieces)?;
    let got = lin.hear()?;
    if is_chat("mei", CHARACTERS, &got).is_ok() {
        return Ok(());
    }
    let finding = Finding::new("chat-server.characters.cut", &[]).mistake("utf8-split");
    let told = told(&mut mei)?;
    fails(finding.but(chat_line("mei", CHARACTERS), shown(&got) + &told))
}

/// Whether a cut there goes through a character: what follows is a byte that continues one.
fn is_inside(text: &[u8], at: usize) -> bool {
    text.get(at).is_some_and(|byte| byte & 0b1100_0000 == 0b1000_0000)
}

/// A message of 64 KiB passes. A longer one gets `error` and the end, even if its newline never comes.
pub fn too_long(bench: &Bench) -> Checked {
    let server = serve(bench)?;
    let mei = Client::enter(bench, "mei", &server)?;
    let mut lin = Client::enter(bench, "lin", &server)?;
    let content = "x".repeat(LONGEST + 1 - say("").to_line().len());
    mei.chat(&content)?;
    let got = lin.hear()?;
    if is_chat("mei", &content, &got).is_err() {
        let expected = Words::new("chat-server.got.longest", &[]).to_string();
        return fails(unlike("chat-server.too-long.refused", expected, &got));
    }

    let mut tao = Client::enter(bench, "tao", &server)?;
    let endless = endless(LONGEST + 1);
    tao.peer.send(&endless)?;
    let got = tao.answer()?;
    if !matches!(got, Ok(Reply::Error { .. })) {
        return fails(unbounded(bench, &server, &mut tao, &got)?);
    }
    let got = tao.answer()?;
    match &got {
        Err(Heard { instead: Instead::End | Instead::Reset, .. }) => Ok(()),
        _ => {
            let end = Words::new("chat-server.got.end", &[]).to_string();
            fails(Finding::new("chat-server.too-long.open", &[]).but(end, shown(&got)))
        }
    }
}

/// So many bytes of a chat that does not end with them.
fn endless(count: usize) -> Vec<u8> {
    let mut message = b"{\"type\":\"chat\",\"content\":\"".to_vec();
    message.resize(count, b'x');
    message
}

/// Why one byte too many got no error: is there a bound elsewhere, or none?
fn unbounded(bench: &Bench, server: &Server, client: &mut Client, got: &Got) -> Checked<Finding> {
    let expected = line_of(&expected_error());
    if !is_silence(got) {
        let finding = unlike("chat-server.too-long.other", expected, got);
        let is_reset = matches!(got, Err(heard) if heard.was_reset());
        return Ok(if is_reset { finding.mistake("reset-on-unread") } else { finding });
    }
    let before = server.program.processes().memory();
    let sent = client.send_as_taken(&vec![b'x'; ENDLESS]);
    client.waits_until_read(ANSWER);
    let grown = server.program.processes().memory().saturating_sub(before);
    let (sent, grown) = (sent as u64 / 1024, grown / 1024);
    bench.tell("chat-server.grown", &[("sent", &sent), ("grown", &grown)]);
    let ended = !is_silence(&client.hear_before(Instant::now() + Duration::from_millis(100))?);
    let blanks: [(&str, &dyn std::fmt::Display); 2] = [("sent", &sent), ("grown", &grown)];
    let finding = match (ended, grown > sent / 2) {
        (true, _) => Finding::new("chat-server.too-long.elsewhere", &[]),
        (false, true) => {
            Finding::new("chat-server.too-long.kept", &blanks).mistake("unbounded-message")
        }
        (false, false) => Finding::new("chat-server.too-long.silent", &[]),
    };
    Ok(finding.but(expected, shown(got)))
}

/// The error arrives, though its receiver still has other things to read and has sent more than is read.
pub fn last_words(bench: &Bench) -> Checked {
    let server = serve(bench)?;
    let mei = Client::enter(bench, "mei", &server)?;
    let mut lin = Client::enter_small(bench, "lin", &server)?;
    let stays = |queues: Option<evidence::Queues>| queues.is_some_and(|it| it.held);
    // What lin does not read fills her receive window: from then on, all that the program sends waits on its own side.
    for _ in 0..8 {
        mei.chat(&"x".repeat(16 << 10))?;
    }
    let full =
        |queues: Option<evidence::Queues>| !stays(queues) || queues.is_some_and(|it| it.unsent > 0);
    lin.waits_until(ANSWER, full);
    mei.waits_until_read(ANSWER);
    let taken = lin.send_as_taken(&endless(LONGEST + 1 + MORE));
    bench.tell("chat-server.sent-unread", &[("name", &lin.name), ("count", &taken)]);
    // A program that closes now has not read all. One that reads on will let her read, too.
    let decided = |queues: Option<evidence::Queues>| {
        !stays(queues) || queues.is_some_and(|it| it.unread == 0)
    };
    lin.waits_until(WATCHED, decided);
    let got = lin.answer()?;
    let finding = match &got {
        Ok(Reply::Error { .. }) => return Ok(()),
        Err(Heard { instead: Instead::Reset | Instead::End, .. }) => {
            Finding::new("chat-server.last-words.lost", &[]).mistake("reset-on-unread")
        }
        _ => Finding::new("chat-server.last-words.other", &[]),
    };
    fails(finding.but(line_of(&expected_error()), shown(&got)))
}
