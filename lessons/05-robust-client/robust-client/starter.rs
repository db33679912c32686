//! robust-client: connects patiently, sends all of its input, prints the answer; every wait has a limit.

use std::env;
use std::io::{self, Read};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::process::ExitCode;
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
    let addresses = look_up(host, port)?;
    match connect_to_one_of(&addresses, limit) {
        Ok(connection) => return Ok(connection),
        Err(error) => eprintln!("try 1 of {tries}: {error}"),
    }
    // Your turn: this was the first try. Make the others. When is there a pause of `delay`, and when none?
    Err(format!(
        "no connection to {host}, port {port}; what comes {delay:?} later is not written yet"
    ))
}

fn look_up(host: &str, port: u16) -> Result<Vec<SocketAddr>> {
    match (host, port).to_socket_addrs() {
        Ok(addresses) => Ok(addresses.collect()),
        Err(error) => Err(format!("{host}: {error}")),
    }
}

/// One try: each address in turn. The last error tells why none would do.
fn connect_to_one_of(addresses: &[SocketAddr], limit: Duration) -> io::Result<TcpStream> {
    // Your turn: this is the first address. Try the others too when it fails.
    let first = addresses.first().ok_or(io::Error::other("the name has no address"))?;
    TcpStream::connect_timeout(first, limit)
}

/// Sends the message and prints the answer at the same time: the answer may begin before the message ends.
fn exchange(connection: &TcpStream, message: &[u8], limit: Duration) -> Result<()> {
    // Your turn: send, print what comes, end the sending when all is sent. No wait is longer than `limit`.
    let server = connection.peer_addr().map_err(|error| error.to_string())?;
    let length = message.len();
    Err(format!(
        "connected to {server}; sending {length} bytes, and waiting for {limit:?} at most, is not written yet"
    ))
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
