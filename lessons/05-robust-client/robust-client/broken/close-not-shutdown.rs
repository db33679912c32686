//! Mistake: close-not-shutdown. Says 'no more' by closing both directions, and so gives up the answer.
//!
//! robust-client: connects patiently, sends all of its input, prints the answer.

use std::env;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream, ToSocketAddrs};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// The reason, where there is no result, is in words for a person.
type Result<T> = std::result::Result<T, String>;

/// A connection, after as many tries as it takes, but no more than allowed.
fn connect(
    host: &str,
    port: u16,
    tries: u32,
    delay: Duration,
    limit: Duration,
) -> Result<TcpStream> {
    for this in 1..=tries {
        let addresses = look_up(host, port)?; // not a name: this ends all tries
        match connect_to_one_of(&addresses, limit) {
            Ok(connection) => return Ok(connection),
            Err(error) => eprintln!("try {this} of {tries}: {error}"),
        }
        if this < tries {
            thread::sleep(delay);
        }
    }
    Err(format!("no connection to {host}, port {port}, in {tries} tries"))
}

fn look_up(host: &str, port: u16) -> Result<Vec<SocketAddr>> {
    match (host, port).to_socket_addrs() {
        Ok(addresses) => Ok(addresses.collect()),
        Err(error) => Err(format!("{host}: {error}")),
    }
}

/// One try: each address in turn. The last error tells why none would do.
fn connect_to_one_of(addresses: &[SocketAddr], limit: Duration) -> io::Result<TcpStream> {
    let mut last = io::Error::other("the name has no address");
    for address in addresses {
        match TcpStream::connect_timeout(address, limit) {
            Ok(connection) => return Ok(connection),
            Err(error) => last = error, // refused, timed out, unreachable
        }
    }
    Err(last)
}

/// A write returns after this time at the latest, with what it could send: a slow reader's progress is then seen, and
/// not taken for silence.
const LOOK: Duration = Duration::from_millis(100);

/// The limit for each wait, and when something last went on, in either direction.
struct Patience {
    limit: Duration,
    since: Mutex<Instant>,
    sending: AtomicBool,
}

impl Patience {
    fn new(limit: Duration) -> Self {
        Self { limit, since: Mutex::new(Instant::now()), sending: AtomicBool::new(true) }
    }

    /// Something was sent or received: the wait begins anew.
    fn renew(&self) {
        *self.since.lock().unwrap() = Instant::now();
    }

    /// How long one may still wait. When nothing went on for as long as the limit, that is an error.
    fn left(&self) -> Result<Duration> {
        let left = self.limit.saturating_sub(self.since.lock().unwrap().elapsed());
        if left.is_zero() {
            return Err(format!("the server was silent for {:?}", self.limit));
        }
        Ok(left)
    }

    /// The same for the receiver. While the other thread still sends, the server may be busy reading: that thread
    /// sees whether it goes on.
    fn left_to_receive(&self) -> Result<Duration> {
        if self.sending.load(Ordering::SeqCst) { Ok(self.limit) } else { self.left() }
    }
}

/// Sends the message and prints the answer at the same time: the answer may begin before the message ends.
fn exchange(connection: &TcpStream, message: &[u8], limit: Duration) -> Result<()> {
    let patience = Patience::new(limit);
    thread::scope(|scope| {
        let sending = scope.spawn(|| or_end(connection, send_all(connection, message, &patience)));
        let received = or_end(connection, print_answer(connection, &patience));
        received.and(sending.join().unwrap())
    })
}

/// When one direction has failed, nobody waits for the other: `shutdown` wakes who does.
fn or_end(connection: &TcpStream, outcome: Result<()>) -> Result<()> {
    if outcome.is_err() {
        let _ = connection.shutdown(Shutdown::Both);
    }
    outcome
}

/// Sends until all is sent, and closes.
fn send_all(mut connection: &TcpStream, message: &[u8], patience: &Patience) -> Result<()> {
    let mut rest = message;
    while !rest.is_empty() {
        wait_at_most(connection.set_write_timeout(Some(patience.left()?.min(LOOK))))?;
        match connection.write(rest) {
            Ok(taken) => {
                rest = &rest[taken..];
                patience.renew();
            }
            Err(error) if is_no_failure(&error) => {}
            Err(error) => return Err(format!("send: {error}")),
        }
    }
    connection.shutdown(Shutdown::Both).map_err(|error| format!("shutdown: {error}"))?;
    patience.renew();
    patience.sending.store(false, Ordering::SeqCst);
    Ok(())
}

/// Prints what comes, up to the server's end of file.
fn print_answer(mut connection: &TcpStream, patience: &Patience) -> Result<()> {
    let mut buffer = [0; 65_536];
    loop {
        wait_at_most(connection.set_read_timeout(Some(patience.left_to_receive()?)))?;
        match connection.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => {
                patience.renew();
                print(&buffer[..count]).map_err(|error| format!("print: {error}"))?;
            }
            Err(error) if is_no_failure(&error) => {}
            Err(error) => return Err(format!("receive: {error}")),
        }
    }
}

/// This wait is over, or a signal came. Whether the server was silent for too long, `Patience` says.
fn is_no_failure(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

fn wait_at_most(outcome: io::Result<()>) -> Result<()> {
    outcome.map_err(|error| format!("set a time-out: {error}"))
}

fn print(bytes: &[u8]) -> io::Result<()> {
    let mut output = io::stdout().lock();
    output.write_all(bytes)?;
    output.flush()
}

fn setting(name: &str) -> Result<String> {
    env::var(name).map_err(|error| format!("{name}: {error}"))
}

fn number(name: &str) -> Result<u32> {
    setting(name)?.parse().map_err(|error| format!("{name}: {error}"))
}

fn milliseconds(name: &str) -> Result<Duration> {
    Ok(Duration::from_millis(number(name)?.into()))
}

fn run() -> Result<()> {
    let host = setting("SOCKLAB_HOST")?;
    let port = number("SOCKLAB_PORT")?.try_into().map_err(|_| "SOCKLAB_PORT: not a port")?;
    let tries = number("SOCKLAB_RETRIES")?;
    let delay = milliseconds("SOCKLAB_RETRY_DELAY_MS")?;
    let limit = milliseconds("SOCKLAB_TIMEOUT_MS")?;
    let connection = connect(&host, port, tries, delay, limit)?;
    let mut message = Vec::new();
    io::stdin().read_to_end(&mut message).map_err(|error| format!("input: {error}"))?;
    exchange(&connection, &message, limit)
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("robust-client: {reason}");
            ExitCode::FAILURE
        }
    }
}
