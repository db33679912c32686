//! What one message says: a [`Request`] from a client, a [`Reply`] from the server.

use std::fmt;

use serde::Serialize;

use super::fields::{Fields, Malformed};

/// How much longer than the longest request a reply may be: the server adds a name, an id, a time, words.
pub const ENVELOPE: usize = 1024;

/// From the client to the server.
#[derive(Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Request {
    /// Enters under a name.
    Login {
        /// The name. Empty when the message had none.
        username: String,
        /// Any password but an empty one will do: the protocol teaches sockets, not accounts. Empty when the message had none.
        password: String,
    },
    /// Says something to everybody else.
    Chat {
        /// Who the client says that it is.
        #[serde(skip_serializing_if = "Option::is_none")]
        username: Option<String>,
        /// What it says.
        content: String,
    },
    /// Leaves.
    Logout {
        /// Who the client says that it is.
        #[serde(skip_serializing_if = "Option::is_none")]
        username: Option<String>,
    },
}

/// From the server to a client.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Reply {
    /// The answer to a login.
    LoginResponse {
        /// Whether the client is in.
        success: bool,
        /// A welcome, or why not.
        message: String,
        /// The client's id, `IP:PORT:UNIX-SECONDS` of its arrival, on success.
        #[serde(skip_serializing_if = "Option::is_none")]
        user_id: Option<String>,
    },
    /// What somebody else said.
    ChatMessage {
        /// Who.
        username: String,
        /// What.
        content: String,
        /// When the server passed it on: seconds since 1970. 0 when the message did not say.
        timestamp: f64,
    },
    /// The answer to a logout.
    LogoutResponse {
        /// Whether the client is out.
        success: bool,
        /// A good-bye.
        message: String,
    },
    /// Something that the client sent was wrong, or the server is about to close the connection.
    Error {
        /// What, or why.
        message: String,
    },
}

impl Request {
    /// Reads the bytes of one object. Fields that the protocol does not know are ignored.
    ///
    /// # Errors
    /// When it is no request, with the words for its sender.
    pub fn parse(object: &[u8]) -> Result<Self, Malformed> {
        let mut fields = Fields::parse(object)?;
        Ok(match fields.kind()?.as_str() {
            "login" => Self::Login {
                username: fields.text("username")?.unwrap_or_default(),
                password: fields.text("password")?.unwrap_or_default(),
            },
            "chat" => Self::Chat {
                username: fields.text("username")?,
                content: fields.required_text("content")?,
            },
            "logout" => Self::Logout { username: fields.text("username")? },
            other => return Err(Malformed::UnknownType(other.into())),
        })
    }

    /// The bytes to send: one line of JSON.
    pub fn to_line(&self) -> Vec<u8> {
        to_line(self)
    }
}

impl Reply {
    /// Reads the bytes of one object. Only its type has to be there: other servers may leave out the rest.
    ///
    /// # Errors
    /// When it is no reply.
    pub fn parse(object: &[u8]) -> Result<Self, Malformed> {
        let mut fields = Fields::parse(object)?;
        Ok(match fields.kind()?.as_str() {
            "login_response" => Self::LoginResponse {
                success: fields.flag("success")?.unwrap_or_default(),
                message: fields.text("message")?.unwrap_or_default(),
                user_id: fields.text("user_id")?,
            },
            "chat_message" => Self::ChatMessage {
                username: fields.text("username")?.unwrap_or_else(|| "unknown".into()),
                content: fields.text("content")?.unwrap_or_default(),
                timestamp: fields.number("timestamp")?.unwrap_or_default(),
            },
            "logout_response" => Self::LogoutResponse {
                success: fields.flag("success")?.unwrap_or_default(),
                message: fields.text("message")?.unwrap_or_default(),
            },
            "error" => Self::Error {
                message: fields.text("message")?.unwrap_or_else(|| "unknown error".into()),
            },
            other => return Err(Malformed::UnknownType(other.into())),
        })
    }

    /// The bytes to send: one line of JSON.
    pub fn to_line(&self) -> Vec<u8> {
        to_line(self)
    }
}

/// To a JSON parser the newline at the end is white space; to who reads lines, the message is one.
fn to_line(message: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(message).expect("strings, numbers and booleans are JSON");
    line.push(b'\n');
    line
}

