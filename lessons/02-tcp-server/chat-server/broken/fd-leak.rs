// Mistake: fd-leak. Every connection is kept in a list for later, and none is ever closed.

//! A Chat-Room server: for each client one thread that reads and one that writes, and nobody waits for another's socket.
//!
//! Rust's standard library has no JSON, so the last part of this file is a small reader of it.

use std::collections::{HashMap, VecDeque};
use std::env;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// In bytes, without its newline.
const LONGEST_MESSAGE: usize = 64 * 1024;

/// In characters.
const LONGEST_NAME: usize = 64;

/// How many bytes may wait for one client.
const MOST_WAITING: usize = 4 * 1024 * 1024;

/// How long a client has to go.
const GRACE: Duration = Duration::from_secs(2);

fn main() -> io::Result<()> {
    let host = env::var("SOCKLAB_HOST").unwrap_or("127.0.0.1".into());
    let port = env::var("SOCKLAB_PORT").unwrap_or("8888".into());
    // Creates the socket, sets SO_REUSEADDR (on Unix), binds and listens.
    let listener = TcpListener::bind(format!("{host}:{port}"))?;
    let room = Arc::new(Room::default());
    loop {
        match listener.accept() {
            Ok((stream, address)) => {
                let client = Client::new(stream, address, room.clone());
                // If no more threads are to be had, the client is dropped here, and with it its connection.
                let _ = thread::Builder::new().spawn(move || client.serve());
            }
            // Out of descriptors, perhaps: somebody may go.
            Err(_) => thread::sleep(Duration::from_millis(100)),
        }
    }
}

/// The lines that wait to be sent to one client. Putting one in never waits; only the client's writer does.
#[derive(Default)]
struct Outbox {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    lines: VecDeque<Arc<str>>,
    waiting: usize,
    closed: bool,
}

impl Outbox {
    /// Says whether there was room. A closed outbox drops the line: its client is on the way out.
    fn put(&self, line: Arc<str>) -> bool {
        let mut queue = self.queue.lock().unwrap();
        if queue.closed {
            return true;
        }
        if queue.waiting + line.len() > MOST_WAITING {
            return false;
        }
        queue.waiting += line.len();
        queue.lines.push_back(line);
        self.changed.notify_one();
        true
    }

    /// Waits for a line; `None` when the outbox is closed and empty.
    fn next(&self) -> Option<Arc<str>> {
        let idle = |queue: &mut Queue| queue.lines.is_empty() && !queue.closed;
        let mut queue = self.changed.wait_while(self.queue.lock().unwrap(), idle).unwrap();
        let line = queue.lines.pop_front()?;
        queue.waiting -= line.len();
        Some(line)
    }

    fn close(&self) {
        self.queue.lock().unwrap().closed = true;
        self.changed.notify_one();
    }
}

/// One client's connection, as others see it too.
struct Connection {
    stream: TcpStream,
    address: SocketAddr,
    outbox: Outbox,
}

impl Connection {
    /// Never waits. A client that leaves too much unread is cut off: its two threads wake up and end.
    fn put(&self, line: Arc<str>) {
        if !self.outbox.put(line) {
            self.cut();
        }
    }

