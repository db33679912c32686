//! Mistake: no-timeout. Limits the wait for a connection, but not the wait for data: a silent server hangs it.

use std::env;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream, ToSocketAddrs};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

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

/// Sends the message and prints the answer at the same time: the answer may begin before the message ends.
fn exchange(connection: &TcpStream, message: &[u8]) -> Result<()> {
    thread::scope(|scope| {
        let sending = scope.spawn(|| or_end(connection, send_all(connection, message)));
        let received = or_end(connection, print_answer(connection));
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

/// Sends all, then says "no more" and leaves the other direction open.
fn send_all(mut connection: &TcpStream, message: &[u8]) -> Result<()> {
    connection.write_all(message).map_err(|error| format!("send: {error}"))?;
    connection.shutdown(Shutdown::Write).map_err(|error| format!("shutdown: {error}"))
}

// ANCHOR: wrong
/// Prints what comes, up to the server's end of file, however long that takes.
fn print_answer(mut connection: &TcpStream) -> Result<()> {
    let mut buffer = [0; 65_536];
    loop {
        // No limit.
        match connection.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => print(&buffer[..count]).map_err(|error| format!("print: {error}"))?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(format!("receive: {error}")),
        }
    }
}
// ANCHOR_END: wrong

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
    exchange(&connection, &message)
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
