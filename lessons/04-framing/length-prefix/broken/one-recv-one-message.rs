//! Mistake: one-recv-one-message. Takes what each recv brings for one whole message, length and payload.

use std::env;
use std::io::{self, Read, Write};
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
fn answer_messages(mut connection: &TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; 65536];
    loop {
        let count = connection.read(&mut buffer)?;
        let Some((header, payload)) = buffer[..count].split_first_chunk() else { return Ok(()) };
        let length = u32::from_be_bytes(*header);
        if length > LIMIT {
            return Ok(());
        }
        let payload = &payload[..payload.len().min(length as usize)];
        let mut answer = (payload.len() as u32).to_be_bytes().to_vec();
        answer.extend(payload.iter().rev());
        connection.write_all(&answer)?;
    }
}
// ANCHOR_END: wrong
