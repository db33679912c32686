// The mistake wrong-interface: listens on 127.0.0.1, whatever address it was told.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;
use std::{env, thread};

// ANCHOR: wrong
fn main() -> io::Result<()> {
    let port = env::var("SOCKLAB_PORT").expect("SOCKLAB_PORT says where to listen");
    // The address that was right on the author's machine.
    let listener = TcpListener::bind(format!("127.0.0.1:{port}"))?;
    eprintln!("tcp-echo: listening on {}", listener.local_addr()?);
    serve(&listener)
}
// ANCHOR_END: wrong

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
