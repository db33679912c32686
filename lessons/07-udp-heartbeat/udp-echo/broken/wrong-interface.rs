// Mistake: wrong-interface. It receives at 127.0.0.1, whatever address it was told.
//! Sends every datagram back to where it came from, unchanged.

use std::env;
use std::error::Error;
use std::io::{self, ErrorKind};
use std::net::UdpSocket;

/// No datagram is longer, so none is cut.
const LARGEST: usize = 65536;

// ANCHOR: wrong
fn main() -> Result<(), Box<dyn Error>> {
    let port = env::var("SOCKLAB_PORT")?.parse()?;
    // The address that was right on the author's machine.
    let socket = UdpSocket::bind(("127.0.0.1", port))?;
    loop {
        echo_one(&socket)?;
    }
}
// ANCHOR_END: wrong

/// One `recv_from` brings one datagram, whole, and its sender. An empty one is a datagram too, and no end of file.
fn echo_one(socket: &UdpSocket) -> io::Result<()> {
    let mut buffer = [0; LARGEST];
    let (count, sender) = match socket.recv_from(&mut buffer) {
        Ok(received) => received,
        Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
        Err(error) => return Err(error),
    };
    if let Err(error) = socket.send_to(&buffer[..count], sender) {
        // This answer is lost, as any datagram may be. The other peers have nothing to do with it.
        eprintln!("not sent back to {sender}: {error}");
    }
    Ok(())
}
