// Mistake: wrong-interface. It receives at 127.0.0.1, whatever address it was told.
//! A monitor: hears `beat NAME SEQ` datagrams, and prints who is up, what was lost, and who fell silent.

use std::collections::HashMap;
use std::env;
use std::error::Error;
use std::io::{self, ErrorKind, Write};
use std::net::UdpSocket;
use std::time::{Duration, Instant};

/// No datagram is longer, so none is cut.
const LARGEST: usize = 65536;

/// So many datagrams, then silence is looked for: a flood from one client must not hide another's silence.
const AT_ONCE: usize = 100;

// ANCHOR: wrong
fn main() -> Result<(), Box<dyn Error>> {
    let port = env::var("SOCKLAB_PORT")?.parse()?;
    let interval = Duration::from_millis(env::var("SOCKLAB_INTERVAL_MS")?.parse()?);
    // The address that was right on the author's machine.
    let socket = UdpSocket::bind(("127.0.0.1", port))?;
    watch(&socket, Roll { limit: 3 * interval, clients: HashMap::new() })?;
    Ok(())
}
// ANCHOR_END: wrong

/// What waits in the queue is heard before anybody is called silent: the beat may be among it.
fn watch(socket: &UdpSocket, mut roll: Roll) -> io::Result<()> {
    let mut buffer = [0; LARGEST];
    loop {
        for _ in 0..AT_ONCE {
            let Some(count) = receive_until(socket, &mut buffer, roll.next_due())? else { break };
            if let Some((name, seq)) = parse(&buffer[..count]) {
                roll.hear(name, seq)?;
            }
        }
        roll.take_silent(Instant::now())?;
    }
}

/// The length of the next datagram; `None` when none has come by `due`. A time-out here is nothing wrong: it is how
/// silence is noticed.
fn receive_until(
    socket: &UdpSocket,
    buffer: &mut [u8],
    due: Option<Instant>,
) -> io::Result<Option<usize>> {
    loop {
        // A time-out of zero would mean none.
        let left = due.map(|due| (due - Instant::now()).max(Duration::from_millis(1)));
        socket.set_read_timeout(left)?;
        match socket.recv(buffer) {
            Ok(count) => return Ok(Some(count)),
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut => return Ok(None),
                ErrorKind::Interrupted => {} // by a signal: it does not tell that nothing waits
                _ => return Err(error),
            },
        }
    }
}

/// NAME and SEQ; `None` when it is no beat, to the last byte. Anybody can send anything to a UDP port.
fn parse(datagram: &[u8]) -> Option<(&[u8], u64)> {
    let mut words = datagram.strip_prefix(b"beat ")?.split(|&byte| byte == b' ');
    let (name, seq, None) = (words.next()?, words.next()?, words.next()) else { return None };
    // Rust's own parser would take a plus sign.
    let digits = seq.iter().all(u8::is_ascii_digit);
    let seq = str::from_utf8(seq).ok()?.parse().ok()?;
    (digits && (1..=64).contains(&name.len())).then_some((name, seq))
}

/// Who is up: the newest number of each, and when it came.
struct Roll {
    limit: Duration,
    clients: HashMap<Vec<u8>, (u64, Instant)>,
}

impl Roll {
    fn hear(&mut self, name: &[u8], seq: u64) -> io::Result<()> {
        match self.clients.get(name) {
            None => say("up", name, None)?,
            Some(&(newest, _)) if seq <= newest => return Ok(()), // late, or doubled: no news
            Some(&(newest, _)) if seq > newest + 1 => say("lost", name, Some(seq - newest - 1))?,
            Some(_) => {}
        }
        self.clients.insert(name.to_vec(), (seq, Instant::now()));
        Ok(())
    }

    /// When the one that has been silent longest is down; `None` when nobody is up.
    fn next_due(&self) -> Option<Instant> {
        self.clients.values().map(|&(_, last_news)| last_news + self.limit).min()
    }

    fn take_silent(&mut self, now: Instant) -> io::Result<()> {
        let limit = self.limit;
        let silent = self.clients.extract_if(|_, &mut (_, last_news)| last_news + limit <= now);
        let mut silent: Vec<_> = silent.map(|(name, (_, last_news))| (last_news, name)).collect();
        silent.sort();
        silent.iter().try_for_each(|(_, name)| say("down", name, None))
    }
}

/// Written at once. A name is bytes, maybe no UTF-8.
fn say(news: &str, name: &[u8], count: Option<u64>) -> io::Result<()> {
    let count = count.map_or_else(String::new, |count| format!(" {count}"));
    let line = [news.as_bytes(), b" ", name, count.as_bytes(), b"\n"].concat();
    let mut out = io::stdout().lock();
    out.write_all(&line)?;
    out.flush()
}
