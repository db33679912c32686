//! `length-prefix`: a length, big-endian, and so many bytes; the answer has the bytes reversed.

use std::time::{Duration, Instant};

use super::dialogue::{
    Dialogue, Excess, answered, ask, excess, held_back, memory, offer, serve, unlike,
};
use super::{Check, Exercise};
use crate::check::ANSWER;
use crate::check::bench::{Bench, Server};
use crate::check::peer::{Heard, Instead, Peer, fails};
use crate::check::story::difference;
use crate::check::verdict::{Checked, Finding};

/// The exercise.
pub const EXERCISE: Exercise = Exercise {
    name: "length-prefix",
    checks: &[
        Check::new("listens", 5, |bench| serve(bench).map(drop)),
        Check::new("message", 10, message).after(&["listens"]),
        Check::new("bytes", 10, bytes).after(&["message"]),
        Check::new("joined", 10, joined).after(&["message"]),
        Check::new("split", 15, split).after(&["message"]),
        // To receive all of nothing is right by itself in programs that receive until all is there.
        Check::new("empty", 5, empty).after(&["split"]),
        Check::new("end", 5, end).after(&["split"]),
        Check::new("together", 10, |bench| HELLO.together(bench)).after(&["message"]),
        Check::new("reset", 5, |bench| HELLO.reset(bench, &HELLO.question.repeat(8 << 10)))
            .after(&["message"]),
        Check::new("large", 5, large).after(&["joined", "split"]),
        Check::new("unread", 5, unread).after(&["large", "together"]),
        Check::new("bound", 5, bound).after(&["message"]),
        Check::new("descriptors", 5, |bench| HELLO.descriptors(bench, b"\0\0\0\x05he"))
            .after(&["end"]),
        Check::new("restart", 5, |bench| HELLO.restart(bench)).after(&["message"]),
    ],
};

const HELLO: Dialogue = Dialogue { question: b"\0\0\0\x05hello", answer: b"\0\0\0\x05olleh" };

/// How many bytes a payload may have.
const LIMIT: u32 = 16 << 20;

/// Time for the rest of an answer that is not the right one.
const REST: Duration = Duration::from_millis(300);

/// A payload as a message.
fn frame(payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes(), payload].concat()
}

/// The answer to it.
fn answer(payload: &[u8]) -> Vec<u8> {
    frame(&reversed(payload))
}

fn reversed(payload: &[u8]) -> Vec<u8> {
    payload.iter().rev().copied().collect()
}

/// A message is answered, and one more.
fn message(bench: &Bench) -> Checked {
    let mut server = serve(bench)?;
    let client = Peer::connect(bench, "client", server.address)?;
    for payload in [&b"hello"[..], b"goodbye"] {
        if let Err(heard) = ask(&client, &frame(payload), &answer(payload))? {
            return fails(no_answer(bench, &mut server, client, payload, heard)?);
        }
    }
    Ok(())
}

/// Why a short message got no answer, or another one.
fn no_answer(
    bench: &Bench,
    server: &mut Server,
    client: Peer,
    payload: &[u8],
    heard: Heard,
) -> Checked<Finding> {
    let heard = with_rest(&client, heard, payload.len() + 4)?;
    let (shown, seen) = difference(&answer(payload), &heard.bytes);
    if !heard.bytes.is_empty() {
        let otherwise = other_answer(payload, &heard.bytes);
        return Ok(otherwise
            .unwrap_or_else(|| {
                unlike(server, &answer(payload), &heard, Finding::new("dialogue.other", &[]))
            })
            .but(shown, seen));
    }
    // So that a program that serves one client at a time is free again.
    client.close();
    // Of a program that is gone, or about to go, nothing can be asked.
    if heard.instead == Instead::Silence
        || server.program.ends_before(Instant::now() + REST).is_none()
    {
        if answers_little_endian(bench, server)? {
            let finding = Finding::new("length-prefix.message.little-endian", &[]);
            return Ok(finding.mistake("byte-order").but(shown, seen));
        }
        if heard.instead == Instead::Silence {
            let much = [HELLO.question, &*frame(&vec![b'x'; 1 << 20])].concat();
            return Ok(held_back(bench, server, &much, HELLO.answer)?.but(shown, seen));
        }
    }
    Ok(unlike(server, &answer(payload), &heard, Finding::new("dialogue.other", &[])))
}

