//! Sends every datagram back to where it came from, unchanged.

use std::env;
use std::error::Error;
use std::io;
use std::net::UdpSocket;

/// Bytes. Your turn: how long can a datagram be? This is only enough to see that one came.
const ROOM: usize = 1;

fn main() -> Result<(), Box<dyn Error>> {
    let (host, port) = (env::var("SOCKLAB_HOST")?, env::var("SOCKLAB_PORT")?.parse()?);
    let socket = UdpSocket::bind((host.as_str(), port))?;
    loop {
        echo_one(&socket)?;
    }
}

/// One `recv_from` brings one datagram and its sender.
fn echo_one(socket: &UdpSocket) -> io::Result<()> {
    let mut buffer = [0; ROOM];
    let (count, sender) = socket.recv_from(&mut buffer)?;
    // Your turn: send it back to its sender. What becomes of the other peers when that fails?
    eprintln!("something came from {sender}, it begins with {:?}", &buffer[..count]);
    Ok(())
}
