//! raw-ping: one ICMP echo request, built by hand, and its answer. Needs the crate socket2: std has no raw sockets.

use std::env;
use std::error::Error;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::process::ExitCode;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

const ECHO_REQUEST: u8 = 8;
const SEQUENCE: u16 = 1;

fn main() -> ExitCode {
    match run() {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("raw-ping: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<String, Box<dyn Error>> {
    let host = env::var("SOCKLAB_HOST").unwrap_or("127.0.0.1".into());
    let timeout: u64 = env::var("SOCKLAB_TIMEOUT_MS").unwrap_or("1000".into()).parse()?;
    let socket = open_raw()?;
    let address = ipv4_address(&host)?;
    match ping(&socket, address, Duration::from_millis(timeout))? {
        Some(bytes) => Ok(format!("reply from {address}: bytes={bytes} seq={SEQUENCE}")),
        None => Err(format!("no answer from {address}").into()),
    }
}

fn open_raw() -> io::Result<Socket> {
    // Your turn: not everybody may do this. Which permission is missing when it fails?
    Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4))
}

/// The first IPv4 address of `host`, a name or an address.
fn ipv4_address(host: &str) -> io::Result<Ipv4Addr> {
    let mut addresses = (host, 0).to_socket_addrs()?.map(|address| address.ip());
    let first = addresses.find_map(|ip| match ip {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => None,
    });
    first.ok_or_else(|| {
        io::Error::new(io::ErrorKind::NotFound, format!("{host} has no IPv4 address"))
    })
}

/// Sends the request; how long the payload of its answer is, or `None` when the time is over.
fn ping(socket: &Socket, address: Ipv4Addr, timeout: Duration) -> io::Result<Option<usize>> {
    let port = 0; // ICMP has none
    let sent = socket.send_to(&request(), &SocketAddr::from((address, port)).into())?;
    // Your turn: receive, until the answer to this request has come, or the time is over. Where does the ICMP message
    // begin in what comes? What else can come?
    eprintln!("sent {sent} bytes; waiting {timeout:?} for an answer is not written yet");
    Ok(None)
}

/// Type and code: the first two bytes of an ICMP message.
fn request() -> Vec<u8> {
    // Your turn: checksum, identifier, sequence number and payload, every number in network byte order.
    vec![ECHO_REQUEST, 0]
}
