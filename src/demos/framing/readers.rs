//! The readers of chapter 4: the naive one, which takes a `recv` for a message, and the right ones, which find where
//! each message ends. They read from anything that gives bytes, so all of this can be tested without a socket.

use std::io::{self, Read};

use crate::chat::{Frame, Framer};
use crate::cli::FramingKind;

use super::frames::{Said, unescape};

/// The longest message that a right reader waits for. Whoever believes any length can be made to run out of memory.
const MAX_MESSAGE: usize = 64 * 1024;

/// How long the header is that tells a message's length.
pub const HEADER: usize = 4;

// ANCHOR: naive
/// The naive reader: each `recv` is one message, it thinks. `take` is given the bytes, and what it makes of them.
pub fn read_naively(
    stream: &mut impl Read,
    kind: FramingKind,
    mut take: impl FnMut(&[u8], Taken),
) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        take(&buffer[..count], decode_alone(kind, &buffer[..count]));
    }
}

/// What one `recv` brought, read as if it were one whole message.
fn decode_alone(kind: FramingKind, piece: &[u8]) -> Taken {
    match kind {
        FramingKind::None => Taken::Text(lossy(piece)),
        FramingKind::Newline => {
            Taken::Text(unescape(&lossy(piece.strip_suffix(b"\n").unwrap_or(piece))))
        }
        FramingKind::Length => match piece.split_first_chunk() {
            None => Taken::NoHeader,
            Some((header, after)) => {
                let announced = u32::from_be_bytes(*header);
                let (body, thrown_away) = after.split_at(after.len().min(announced as usize));
                let text = lossy(body);
                Taken::Counted { text, announced, thrown_away: thrown_away.to_vec() }
            }
        },
        FramingKind::Json => match serde_json::from_slice::<Said>(piece) {
            Ok(said) => Taken::Text(said.text),
            Err(error) => Taken::NotJson(error.to_string()),
        },
    }
}

/// What is not UTF-8 becomes U+FFFD, the replacement character.
fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
// ANCHOR_END: naive

/// What the naive reader took one `recv` for.
#[derive(Debug, PartialEq)]
pub enum Taken {
    /// A message.
    Text(String),
    /// A message behind what looked like its length; it never looks at what comes after that many bytes.
    Counted { text: String, announced: u32, thrown_away: Vec<u8> },
    /// Too short for a header.
    NoHeader,
    /// No JSON by itself, and why.
    NotJson(String),
}

// ANCHOR: right
/// The right reader: keeps what `recv` brings until a message is whole. `take` is given the messages that each `recv`
/// completed, and how many bytes wait for their rest. Returns what only the end of the stream completed.
pub fn read_right(
    stream: &mut impl Read,
    messages: &mut dyn Messages,
    mut take: impl FnMut(Vec<String>, usize),
) -> io::Result<Option<String>> {
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return messages.finish();
        }
        messages.feed(&buffer[..count]);
        let whole = (&mut *messages).collect::<io::Result<_>>()?;
        take(whole, messages.held());
    }
}

/// Finds messages in bytes that come in any pieces. After a `None`, more bytes may bring more messages.
pub trait Messages: Iterator<Item = io::Result<String>> {
    /// Takes the next bytes of the stream.
    fn feed(&mut self, bytes: &[u8]);

    /// How many bytes wait for the rest of their message.
    fn held(&self) -> usize;

    /// The stream has ended. If bytes wait, their message was cut off.
    fn finish(&mut self) -> io::Result<Option<String>> {
        if self.held() == 0 { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}
// ANCHOR_END: right

/// The right reader's way to find messages in this framing.
pub fn messages_of(kind: FramingKind) -> Box<dyn Messages> {
    match kind {
        FramingKind::None => Box::new(UntilEnd::default()),
        FramingKind::Newline => Box::new(Lines::default()),
        FramingKind::Length => Box::new(Counted::default()),
        FramingKind::Json => Box::new(Objects(Framer::new(MAX_MESSAGE))),
    }
}

// ANCHOR: none
/// No framing: a message is whole when the stream ends, and not before.
#[derive(Default)]
pub struct UntilEnd(Vec<u8>);

impl Iterator for UntilEnd {
    type Item = io::Result<String>;

    fn next(&mut self) -> Option<Self::Item> {
        (self.0.len() > MAX_MESSAGE).then(|| Err(too_long()))
    }
}

impl Messages for UntilEnd {
    fn feed(&mut self, bytes: &[u8]) {
        self.0.extend(bytes);
    }

    fn held(&self) -> usize {
        self.0.len()
    }

    fn finish(&mut self) -> io::Result<Option<String>> {
        decode(std::mem::take(&mut self.0)).map(Some)
    }
}
// ANCHOR_END: none

// ANCHOR: newline
/// A message ends at a newline.
#[derive(Default)]
pub struct Lines {
    unread: Vec<u8>,
    /// So far there is no newline: looking again at every `recv` would be quadratic.
    searched: usize,
}

impl Iterator for Lines {
    type Item = io::Result<String>;

    fn next(&mut self) -> Option<Self::Item> {
        let fresh = &self.unread[self.searched..];
        let newline = fresh.iter().position(|&byte| byte == b'\n').map(|at| self.searched + at);
        self.searched = newline.unwrap_or(self.unread.len());
        if self.searched > MAX_MESSAGE {
            return Some(Err(too_long()));
        }
        let mut line: Vec<u8> = self.unread.drain(..=newline?).collect();
        line.pop();
        self.searched = 0;
        Some(decode(line).map(|line| unescape(&line)))
    }
}
// ANCHOR_END: newline

impl Messages for Lines {
    fn feed(&mut self, bytes: &[u8]) {
        self.unread.extend(bytes);
    }

    fn held(&self) -> usize {
        self.unread.len()
    }
}

// ANCHOR: length
/// A message begins with its length: four bytes, the most significant first.
#[derive(Default)]
pub struct Counted {
    unread: Vec<u8>,
}

impl Iterator for Counted {
    type Item = io::Result<String>;

    fn next(&mut self) -> Option<Self::Item> {
        let header = self.unread.first_chunk::<HEADER>()?;
        let length = u32::from_be_bytes(*header) as usize;
        if length > MAX_MESSAGE {
            return Some(Err(too_long()));
        }
        if self.unread.len() < HEADER + length {
            return None;
        }
        Some(decode(self.unread.drain(..HEADER + length).skip(HEADER).collect()))
    }
}
// ANCHOR_END: length

impl Messages for Counted {
    fn feed(&mut self, bytes: &[u8]) {
        self.unread.extend(bytes);
    }

    fn held(&self) -> usize {
        self.unread.len()
    }
}

// ANCHOR: json
/// A message is a JSON object: it ends at the brace that closes its first one.
pub struct Objects(Framer);

impl Iterator for Objects {
    type Item = io::Result<String>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(match self.0.next()? {
            Frame::Object(object) => {
                serde_json::from_slice::<Said>(&object).map(|said| said.text).map_err(Into::into)
            }
            Frame::Garbage => Err(io::ErrorKind::InvalidData.into()),
            Frame::TooLong => Err(too_long()),
        })
    }
}
// ANCHOR_END: json

impl Messages for Objects {
    fn feed(&mut self, bytes: &[u8]) {
        self.0.feed(bytes);
    }

    fn held(&self) -> usize {
        self.0.held()
    }
}

/// Only now that the message is whole: no character is cut in half.
fn decode(message: Vec<u8>) -> io::Result<String> {
    String::from_utf8(message).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a message longer than this reader takes")
}

#[cfg(test)]
mod tests;
