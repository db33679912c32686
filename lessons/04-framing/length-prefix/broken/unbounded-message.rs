//! Mistake: unbounded-message. Believes any length, and waits for that many bytes.

use std::env;
use std::io::{self, Read, Write};
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

// ANCHOR: wrong
fn answer_messages(mut connection: &TcpStream) -> io::Result<()> {
    loop {
        let mut header = [0; 4];
        connection.read_exact(&mut header)?;
        let length = u32::from_be_bytes(header);
        let mut payload = vec![0; length as usize];
        connection.read_exact(&mut payload)?;
        payload.reverse();
        let mut answer = length.to_be_bytes().to_vec();
        answer.extend(payload);
        connection.write_all(&answer)?;
    }
}
// ANCHOR_END: wrong
