//! Mistake: unflushed-buffer. Writes its answers into a buffered stream, which sends them when it is full, or dropped.

use std::env;
use std::io::{self, BufWriter, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

/// How many bytes a payload may have.
const LIMIT: u32 = 16 * 1024 * 1024;

fn main() -> io::Result<()> {
    let variable = |name| env::var(name).map_err(io::Error::other);
    let address = format!("{}:{}", variable("SOCKLAB_HOST")?, variable("SOCKLAB_PORT")?);
    let listener = TcpListener::bind(address)?; // sets SO_REUSEADDR, too
    loop {
        let (connection, peer) = listener.accept()?;
        thread::spawn(move || {
            if let Err(error) = answer_messages(&connection) {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

// ANCHOR: wrong
fn answer_messages(connection: &TcpStream) -> io::Result<()> {
    let mut stream = BufWriter::new(connection);
    loop {
        let header = receive_exactly(connection, 4)?;
        let Ok(header) = header.try_into() else { return Ok(()) }; // the end of the stream
        let length = u32::from_be_bytes(header);
        if length > LIMIT {
            return Ok(());
        }
        let payload = receive_exactly(connection, length)?;
        if payload.len() < length as usize {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut answer = length.to_be_bytes().to_vec();
        answer.extend(payload.iter().rev());
        stream.write_all(&answer)?;
    }
}
// ANCHOR_END: wrong

/// The next `count` bytes of the stream, however many recv it takes: fewer only if it ends. Grows only as they come.
fn receive_exactly(connection: &TcpStream, count: u32) -> io::Result<Vec<u8>> {
    let mut received = Vec::new();
    connection.take(count.into()).read_to_end(&mut received)?;
    Ok(received)
}
