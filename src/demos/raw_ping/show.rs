//! What the reader is shown of the bytes: each named, each number taken from the message itself.

use std::fmt;
use std::time::Duration;

use crate::narrate::event::visible;
use crate::narrate::note;

use super::checksum::Checksum;
use super::icmp::{Echo, HEADER, Message, Version};
use super::ipv4::{Field, Header};
use super::{Access, Answer};

/// What the socket does for us, and what it leaves to us.
pub fn access(access: Access, version: Version) {
    match (access, version) {
        (Access::Raw, Version::V4) => note("raw-ping.raw", &[]),
        (Access::Raw, Version::V6) => note("raw-ping.raw6", &[]),
        (Access::Unprivileged, _) => note("raw-ping.unprivileged", &[]),
    }
}

/// The first request, byte by byte, before it has a checksum.
pub fn request(bytes: &[u8], version: Version) {
    let Some(message) = Message::new(bytes) else { return };
    let named = |name: &'static str, at: usize| {
        note(name, &[("at", &at), ("byte", &hex(&bytes[at..=at]))]);
    };
    match version {
        Version::V4 => note("raw-ping.bytes", &[("count", &bytes.len())]),
        Version::V6 => note("raw-ping.bytes6", &[("count", &bytes.len())]),
    }
    note("raw-ping.byte-type", &[("byte", &hex(&bytes[..1])), ("type", &message.kind())]);
    named("raw-ping.byte-code", 1);
    named("raw-ping.byte-checksum-high", 2);
    named("raw-ping.byte-checksum-low", 3);
    named("raw-ping.byte-identifier-high", 4);
    let identifier = message.identifier();
    note(
        "raw-ping.byte-identifier-low",
        &[
            ("byte", &hex(&bytes[5..=5])),
            ("hex", &word(identifier)),
            ("identifier", &identifier),
            ("pid", &std::process::id()),
        ],
    );
    named("raw-ping.byte-sequence-high", 6);
    let sequence = message.sequence();
    note("raw-ping.byte-sequence-low", &[("byte", &hex(&bytes[7..=7])), ("sequence", &sequence)]);
    let payload = message.payload();
    note(
        "raw-ping.byte-payload",
        &[
            ("first", &HEADER),
            ("last", &(bytes.len() - 1)),
            ("bytes", &hex(payload)),
            ("text", &visible(payload)),
        ],
    );
    if version == Version::V6 {
        note("raw-ping.checksum6", &[]);
    }
}

/// How the checksum comes about: in full for the first request. `bytes` hold it already.
pub fn checksum(sequence: u16, steps: &Checksum, bytes: &[u8]) {
    let checksum = word(steps.checksum);
    if sequence != 1 {
        note("raw-ping.checksum-again", &[("sequence", &sequence), ("checksum", &checksum)]);
        return;
    }
    note("raw-ping.checksum", &[]);
    let words: Vec<String> = steps.words.iter().copied().map(word).collect();
    note("raw-ping.checksum-words", &[("words", &words.join(" "))]);
    note("raw-ping.checksum-sum", &[("sum", &number(steps.sum))]);
    for fold in &steps.folds {
        note(
            "raw-ping.checksum-fold",
            &[
                ("carry", &number(fold.carry)),
                ("low", &number(fold.low)),
                ("sum", &number(fold.low + fold.carry)),
            ],
        );
    }
    let folded = word(steps.folded);
    note("raw-ping.checksum-complement", &[("folded", &folded), ("checksum", &checksum)]);
    let again = Checksum::of(bytes);
    note(
        "raw-ping.checksum-check",
        &[("checksum", &checksum), ("sum", &number(again.sum)), ("folded", &word(again.folded))],
    );
    note("raw-ping.message", &[("bytes", &hex(bytes))]);
}

/// The kernel has put an identifier of its own into the request.
pub fn identifier(ours: u16, kernels: u16) {
    note("raw-ping.identifier", &[("ours", &word(ours)), ("kernels", &word(kernels))]);
}

/// Our own request, come in on this machine.
pub fn our_request(answer: &Answer) {
    let message = answer.message;
    if message.sequence() != 1 {
        note("raw-ping.our-request-again", &[("type", &message.kind())]);
        return;
    }
    note("raw-ping.our-request", &[("type", &message.kind())]);
    if answer.version == Version::V6 {
        note("raw-ping.our-checksum6", &[("checksum", &word(message.checksum()))]);
    }
}

/// The answer: in full for the first request, and in one line for every request.
pub fn reply(answer: &Answer, echo: &Echo, waited: Duration) {
    if echo.sequence == 1 {
        note("raw-ping.answer", &[]);
        match answer.header {
            Some(header) => ip_header(header),
            None => no_ip_header(answer.version),
        }
        echo_reply(answer);
    }
    answered(answer, waited);
}

