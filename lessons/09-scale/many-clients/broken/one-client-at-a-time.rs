// The mistake one-client-at-a-time: serves a client to its end before the next accept. The second client hangs.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;
use std::{env, thread};

fn main() -> io::Result<()> {
    let host = env::var("SOCKLAB_HOST").expect("SOCKLAB_HOST says where to listen");
    let port = env::var("SOCKLAB_PORT").expect("SOCKLAB_PORT says where to listen");
    // The address that was asked for. On Unix the standard library sets SO_REUSEADDR before it binds, then listens.
    let listener = TcpListener::bind(format!("{host}:{port}"))?;
    eprintln!("many-clients: listening on {}", listener.local_addr()?);
    serve(&listener)
}

// ANCHOR: wrong
fn serve(listener: &TcpListener) -> ! {
    loop {
        match listener.accept() {
            Ok((client, _)) => attend(client),
            Err(why) => {
                eprintln!("many-clients: accept: {why}");
                thread::sleep(Duration::from_millis(100));
            }
        }
    }
}
// ANCHOR_END: wrong

fn attend(mut client: TcpStream) {
    if let Err(why) = echo(&mut client) {
        // A reset (ECONNRESET, EPIPE) is the end of this client only.
        eprintln!("many-clients: a client is lost: {why}");
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
