//! A client that sends any bytes it is told to, and reads what the server answers line by line, with a limit.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};
use socket2::{Domain, SockRef, Socket, Type};

use super::LIMIT;

/// A connection to the server.
pub struct Client {
    stream: TcpStream,
    unread: Vec<u8>,
    was_reset: bool,
}

impl Client {
    /// Connects to the server on `port`. What is sent is not held back to be joined (TCP_NODELAY).
    pub fn connect(port: u16) -> Self {
        Self::over(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("the server listens"))
    }

    /// Speaks over a connection that is there.
    pub fn over(stream: TcpStream) -> Self {
        stream.set_nodelay(true).expect("an open socket");
        stream.set_read_timeout(Some(LIMIT)).expect("an open socket");
        stream.set_write_timeout(Some(LIMIT)).expect("an open socket");
        Self { stream, unread: Vec::new(), was_reset: false }
    }

    /// Connects and logs in as `name`.
    pub fn log_in(port: u16, name: &str) -> Self {
        let mut client = Self::connect(port);
        let answer = client.ask_to_log_in(name);
        assert_eq!(answer["success"], true, "{name}: {answer}");
        client
    }

    /// Asks to be let in as `name`; returns the answer.
    pub fn ask_to_log_in(&mut self, name: &str) -> Value {
        self.say(&json!({"type": "login", "username": name, "password": "hunter2"}));
        self.expect("login_response")
    }

    /// This end's address.
    pub fn address(&self) -> SocketAddr {
        self.stream.local_addr().expect("an open socket")
    }

    /// Sends `bytes` as they are.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).expect("the server takes it");
    }

    /// Sends `bytes` as they are, unless the server hangs up meanwhile.
    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
        self.stream.write_all(bytes.as_ref())
    }

    /// Sends `bytes` one at a time.
    pub fn send_byte_by_byte(&mut self, bytes: impl AsRef<[u8]>) {
        bytes.as_ref().chunks(1).for_each(|byte| self.send(byte));
    }

    /// Sends a message on a line of its own.
    pub fn say(&mut self, message: &Value) {
        self.send(format!("{message}\n"));
    }

    /// Says `words` to the room.
    pub fn chat(&mut self, words: &str) {
        self.say(&json!({"type": "chat", "content": words}));
    }

    /// The next message from the server.
    pub fn message(&mut self) -> Value {
        let line = self.line().expect("a message, not the end of the connection");
        serde_json::from_str(&line).unwrap_or_else(|why| panic!("not JSON ({why}): {line}"))
    }

    /// The next message from the server, which is of this type.
    pub fn expect(&mut self, kind: &str) -> Value {
        let message = self.message();
        assert_eq!(message["type"], kind, "{message}");
        message
    }

    /// The next message is the words `words` of `name`.
    pub fn hears(&mut self, name: &str, words: &str) {
        let message = self.expect("chat_message");
        assert_eq!((&message["username"], &message["content"]), (&json!(name), &json!(words)));
        assert!(message["timestamp"].is_f64(), "{message}");
    }

    /// The next line from the server, or `None` when the connection is over.
    pub fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.unread.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = self.unread.drain(..=end).collect();
                return Some(String::from_utf8(line).expect("the server sends UTF-8"));
            }
            let mut buffer = [0; 65536];
            match self.stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => self.unread.extend(&buffer[..count]),
                Err(why) if why.kind() == ErrorKind::ConnectionReset => {
                    self.was_reset = true;
                    break;
                }
                Err(why) => panic!("the server is silent: {why}"),
            }
        }
        assert!(self.unread.is_empty(), "the connection ends in a line: {:?}", self.unread);
        None
    }

    /// Reads until the connection is over; returns the messages that came first.
    pub fn rest(&mut self) -> Vec<Value> {
        let lines = std::iter::from_fn(|| self.line());
        lines.map(|line| serde_json::from_str(&line).expect("the server sends JSON")).collect()
    }

    /// The next that comes is the end of the connection, in order: a FIN and no reset.
    pub fn is_over(&mut self) {
        assert_eq!(self.line(), None, "the connection goes on");
        assert!(!self.was_reset, "the connection was reset");
    }

    /// Sends no more (FIN), but reads on.
    pub fn stop_sending(&self) {
        self.stream.shutdown(Shutdown::Write).expect("an open connection");
    }

    /// A receive buffer as small as the kernel allows.
    pub fn read_little(&self) {
        SockRef::from(&self.stream).set_recv_buffer_size(1).expect("an open socket");
    }

    /// From now on, what cannot be sent for so long is not.
    pub fn gives_up_after(&self, limit: Duration) {
        self.stream.set_write_timeout(Some(limit)).expect("an open socket");
    }

    /// Closes with a reset: SO_LINGER with no time.
    pub fn reset(self) {
        SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)).expect("an open socket");
    }
}

/// A port that stays taken, and on which nobody listens: to connect there is refused.
pub fn refusing_port() -> (Socket, u16) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    socket.bind(&any_port.into()).expect("a port");
    let bound = socket.local_addr().ok().and_then(|address| address.as_socket());
    (socket, bound.expect("an internet address").port())
}
