//! Keeps passwords out of the narration.
//!
//! Bytes may arrive in any pieces, so a [`Mask`] follows one direction of one connection: it knows whether it stands in
//! the value of a JSON member named `password`, whatever came before in other calls.

/// What stands in for a password, whatever its length.
const STARS: &[u8] = b"****";

/// Follows a stream of JSON text and hides the values of its `password` members.
#[derive(Clone, Debug, Default)]
pub(super) struct Mask {
    place: Place,
    /// The string that was read last, if it could still be the word `password`.
    word: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Place {
    /// Between strings.
    #[default]
    Outside,
    /// In a string that is not secret.
    String { escaped: bool },
    /// After the string `password`: a colon makes it a member's name.
    AfterName,
    /// After the colon.
    BeforeSecret,
    /// In the secret, a string.
    SecretString { escaped: bool },
    /// In the secret, a number or a word.
    SecretWord,
}

impl Mask {
    /// The next bytes of the stream, without secrets.
    pub(super) fn hide(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut shown = Vec::with_capacity(bytes.len());
        for &byte in bytes {
            self.step(byte, &mut shown);
        }
        shown
    }

    fn step(&mut self, byte: u8, shown: &mut Vec<u8>) {
        let hidden = matches!(self.place, Place::SecretString { .. } | Place::SecretWord);
        let next = self.next(byte);
        let hides = matches!(next, Place::SecretString { .. } | Place::SecretWord);
        match (hidden, hides) {
            (false, true) if byte == b'"' => shown.extend([b"\"", STARS].concat()),
            (false, true) => shown.extend(STARS),
            (true, true) => {}
            _ => shown.push(byte),
        }
        self.place = next;
    }

    fn next(&mut self, byte: u8) -> Place {
        let space = byte.is_ascii_whitespace();
        match self.place {
            // No JSON string holds a bare newline: whatever this was, it is over.
            Place::String { .. } | Place::SecretString { .. } if byte == b'\n' => Place::Outside,
            Place::String { escaped: true } => self.extend_word(byte),
            Place::String { .. } if byte == b'"' && self.word == b"password" => Place::AfterName,
            Place::String { .. } if byte == b'"' => Place::Outside,
            Place::String { .. } => self.extend_word(byte),
            Place::AfterName if space => Place::AfterName,
            Place::AfterName if byte == b':' => Place::BeforeSecret,
            Place::BeforeSecret if space => Place::BeforeSecret,
            Place::BeforeSecret if byte == b'"' => Place::SecretString { escaped: false },
            Place::BeforeSecret if !b"{}[],".contains(&byte) => Place::SecretWord,
            Place::SecretString { escaped: false } if byte == b'"' => Place::Outside,
            Place::SecretString { escaped } => {
                Place::SecretString { escaped: !escaped && byte == b'\\' }
            }
            Place::SecretWord if !space && !b"{}[],".contains(&byte) => Place::SecretWord,
            _ if byte == b'"' => {
                self.word.clear();
                Place::String { escaped: false }
            }
            _ => Place::Outside,
        }
    }

    /// Reads on in a string that is not secret. Only as much is kept as tells whether it is `password`.
    fn extend_word(&mut self, byte: u8) -> Place {
        let escaped = self.place == Place::String { escaped: false } && byte == b'\\';
        if self.word.len() <= b"password".len() {
            self.word.push(byte);
        }
        Place::String { escaped }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hide(pieces: &[&str]) -> String {
        let mut mask = Mask::default();
        pieces.iter().map(|piece| String::from_utf8(mask.hide(piece.as_bytes())).unwrap()).collect()
    }

    #[test]
    fn a_password_is_hidden_whole() {
        let login = r#"{"type":"login","username":"mei","password":"se\"cret"}"#;
        assert_eq!(
            hide(&[login, login]),
            r#"{"type":"login","username":"mei","password":"****"}"#.repeat(2)
        );
    }

    #[test]
    fn a_password_is_hidden_however_it_is_cut() {
        let login = "{\"password\" : \"hunter2\", \"username\":\"password\"}\n";
        for cut in 0..login.len() {
            let (head, tail) = login.split_at(cut);
            assert_eq!(hide(&[head, tail]), login.replace("hunter2", "****"), "cut at {cut}");
        }
    }

    #[test]
    fn a_password_that_is_no_string_is_hidden_too() {
        assert_eq!(hide(&[r#"{"password":1234,"a":1}"#]), r#"{"password":****,"a":1}"#);
    }

    #[test]
    fn a_stray_quote_hides_no_later_password_from_the_mask() {
        assert_eq!(
            hide(&["it\"s\n", r#"{"password":"hunter2"}"#]),
            "it\"s\n{\"password\":\"****\"}"
        );
    }

    #[test]
    fn nothing_else_is_hidden() {
        let chat =
            r#"{"type":"chat","content":"my \"password\": none","passwords":"x","p":"password"}"#;
        assert_eq!(hide(&[chat]), chat);
    }
}
