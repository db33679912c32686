//! `udp-echo`: every datagram comes back to its sender, unchanged, whatever its size and its bytes; any number of peers.

use std::time::{Duration, Instant};

use super::{Check, Exercise};
use crate::check::bench::{Bench, Server, Transport};
use crate::check::datagrams::{Endpoint, Heard};
use crate::check::peer::fails;
use crate::check::story::difference;
use crate::check::verdict::{Checked, Finding, Words};

/// The exercise.
pub const EXERCISE: Exercise = Exercise {
    name: "udp-echo",
    checks: &[
        Check::new("listens", 5, |bench| serve(bench).map(drop)),
        Check::new("text", 15, text).after(&["listens"]),
        Check::new("bytes", 20, bytes).after(&["text"]),
        Check::new("sizes", 25, sizes).after(&["text"]),
        Check::new("empty", 10, empty).after(&["text"]),
        Check::new("peers", 20, peers).after(&["text"]),
        Check::new("gone", 5, gone).after(&["text"]),
    ],
};

/// Around the sizes of buffers that people choose, up to the largest datagram there is.
const SIZES: [usize; 9] = [1, 513, 1025, 1473, 2049, 4097, 8193, 65_506, 65_507];

/// How many peers speak at the same time.
const PEERS: usize = 20;

fn serve(bench: &Bench) -> Checked<Server> {
    bench.server(Transport::Udp)
}

/// Text comes back: a word, then a line's worth of it, then a word again, so that nothing of the longer one is left over.
fn text(bench: &Bench) -> Checked {
    let mut server = serve(bench)?;
    let peer = Endpoint::open(bench, "peer", server.address)?;
    for message in ["hello".to_owned(), "0123456789".repeat(10), "goodbye".to_owned()] {
        echoes(&mut server, &peer, message.as_bytes(), "udp-echo.text.other")?;
    }
    Ok(())
}

/// Sends it, and expects it back; `other` is the cause when another datagram comes that does not tell by itself.
fn echoes(server: &mut Server, peer: &Endpoint, message: &[u8], other: &str) -> Checked {
    peer.send(message)?;
    returns(server, peer, message, other)
}

/// Expects it back.
fn returns(server: &mut Server, peer: &Endpoint, message: &[u8], other: &str) -> Checked {
    match peer.expect(message)? {
        Ok(()) => Ok(()),
        Err(heard) => fails(unlike(server, message, &heard, other)),
    }
}

/// What came instead, as a finding.
fn unlike(server: &mut Server, message: &[u8], heard: &Heard, other: &str) -> Finding {
    match heard {
        Heard::Silence => silent(server, message.len()),
        Heard::From(place) => {
            let blanks: [(&str, &dyn std::fmt::Display); 2] =
                [("place", place), ("address", &server.address)];
            let finding = Finding::new("udp-echo.from-elsewhere", &blanks);
            finding.but(server.address.to_string(), place.to_string())
        }
        Heard::Other(answer) => {
            let (all, count) = (message.len(), answer.len());
            let blanks: [(&str, &dyn std::fmt::Display); 2] = [("all", &all), ("count", &count)];
            let (expected, actual) = difference(message, answer);
            let finding = match () {
                () if is_cut(message, answer) => {
                    Finding::new("udp-echo.cut", &blanks).mistake("udp-truncation")
                }
                () if count > all && answer.starts_with(message) => {
                    Finding::new("udp-echo.padded", &blanks)
                }
                () => Finding::new(other, &blanks),
            };
            finding.but(expected, actual)
        }
    }
}

/// Whether only the end is missing.
fn is_cut(message: &[u8], answer: &[u8]) -> bool {
    !answer.is_empty() && answer.len() < message.len() && message.starts_with(answer)
}

/// Nothing came back: because the program has ended, or for a reason that cannot be seen.
fn silent(server: &mut Server, count: usize) -> Finding {
    let expected = Words::new("udp-echo.expected", &[("count", &count)]).to_string();
    // It may be about to end.
    match server.program.ends_before(Instant::now() + Duration::from_millis(200)) {
        Some(ended) => Finding::new("udp-echo.died", &[("how", &ended), ("count", &count)])
            .but(expected, server.program.last_words()),
        None => Finding::new("udp-echo.silence", &[("count", &count)])
            .but(expected, Words::new("udp-echo.nothing", &[]).to_string()),
    }
}

