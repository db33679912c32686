// The mistake one-recv-one-message: takes what the first read brings for the whole line.
//! Reads one line, sends a long reply, and closes so that all of it arrives.

use std::error::Error;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::{Duration, Instant};
use std::{env, thread};

/// A client that takes or sends nothing for so long is given up.
const NO_PROGRESS: Duration = Duration::from_secs(30);

/// A client that goes on sending for so long after the reply is given up, too.
const DRAIN_TIME: Duration = Duration::from_secs(60);

fn main() -> Result<(), Box<dyn Error>> {
    let address = format!("{}:{}", env::var("SOCKLAB_HOST")?, env::var("SOCKLAB_PORT")?);
    let reply_bytes: usize = env::var("SOCKLAB_REPLY_BYTES")?.parse()?;
    // On Unix this sets SO_REUSEADDR before it binds.
    let listener = TcpListener::bind(address)?;
    loop {
        match listener.accept() {
            Ok((client, _)) => start(client, reply_bytes),
            Err(error) => {
                // No descriptor left, for example: this may pass.
                eprintln!("accept: {error}");
                thread::sleep(Duration::from_millis(100));
            }
        }
    }
}

/// Serves a client on a thread of its own.
fn start(client: TcpStream, reply_bytes: usize) {
    let serving = move || {
        // A reset, a broken pipe, a time limit: this client is over, the others are not.
        if let Err(error) = serve(client, reply_bytes) {
            eprintln!("a client: {error}");
        }
    };
    if let Err(error) = thread::Builder::new().spawn(serving) {
        eprintln!("no thread for a client: {error}");
    }
}

fn serve(mut client: TcpStream, reply_bytes: usize) -> io::Result<()> {
    client.set_read_timeout(Some(NO_PROGRESS))?;
    client.set_write_timeout(Some(NO_PROGRESS))?;
    if read_line(&mut client)? {
        send_reply(&mut client, reply_bytes)?;
        close_when_read(client)?;
    }
    Ok(())
}

// ANCHOR: wrong
/// Receives the line. Says whether there was one.
fn read_line(client: &mut TcpStream) -> io::Result<bool> {
    let mut buffer = [0; 4096];
    Ok(receive(client, &mut buffer)? > 0)
}
// ANCHOR_END: wrong

fn send_reply(client: &mut TcpStream, reply_bytes: usize) -> io::Result<()> {
    let piece = [b'x'; 64 * 1024];
    let mut left = reply_bytes;
    while left > 0 {
        let length = left.min(piece.len());
        client.write_all(&piece[..length])?;
        left -= length;
    }
    Ok(())
}
/// Ends the sending, then reads until the client ends its own: so nothing is left unread when it closes.
fn close_when_read(mut client: TcpStream) -> io::Result<()> {
    client.shutdown(Shutdown::Write)?;
    let end = Instant::now() + DRAIN_TIME;
    let mut buffer = [0; 64 * 1024];
    while Instant::now() < end && receive(&mut client, &mut buffer)? > 0 {}
    Ok(())
}

/// `read`, made again when a signal came in between.
fn receive(client: &mut TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match client.read(buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            received => return received,
        }
    }
}
