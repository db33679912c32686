//! tcp-echo: is to send every byte back, to any number of clients at a time. So far it reads once and hangs up.

use std::env;
use std::io::{self, Read};
use std::net::{TcpListener, TcpStream};

fn main() -> io::Result<()> {
    let host = env::var("SOCKLAB_HOST").expect("SOCKLAB_HOST says where to listen");
    let port = env::var("SOCKLAB_PORT").expect("SOCKLAB_PORT says where to listen");
    // On Unix the standard library sets SO_REUSEADDR before it binds, then listens.
    let listener = TcpListener::bind(format!("{host}:{port}"))?;
    eprintln!("tcp-echo: listening on {}", listener.local_addr()?);
    serve(&listener)
}

fn serve(listener: &TcpListener) -> io::Result<()> {
    // Your turn: attend each client so that the next one need not wait, and go on if accept fails once.
    loop {
        let (client, _) = listener.accept()?;
        attend(client)?;
    }
}

fn attend(mut client: TcpStream) -> io::Result<()> {
    // Your turn: a reset by this client must not stop the server.
    echo(&mut client)
} // `client` was given to this function and goes out of scope: the socket is closed on every way out.

fn echo(client: &mut TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; 65536];
    let count = client.read(&mut buffer)?;
    // Your turn: send the bytes back, all of them, and go on until the client's end of file.
    eprintln!("tcp-echo: {count} bytes came, none was sent back");
    Ok(())
}
