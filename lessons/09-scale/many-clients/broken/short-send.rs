// The mistake short-send: ignores how much write took. A large message to a slow reader comes back with holes.

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

fn serve(listener: &TcpListener) -> ! {
    loop {
        // An error is one client that gave up, or no descriptor or thread left for now: no reason to stop.
        let started = listener
            .accept()
            .and_then(|(client, _)| thread::Builder::new().spawn(move || attend(client)));
        if let Err(why) = started {
            eprintln!("many-clients: accept: {why}");
            thread::sleep(Duration::from_millis(100));
        }
    }
}

fn attend(mut client: TcpStream) {
    // No write keeps this thread for longer than this.
    let ended = client.set_write_timeout(Some(Duration::from_millis(20)));
    if let Err(why) = ended.and_then(|()| echo(&mut client)) {
        eprintln!("many-clients: a client is lost: {why}");
    }
}

fn echo(client: &mut TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; 262144];
    loop {
        match client.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(n) => send(client, &buffer[..n])?,
            Err(why) if why.kind() == ErrorKind::Interrupted => {}
            Err(why) => return Err(why),
        }
    }
}

// ANCHOR: wrong
fn send(client: &mut TcpStream, data: &[u8]) -> io::Result<()> {
    loop {
        match client.write(data) {
            // When the time-out ends a write half way, it says how much it took.
            Ok(_) => return Ok(()),
            // Nothing was taken yet: once more.
            Err(why) if matches!(why.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(why) => return Err(why),
        }
    }
}
// ANCHOR_END: wrong
