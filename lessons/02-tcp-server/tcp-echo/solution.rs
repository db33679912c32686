//! tcp-echo: sends every byte back, to any number of clients at a time.
//!
//! Each client has a thread of its own, so a client that is slow, silent or gone keeps nobody else waiting.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;
use std::{env, thread};

// ANCHOR: listen
fn main() -> io::Result<()> {
    let host = env::var("SOCKLAB_HOST").expect("SOCKLAB_HOST says where to listen");
    let port = env::var("SOCKLAB_PORT").expect("SOCKLAB_PORT says where to listen");
    // The address that was asked for. On Unix the standard library sets SO_REUSEADDR before it binds, then listens.
    let listener = TcpListener::bind(format!("{host}:{port}"))?;
    eprintln!("tcp-echo: listening on {}", listener.local_addr()?);
    serve(&listener)
}
// ANCHOR_END: listen

// ANCHOR: accept
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
// ANCHOR_END: accept

// ANCHOR: attend
fn attend(mut client: TcpStream) {
    if let Err(why) = echo(&mut client) {
        // A reset (ECONNRESET, EPIPE) is the end of this client only.
        eprintln!("tcp-echo: a client is lost: {why}");
    }
} // `client` was given to this function and goes out of scope: the socket is closed on every way out.
// ANCHOR_END: attend

// ANCHOR: echo
fn echo(client: &mut TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; 65536];
    loop {
        match client.read(&mut buffer) {
            // No bytes: end of file, for good.
            Ok(0) => return Ok(()),
            // All of it, as the bytes that they are.
            Ok(n) => client.write_all(&buffer[..n])?,
            // A signal came: no failure, the call is simply made again.
            Err(why) if why.kind() == ErrorKind::Interrupted => {}
            Err(why) => return Err(why),
        }
    }
}
// ANCHOR_END: echo