/// What came, with what comes soon after, up to so many bytes.
fn with_rest(client: &Peer, heard: Heard, count: usize) -> Checked<Heard> {
    if heard.instead != Instead::Other {
        return Ok(heard);
    }
    let missing = count.saturating_sub(heard.bytes.len());
    let (rest, _) = client.receive(Instant::now() + REST, |bytes| bytes.len() >= missing)?;
    Ok(Heard { bytes: [heard.bytes, rest].concat(), ..heard })
}

/// A wrong answer that tells what was done wrongly.
fn other_answer(payload: &[u8], bytes: &[u8]) -> Option<Finding> {
    let reversed = reversed(payload);
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    let Some((header, rest)) = bytes.split_first_chunk() else {
        return (bytes == reversed).then(no_boundary);
    };
    if bytes == reversed {
        return Some(no_boundary());
    }
    if rest == reversed && *header == length.to_le_bytes() {
        return Some(
            Finding::new("length-prefix.message.answer-little-endian", &[]).mistake("byte-order"),
        );
    }
    if rest == reversed && u32::from_be_bytes(*header) == length + 4 {
        return Some(Finding::new("length-prefix.message.header-counted", &[]));
    }
    (rest == payload).then(|| Finding::new("length-prefix.message.not-reversed", &[]))
}

fn no_boundary() -> Finding {
    Finding::new("length-prefix.message.no-length", &[]).mistake("missing-delimiter")
}

/// Whether a length with its bytes in the other order gets an answer: to a program that reads it right it is 80 MiB.
fn answers_little_endian(bench: &Bench, server: &Server) -> Checked<bool> {
    let client = Peer::connect(bench, "client with the length little-endian", server.address)?;
    offer(&client, b"\x05\0\0\0hello")?;
    let (bytes, _) = client.receive(bench.answer(), |bytes| bytes.len() >= 9)?;
    Ok(bytes.get(4..).is_some_and(|payload| payload == b"olleh"))
}

/// Every value that a byte can have, and white space where text is trimmed: in short messages.
fn bytes(bench: &Bench) -> Checked {
    let server = serve(bench)?;
    let client = Peer::connect(bench, "client", server.address)?;
    let all: Vec<u8> = (0..=255).collect();
    for payload in all.chunks(32).chain([&b" \t\r\n\0 \n"[..]]) {
        if let Err(heard) = ask(&client, &frame(payload), &answer(payload))? {
            // Text came back right, in the check before: what is lost or changed here is what text does not have.
            let heard = with_rest(&client, heard, payload.len() + 4)?;
            let (shown, seen) = difference(&answer(payload), &heard.bytes);
            let finding = Finding::new("length-prefix.bytes.changed", &[]);
            return fails(finding.mistake("text-not-bytes").but(shown, seen));
        }
    }
    Ok(())
}

/// A message may have no payload.
fn empty(bench: &Bench) -> Checked {
    let mut server = serve(bench)?;
    let client = Peer::connect(bench, "client", server.address)?;
    let otherwise = || Finding::new("length-prefix.empty.wrong", &[]);
    match ask(&client, &frame(b""), &answer(b""))? {
        Ok(()) => answered(&mut server, &client, (HELLO.question, HELLO.answer), otherwise()),
        Err(heard) => {
            let (shown, seen) = difference(&answer(b""), &heard.bytes);
            fails(otherwise().but(shown, seen))
        }
    }
}

