//! Sends all of its input, says "no more", and prints what the server answers until the server says "no more" too.

use std::env;
use std::error::Error;
use std::io::{self, Read, Write};
use std::net::TcpStream;
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

fn run() -> Result<(), Box<dyn Error>> {
    let address = format!("{}:{}", env::var("SOCKLAB_HOST")?, env::var("SOCKLAB_PORT")?);
    let server = TcpStream::connect(address)?;
    // Your turn: a server may answer while it reads. What happens with a large input when one direction waits until
    // the other one has ended?
    send_input(&server)?;
    print_answers(&server)?;
    Ok(())
}

/// Sends the input to its end, and then the end itself.
fn send_input(mut server: &TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    let count = io::stdin().read(&mut buffer)?;
    server.write_all(&buffer[..count])
    // Your turn: this was the first piece. Send the others too; then say "no more", and stay able to receive.
}

/// Prints what comes, at once, until the server has no more to send.
fn print_answers(server: &TcpStream) -> io::Result<()> {
    // Your turn: read, and write to the standard output. What tells the end?
    let server = server.peer_addr()?;
    Err(io::Error::other(format!("sent a piece to {server}; the rest is not written yet")))
}
