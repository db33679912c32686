//! length-prefix: is to answer each message with its payload reversed. So far it looks at the length, and hangs up.
//!
//! A message is its payload's length, four bytes in network byte order, and then the payload.

use std::env;
use std::io::{self, Read};
use std::net::{TcpListener, TcpStream};
use std::thread;

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

fn answer_messages(connection: &TcpStream) -> io::Result<()> {
    let header = receive_exactly(connection, 4)?;
    // Your turn: make a number of these bytes, look whether it is too large, receive the payload, answer; and again,
    // until the client's end of file.
    eprintln!("length-prefix: a message begins with the bytes {header:02x?}: no answer yet");
    Ok(())
}

/// The next `count` bytes of the stream.
fn receive_exactly(mut connection: &TcpStream, count: u32) -> io::Result<Vec<u8>> {
    // Your turn: read returns what has come so far, which may be less. What if the client ends before all have come?
    let mut received = vec![0; count as usize];
    let length = connection.read(&mut received)?;
    received.truncate(length);
    Ok(received)
}
