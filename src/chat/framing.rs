//! Finds messages in a stream of bytes.
//!
//! TCP carries bytes, not messages: one `recv` may bring half a message or forty. But JSON text tells by itself where an
//! object ends: at the brace that closes its first one. So a [`Framer`] counts braces, and leaves out those in strings.
//! It looks at each byte once, however the bytes are cut: parsing again whenever a few more have come would be quadratic.

use std::collections::VecDeque;
use std::mem;

/// What JSON allows between objects.
const WHITE_SPACE: &[u8] = b" \t\r\n";

/// What was found in the stream.
#[derive(Clone, Debug, PartialEq)]
pub enum Frame {
    /// From an opening brace to the one that closes it. Whether that is JSON is for the parser to say.
    Object(Vec<u8>),
    /// Something that does not begin like an object. It is told once, and all up to the next newline is skipped.
    Garbage,
    /// An object, or garbage, over the bound. Nothing comes after it: the connection is to be closed.
    TooLong,
}

/// Takes bytes in any pieces and gives whole messages: [`feed`](Self::feed) it what `recv` brought, then take frames
/// until there is none, which means none *yet*.
///
/// It holds fewer than `max_message` bytes besides those that were fed and not taken.
#[derive(Debug)]
pub struct Framer {
    max_message: usize,
    /// Fed, and not looked at.
    fresh: VecDeque<u8>,
    /// The beginning of the object that is being read.
    object: Vec<u8>,
    place: Place,
}

/// Where in the stream the next byte stands.
#[derive(Clone, Copy, Debug)]
enum Place {
    BetweenObjects,
    InObject(Nesting),
    InGarbage {
        len: usize,
    },
    /// After something too long.
    Nowhere,
}

impl Framer {
    /// A framer for messages of at most `max_message` bytes.
    pub fn new(max_message: usize) -> Self {
        let (fresh, object) = Default::default();
        Self { max_message, fresh, object, place: Place::BetweenObjects }
    }

    /// Takes the next bytes of the stream.
    pub fn feed(&mut self, bytes: &[u8]) {
        if !matches!(self.place, Place::Nowhere) {
            self.fresh.extend(bytes);
        }
    }

    /// How many bytes wait for the rest of their message. If any do at the end of the stream, the last message was cut off.
    pub fn held(&self) -> usize {
        self.object.len() + self.fresh.len()
    }

    fn step(&mut self, byte: u8) -> Option<Frame> {
        match self.place {
            Place::BetweenObjects if WHITE_SPACE.contains(&byte) => None,
            Place::BetweenObjects if byte == b'{' => self.extend_object(Nesting::default(), byte),
            Place::BetweenObjects => {
                self.place = Place::InGarbage { len: 1 };
                Some(Frame::Garbage)
            }
            Place::InObject(nesting) => self.extend_object(nesting, byte),
            Place::InGarbage { .. } if byte == b'\n' => {
                self.place = Place::BetweenObjects;
                None
            }
            Place::InGarbage { len } if len < self.max_message => {
                self.place = Place::InGarbage { len: len + 1 };
                None
            }
            Place::InGarbage { .. } | Place::Nowhere => Some(self.give_up()),
        }
    }

    fn extend_object(&mut self, mut nesting: Nesting, byte: u8) -> Option<Frame> {
        self.object.push(byte);
        let closed = nesting.closes_at(byte);
        // An object that is not closed has at least one more byte to come.
        if self.object.len() + usize::from(!closed) > self.max_message {
            return Some(self.give_up());
        }
        self.place = if closed { Place::BetweenObjects } else { Place::InObject(nesting) };
        closed.then(|| Frame::Object(mem::take(&mut self.object)))
    }

    fn give_up(&mut self) -> Frame {
        *self = Self { place: Place::Nowhere, ..Self::new(self.max_message) };
        Frame::TooLong
    }
}

/// The frames that the bytes so far make up. After a `None`, more bytes may bring more frames.
impl Iterator for Framer {
    type Item = Frame;

    fn next(&mut self) -> Option<Frame> {
        while let Some(byte) = self.fresh.pop_front() {
            if let Some(frame) = self.step(byte) {
                return Some(frame);
            }
        }
        None
    }
}