/// Several messages in one segment are several messages.
fn joined(bench: &Bench) -> Checked {
    let server = serve(bench)?;
    let client = Peer::connect(bench, "client", server.address)?;
    let payloads: [&[u8]; 4] = [b"one", b"two", b"three", b"four"];
    let answers = payloads.map(answer).concat();
    match ask(&client, &payloads.map(frame).concat(), &answers)? {
        Ok(()) => Ok(()),
        Err(heard) => fails(one_recv("length-prefix.joined.wrong", &answers, &heard)),
    }
}

/// A message that was right in one piece is wrong in this delivery.
fn one_recv(cause: &str, answers: &[u8], heard: &Heard) -> Finding {
    let (shown, seen) = difference(answers, &heard.bytes);
    Finding::new(cause, &[]).mistake("one-recv-one-message").but(shown, seen)
}

/// A message in pieces is one message.
fn split(bench: &Bench) -> Checked {
    let server = serve(bench)?;
    let client = Peer::connect(bench, "client", server.address)?;
    let (bytewise, two) = (frame(b"hello"), [frame(b"pieces"), frame(b"of two")].concat());
    let bytewise: Vec<&[u8]> = bytewise.chunks(1).collect();
    let deliveries: [(&[&[u8]], Vec<u8>); 3] = [
        // First where programs of one recv are often right: between length and payload.
        (&[b"\0\0\0\x05", b"hello"], answer(b"hello")),
        (&bytewise, answer(b"hello")),
        (&[&two[..7], &two[7..13], &two[13..]], [answer(b"pieces"), answer(b"of two")].concat()),
    ];
    for (pieces, answers) in deliveries {
        client.send_apart(pieces)?;
        if let Err(heard) = client.expect(&answers)? {
            return fails(one_recv("length-prefix.split.wrong", &answers, &heard));
        }
    }
    Ok(())
}

/// The client's end between two messages, and in the middle of one.
fn end(bench: &Bench) -> Checked {
    HELLO.end(bench, b"", &[b""])?;
    HELLO.end(bench, b"\0\0\0\x05he", &[b""])
}

/// A payload as large as it may be, neither sent nor taken quickly.
fn large(bench: &Bench) -> Checked {
    let mut server = serve(bench)?;
    let client = Peer::connect_small(bench, "client", server.address, 64 << 10)?;
    // Seventeen fits into no power of two: whatever piece is missing, the rest does not look the same.
    let unit = b"0123456789abcdef\n";
    let (times, rest) = (LIMIT as usize / unit.len(), LIMIT as usize % unit.len());
    let payload = [&unit.repeat(times), &unit[..rest]].concat();
    let answer = [reversed(&unit[..rest]), reversed(unit).repeat(times)].concat();
    let expected = frame(&answer);
    offer(&client, &frame(&payload))?;
    // Twice the time for much to be copied, in some programs many times.
    let Err(heard) = client.expect_within(&expected, bench.patiently(2 * ANSWER))? else {
        return Ok(());
    };
    let finding =
        unlike(&mut server, &expected, &heard, Finding::new("length-prefix.large.cut", &[]));
    // The beginning is right: what send did not take is missing, at the end or in between.
    let right = expected.iter().zip(&heard.bytes).take_while(|(one, other)| one == other).count();
    fails(match right > 4 && heard.instead != Instead::Reset {
        true => finding.because("length-prefix.large.cut", &[]).mistake("short-send"),
        false => finding,
    })
}

/// One that does not read its large answer: the others must not notice.
fn unread(bench: &Bench) -> Checked {
    let mut server = serve(bench)?;
    let slow =
        Peer::connect_small(bench, "client 1, which does not read,", server.address, 16 << 10)?;
    offer(&slow, &frame(&vec![b'x'; LIMIT as usize]))?;
    wait_for_answer(bench, &slow)?;
    let other = Peer::connect(bench, "client 2", server.address)?;
    let Err(heard) = ask(&other, HELLO.question, HELLO.answer)? else { return Ok(()) };
    let finding = unlike(&mut server, HELLO.answer, &heard, Finding::new("dialogue.other", &[]));
    fails(match heard.instead {
        Instead::Silence => {
            finding.because("length-prefix.unread.waits", &[]).mistake("broadcast-under-lock")
        }
        _ => finding,
    })
}

