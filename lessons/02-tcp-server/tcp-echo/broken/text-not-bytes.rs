// The mistake text-not-bytes: takes the bytes for text. What is not UTF-8 comes back changed.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;
use std::{env, thread};

fn main() -> io::Result<()> {
    let host = env::var("SOCKLAB_HOST").expect("SOCKLAB_HOST says where to listen");
    let port = env::var("SOCKLAB_PORT").expect("SOCKLAB_PORT says where to listen");
    // The address that was asked for. On Unix the standard library sets SO_REUSEADDR before it binds, then listens.
    let listener = TcpListener::bind(format!("{host}:{port}"))?;
    eprintln!("tcp-echo: listening on {}", listener.local_addr()?);
    serve(&listener)
}

fn serve(listener: &TcpListener) -> ! {
    loop {
        // An error is one client that gave up, or no descriptor or thread left for now: no reason to stop.
        let started = listener
            .accept()
            .and_then(|(client, _)| thread::Builder::new().spawn(move || attend(client)));
        if let Err(why) = started {
            eprintln!("tcp-echo: accept: {why}");
            thread::sleep(Duration::from_millis(100));
        }
    }
}

fn attend(mut client: TcpStream) {
    if let Err(why) = echo(&mut client) {
        // A reset (ECONNRESET, EPIPE) is the end of this client only.
        eprintln!("tcp-echo: a client is lost: {why}");
    }
} // `client` was given to this function and goes out of scope: the socket is closed on every way out.

fn echo(client: &mut TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; 65536];
    let mut arrived = Vec::new();
    loop {
        match client.read(&mut buffer) {
            Ok(0) => return client.write_all(String::from_utf8_lossy(&arrived).as_bytes()),
            Ok(n) => arrived.extend_from_slice(&buffer[..n]),
            Err(why) if why.kind() == ErrorKind::Interrupted => {}
            Err(why) => return Err(why),
        }
        client.write_all(text(&mut arrived).as_bytes())?;
    }
}

// ANCHOR: wrong
/// Takes out what has arrived, as text. A character may arrive in two pieces: a half at the end stays.
fn text(arrived: &mut Vec<u8>) -> String {
    let whole = match str::from_utf8(arrived) {
        Err(why) if why.error_len().is_none() => why.valid_up_to(),
        _ => arrived.len(),
    };
    let taken: Vec<u8> = arrived.drain(..whole).collect();
    String::from_utf8_lossy(&taken).into_owned()
}
// ANCHOR_END: wrong
