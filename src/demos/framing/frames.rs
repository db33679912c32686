//! The messages of chapter 4, how each framing wraps one, and how what comes of it is cut into sends.

use serde::{Deserialize, Serialize};

use crate::cli::FramingKind;

/// What is sent, in every framing: text in ASCII, with longer characters, with a newline.
pub const MESSAGES: [&str; 5] = ["hello", "你好, café", "two\nlines", "see you", "bye"];

/// The character that is cut in two, and how many of its bytes come first.
pub const TORN: (&str, usize) = ("好", 1);

/// A message as a JSON object.
#[derive(Serialize, Deserialize)]
pub struct Said {
    pub text: String,
}

// ANCHOR: frame
/// One message as it goes over the wire.
pub fn frame(kind: FramingKind, message: &str) -> Vec<u8> {
    match kind {
        FramingKind::None => message.into(),
        FramingKind::Newline => format!("{}\n", escape(message)).into_bytes(),
        FramingKind::Length => {
            let length = u32::try_from(message.len()).expect("a message is shorter than 4 GiB");
            [&length.to_be_bytes(), message.as_bytes()].concat()
        }
        FramingKind::Json => serde_json::json!({ "text": message }).to_string().into_bytes(),
    }
}

/// Makes room for the newline that ends a frame: one inside the message becomes a backslash and an n.
fn escape(message: &str) -> String {
    message.replace('\\', r"\\").replace('\n', r"\n")
}

/// The reverse of [`escape`].
pub fn unescape(line: &str) -> String {
    let mut message = String::with_capacity(line.len());
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        message.push(match character {
            '\\' => match characters.next() {
                Some('n') => '\n',
                Some(escaped) => escaped,
                None => '\\',
            },
            plain => plain,
        });
    }
    message
}
// ANCHOR_END: frame

/// What is sent before the readers have their turn.
#[derive(Debug, PartialEq)]
pub struct Turn {
    pub about: About,
    /// The bytes of each send.
    pub sends: Vec<Vec<u8>>,
}

/// What there is to see in a turn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum About {
    /// A message that comes alone and whole.
    Alone,
    /// A piece that ends inside a character.
    Torn,
    /// The rest of that, and the next message, in one send.
    Rest,
    /// Two messages, a send for each.
    Together,
    /// One piece of many.
    Piece,
}

/// The turns for these frames: in pieces of `cut` bytes, or cut where it hurts.
pub fn turns(frames: &[Vec<u8>; 5], cut: Option<u16>) -> Vec<Turn> {
    match cut {
        Some(cut) => {
            let stream = frames.concat();
            let pieces = stream.chunks(usize::from(cut));
            pieces.map(|piece| Turn { about: About::Piece, sends: vec![piece.to_vec()] }).collect()
        }
        None => where_it_hurts(frames),
    }
}

fn where_it_hurts([hello, torn, lines, see_you, bye]: &[Vec<u8>; 5]) -> Vec<Turn> {
    let (character, bytes) = TORN;
    let found = torn.windows(character.len()).position(|window| window == character.as_bytes());
    let (start, rest) = torn.split_at(found.map_or(0, |start| start + bytes));
    let turn = |about, sends| Turn { about, sends };
    vec![
        turn(About::Alone, vec![hello.clone()]),
        turn(About::Torn, vec![start.to_vec()]),
        turn(About::Rest, vec![[rest, lines].concat()]),
        turn(About::Together, vec![see_you.clone(), bye.clone()]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(kind: FramingKind) -> [Vec<u8>; 5] {
        MESSAGES.map(|message| frame(kind, message))
    }

    #[test]
    fn frames_are_what_the_book_says() {
        assert_eq!(frame(FramingKind::None, "two\nlines"), b"two\nlines");
        assert_eq!(frame(FramingKind::Newline, "two\nlines"), b"two\\nlines\n");
        assert_eq!(frame(FramingKind::Length, "hello"), b"\0\0\0\x05hello");
        assert_eq!(frame(FramingKind::Length, "é"), b"\0\0\0\x02\xc3\xa9", "bytes, not characters");
        assert_eq!(frame(FramingKind::Json, "two\nlines"), br#"{"text":"two\nlines"}"#);
    }

    #[test]
    fn the_second_piece_ends_inside_a_character() {
        for kind in crate::demos::framing::ALL {
            let turns = turns(&frames(kind), None);
            let torn = std::str::from_utf8(&turns[1].sends[0]).unwrap_err();
            assert_eq!(torn.error_len(), None, "cut off, not wrong");
            assert!(std::str::from_utf8(&turns[2].sends[0]).is_err());
        }
    }

    #[test]
    fn no_byte_is_lost_or_added_by_cutting() {
        for kind in crate::demos::framing::ALL {
            for cut in [None, Some(1), Some(7), Some(u16::MAX)] {
                let turns = turns(&frames(kind), cut);
                let sent = turns.iter().flat_map(|turn| turn.sends.concat()).collect::<Vec<_>>();
                assert_eq!(sent, frames(kind).concat());
                let longest = turns.iter().flat_map(|turn| &turn.sends).map(Vec::len).max();
                assert!(cut.is_none_or(|cut| longest <= Some(usize::from(cut))));
            }
        }
    }
}
