//! What happened in a check, in order, with times: for the learner to read when it fails.

use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::verdict::Words;

/// How many bytes of a message are shown.
const SHOWN: usize = 60;

/// A story that is still going on. Clones tell the same one.
#[derive(Clone)]
pub struct Story {
    begin: Instant,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Story {
    /// Begins now.
    pub fn begin() -> Self {
        Self { begin: Instant::now(), lines: Arc::default() }
    }

    /// Tells what has just happened, in the words named `id`.
    pub fn tell(&self, id: &str, blanks: &[(&str, &dyn Display)]) {
        let at = self.begin.elapsed().as_secs_f64();
        let line = format!("{at:7.3} s  {}", Words::new(id, blanks));
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    /// What was told so far.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Bytes for a reader: what is no plain text as `\n`, `\x00`; long ones cut, with their number.
pub fn preview(bytes: &[u8]) -> String {
    preview_of(bytes, SHOWN)
}

/// The same, cut after so many bytes.
pub fn preview_of(bytes: &[u8], most: usize) -> String {
    let shown = shown(&bytes[..bytes.len().min(most)]);
    match bytes.len() {
        count if count > most => format!("{shown}… ({count} bytes)"),
        _ => shown,
    }
}

/// Two byte strings around the first byte in which they differ, and a line with a mark under it.
pub fn difference(expected: &[u8], actual: &[u8]) -> (String, String) {
    let at = expected.iter().zip(actual).take_while(|(one, other)| one == other).count();
    let from = at.saturating_sub(SHOWN / 3);
    let part = |bytes: &[u8]| {
        let begin = if from > 0 { "…" } else { "" };
        let to = bytes.len().min(from + SHOWN);
        let (same, rest) = (shown(&bytes[from.min(to)..at.min(to)]), shown(&bytes[at.min(to)..to]));
        format!("{begin}{same}»{rest}")
    };
    let count = |bytes: &[u8]| format!("{} (» at byte {at} of {})", part(bytes), bytes.len());
    (count(expected), count(actual))
}

/// Text as it is, control characters and bytes that are no text as escapes.
fn shown(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\n' | '\r' | '\t' | '\\' => text.extend(character.escape_default()),
                it if it.is_ascii_control() => text.push_str(&format!("\\x{:02x}", it as u32)),
                it if it.is_control() || is_hidden(it) => text.extend(it.escape_unicode()),
                it => text.push(it),
            }
        }
        chunk.invalid().iter().for_each(|byte| text.push_str(&format!("\\x{byte:02x}")));
    }
    text
}

/// Characters that a terminal does not show, or that turn the direction of writing.
fn is_hidden(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_shown_so_that_nothing_moves_the_cursor() {
        assert_eq!(preview(b"a\n\x1b[2J\x00\xff\xe5\xa5"), "a\\n\\x1b[2J\\x00\\xff\\xe5\\xa5");
        assert_eq!(preview(&[b'x'; 100]), format!("{}… (100 bytes)", "x".repeat(60)));
    }

    #[test]
    fn the_first_byte_that_differs_is_marked() {
        let (expected, actual) = difference(b"hello world", b"hello there");
        assert_eq!(expected, "hello »world (» at byte 6 of 11)");
        assert_eq!(actual, "hello »there (» at byte 6 of 11)");
        let (expected, actual) = difference(b"abc", b"ab");
        assert_eq!(
            (expected.as_str(), actual.as_str()),
            ("ab»c (» at byte 2 of 3)", "ab» (» at byte 2 of 2)")
        );
    }
}
