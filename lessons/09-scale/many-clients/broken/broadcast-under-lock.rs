// The mistake broadcast-under-lock: writes while it holds the lock that all need. One that does not read stops all.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use std::{env, thread};
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
fn attend(mut client: TcpStream) {
    if let Err(why) = echo(&mut client) {
        // A reset (ECONNRESET, EPIPE) is the end of this client only.
        eprintln!("many-clients: a client is lost: {why}");
    }
} // `client` goes out of scope: the socket is closed on every way out.
// ANCHOR: wrong
/// How many bytes have been sent back, to all together.
static TOTAL: Mutex<u64> = Mutex::new(0);

fn echo(client: &mut TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        match client.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(n) => {
                let mut total = TOTAL.lock().unwrap_or_else(PoisonError::into_inner);
                // Waits for as long as the client does not read, and all others wait for the lock.
                client.write_all(&buffer[..n])?;
                *total += n as u64;
            }
            Err(why) if why.kind() == ErrorKind::Interrupted => {}
            Err(why) => return Err(why),
        }
    }
}
// ANCHOR_END: wrong

fn main() -> io::Result<()> {
    let host = env::var("SOCKLAB_HOST").expect("SOCKLAB_HOST says where to listen");
    let port = env::var("SOCKLAB_PORT").expect("SOCKLAB_PORT says where to listen");
    let listener = TcpListener::bind(format!("{host}:{port}"))?;
    eprintln!("many-clients: listening on {}", listener.local_addr()?);
    serve(&listener)
}