/// Waits until the first byte of its answer is there, and leaves it there.
fn wait_for_answer(bench: &Bench, client: &Peer) -> Checked {
    let deadline = bench.answer();
    let mut first = [std::mem::MaybeUninit::uninit()];
    let limit = Some(Duration::from_millis(250));
    while Instant::now() < deadline && client.socket().set_read_timeout(limit).is_ok() {
        bench.check_stop()?;
        if client.socket().peek(&mut first).is_ok() {
            break;
        }
    }
    Ok(())
}

/// A length that is too large ends the connection at once; nobody waits for the payload.
fn bound(bench: &Bench) -> Checked {
    let mut server = serve(bench)?;
    // The largest is -1 to a program that takes it for a signed number.
    for length in [LIMIT + 1, u32::MAX] {
        let client = Peer::connect(bench, "client", server.address)?;
        let before = memory(&server);
        offer(&client, &length.to_be_bytes())?;
        let (bytes, ended) = client.receive(bench.answer(), |bytes| !bytes.is_empty())?;
        match ended {
            Some(Instead::Silence) => {
                return fails(waits(bench, &server, &client, (length, before))?);
            }
            Some(_) if bytes.is_empty() => still_there(&mut server, length)?,
            _ => {
                let finding = Finding::new("length-prefix.bound.answered", &[("length", &length)]);
                return fails(finding.but("", difference(b"", &bytes).1));
            }
        }
    }
    let client = Peer::connect(bench, "another client", server.address)?;
    let otherwise = Finding::new("dialogue.other", &[]);
    answered(&mut server, &client, (HELLO.question, HELLO.answer), otherwise)
}

/// The connection ended; if the program did too, it was for the memory.
fn still_there(server: &mut Server, length: u32) -> Checked {
    let Some(ended) = server.program.ends_before(Instant::now() + REST / 3) else { return Ok(()) };
    let blanks: [(&str, &dyn std::fmt::Display); 2] = [("how", &ended), ("length", &length)];
    let finding = Finding::new("length-prefix.bound.died", &blanks).mistake("unbounded-message");
    fails(finding.but("", server.program.last_words()))
}

/// It waits for a payload that is too large: does it keep what comes of it?
fn waits(
    bench: &Bench,
    server: &Server,
    client: &Peer,
    (length, before): (u32, u64),
) -> Checked<Finding> {
    let blanks: [(&str, &dyn std::fmt::Display); 1] = [("length", &length)];
    Ok(match excess(bench, server, client, LIMIT as usize, before)? {
        Excess::Keeps => {
            Finding::new("length-prefix.bound.grows", &blanks).mistake("unbounded-message")
        }
        Excess::Ends => Finding::new("length-prefix.bound.late", &blanks),
        Excess::Ignores => Finding::new("length-prefix.bound.open", &blanks),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_answer_tells_what_was_done_wrongly() {
        let mistake = |bytes: &[u8]| other_answer(b"hello", bytes).map(|it| it.mistakes);
        assert_eq!(mistake(b"olleh"), Some(vec!["missing-delimiter"]));
        assert_eq!(mistake(b"\x05\0\0\0olleh"), Some(vec!["byte-order"]));
        assert_eq!(mistake(b"\0\0\0\x05hello"), Some(vec![]));
        assert_eq!(mistake(b"\0\0\0\x09olleh"), Some(vec![]));
        assert_eq!(mistake(b"5\nolleh"), None);
        assert_eq!(mistake(b"ol"), None);
    }
}
