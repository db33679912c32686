// The mistake fd-leak: keeps every socket that it accepted. After some thousand clients there are no descriptors left.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
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

// ANCHOR: wrong
/// Everyone who is here, so that a notice could be sent to all.
static CLIENTS: Mutex<Vec<Arc<TcpStream>>> = Mutex::new(Vec::new());

fn attend(client: TcpStream) {
    let client = Arc::new(client);
    CLIENTS.lock().unwrap().push(Arc::clone(&client));
    // shutdown sends the FIN; the descriptor stays, as the list still owns it.
    let ended = echo(&client).and_then(|()| client.shutdown(Shutdown::Write));
    if let Err(why) = ended {
        eprintln!("many-clients: a client is lost: {why}");
    }
}
// ANCHOR_END: wrong

fn echo(mut client: &TcpStream) -> io::Result<()> {
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
