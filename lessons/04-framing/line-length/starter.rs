//! line-length: is to answer each line with its length in characters. So far it takes what comes first, and hangs up.

use std::env;
use std::io::{self, Read};
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

fn answer_lines(mut connection: &TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; 65536];
    let count = connection.read(&mut buffer)?;
    // Your turn: these bytes may be a part of a line, or several lines and a part of one. Keep what is not whole yet,
    // answer each line when its newline has come, and go on until the client's end of file.
    // Your turn: a line of more than 1 MiB ends the connection, and the answers before it must arrive.
    let newlines = buffer[..count].iter().filter(|&&byte| byte == b'\n').count();
    eprintln!("line-length: {count} bytes came, {newlines} of them newlines: no answer yet");
    Ok(())
}
