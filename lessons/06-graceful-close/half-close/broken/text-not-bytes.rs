// The mistake text-not-bytes: it prints the answer as text; bytes that are no UTF-8 are replaced.
//! Sends all of its input, says "no more", and prints what the server answers.

use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::{env, thread};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("half-close: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let address = format!("{}:{}", env::var("SOCKLAB_HOST")?, env::var("SOCKLAB_PORT")?);
    let server = Arc::new(TcpStream::connect(address)?);
    // Two directions, two threads: the answers are read while the input is still being sent.
    let to_server = Arc::clone(&server);
    let sender = thread::spawn(move || send_input(&to_server));
    print_answers(&server)?;
    // The server's end of file ends one direction only.
    sender.join().map_err(|_| "the thread that sends has panicked")??;
    Ok(())
}

/// Sends the input to its end, and then the end itself.
fn send_input(mut server: &TcpStream) -> io::Result<()> {
    for_each_piece(io::stdin().lock(), |piece| server.write_all(piece))?;
    // No more to send; what comes is still received.
    server.shutdown(Shutdown::Write)
}

/// Prints what comes, at once, until the server has no more to send.
fn print_answers(server: &TcpStream) -> io::Result<()> {
    let mut output = io::stdout().lock();
    for_each_piece(server, |piece| {
        let text = String::from_utf8_lossy(piece); // are they text?
        output.write_all(text.as_bytes())?;
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
