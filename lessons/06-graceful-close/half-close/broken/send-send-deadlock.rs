// The mistake send-send-deadlock: it sends all of its input before it reads anything. A server that answers as it reads
// waits for room to send, this program too, and neither reads: with a large input both wait for ever.
//! Sends all of its input, says "no more", and prints what the server answers.

use std::env;
use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::ExitCode;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("half-close: {error}");
            ExitCode::FAILURE
        }
    }
}

// ANCHOR: wrong
fn run() -> Result<(), Box<dyn Error>> {
    let address = format!("{}:{}", env::var("SOCKLAB_HOST")?, env::var("SOCKLAB_PORT")?);
    let server = TcpStream::connect(address)?;
    send_input(&server)?;
    // Everything is sent: now the answers.
    print_answers(&server)?;
    Ok(())
}

/// Sends the input to its end, and then the end itself.
fn send_input(mut server: &TcpStream) -> io::Result<()> {
    for_each_piece(io::stdin().lock(), |piece| server.write_all(piece))?;
    server.shutdown(Shutdown::Write)
}
// ANCHOR_END: wrong

/// Prints what comes, at once, until the server has no more to send.
fn print_answers(server: &TcpStream) -> io::Result<()> {
    let mut output = io::stdout().lock();
    for_each_piece(server, |piece| {
        output.write_all(piece)?;
        output.flush()
    })
}

/// Reads to the end, and hands on each piece as it comes.
fn for_each_piece(
    mut from: impl Read,
    mut hand_on: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => hand_on(&buffer[..count])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
