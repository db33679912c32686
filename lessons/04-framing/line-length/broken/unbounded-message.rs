//! Mistake: unbounded-message. Waits for the newline, however many bytes come before it.

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

fn main() -> io::Result<()> {
    let variable = |name| env::var(name).map_err(io::Error::other);
    let address = format!("{}:{}", variable("SOCKLAB_HOST")?, variable("SOCKLAB_PORT")?);
    let listener = TcpListener::bind(address)?; // sets SO_REUSEADDR, too
    loop {
        let (connection, peer) = listener.accept()?;
        thread::spawn(move || {
            if let Err(error) = answer_lines(&connection) {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

// ANCHOR: wrong
fn answer_lines(mut connection: &TcpStream) -> io::Result<()> {
    for line in BufReader::new(connection).split(b'\n') {
        connection.write_all(&answer(&line?)?)?;
    }
    Ok(())
}
// ANCHOR_END: wrong

fn answer(line: &[u8]) -> io::Result<Vec<u8>> {
    let text =
        str::from_utf8(line.strip_suffix(b"\r").unwrap_or(line)).map_err(io::Error::other)?;
    Ok(format!("{}\n", text.chars().count()).into_bytes())
}
