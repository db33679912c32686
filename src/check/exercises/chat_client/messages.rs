//! The messages of the Chat-Room as a learner's client sends them, each with its newline, and as the checker answers.

use crate::chat::{Frame, Framer, Reply, Request};
use crate::check::peer::Instead;
use crate::check::story::preview;
use crate::check::verdict::Words;

/// The name under which the program is to log in.
pub const USER: &str = "anna";

/// Its password.
pub const PASSWORD: &str = "open sesame";

/// Of a message that never ends so much is read.
const LONGEST: usize = 1 << 20;

/// What came where a message of the program should have come.
#[derive(Debug)]
pub enum Odd {
    /// Nothing, or the end.
    Nothing(Instead),
    /// A message, and no newline behind it.
    Unended(Vec<u8>),
    /// No message, and why not.
    Garbled(Vec<u8>, String),
}

/// The next message of the program, or what came in its place.
pub type Got = Result<Request, Odd>;

/// What the bytes so far are.
pub enum Found {
    /// A message with its newline, and where it ends.
    Message(Request, usize),
    /// Something else.
    Odd(Odd),
    /// The beginning of a message, perhaps.
    Unfinished,
}

/// The first object in these bytes, and where it ends.
pub fn frame_in(bytes: &[u8]) -> Option<(Frame, usize)> {
    let mut framer = Framer::new(LONGEST);
    bytes.iter().zip(1..).find_map(|(&byte, end)| {
        framer.feed(&[byte]);
        framer.next().map(|frame| (frame, end))
    })
}

pub fn message_in(bytes: &[u8]) -> Found {
    let garbled = |why: String| Found::Odd(Odd::Garbled(bytes.to_vec(), why));
    let (object, end) = match frame_in(bytes) {
        Some((Frame::Object(object), end)) => (object, end),
        Some(_) => return garbled(Words::new("chat-client.no-object", &[]).to_string()),
        None => return Found::Unfinished,
    };
    let request = match Request::parse(&object) {
        Ok(request) => request,
        Err(why) => return garbled(why.to_string()),
    };
    let blanks = bytes[end..].iter().take_while(|byte| b" \t\r".contains(byte)).count();
    match bytes.get(end + blanks) {
        Some(b'\n') => Found::Message(request, end + blanks + 1),
        Some(_) => Found::Odd(Odd::Unended(bytes.to_vec())),
        None => Found::Unfinished,
    }
}

/// Whether it is the message that should come. Under which name a chat or a logout is sent is not asked.
pub fn is_it(expected: &Request, got: &Got) -> bool {
    match (expected, got) {
        (Request::Chat { content: one, .. }, Ok(Request::Chat { content: other, .. })) => {
            one == other
        }
        (Request::Logout { .. }, Ok(Request::Logout { .. })) => true,
        (expected, Ok(got)) => expected == got,
        (_, Err(_)) => false,
    }
}

/// What came, for a learner.
pub fn shown(got: &Got) -> String {
    match got {
        Ok(request) => line_of(request),
        Err(Odd::Unended(bytes) | Odd::Garbled(bytes, _)) => preview(bytes),
        Err(Odd::Nothing(_)) => String::new(),
    }
}

/// A message as a line of text.
pub fn line_of(request: &Request) -> String {
    preview(request.to_line().trim_ascii_end())
}

/// The login that should come.
pub fn login() -> Request {
    Request::Login { username: USER.to_owned(), password: PASSWORD.to_owned() }
}

/// A chat with this content.
pub fn chat(content: &str) -> Request {
    Request::Chat { username: None, content: content.to_owned() }
}

/// The logout that should come.
pub fn logout() -> Request {
    Request::Logout { username: None }
}

/// Lets the program in.
pub fn welcome() -> Reply {
    let user_id = Some("127.0.0.1:50000:1700000000".to_owned());
    Reply::LoginResponse { success: true, message: "welcome".to_owned(), user_id }
}

/// Somebody else says this.
pub fn ben(content: &str) -> Reply {
    Reply::ChatMessage {
        username: "ben".to_owned(),
        content: content.to_owned(),
        timestamp: 1_700_000_000.25,
    }
}

/// How that is to be printed.
pub fn ben_says(content: &str) -> String {
    format!("ben: {content}")
}

/// The answer to the logout.
pub fn goodbye() -> Reply {
    Reply::LogoutResponse { success: true, message: "goodbye".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> String {
        match message_in(text.as_bytes()) {
            Found::Message(request, end) => format!("{request:?} {end}"),
            Found::Odd(Odd::Unended(_)) => "no newline".to_owned(),
            Found::Odd(odd) => format!("{odd:?}"),
            Found::Unfinished => "unfinished".to_owned(),
        }
    }

    #[test]
    fn a_message_ends_with_its_newline() {
        let logout = r#"{"type": "logout"}"#;
        assert_eq!(found(""), "unfinished");
        assert_eq!(found(&logout[..10]), "unfinished");
        assert_eq!(found(logout), "unfinished");
        assert_eq!(found(&format!("{logout}\r\n{logout}")), "Logout { username: None } 20");
        assert_eq!(found(&format!("{logout}{logout}\n")), "no newline");
        assert!(found("hello\n").contains("Garbled"));
        assert!(found("{\"type\":\"login_response\"}\n").contains("unknown type"));
    }
}
