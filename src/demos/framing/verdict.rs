//! Holds what a reader took for messages against what was sent, and says what is wrong with it.

use crate::narrate::event::visible;
use crate::narrate::note;

use super::frames::MESSAGES;
use super::readers::{HEADER, Taken};

/// Judges one reader.
pub struct Judge {
    /// Where in the stream each frame ends.
    ends: Vec<usize>,
    /// How much of the stream was read.
    read: usize,
    right: usize,
}

impl Judge {
    /// A judge who knows these frames.
    pub fn of(frames: &[Vec<u8>]) -> Self {
        let lengths = frames.iter().map(Vec::len);
        let ends = lengths.scan(0, |end, length| {
            *end += length;
            Some(*end)
        });
        Self { ends: ends.collect(), read: 0, right: 0 }
    }

    /// How many messages were right.
    pub fn right(&self) -> usize {
        self.right
    }

    /// The naive reader took `piece` for a message.
    pub fn naive(&mut self, piece: &[u8], taken: &Taken) {
        let parts = self.frames_in(piece.len());
        match taken {
            Taken::Text(text) => self.naive_text(text, parts),
            Taken::Counted { text, announced, thrown_away } => {
                let (header, body) = piece.split_at(HEADER.min(piece.len()));
                if body.len() < *announced as usize {
                    let blanks: [(_, &dyn std::fmt::Display); 3] =
                        [("header", &hex(header)), ("length", announced), ("came", &body.len())];
                    note("framing.announced", &blanks);
                }
                self.naive_text(text, parts);
                if !thrown_away.is_empty() {
                    let (count, bytes) = (thrown_away.len(), visible(thrown_away));
                    note("framing.thrown-away", &[("count", &count), ("bytes", &bytes)]);
                }
            }
            Taken::NoHeader => note("framing.no-header", &[("count", &piece.len())]),
            Taken::NotJson(why) => {
                note("framing.not-json", &[("count", &piece.len()), ("why", why)])
            }
        }
        self.read += piece.len();
    }

    fn naive_text(&mut self, text: &str, parts: usize) {
        let shown = visible(text.as_bytes());
        if MESSAGES.contains(&text) {
            self.right += 1;
            note("framing.took", &[("text", &shown)]);
        } else {
            let garbled = text.contains(char::REPLACEMENT_CHARACTER);
            let words = match (parts, garbled) {
                (..=1, false) => "framing.took-part",
                (..=1, true) => "framing.took-garbled",
                (_, false) => "framing.took-joined",
                (_, true) => "framing.took-joined-garbled",
            };
            note(words, &[("text", &shown), ("parts", &parts)]);
        }
    }

    /// The right reader found these messages, in this order.
    pub fn found(&mut self, messages: &[String]) {
        for message in messages {
            let shown = visible(message.as_bytes());
            if MESSAGES.get(self.right) == Some(&message.as_str()) {
                self.right += 1;
                note("framing.found", &[("text", &shown)]);
            } else {
                note("framing.found-wrong", &[("text", &shown)]);
            }
        }
    }

    /// Of how many frames the next `count` bytes of the stream hold anything.
    fn frames_in(&self, count: usize) -> usize {
        let until = self.read + count;
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).filter(|(start, end)| *start < until && **end > self.read).count()
    }
}

/// `00 00 00 05`
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_counted_where_bytes_of_them_are() {
        let mut judge = Judge::of(&[b"abc".to_vec(), b"de".to_vec(), b"f".to_vec()]);
        assert_eq!([1, 3, 4, 5, 6].map(|count| judge.frames_in(count)), [1, 1, 2, 2, 3]);
        judge.read = 3;
        assert_eq!([1, 2, 3].map(|count| judge.frames_in(count)), [1, 1, 2]);
    }

    #[test]
    fn only_whole_messages_are_right() {
        let mut judge = Judge::of(&[]);
        for text in ["hello", "hell", "hellobye", "你\u{fffd}", ""] {
            judge.naive(text.as_bytes(), &Taken::Text(text.to_owned()));
        }
        assert_eq!(judge.right(), 1);
    }

    #[test]
    fn the_right_reader_is_held_to_the_order_too() {
        let mut judge = Judge::of(&[]);
        judge.found(&[MESSAGES[1].to_owned()]);
        assert_eq!(judge.right(), 0);
        judge.found(&MESSAGES.map(str::to_owned));
        assert_eq!(judge.right(), MESSAGES.len());
    }
}
