//! Enough Rust to read the book: each piece has its twin in enough.py, and both print the same.

use std::io::{self, ErrorKind, Read};
use std::net::TcpListener;
use std::num::ParseIntError;
use std::sync::{Arc, Mutex};
use std::thread;

// ANCHOR: result
fn port(text: &str) -> Result<u16, ParseIntError> {
    let number = text.trim().parse()?;
    Ok(number)
}
// ANCHOR_END: result

// ANCHOR: match
fn described(text: &str) -> String {
    match port(text) {
        Ok(0) => "any port".to_owned(),
        Ok(number) if number < 1024 => format!("{number}: needs a privilege"),
        Ok(number) => format!("{number}: for anybody"),
        Err(_) => format!("{text}: not a port"),
    }
}
// ANCHOR_END: match

// ANCHOR: option
fn next_word(words: &mut Vec<String>) -> Option<String> {
    let word = words.pop()?;
    Some(word.to_uppercase())
}

fn greet(name: Option<&str>) -> String {
    if let Some(name) = name {
        return format!("hello, {name}");
    }
    "hello, whoever you are".to_owned()
}
// ANCHOR_END: option

// ANCHOR: loop
fn count_bytes(mut input: impl Read) -> io::Result<usize> {
    let mut buffer = [0; 4];
    let mut total = 0;
    let outcome = loop {
        match input.read(&mut buffer) {
            Ok(0) => break Ok(total),
            Ok(count) => total += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => break Err(error),
        }
    };
    println!("the input is over");
    outcome
}
// ANCHOR_END: loop

// ANCHOR: struct
struct Client {
    name: String,
    received: usize,
}

impl Client {
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), received: 0 }
    }

    fn receive(&mut self, bytes: &[u8]) {
        self.received += bytes.len();
    }

    fn summary(&self) -> String {
        format!("{} has {} bytes", self.name, self.received)
    }
}
// ANCHOR_END: struct

// ANCHOR: enum
enum Happening {
    Typed(String),
    Silence { seconds: u64 },
    Gone,
}

fn told(happening: &Happening) -> String {
    match happening {
        Happening::Typed(line) if line.is_empty() => "an empty line".to_owned(),
        Happening::Typed(line) => format!("typed: {line}"),
        Happening::Silence { seconds } => format!("nothing for {seconds} s"),
        Happening::Gone => "gone".to_owned(),
    }
}
// ANCHOR_END: enum

// ANCHOR: closure
fn count_if(words: &[&str], wanted: impl Fn(&str) -> bool) -> usize {
    let mut count = 0;
    for word in words {
        if wanted(word) {
            count += 1;
        }
    }
    count
}

fn long_words(words: &[&str], limit: usize) -> usize {
    count_if(words, |word| word.len() > limit)
}
// ANCHOR_END: closure

// ANCHOR: thread
fn two_threads() -> usize {
    let room = Arc::new(Mutex::new(Vec::new()));
    let theirs = room.clone();
    let other = thread::spawn(move || {
        theirs.lock().unwrap().push("mei");
    });
    room.lock().unwrap().push("lin");
    let _ = other.join();
    let names = room.lock().unwrap();
    names.len()
}
// ANCHOR_END: thread

// ANCHOR: drop
fn listens() -> io::Result<bool> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    Ok(address.port() > 0)
}
// ANCHOR_END: drop

// ANCHOR: bytes
fn take_line(pending: &mut Vec<u8>) -> Option<Vec<u8>> {
    let newline = pending.iter().position(|byte| *byte == b'\n')?;
    let line = pending.drain(..=newline).collect();
    Some(line)
}
// ANCHOR_END: bytes

// ANCHOR: iterator
#[derive(Default)]
struct Lines {
    pending: Vec<u8>,
    taken: usize,
}

impl Iterator for Lines {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let line = take_line(&mut self.pending)?;
        self.taken += 1;
        Some(line)
    }
}
// ANCHOR_END: iterator

// ANCHOR: iterate
fn read_lines(bytes: &[u8]) -> (Vec<usize>, usize) {
    let mut lines = Lines { pending: bytes.to_vec(), ..Lines::default() };
    let mut lengths = Vec::new();
    for line in lines.by_ref() {
        lengths.push(line.len());
    }
    (lengths, lines.taken)
}

fn all_ports(texts: &[&str]) -> Result<Vec<u16>, ParseIntError> {
    texts.iter().map(|text| port(text)).collect()
}
// ANCHOR_END: iterate

fn main() -> io::Result<()> {
    for text in ["0", " 22", "8888", "eight"] {
        println!("{}", described(text));
    }
    let mut words = vec!["last".to_owned(), "first".to_owned()];
    while let Some(word) = next_word(&mut words) {
        println!("{word}");
    }
    println!("{}, {}", greet(Some("mei")), greet(None));
    println!("{} bytes", count_bytes(&b"hello, world"[..])?);
    let mut client = Client::new("lin");
    client.receive(b"hello");
    println!("{}", client.summary());
    let typed = ["", "hello"].map(|line| Happening::Typed(line.to_owned()));
    for happening in typed.iter().chain(&[Happening::Silence { seconds: 5 }, Happening::Gone]) {
        println!("{}", told(happening));
    }
    println!("{} long words", long_words(&["a", "socket", "is", "not", "magic"], 3));
    println!("{} names, from two threads", two_threads());
    println!("listens: {}", if listens()? { "yes" } else { "no" });
    let (lengths, taken) = read_lines(b"one\nthree\nhal");
    println!("{taken} lines of {lengths:?} bytes");
    println!("ports: {:?}", all_ports(&["22", "8888"]).unwrap_or_default());
    Ok(())
}
