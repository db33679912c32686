//! Bytes that went through a socket, and how they are written down.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// At most this many bytes of one call are kept in its event.
const KEPT: usize = 4096;

/// The bytes of one call: how many there were, and the first of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Data {
    /// How many bytes there were.
    pub len: usize,
    /// The first of them (passwords masked, which may change their number).
    pub bytes: Vec<u8>,
}

impl Data {
    /// Keeps the first 4,096 of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self { len: bytes.len(), bytes: bytes[..bytes.len().min(KEPT)].to_vec() }
    }
}

/// Written down as `{"len": 5, "text": "mei\\n\\xff"}`: text that [`visible`] made, and that can be read back.
#[derive(Serialize, Deserialize)]
struct Written {
    len: usize,
    text: String,
}

impl Serialize for Data {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Written { len: self.len, text: visible(&self.bytes) }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Written::deserialize(deserializer)?;
        Ok(Self { len: written.len, bytes: unwritten(&written.text) })
    }
}

/// Bytes as text that is safe on a terminal: UTF-8 as it is, a backslash doubled, control and bidirectional
/// characters and everything that is not UTF-8 as `\n`, `\u{202e}`, `\xff`.
pub fn visible(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\\' => text.push_str("\\\\"),
                '\n' | '\r' | '\t' => text.extend(character.escape_default()),
                control if control.is_ascii_control() => {
                    text.push_str(&format!("\\x{:02x}", control as u32))
                }
                unsafe_one if is_invisible(unsafe_one) => text.extend(unsafe_one.escape_unicode()),
                plain => text.push(plain),
            }
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

/// Characters that a terminal obeys or that hide or reorder their neighbours (Unicode's controls, line separators,
/// bidirectional marks, zero-width and tag characters).
pub fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The reverse of [`visible`].
fn unwritten(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('\\') {
        bytes.extend(&rest.as_bytes()[..start]);
        rest = unescape(&rest[start + 1..], &mut bytes);
    }
    bytes.extend(rest.as_bytes());
    bytes
}

/// Turns what follows a backslash into bytes; returns what comes after it.
fn unescape<'a>(after: &'a str, bytes: &mut Vec<u8>) -> &'a str {
    let simple = match after.as_bytes().first() {
        Some(b'n') => b'\n',
        Some(b'r') => b'\r',
        Some(b't') => b'\t',
        Some(b'x') => {
            bytes.extend(after.get(1..3).and_then(|hex| u8::from_str_radix(hex, 16).ok()));
            return after.get(3..).unwrap_or("");
        }
        Some(b'u') => {
            let end = after.find('}').map_or(after.len(), |brace| brace + 1);
            let number = u32::from_str_radix(after[1..end].trim_matches(['{', '}']), 16).ok();
            let character = number.and_then(char::from_u32);
            bytes.extend(character.map(String::from).unwrap_or_default().into_bytes());
            return &after[end..];
        }
        Some(&other) => other,
        None => return "",
    };
    bytes.push(simple);
    &after[1..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_down_reads_back() {
        let bytes: Vec<u8> = (0..=255).chain("é 好 \u{202e}\\n \u{1f980}".bytes()).collect();
        assert_eq!(unwritten(&visible(&bytes)), bytes);
    }

    #[test]
    fn nothing_reaches_the_terminal_raw() {
        assert_eq!(
            visible("\x1b[2J\u{9b}1A \u{202e}x\r\n".as_bytes()),
            "\\x1b[2J\\u{9b}1A \\u{202e}x\\r\\n"
        );
        assert_eq!(visible(b"\xe5\xa5"), "\\xe5\\xa5");
        assert_eq!(visible("好".as_bytes()), "好");
    }
}
