//! Inputs that try a client: larger than all buffers, and bytes that are no text.

use std::time::Duration;

use super::{Client, Variables};
use crate::check::bench::Bench;
use crate::check::evidence;
use crate::check::peer::{Heard, Instead, fails};
use crate::check::program::Ended;
use crate::check::story::difference;
use crate::check::verdict::{Checked, Finding};

/// More than the buffers of both sides hold.
pub fn large() -> Vec<u8> {
    const ENOUGH: usize = 12 << 20;
    let limits = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_wmem").unwrap_or_default();
    let largest: usize =
        limits.split_whitespace().last().and_then(|it| it.parse().ok()).unwrap_or(0);
    let size = (2 * largest.min(ENOUGH * 2) + (4 << 20)).max(ENOUGH);
    // 17 bytes again and again: where a piece is missing, the rest does not fit.
    b"0123456789abcdef\n".repeat(size / 17)
}

/// A large input reaches a server that begins to read only when the program can send no more.
pub fn sends_much(bench: &Bench, variables: Variables) -> Checked {
    /// A program that never sleeps is not waited for.
    const AT_MOST: Duration = Duration::from_secs(1);
    let message = large();
    let mut client = Client::meet_small(bench, variables, &message)?;
    let (local, peer) = (client.peer.remote, client.peer.local);
    let impatient = evidence::impatience(&client.program, local, peer);
    evidence::fills_up(bench, &client.program, local, peer, bench.patiently(AT_MOST));
    let impatient = impatient || evidence::impatience(&client.program, local, peer);
    let heard = client.hear()?;
    if heard.bytes != message || heard.instead != Instead::End {
        return fails(cut(&mut client, &message, &heard, impatient));
    }
    client.answers(b"all of it came\n")?;
    client.ends_well(b"all of it came\n")
}

/// Why a large input did not arrive whole, when a small one did.
fn cut(client: &mut Client, message: &[u8], heard: &Heard, impatient: bool) -> Finding {
    if heard.instead == Instead::Silence || heard.bytes == message {
        return client.unlike(message, heard);
    }
    let ended = client.ended_soon();
    let (expected, actual) = difference(message, &heard.bytes);
    if evidence::names_eagain(&client.program) {
        return client.nothing_yet(ended).but(expected, actual);
    }
    let (count, all) = (heard.bytes.len(), message.len());
    let finding = Finding::new("client.cut", &[("count", &count), ("all", &all)]);
    let failed = ended.is_some_and(|ended| ended != Ended::Exit(0));
    let finding = match impatient && failed {
        true => finding.mistake("eagain-fatal").mistake("short-send"),
        false if failed => finding,
        false => finding.mistake("short-send"),
    };
    finding.but(expected, actual)
}

/// Bytes that are no text arrive, and an answer of them is printed.
pub fn carries_bytes(bench: &Bench, variables: Variables) -> Checked {
    let all: Vec<u8> = (0..=255).chain(*b" \t\r\n\0 \n").collect();
    let answer: Vec<u8> = all.iter().rev().copied().collect();
    let client = Client::meet(bench, variables, &all)?;
    let heard = client.hear()?;
    // Text passed, both ways, in the checks before: what is lost or changed here is what text does not have.
    if heard.bytes != all {
        return fails(changed("client.changed-input", &all, &heard.bytes));
    }
    client.peer.send(&answer)?;
    client.peer.half_close()?;
    match client.printed(&answer) {
        output if output == answer => Ok(()),
        output => fails(changed("client.changed-answer", &answer, &output)),
    }
}

fn changed(words: &str, expected: &[u8], actual: &[u8]) -> Finding {
    let (shown, seen) = difference(expected, actual);
    Finding::new(words, &[]).mistake("text-not-bytes").but(shown, seen)
}
