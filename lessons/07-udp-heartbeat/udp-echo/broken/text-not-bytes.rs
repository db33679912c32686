// Mistake: text-not-bytes. It takes each datagram for text: what is no UTF-8 comes back as replacement characters.
//! Sends every datagram back to where it came from, unchanged.

use std::env;
use std::error::Error;
use std::io::{self, ErrorKind};
use std::net::UdpSocket;

/// No datagram is longer, so none is cut.
const LARGEST: usize = 65536;

fn main() -> Result<(), Box<dyn Error>> {
    let (host, port) = (env::var("SOCKLAB_HOST")?, env::var("SOCKLAB_PORT")?.parse()?);
    let socket = UdpSocket::bind((host.as_str(), port))?;
    loop {
        echo_one(&socket)?;
    }
}

// ANCHOR: wrong
fn echo_one(socket: &UdpSocket) -> io::Result<()> {
    let mut buffer = [0; LARGEST];
    let (count, sender) = match socket.recv_from(&mut buffer) {
        Ok(received) => received,
        Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
        Err(error) => return Err(error),
    };
    let text = String::from_utf8_lossy(&buffer[..count]);
    if let Err(error) = socket.send_to(text.as_bytes(), sender) {
        // This answer is lost, as any datagram may be. The other peers have nothing to do with it.
        eprintln!("not sent back to {sender}: {error}");
    }
    Ok(())
}
// ANCHOR_END: wrong
