//! A chat client: logs in, sends what it reads on its input, prints what the others say, logs out.

use std::collections::HashMap;
use std::env;
use std::error::Error;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::process::ExitCode;
use std::time::Duration;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// For the connection, and for each answer.
const LIMIT: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    match chat() {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("chat-client: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn chat() -> Result<()> {
    let (host, port) = (env::var("SOCKLAB_HOST")?, env::var("SOCKLAB_PORT")?.parse()?);
    let stream = connect(&host, port)?;
    let mut messages = Messages::new(stream.try_clone()?);
    stream.set_read_timeout(Some(LIMIT))?;
    log_in(&stream, &mut messages)?;
    // Your turn: from now on a line may come on the input, and a message from the server, in any order, and both at any
    // time. After the input: the logout, and its answer. How long may nobody say anything?
    Err("logged in; the rest is not written yet".into())
}

/// A connection to the first address of `host` that takes one.
fn connect(host: &str, port: u16) -> Result<TcpStream> {
    let mut last = format!("{host} has no address").into();
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, LIMIT) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = format!("cannot connect to {address}: {error}").into(),
        }
    }
    Err(last)
}

fn log_in(stream: &TcpStream, messages: &mut Messages) -> Result<()> {
    let (user, password) = (env::var("SOCKLAB_USER")?, env::var("SOCKLAB_PASSWORD")?);
    send(stream, &[("type", "login"), ("username", &user), ("password", &password)])?;
    while let Some(message) = messages.next()? {
        match message.kind() {
            "login_response" if message.is_true("success") => return Ok(()),
            "login_response" | "error" => {
                return Err(format!("not let in: {}", message.text("message")).into());
            }
            _ => show(&message)?,
        }
    }
    Err("the server closed the connection instead of answering the login".into())
}

/// One message, one line. `write_all` goes on until the kernel has taken every byte; a `TcpStream` holds none back.
fn send(mut stream: &TcpStream, fields: &[(&str, &str)]) -> io::Result<()> {
    let fields: Vec<String> =
        fields.iter().map(|(name, text)| format!("{}: {}", quoted(name), quoted(text))).collect();
    stream.write_all(format!("{{{}}}\n", fields.join(", ")).as_bytes())
}

fn show(message: &Message) -> io::Result<()> {
    // Your turn: a chat_message goes to the standard output, as `name: text`, so that it is seen at once.
    writeln!(io::stderr(), "server: {} {}", message.kind(), message.text("message"))
}

/// What the server says, message by message.
struct Messages {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Messages {
    fn new(stream: TcpStream) -> Self {
        Self { stream, received: Vec::new() }
    }

    /// The next one; `None` at the server's end of file.
    fn next(&mut self) -> Result<Option<Message>> {
        let mut buffer = [0; 4096];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Ok(None),
                Ok(count) => self.received.extend(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(format!("cannot receive: {error}").into()),
            }
            // This finds a message that comes alone, in however many pieces. Your turn: find where the first one ends
            // when two have come, or one and a half, and keep the rest.
            if let Some(message) = Message::parse(&self.received) {
                self.received.clear();
                return Ok(Some(message));
            }
        }
    }
}

// From here on nothing is left to do: the standard library has no JSON, so here is as much as this protocol needs.

/// A flat JSON object: its strings by name, and the other values as they are written.
struct Message(HashMap<String, Value>);

enum Value {
    Text(String),
    Word(String),
}

impl Message {
    /// `None` when it is not JSON, or not flat.
    fn parse(object: &[u8]) -> Option<Self> {
        let mut rest = Json(std::str::from_utf8(object).ok()?);
        let mut fields = HashMap::new();
        rest.take('{')?;
        while rest.take('}').is_none() {
            if !fields.is_empty() {
                rest.take(',')?;
            }
            let name = rest.string()?;
            rest.take(':')?;
            fields.insert(name, rest.value()?);
        }
        Some(Self(fields))
    }

    fn kind(&self) -> &str {
        self.text("type")
    }

    fn text(&self, name: &str) -> &str {
        match self.0.get(name) {
            Some(Value::Text(text)) => text,
            _ => "?",
        }
    }

    fn is_true(&self, name: &str) -> bool {
        matches!(self.0.get(name), Some(Value::Word(word)) if word == "true")
    }
}

/// What is left to read of a JSON text.
struct Json<'a>(&'a str);

impl Json<'_> {
    /// Takes this character, and the white space before it.
    fn take(&mut self, character: char) -> Option<()> {
        let rest = self.0.trim_start_matches([' ', '\t', '\r', '\n']);
        self.0 = rest.strip_prefix(character)?;
        Some(())
    }

    fn value(&mut self) -> Option<Value> {
        if let Some(text) = self.string() {
            return Some(Value::Text(text));
        }
        let rest = self.0.trim_start_matches([' ', '\t', '\r', '\n']);
        let in_word = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        let end = rest.find(|c| !in_word(c))?;
        let word = &rest[..end];
        self.0 = &rest[end..];
        let known = ["true", "false", "null"].contains(&word) || word.parse::<f64>().is_ok();
        known.then(|| Value::Word(word.to_owned()))
    }

    fn string(&mut self) -> Option<String> {
        self.take('"')?;
        let mut text = String::new();
        loop {
            match self.next()? {
                '"' => return Some(text),
                '\\' => text.push(self.escape()?),
                control if control < ' ' => return None,
                character => text.push(character),
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        Some(match self.next()? {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'u' => return self.unicode(),
            same @ ('"' | '\\' | '/') => same,
            _ => return None,
        })
    }

    /// `\uXXXX`. A character over U+FFFF is written as two of these, a surrogate pair; one half alone is no character.
    fn unicode(&mut self) -> Option<char> {
        let first = self.four_digits()?;
        if !(0xD800..0xDC00).contains(&first) {
            return Some(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        let mut ahead = Json(self.0);
        let Some(second) = ahead.low_surrogate() else {
            return Some(char::REPLACEMENT_CHARACTER);
        };
        self.0 = ahead.0;
        char::from_u32(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00))
    }

    fn low_surrogate(&mut self) -> Option<u32> {
        self.0 = self.0.strip_prefix("\\u")?;
        self.four_digits().filter(|unit| (0xDC00..0xE000).contains(unit))
    }

    fn four_digits(&mut self) -> Option<u32> {
        let digits = self.0.get(..4)?;
        self.0 = &self.0[4..];
        let all_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        u32::from_str_radix(digits, 16).ok().filter(|_| all_hex)
    }

    fn next(&mut self) -> Option<char> {
        let character = self.0.chars().next()?;
        self.0 = &self.0[character.len_utf8()..];
        Some(character)
    }
}

/// A JSON string: quotes, backslashes and control characters need an escape, nothing else does.
fn quoted(text: &str) -> String {
    let escaped = text.chars().map(|character| match character {
        '"' | '\\' => format!("\\{character}"),
        control if control < ' ' => format!("\\u{:04x}", u32::from(control)),
        character => character.to_string(),
    });
    format!("\"{}\"", escaped.collect::<String>())
}
