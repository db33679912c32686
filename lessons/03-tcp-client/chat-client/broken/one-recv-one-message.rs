// Mistake: one-recv-one-message. It takes what one recv brings for one message: right as long as the messages are short
// and come slowly.
//! A chat client: logs in, sends what it reads on its input, prints what the others say, logs out.
//!
//! The main thread receives. A second one reads the input and sends: so neither waits for the other, and neither needs a
//! lock.

use std::collections::HashMap;
use std::error::Error;
use std::io::{self, BufRead, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{env, thread};

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
    stream.set_read_timeout(None)?; // From now on it is no failure when nobody says anything.
    let gave_up = Arc::new(AtomicBool::new(false));
    let giving_up = gave_up.clone();
    thread::spawn(move || send_lines(&stream, &giving_up));
    if show_until_logout(&mut messages)? {
        return Ok(());
    }
    let gave_up = gave_up.load(Ordering::Relaxed);
    Err(if gave_up { "no answer to the logout" } else { "the server closed the connection first" }
        .into())
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

/// Sends line after line, each when it comes; then the logout. The answer to that ends the program.
fn send_lines(stream: &TcpStream, gave_up: &AtomicBool) {
    if send_all_lines(stream).is_err() {
        return; // The server is gone: the thread that receives is told so too.
    }
    thread::sleep(LIMIT);
    gave_up.store(true, Ordering::Relaxed);
    let _ = stream.shutdown(Shutdown::Both); // wakes the read
}

fn send_all_lines(stream: &TcpStream) -> io::Result<()> {
    for line in io::stdin().lock().split(b'\n') {
        let line = line?;
        if !line.is_empty() {
            let content = String::from_utf8_lossy(&line);
            send(stream, &[("type", "chat"), ("content", &content)])?;
        }
    }
    send(stream, &[("type", "logout")])
}

/// One message, one line. `write_all` goes on until the kernel has taken every byte; a `TcpStream` holds none back.
fn send(mut stream: &TcpStream, fields: &[(&str, &str)]) -> io::Result<()> {
    let fields: Vec<String> =
        fields.iter().map(|(name, text)| format!("{}: {}", quoted(name), quoted(text))).collect();
    stream.write_all(format!("{{{}}}\n", fields.join(", ")).as_bytes())
}

/// Whether the answer to the logout came; otherwise the server went first.
fn show_until_logout(messages: &mut Messages) -> Result<bool> {
    while let Some(message) = messages.next()? {
        if message.kind() == "logout_response" {
            return Ok(true);
        }
        show(&message)?;
    }
    Ok(false)
}

fn show(message: &Message) -> io::Result<()> {
    if message.kind() == "chat_message" {
        let mut out = io::stdout().lock();
        writeln!(out, "{}: {}", message.text("username"), message.text("content"))?;
        return out.flush();
    }
    writeln!(io::stderr(), "server: {}", message.text("message"))
}

// ANCHOR: wrong
/// What the server says, message by message.
struct Messages {
    stream: TcpStream,
}

impl Messages {
    fn new(stream: TcpStream) -> Self {
        Self { stream }
    }

    /// The next one; `None` at the server's end of file.
    fn next(&mut self) -> Result<Option<Message>> {
        let mut buffer = [0; 4096];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Ok(None),
                // One read, one message.
                Ok(count) => match Message::parse(&buffer[..count]) {
                    Some(message) => return Ok(Some(message)),
                    None => {
                        eprintln!("not understood: {}", String::from_utf8_lossy(&buffer[..count]))
                    }
                },
                Err(error) => match error.kind() {
                    ErrorKind::Interrupted => {}
                    ErrorKind::WouldBlock | ErrorKind::TimedOut => return Err("no answer".into()),
                    _ => return Err(format!("cannot receive: {error}").into()),
                },
            }
        }
    }
}
// ANCHOR_END: wrong

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
        rest.0.trim_ascii().is_empty().then_some(Self(fields))
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