/// What a plain ping prints.
fn answered(answer: &Answer, waited: Duration) {
    let (bytes, sender) = (answer.message.bytes().len(), sender(answer));
    let (sequence, time) = (answer.message.sequence(), milliseconds(waited));
    let known = |header: Header| {
        note(
            "raw-ping.answered-ttl",
            &[
                ("bytes", &bytes),
                ("from", &sender),
                ("sequence", &sequence),
                ("ttl", &header.time_to_live()),
                ("time", &time),
            ],
        );
    };
    let unknown = || {
        note(
            "raw-ping.answered",
            &[("bytes", &bytes), ("from", &sender), ("sequence", &sequence), ("time", &time)],
        );
    };
    answer.header.map_or_else(unknown, known);
}

fn no_ip_header(version: Version) {
    match version {
        Version::V4 => note("raw-ping.no-ip", &[]),
        Version::V6 => note("raw-ping.no-ip6", &[]),
    }
}

fn ip_header(header: Header) {
    note("raw-ping.ip", &[("length", &header.length())]);
    for (field, bytes) in header.fields() {
        ip_field(header, field, &column(bytes));
    }
}

fn ip_field(header: Header, field: Field, bytes: &str) {
    let bytes: (&'static str, &dyn fmt::Display) = ("bytes", &bytes);
    match field {
        Field::VersionAndLength => {
            let length = header.length();
            note("raw-ping.ip-version", &[bytes, ("words", &(length / 4)), ("length", &length)]);
        }
        Field::Service => note("raw-ping.ip-service", &[bytes]),
        Field::TotalLength => {
            note("raw-ping.ip-total", &[bytes, ("total", &header.total_length())]);
        }
        Field::Identification => note("raw-ping.ip-identification", &[bytes]),
        Field::FlagsAndOffset => note("raw-ping.ip-flags", &[bytes]),
        Field::TimeToLive => note("raw-ping.ip-ttl", &[bytes, ("ttl", &header.time_to_live())]),
        Field::Protocol => note("raw-ping.ip-protocol", &[bytes, ("protocol", &header.protocol())]),
        Field::Checksum => {
            let folded = word(Checksum::of(header.bytes()).folded);
            note("raw-ping.ip-checksum", &[bytes, ("folded", &folded)]);
        }
        Field::Source => note("raw-ping.ip-source", &[bytes, ("address", &header.source())]),
        Field::Destination => {
            note("raw-ping.ip-destination", &[bytes, ("address", &header.destination())]);
        }
        Field::Options => note("raw-ping.ip-options", &[bytes]),
    }
}

fn echo_reply(answer: &Answer) {
    let message = answer.message;
    let bytes = message.bytes();
    note("raw-ping.icmp", &[("length", &bytes.len())]);
    note("raw-ping.icmp-type", &[("bytes", &column(&bytes[..1])), ("type", &message.kind())]);
    note("raw-ping.icmp-code", &[("bytes", &column(&bytes[1..2])), ("code", &message.code())]);
    let checksum = column(&bytes[2..4]);
    match answer.version {
        Version::V4 => {
            let folded = word(Checksum::of(bytes).folded);
            note("raw-ping.icmp-checksum", &[("bytes", &checksum), ("folded", &folded)]);
        }
        Version::V6 => note("raw-ping.icmp-checksum6", &[("bytes", &checksum)]),
    }
    note("raw-ping.icmp-identifier", &[("bytes", &column(&bytes[4..6]))]);
    let sequence = message.sequence();
    note("raw-ping.icmp-sequence", &[("bytes", &column(&bytes[6..8])), ("sequence", &sequence)]);
    note(
        "raw-ping.icmp-payload",
        &[("bytes", &hex(message.payload())), ("text", &visible(message.payload()))],
    );
}

/// Somebody on the way reports that the request did not arrive.
pub fn rejected(answer: &Answer) {
    let (from, message) = (sender(answer), answer.message);
    note(
        "raw-ping.error",
        &[("from", &from), ("type", &message.kind()), ("code", &message.code())],
    );
    match answer.version {
        Version::V4 => note("raw-ping.error-codes", &[]),
        Version::V6 => note("raw-ping.error-codes6", &[]),
    }
}

/// An echo under our identifier, but not of this request.
pub fn stray(answer: &Answer) {
    let message = answer.message;
    note("raw-ping.stray", &[("type", &message.kind()), ("sequence", &message.sequence())]);
}

/// What a raw socket gets because every raw socket gets it.
pub fn not_ours(answer: &Answer) {
    note(
        "raw-ping.not-ours",
        &[
            ("from", &sender(answer)),
            ("type", &answer.message.kind()),
            ("code", &answer.message.code()),
        ],
    );
}

fn sender(answer: &Answer) -> String {
    answer.sender.map_or_else(|| "?".to_owned(), |sender| sender.to_string())
}

/// `0.212 ms`.
pub fn milliseconds(time: Duration) -> String {
    format!("{:.3} ms", time.as_secs_f64() * 1000.0)
}

/// `08 00`.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

/// The same, as wide as four bytes are, so that what follows stands in a column.
fn column(bytes: &[u8]) -> String {
    format!("{:<11}", hex(bytes))
}

fn word(word: u16) -> String {
    format!("{word:04x}")
}

fn number(number: u32) -> String {
    format!("{number:04x}")
}
