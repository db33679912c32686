//! Is to read one line, send a long reply, and close so that all of it arrives. So far it reads once, and hangs up.

use std::error::Error;
use std::io::{self, Read};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;
use std::{env, thread};

fn main() -> Result<(), Box<dyn Error>> {
    let address = format!("{}:{}", env::var("SOCKLAB_HOST")?, env::var("SOCKLAB_PORT")?);
    let reply_bytes: usize = env::var("SOCKLAB_REPLY_BYTES")?.parse()?;
    // On Unix this sets SO_REUSEADDR before it binds.
    let listener = TcpListener::bind(address)?;
    loop {
        match listener.accept() {
            Ok((client, _)) => start(client, reply_bytes),
            Err(error) => {
                // No descriptor left, for example: this may pass.
                eprintln!("accept: {error}");
                thread::sleep(Duration::from_millis(100));
            }
        }
    }
}

/// Serves a client on a thread of its own.
fn start(client: TcpStream, reply_bytes: usize) {
    let serving = move || {
        // A reset or a broken pipe: this client is over, the others are not.
        if let Err(error) = serve(client, reply_bytes) {
            eprintln!("a client: {error}");
        }
    };
    if let Err(error) = thread::Builder::new().spawn(serving) {
        eprintln!("no thread for a client: {error}");
    }
}

fn serve(mut client: TcpStream, reply_bytes: usize) -> io::Result<()> {
    read_line(&mut client)?;
    // Your turn: send the reply, all of it. Then close: but first think what the client may still be sending.
    eprintln!("a client: {reply_bytes} bytes of reply are still to be sent");
    Ok(())
}

/// Reads up to the first newline, and whatever came with it.
fn read_line(client: &mut TcpStream) -> io::Result<usize> {
    // Your turn: the newline may come later. And what if the client ends before it?
    let mut buffer = [0; 4096];
    client.read(&mut buffer)
}