    /// The writer's thread: it alone waits when the client does not read.
    fn write(&self) {
        while let Some(line) = self.outbox.next() {
            if (&self.stream).write_all(line.as_bytes()).is_err() {
                return self.outbox.close(); // nobody is there to be told anything
            }
        }
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    fn cut(&self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

/// Every client, with the name it logged in under. Nothing slow is done under the lock.
#[derive(Default)]
struct Room {
    clients: Mutex<HashMap<SocketAddr, (Arc<Connection>, Option<String>)>>,
    // ANCHOR: wrong
    /// Who has been here today.
    everybody: Mutex<Vec<Arc<Connection>>>,
    // ANCHOR_END: wrong
}

impl Room {
    fn enter(&self, connection: Arc<Connection>) {
        self.everybody.lock().unwrap().push(connection.clone());
        self.clients.lock().unwrap().insert(connection.address, (connection, None));
    }

    /// Says whether the name was free.
    fn claim(&self, address: SocketAddr, name: &str) -> bool {
        let mut clients = self.clients.lock().unwrap();
        let free = clients.values().all(|(_, taken)| taken.as_deref() != Some(name));
        if let Some((_, own)) = clients.get_mut(&address).filter(|_| free) {
            *own = Some(name.to_owned());
        }
        free
    }

    fn leave(&self, address: SocketAddr) {
        self.clients.lock().unwrap().remove(&address);
    }

    fn tell_others(&self, sender: SocketAddr, reply: String) {
        let line: Arc<str> = reply.into();
        for (&address, (connection, _)) in self.clients.lock().unwrap().iter() {
            if address != sender {
                connection.put(line.clone());
            }
        }
    }
}

/// One client, from accept to close. It belongs to the thread that reads.
struct Client {
    connection: Arc<Connection>,
    room: Arc<Room>,
    user_id: String,
    /// None until login.
    name: Option<String>,
}

impl Client {
    fn new(stream: TcpStream, address: SocketAddr, room: Arc<Room>) -> Self {
        let _ = stream.set_nodelay(true);
        let connection = Arc::new(Connection { stream, address, outbox: Outbox::default() });
        let user_id = format!("{address}:{}", seconds_since_1970() as u64);
        Self { connection, room, user_id, name: None }
    }

    fn serve(mut self) -> io::Result<()> {
        let connection = self.connection.clone();
        let (writing, written) = mpsc::channel();
        thread::Builder::new().spawn(move || {
            connection.write();
            drop(writing);
        })?;
        self.room.enter(self.connection.clone());
        // An error is a reset by the client: it has gone, like any other.
        let _ = self.read_messages();
        self.room.leave(self.connection.address);
        self.connection.outbox.close();
        self.let_go(written)
    }

    /// Returns at the client's end of file, or when it should go. A message ends at its newline, wherever recv cut.
    fn read_messages(&mut self) -> io::Result<()> {
        let connection = self.connection.clone();
        let mut stream = BufReader::new(&connection.stream);
        loop {
            let mut line = Vec::new();
            stream.by_ref().take(LONGEST_MESSAGE as u64 + 1).read_until(b'\n', &mut line)?;
            if line.len() > LONGEST_MESSAGE && !line.ends_with(b"\n") {
                self.complain(&format!("a message has at most {LONGEST_MESSAGE} bytes"));
                return Ok(());
            }
            let blank = line.trim_ascii().is_empty();
            if line.is_empty() || !blank && !self.handle(&line) {
                return Ok(());
            }
        }
    }

    /// Says whether the client stays.
    fn handle(&mut self, line: &[u8]) -> bool {
        self.obey(line).unwrap_or_else(|problem| {
            self.complain(&problem);
            true
        })
    }

    fn obey(&mut self, line: &[u8]) -> Result<bool, String> {
        let message = str::from_utf8(line).ok().and_then(json::object);
        let message = message.ok_or("that is not a JSON object in UTF-8")?;
        match text(&message, "type")? {
            "login" => self.log_in(text(&message, "username")?, text(&message, "password")?),
            "chat" => self.chat(&message)?,
            "logout" => {
                self.log_out();
                return Ok(false);
            }
            other => return Err(format!("unknown type: {other}")),
        }
        Ok(true)
    }

    fn log_in(&mut self, name: &str, password: &str) {
        let refused = if let Some(name) = &self.name {
            return self.complain(&format!("already logged in as {name}"));
        } else if name.is_empty() || password.is_empty() {
            "username and password must not be empty".into()
        } else if name.chars().count() > LONGEST_NAME {
            format!("a name has at most {LONGEST_NAME} characters")
        } else if !self.room.claim(self.connection.address, name) {
            format!("somebody named {name} is here already")
        } else {
            self.name = Some(name.to_owned());
            let (welcome, id) =
                (json::quote(&format!("welcome {name}!")), json::quote(&self.user_id));
            return self.tell(format!(
                r#"{{"type":"login_response","success":true,"message":{welcome},"user_id":{id}}}"#
            ));
        };
        let why = json::quote(&refused);
        self.tell(format!(r#"{{"type":"login_response","success":false,"message":{why}}}"#));
    }

    fn chat(&self, message: &json::Object) -> Result<(), String> {
        let content = text(message, "content")?;
        // The name that this connection logged in with. What the message says about it is not even read.
        let name = self.name.as_deref().ok_or("log in before you chat")?;
        if content.is_empty() {
            return Err("there is no content".into());
        }
        let (name, content, now) = (json::quote(name), json::quote(content), seconds_since_1970());
        let chat = format!(
            r#"{{"type":"chat_message","username":{name},"content":{content},"timestamp":{now:.6}}}"#
        );
        self.room.tell_others(self.connection.address, chat + "\n");
        Ok(())
    }

    fn log_out(&self) {
        // Whoever has read the answer may log in under this name again: leave first.
        self.room.leave(self.connection.address);
        self.tell(r#"{"type":"logout_response","success":true,"message":"goodbye!"}"#.into());
    }

    fn complain(&self, problem: &str) {
        let problem = json::quote(problem);
        self.tell(format!(r#"{{"type":"error","message":{problem}}}"#));
    }

    fn tell(&self, reply: String) {
        self.connection.put((reply + "\n").into());
    }

    /// Lets the last words out, then reads on: closing with bytes unread would reset the connection and lose them.
    fn let_go(&self, written: Receiver<()>) -> io::Result<()> {
        // Nothing is ever sent on this channel: it disconnects when the writer is done.
        if written.recv_timeout(GRACE) == Err(RecvTimeoutError::Timeout) {
            self.connection.cut();
            return Ok(());
        }
        let deadline = Instant::now() + GRACE;
        let mut stream = &self.connection.stream;
        let mut unwanted = [0; 65536];
        while let Some(left) = deadline.checked_duration_since(Instant::now()) {
            // A limit of zero would be no limit.
            stream.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
            if stream.read(&mut unwanted)? == 0 {
                break;
            }
        }
        Ok(())
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

fn seconds_since_1970() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
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
