//! many-clients: sends every byte back, to a thousand clients at once, one of which may never read.
//!
//! Each client has a thread of its own. A thread waits in `read` or `write` for its client and for nobody else, and costs
//! little: a stack of 64 KiB and a buffer of 16 KiB.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;
use std::{env, thread};

// ANCHOR: threads
const STACK: usize = 64 * 1024;
const BUFFER: usize = 16 * 1024;

fn serve(listener: &TcpListener) -> ! {
    loop {
        // An error is one client that gave up, or no descriptor or thread left for now: no reason to stop.
        let started = listener.accept().and_then(|(client, _)| {
            thread::Builder::new().stack_size(STACK).spawn(move || attend(client))
        });
        if let Err(why) = started {
            eprintln!("many-clients: accept: {why}");
            thread::sleep(Duration::from_millis(100));
        }
    }
}
// ANCHOR_END: threads

// ANCHOR: attend
fn attend(mut client: TcpStream) {
    if let Err(why) = echo(&mut client) {
        // A reset (ECONNRESET, EPIPE) is the end of this client only.
        eprintln!("many-clients: a client is lost: {why}");
    }
} // `client` goes out of scope: the socket is closed on every way out.
// ANCHOR_END: attend

// ANCHOR: echo
fn echo(client: &mut TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        match client.read(&mut buffer) {
            Ok(0) => return Ok(()),
            // Waits for as long as the client does not read, and meanwhile reads no more from it: so TCP makes it wait.
            Ok(n) => client.write_all(&buffer[..n])?,
            // EINTR: a signal came. That is no failure, and the call is simply made again.
            Err(why) if why.kind() == ErrorKind::Interrupted => {}
            Err(why) => return Err(why),
        }
    }
}
// ANCHOR_END: echo

fn main() -> io::Result<()> {
    let host = env::var("SOCKLAB_HOST").expect("SOCKLAB_HOST says where to listen");
    let port = env::var("SOCKLAB_PORT").expect("SOCKLAB_PORT says where to listen");
    let listener = TcpListener::bind(format!("{host}:{port}"))?;
    eprintln!("many-clients: listening on {}", listener.local_addr()?);
    serve(&listener)
}
