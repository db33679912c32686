//! many-clients: is to send every byte back, to a thousand clients at once. So far it reads once and hangs up.

use std::env;
use std::io::{self, Read};
use std::net::{TcpListener, TcpStream};

fn serve(listener: &TcpListener) -> io::Result<()> {
    // Your turn: here each client waits until the one before it is done. A thousand threads would do, if none takes
    // much memory; one thread for all would do too, with sockets that never make it wait. Go on if accept fails once.
    loop {
        let (client, _) = listener.accept()?;
        attend(client)?;
    }
}

fn attend(mut client: TcpStream) -> io::Result<()> {
    // Your turn: a reset by this client must not stop the server.
    echo(&mut client)
} // `client` goes out of scope: the socket is closed on every way out.

fn echo(client: &mut TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    let count = client.read(&mut buffer)?;
    // Your turn: send the bytes back, all of them, and go on until the client's end of file.
    eprintln!("many-clients: {count} bytes came, none was sent back");
    Ok(())
}

fn main() -> io::Result<()> {
    let host = env::var("SOCKLAB_HOST").expect("SOCKLAB_HOST says where to listen");
    let port = env::var("SOCKLAB_PORT").expect("SOCKLAB_PORT says where to listen");
    let listener = TcpListener::bind(format!("{host}:{port}"))?;
    eprintln!("many-clients: listening on {}", listener.local_addr()?);
    serve(&listener)
}
