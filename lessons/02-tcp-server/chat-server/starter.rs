//! Is to be a Chat-Room server. So far it reads messages, and answers each with an error: nothing is done yet.
//!
//! Rust's standard library has no JSON, so the last part of this file is a small reader of it. It is complete.

use std::collections::HashMap;
use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

fn main() -> io::Result<()> {
    let host = env::var("SOCKLAB_HOST").unwrap_or("127.0.0.1".into());
    let port = env::var("SOCKLAB_PORT").unwrap_or("8888".into());
    // Creates the socket, sets SO_REUSEADDR (on Unix), binds and listens.
    let listener = TcpListener::bind(format!("{host}:{port}"))?;
    let room = Arc::new(Room::default());
    loop {
        // Your turn: go on if accept fails once, or if no more threads are to be had.
        let (stream, address) = listener.accept()?;
        let client = Client::new(stream, address, room.clone());
        thread::spawn(move || client.serve());
    }
}

/// One client's connection, as others see it too.
struct Connection {
    stream: TcpStream,
    address: SocketAddr,
}

impl Connection {
    fn put(&self, line: &str) -> io::Result<()> {
        // Your turn: write_all waits while this client does not read. Who waits with it?
        (&self.stream).write_all(line.as_bytes())
    }
}

/// Every client that is here.
#[derive(Default)]
struct Room {
    // Your turn: who has which name? Many threads will ask at the same time: that is what the lock is for.
    clients: Mutex<HashMap<SocketAddr, Arc<Connection>>>,
}

impl Room {
    fn enter(&self, connection: Arc<Connection>) {
        self.clients.lock().unwrap().insert(connection.address, connection);
    }

    fn leave(&self, address: SocketAddr) {
        self.clients.lock().unwrap().remove(&address);
    }

    // Your turn: tell the others what one has said. One of them may not read: nobody must wait for that one, and least
    // of all somebody who has the lock.
}

/// One client, from accept to close. It belongs to the thread that reads.
struct Client {
    connection: Arc<Connection>,
    room: Arc<Room>,
    // Your turn: its name, None until login, and its user_id.
}

impl Client {
    fn new(stream: TcpStream, address: SocketAddr, room: Arc<Room>) -> Self {
        Self { connection: Arc::new(Connection { stream, address }), room }
    }

    fn serve(self) {
        self.room.enter(self.connection.clone());
        // An error is a reset by the client: it has gone, like any other.
        let _ = self.read_messages();
        self.room.leave(self.connection.address);
        // Your turn: the last words to this client must arrive, even if it has sent more than was read.
    }

    /// Returns at the client's end of file, or when it should go. A message ends at its newline, wherever recv cut.
    fn read_messages(&self) -> io::Result<()> {
        let mut stream = BufReader::new(&self.connection.stream);
        loop {
            let mut line = Vec::new();
            // Your turn: a line may be endless. More than 64 KiB is too much.
            stream.read_until(b'\n', &mut line)?;
            if line.is_empty() {
                return Ok(());
            }
            self.handle(&line)?;
        }
    }

    fn handle(&self, line: &[u8]) -> io::Result<()> {
        match self.obey(line) {
            Ok(()) => Ok(()),
            Err(problem) => self.complain(&problem),
        }
    }

    fn obey(&self, line: &[u8]) -> Result<(), String> {
        let message = str::from_utf8(line).ok().and_then(json::object);
        let message = message.ok_or("that is not a JSON object in UTF-8")?;
        // Your turn: login, chat and logout.
        let kind = text(&message, "type")?;
        Err(format!("this server cannot do it yet: {kind}"))
    }

    fn complain(&self, problem: &str) -> io::Result<()> {
        let problem = json::quote(problem);
        self.tell(format!(r#"{{"type":"error","message":{problem}}}"#))
    }

    fn tell(&self, reply: String) -> io::Result<()> {
        self.connection.put(&(reply + "\n"))
    }
}

/// The field's text; empty when it is not there.
fn text<'a>(message: &'a json::Object, field: &str) -> Result<&'a str, String> {
    match message.get(field) {
        None | Some(json::Value::Null) => Ok(""),
        Some(json::Value::Text(text)) => Ok(text),
        Some(_) => Err(format!("field {field} is not a string")),
    }
}

/// As much JSON as the chat needs: the strings in an object are kept, everything else is only found to be well formed.
mod json {
    use std::collections::HashMap;

    pub type Object = HashMap<String, Value>;