// ANCHOR: nesting
/// How deep in braces, and whether in a string: all that has to be remembered to find an object's end.
///
/// Bytes will do: no byte of a longer UTF-8 character looks like a brace, a quote or a backslash.
#[derive(Clone, Copy, Debug, Default)]
struct Nesting {
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl Nesting {
    /// Reads one byte, the object's first brace to begin with; says whether it is the object's last.
    fn closes_at(&mut self, byte: u8) -> bool {
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' if self.in_string => self.escaped = true,
            b'"' => self.in_string = !self.in_string,
            b'{' if !self.in_string => self.depth += 1,
            b'}' if !self.in_string => self.depth -= 1,
            _ => {}
        }
        self.depth == 0
    }
}
// ANCHOR_END: nesting

#[cfg(test)]
mod tests {
    use super::Frame::{Garbage, TooLong};
    use super::*;

    fn object(text: &str) -> Frame {
        Frame::Object(text.into())
    }

    fn frames(max_message: usize, stream: &str) -> Vec<Frame> {
        let mut framer = Framer::new(max_message);
        framer.feed(stream.as_bytes());
        framer.collect()
    }

    #[test]
    fn joined_objects_come_apart() {
        let expected = [object("{}"), object(r#"{"a":{}}"#), object("{}"), object("{}")];
        assert_eq!(frames(100, " {}{\"a\":{}}\r\n\t{}\n\n{}\n{\"a\":"), expected);
    }

    #[test]
    fn braces_in_strings_do_not_count() {
        for text in [r#"{"a":"}{"}"#, r#"{"}":"\"}"}"#, r#"{"a":"\\"}"#, r#"{"\\\"}":"好}"}"#] {
            assert_eq!(frames(100, &format!("{text}{{}}")), [object(text), object("{}")]);
        }
    }

    #[test]
    fn a_backslash_outside_a_string_escapes_nothing() {
        assert_eq!(frames(100, r#"{\"}"}{}"#), [object(r#"{\"}"}"#), object("{}")]);
    }

    #[test]
    fn what_is_not_json_but_closes_its_brace_ends_there() {
        assert_eq!(frames(100, "{[}{}"), [object("{[}"), object("{}")]);
    }

    #[test]
    fn garbage_is_told_before_its_newline_comes() {
        let mut framer = Framer::new(100);
        framer.feed(b"G");
        assert_eq!(framer.next(), Some(Garbage));
        framer.feed(b"ET / {}");
        assert_eq!(framer.next(), None);
        framer.feed(b"\r\n{}");
        assert_eq!(framer.next(), Some(object("{}")));
    }

    #[test]
    fn each_line_of_garbage_is_told_once() {
        assert_eq!(frames(100, "]]]\n\n}{}\n{}"), [Garbage, Garbage, object("{}")]);
        assert_eq!(frames(100, "{}}{}\n{}"), [object("{}"), Garbage, object("{}")]);
    }

    #[test]
    fn the_bound_itself_is_allowed() {
        assert_eq!(frames(7, r#"{"a":1}{"a":12}{}"#), [object(r#"{"a":1}"#), TooLong]);
        assert_eq!(frames(7, "1234567\n{}"), [Garbage, object("{}")]);
        assert_eq!(frames(7, "12345678\n{}"), [Garbage, TooLong]);
    }

    #[test]
    fn white_space_has_no_bound() {
        assert_eq!(frames(7, &format!("{}{{}}", " \r\n\t".repeat(100))), [object("{}")]);
    }

    #[test]
    fn too_long_is_told_as_soon_as_it_is_known() {
        assert_eq!(frames(7, r#"{"a":1"#), []);
        assert_eq!(frames(7, r#"{"a":12"#), [TooLong]);
    }

    #[test]
    fn nothing_is_read_or_held_after_something_too_long() {
        let mut framer = Framer::new(2);
        framer.feed(b"{ }{}");
        assert_eq!(framer.next(), Some(TooLong));
        framer.feed(b"\n{}");
        assert_eq!((framer.next(), framer.held()), (None, 0));
    }

    #[test]
    fn a_message_that_was_cut_off_is_held() {
        let mut framer = Framer::new(100);
        framer.feed(b"{} {\"a\":");
        assert_eq!(framer.by_ref().count(), 1);
        assert_eq!(framer.held(), 5);
    }
}
