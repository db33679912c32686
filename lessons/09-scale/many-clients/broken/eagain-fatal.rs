// The mistake eagain-fatal: takes EAGAIN for the client's end. Whoever pauses for half a second is cut off.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
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

// ANCHOR: wrong
fn attend(mut client: TcpStream) {
    // So that a dead client does not keep its thread: a call that cannot go on waits this long, then gives EAGAIN.
    let limit = Some(Duration::from_millis(500));
    let set = client.set_read_timeout(limit).and_then(|()| client.set_write_timeout(limit));
    if let Err(why) = set.and_then(|()| echo(&mut client)) {
        eprintln!("many-clients: a client is lost: {why}");
    }
}
// ANCHOR_END: wrong

fn echo(client: &mut TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        match client.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(n) => client.write_all(&buffer[..n])?,
            Err(why) if why.kind() == ErrorKind::Interrupted => {}
            Err(why) => return Err(why),
        }
    }
}

fn main() -> io::Result<()> {
    let host = env::var("SOCKLAB_HOST").expect("SOCKLAB_HOST says where to listen");
    let port = env::var("SOCKLAB_PORT").expect("SOCKLAB_PORT says where to listen");
    let listener = TcpListener::bind(format!("{host}:{port}"))?;
    eprintln!("many-clients: listening on {}", listener.local_addr()?);
    serve(&listener)
}