/// Every value that a byte can have, and white space where text is trimmed. The datagrams are shorter than those of the
/// check before: what is lost or changed here is what text does not have.
fn bytes(bench: &Bench) -> Checked {
    let mut server = serve(bench)?;
    let peer = Endpoint::open(bench, "peer", server.address)?;
    let all: Vec<u8> = (0..=255).collect();
    let edges = [&b"\n"[..], b" \t both ends \r\n", b"\0", b"one\0two", b"\0\0"];
    for message in all.chunks(32).chain(edges) {
        peer.send(message)?;
        let Err(heard) = peer.expect(message)? else { continue };
        let Finding { expected, actual, .. } = unlike(&mut server, message, &heard, "");
        let finding = match &heard {
            Heard::From(_) => return fails(unlike(&mut server, message, &heard, "")),
            Heard::Other(_) => Finding::new("udp-echo.bytes.changed", &[]),
            Heard::Silence => Finding::new("udp-echo.bytes.lost", &[]),
        };
        let finding = finding.but(expected, actual);
        return fails(finding.mistake("text-not-bytes"));
    }
    Ok(())
}

/// Every size, up to the largest there is.
fn sizes(bench: &Bench) -> Checked {
    let mut server = serve(bench)?;
    let peer = Endpoint::open(bench, "peer", server.address)?;
    let pattern: Vec<u8> = (0..65_507).map(|index: usize| b'a' + (index % 23) as u8).collect();
    for size in SIZES {
        echoes(&mut server, &peer, &pattern[..size], "udp-echo.sizes.other")?;
    }
    Ok(())
}

/// An empty datagram is a datagram, and the end of nothing.
fn empty(bench: &Bench) -> Checked {
    let mut server = serve(bench)?;
    let peer = Endpoint::open(bench, "peer", server.address)?;
    echoes(&mut server, &peer, b"before", "udp-echo.text.other")?;
    peer.send(b"")?;
    let heard = peer.expect(b"")?;
    if heard == Err(Heard::Silence) && server.program.ended().is_none() {
        let finding = Finding::new("udp-echo.empty.lost", &[]);
        let expected = Words::new("udp-echo.expected", &[("count", &0)]).to_string();
        return fails(finding.but(expected, Words::new("udp-echo.nothing", &[]).to_string()));
    }
    if let Err(heard) = heard {
        return fails(unlike(&mut server, b"", &heard, "udp-echo.text.other"));
    }
    echoes(&mut server, &peer, b"after", "udp-echo.text.other")
}

/// Many peers send before anyone's answer is read: each gets its own.
fn peers(bench: &Bench) -> Checked {
    let mut server = serve(bench)?;
    let open = |number| Endpoint::open(bench, format!("peer {number}"), server.address);
    let peers: Vec<Endpoint> = (1..=PEERS).map(open).collect::<Checked<_>>()?;
    for round in 1..=3 {
        let message = |peer: &Endpoint| format!("{}, round {round}", peer.name).into_bytes();
        for peer in &peers {
            peer.send(&message(peer))?;
        }
        for peer in peers.iter().rev() {
            let message = message(peer);
            let Err(heard) = peer.expect(&message)? else { continue };
            let finding = unlike(&mut server, &message, &heard, "udp-echo.peers.mixed");
            let hears_others = heard == Heard::Silence && server.program.ended().is_none();
            return fails(match hears_others {
                true => Finding::new("udp-echo.peers.silent", &[("name", &peer.name)])
                    .but(finding.expected, finding.actual),
                false => finding,
            });
        }
    }
    Ok(())
}

/// A peer that is gone before its answer comes takes nobody with it.
fn gone(bench: &Bench) -> Checked {
    let mut server = serve(bench)?;
    for number in 1..=3 {
        let peer = Endpoint::open(bench, format!("peer {number}"), server.address)?;
        peer.send(b"goodbye")?;
        peer.close();
    }
    let peer = Endpoint::open(bench, "another peer", server.address)?;
    echoes(&mut server, &peer, b"still there?", "udp-echo.text.other")
}