    pub enum Value {
        Text(String),
        Null,
        /// A number, a truth value, a list or an object: no message of the protocol has one that matters.
        Other,
    }

    /// How many lists and objects may stand in one another: each takes some of the stack while it is read.
    const DEEPEST: usize = 100;

    /// The members of the one object that `text` must be.
    pub fn object(text: &str) -> Option<Object> {
        let mut reader = Reader(text);
        reader.expect("{")?;
        let members = reader.members(0)?;
        reader.0.trim_ascii().is_empty().then_some(members)
    }

    /// `text` as a JSON string, in quotes.
    pub fn quote(text: &str) -> String {
        let mut quoted = String::from('"');
        for character in text.chars() {
            match character {
                '"' | '\\' => quoted.extend(['\\', character]),
                '\0'..' ' => quoted += &format!("\\u{:04x}", u32::from(character)),
                _ => quoted.push(character),
            }
        }
        quoted + "\""
    }

    /// What is left to read. Each method takes its part off the front; `None` means that it is not there: no JSON.
    struct Reader<'a>(&'a str);

    impl Reader<'_> {
        /// Skips white space, and then `token`.
        fn expect(&mut self, token: &str) -> Option<()> {
            self.0 = self.0.trim_ascii_start();
            self.0 = self.0.strip_prefix(token)?;
            Some(())
        }

        fn finds(&mut self, token: &str) -> bool {
            self.expect(token).is_some()
        }

        /// After an opening bracket: items with commas between them, and the closing bracket.
        fn items(
            &mut self,
            end: &str,
            mut item: impl FnMut(&mut Self) -> Option<()>,
        ) -> Option<()> {
            if self.finds(end) {
                return Some(());
            }
            loop {
                item(self)?;
                if !self.finds(",") {
                    return self.expect(end);
                }
            }
        }

        fn members(&mut self, depth: usize) -> Option<Object> {
            let mut members = Object::new();
            self.items("}", |reader| {
                reader.expect("\"")?;
                let name = reader.string()?;
                reader.expect(":")?;
                members.insert(name, reader.value(depth + 1)?);
                Some(())
            })?;
            Some(members)
        }

        fn value(&mut self, depth: usize) -> Option<Value> {
            if self.finds("\"") {
                return self.string().map(Value::Text);
            } else if self.finds("null") {
                return Some(Value::Null);
            } else if depth > DEEPEST {
                return None;
            } else if self.finds("{") {
                self.members(depth)?;
            } else if self.finds("[") {
                self.items("]", |reader| reader.value(depth + 1).map(drop))?;
            } else if !self.finds("true") && !self.finds("false") {
                self.number()?;
            }
            Some(Value::Other)
        }

        fn number(&mut self) -> Option<f64> {
            let other = |c: char| !c.is_ascii_digit() && !"+-.eE".contains(c);
            let (number, rest) = self.0.split_at(self.0.find(other).unwrap_or(self.0.len()));
            self.0 = rest;
            number.parse().ok()
        }

        /// After the opening quote, up to and with the closing one.
        fn string(&mut self) -> Option<String> {
            let mut string = String::new();
            loop {
                match self.character()? {
                    '"' => return Some(string),
                    '\\' => string.push(self.escaped()?),
                    '\0'..' ' => return None,
                    character => string.push(character),
                }
            }
        }

        fn character(&mut self) -> Option<char> {
            let mut characters = self.0.chars();
            let first = characters.next();
            self.0 = characters.as_str();
            first
        }

        /// What a backslash and the characters after it stand for.
        fn escaped(&mut self) -> Option<char> {
            Some(match self.character()? {
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => return self.utf16(),
                character @ ('"' | '\\' | '/') => character,
                _ => return None,
            })
        }

        /// Four hex digits are a UTF-16 unit. A character beyond U+FFFF takes two, a surrogate pair.
        fn utf16(&mut self) -> Option<char> {
            let first = self.unit()?;
            if !(0xd800..0xdc00).contains(&first) {
                return char::from_u32(first.into());
            }
            self.0 = self.0.strip_prefix("\\u")?;
            let second = self.unit()?;
            char::decode_utf16([first, second]).next()?.ok()
        }

        fn unit(&mut self) -> Option<u16> {
            let (digits, rest) = self.0.split_at_checked(4)?;
            self.0 = rest;
            let all_hex = digits.chars().all(|digit| digit.is_ascii_hexdigit());
            u16::from_str_radix(digits, 16).ok().filter(|_| all_hex)
        }
    }
}