/// Without the password: what is printed for debugging is kept and passed on.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Login { username, .. } => {
                f.debug_struct("Login").field("username", username).finish_non_exhaustive()
            }
            Self::Chat { username, content } => f
                .debug_struct("Chat")
                .field("username", username)
                .field("content", content)
                .finish(),
            Self::Logout { username } => {
                f.debug_struct("Logout").field("username", username).finish()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(text: &str) -> Result<Request, String> {
        Request::parse(text.as_bytes()).map_err(|malformed| malformed.to_string())
    }

    fn reply(text: &str) -> Result<Reply, String> {
        Reply::parse(text.as_bytes()).map_err(|malformed| malformed.to_string())
    }

    fn chat(content: &str) -> Request {
        Request::Chat { username: None, content: content.into() }
    }

    /// Each message beside its line, which other programs have to understand byte for byte.
    #[test]
    fn requests_are_written_and_read() {
        let login = Request::Login { username: "小梅".into(), password: "x".into() };
        let named = Request::Chat { username: Some("mei".into()), content: "\"好\"\n🦀".into() };
        for (message, line) in [
            (login, r#"{"type":"login","username":"小梅","password":"x"}"#),
            (named, r#"{"type":"chat","username":"mei","content":"\"好\"\n🦀"}"#),
            (chat("hi"), r#"{"type":"chat","content":"hi"}"#),
            (Request::Logout { username: None }, r#"{"type":"logout"}"#),
        ] {
            assert_eq!(String::from_utf8(message.to_line()).unwrap(), format!("{line}\n"));
            assert_eq!(request(line), Ok(message));
        }
    }

    #[test]
    fn replies_are_written_and_read() {
        let (message, username, content) = ("m".to_owned(), "小梅".to_owned(), "好".to_owned());
        let welcome = Reply::LoginResponse {
            success: true,
            message: message.clone(),
            user_id: Some("127.0.0.1:5:7".into()),
        };
        let refused =
            Reply::LoginResponse { success: false, message: message.clone(), user_id: None };
        for (reply_, line) in [
            (
                welcome,
                r#"{"type":"login_response","success":true,"message":"m","user_id":"127.0.0.1:5:7"}"#,
            ),
            (refused, r#"{"type":"login_response","success":false,"message":"m"}"#),
            (
                Reply::ChatMessage { username, content, timestamp: 1.7e9 },
                r#"{"type":"chat_message","username":"小梅","content":"好","timestamp":1700000000.0}"#,
            ),
            (
                Reply::LogoutResponse { success: true, message: message.clone() },
                r#"{"type":"logout_response","success":true,"message":"m"}"#,
            ),
            (Reply::Error { message }, r#"{"type":"error","message":"m"}"#),
        ] {
            assert_eq!(String::from_utf8(reply_.to_line()).unwrap(), format!("{line}\n"));
            assert_eq!(reply(line), Ok(reply_));
        }
    }

    #[test]
    fn python_spaces_and_escapes_are_read() {
        assert_eq!(
            request(r#"{"type": "chat", "username": null, "content": "\u597d \ud83e\udd80"}"#),
            Ok(chat("好 🦀"))
        );
    }

    #[test]
    fn unknown_fields_are_ignored_and_the_last_of_two_counts() {
        let text =
            r#"{"type":"login","type":"chat","content":"a","to":[{"x":1e300}],"content":"b"}"#;
        assert_eq!(request(text), Ok(chat("b")));
    }

    #[test]
    fn a_login_without_fields_is_one_with_empty_fields() {
        let empty = Request::Login { username: String::new(), password: String::new() };
        assert_eq!(request(r#"{"type":"login","username":null}"#), Ok(empty));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, words) in [
            ("[1]", r#"not a message: a message is a JSON object, {"type": ...}"#),
            (r#"{"type":"chat",}"#, "not JSON: trailing comma at line 1 column 16"),
            (r#"{"a":1e999}"#, "not JSON: number out of range at line 1 column 10"),
            (r#"{"a":"\ud83e"}"#, "not JSON: unexpected end of hex escape at line 1 column 13"),
            ("{}", "field `type` is missing"),
            (r#"{"type":1}"#, "field `type` must be a string, and is a number"),
            (r#"{"type":"chat"}"#, "field `content` is missing"),
            (
                r#"{"type":"chat","content":[]}"#,
                "field `content` must be a string, and is an array",
            ),
            (
                r#"{"type":"chat","content":"","username":{}}"#,
                "field `username` must be a string, and is an object",
            ),
            (
                r#"{"type":"login","password":true}"#,
                "field `password` must be a string, and is true or false",
            ),
            (r#"{"type":"chat_message"}"#, r#"unknown type "chat_message""#),
        ] {
            assert_eq!(request(text), Err(words.into()), "{text}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        let malformed = Request::parse(b"{\"type\":\"\xe5\xa5\"}").unwrap_err();
        assert_eq!(malformed, Malformed::NotUtf8 { at: 9 });
    }

    #[test]
    fn an_unknown_type_is_repeated_short_and_harmless() {
        let long = format!(r#"{{"type":"\u001b[2J\u202e{}"}}"#, "x".repeat(9000));
        let words = format!(r#"unknown type "\u{{1b}}[2J\u{{202e}}{}"..."#, "x".repeat(35));
        assert_eq!(request(&long), Err(words));
    }

    #[test]
    fn deep_nesting_is_an_error_and_no_overflow_of_the_stack() {
        for open in ["[", r#"{"a":"#] {
            let deep = format!(r#"{{"type":"chat","content":{}"#, open.repeat(1_000_000));
            assert_eq!(request(&deep), Err("nested too deeply".into()));
        }
    }

    #[test]
    fn a_reply_needs_no_more_than_its_type() {
        let message = String::new();
        assert_eq!(
            reply(r#"{"type":"login_response"}"#),
            Ok(Reply::LoginResponse { success: false, message, user_id: None })
        );
        let (username, content) = ("unknown".into(), "hi".into());
        assert_eq!(
            reply(r#"{"type":"chat_message","content":"hi","timestamp":7}"#),
            Ok(Reply::ChatMessage { username, content, timestamp: 7.0 })
        );
        assert_eq!(reply(r#"{"type":"login"}"#), Err(r#"unknown type "login""#.into()));
    }

    #[test]
    fn debugging_shows_no_password() {
        let login = Request::Login { username: "mei".into(), password: "hunter2".into() };
        assert_eq!(format!("{login:?}"), r#"Login { username: "mei", .. }"#);
    }
}
