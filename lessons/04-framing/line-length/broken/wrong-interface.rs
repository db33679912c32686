//! Mistake: wrong-interface. Listens where its author tried it, not where it was told.

use std::env;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// How many bytes a line may have, its newline not counted.
const LIMIT: usize = 1024 * 1024;

// ANCHOR: wrong
fn main() -> io::Result<()> {
    let variable = |name| env::var(name).map_err(io::Error::other);
    let address = format!("127.0.0.1:{}", variable("SOCKLAB_PORT")?);
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
// ANCHOR_END: wrong

fn answer_lines(mut connection: &TcpStream) -> io::Result<()> {
    let mut line = Vec::new(); // as much of the present line as has come
    let mut buffer = vec![0; 65536];
    loop {
        let count = connection.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        let mut answers = Vec::new();
        for (number, piece) in buffer[..count].split(|&byte| byte == b'\n').enumerate() {
            if number > 0 {
                // A newline stood before this piece: the line is whole.
                answers.extend(answer(&line)?);
                line.clear();
            }
            line.extend_from_slice(piece);
            if line.len() > LIMIT {
                connection.write_all(&answers)?;
                return hang_up(connection);
            }
        }
        connection.write_all(&answers)?;
    }
}

fn answer(line: &[u8]) -> io::Result<Vec<u8>> {
    let text =
        str::from_utf8(line.strip_suffix(b"\r").unwrap_or(line)).map_err(io::Error::other)?;
    Ok(format!("{}\n", text.chars().count()).into_bytes())
}

/// Ends the connection so that the answers arrive: closing with bytes unread would reset it.
fn hang_up(mut connection: &TcpStream) -> io::Result<()> {
    connection.shutdown(Shutdown::Write)?;
    connection.set_read_timeout(Some(Duration::from_secs(1)))?;
    let deadline = Instant::now() + Duration::from_secs(2);
    let mut buffer = vec![0; 65536];
    while Instant::now() < deadline && connection.read(&mut buffer)? > 0 {}
    Ok(())
}
