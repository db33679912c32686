//! The mistake address-in-use: binds without SO_REUSEADDR. It often cannot be started again for a minute.
//! It needs the crate socket2 0.6: the standard library always sets the option.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;
use std::{env, thread};

use socket2::{Domain, Protocol, Socket, Type};

// ANCHOR: wrong
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    listener.bind(&address.into())?;
    listener.listen(128)?;
    Ok(listener.into())
}
// ANCHOR_END: wrong

fn main() -> io::Result<()> {
    let host = env::var("SOCKLAB_HOST").expect("SOCKLAB_HOST says where to listen");
    let port = env::var("SOCKLAB_PORT").expect("SOCKLAB_PORT says where to listen");
    let address = format!("{host}:{port}").parse().expect("SOCKLAB_HOST is an address");
    let listener = listen(address)?;
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
