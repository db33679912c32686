//! A monitor: hears `beat NAME SEQ` datagrams, and prints who is up, what was lost, and who fell silent.

use std::env;
use std::error::Error;
use std::io;
use std::net::UdpSocket;
use std::time::Duration;

/// No datagram is longer, so none is cut.
const LARGEST: usize = 65536;

fn main() -> Result<(), Box<dyn Error>> {
    let (host, port) = (env::var("SOCKLAB_HOST")?, env::var("SOCKLAB_PORT")?.parse()?);
    let interval = Duration::from_millis(env::var("SOCKLAB_INTERVAL_MS")?.parse()?);
    let socket = UdpSocket::bind((host.as_str(), port))?;
    watch(&socket, Roll { limit: 3 * interval })?;
    Ok(())
}

fn watch(socket: &UdpSocket, mut roll: Roll) -> io::Result<()> {
    let mut buffer = [0; LARGEST];
    loop {
        // Your turn: this waits for ever when nobody sends. How long may it wait, before somebody is down?
        let count = socket.recv(&mut buffer)?;
        if let Some((name, seq)) = parse(&buffer[..count]) {
            roll.hear(name, seq)?;
        }
    }
}

/// NAME and SEQ; `None` when it is no beat. Anybody can send anything to a UDP port.
fn parse(datagram: &[u8]) -> Option<(&[u8], u64)> {
    // Your turn: take a beat apart, and let nothing else pass.
    eprintln!("came: \"{}\"", datagram.escape_ascii());
    None
}

/// Who is up.
struct Roll {
    limit: Duration,
    // Your turn: of each name, what has to be remembered to tell what is lost, and who is silent?
}

impl Roll {
    fn hear(&mut self, name: &[u8], seq: u64) -> io::Result<()> {
        // Your turn: which of these is it: the first beat, the next one, a jump, or no news? Print that, at once.
        eprintln!("a beat of {}, number {seq}", name.escape_ascii());
        eprintln!("without news it is down in {:?}", self.limit);
        Ok(())
    }
}
