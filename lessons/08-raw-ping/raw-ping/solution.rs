//! raw-ping: one ICMP echo request, built by hand, and its answer. Needs the crate socket2: std has no raw sockets.

use std::env;
use std::error::Error;
use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::process::{self, ExitCode};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};

const ECHO_REPLY: u8 = 0;
const ECHO_REQUEST: u8 = 8;
/// The length of an ICMP header.
const HEADER: usize = 8;
const SEQUENCE: u16 = 1;
const PAYLOAD: &[u8] = b"socklab raw-ping";

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
        None => Err(format!("no answer from {address} within {timeout} ms").into()),
    }
}

// ANCHOR: permission
fn open_raw() -> io::Result<Socket> {
    Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4)).map_err(|error| {
        match error.kind() {
            io::ErrorKind::PermissionDenied => {
                let reason =
                    format!("no raw socket: {error}; missing is the capability CAP_NET_RAW");
                io::Error::new(error.kind(), reason)
            }
            _ => error,
        }
    })
}
// ANCHOR_END: permission

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

// ANCHOR: ping
/// Sends the request; how long the payload of its answer is, or `None` when the time is over.
fn ping(mut socket: &Socket, address: Ipv4Addr, timeout: Duration) -> io::Result<Option<usize>> {
    let deadline = Instant::now() + timeout;
    // The lower 16 bits: they tell our answers from others'.
    let identifier = process::id() as u16;
    let port = 0; // ICMP has none
    socket.send_to(&request(identifier), &SocketAddr::from((address, port)).into())?;
    let mut buffer = vec![0; 65535];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(None);
        }
        socket.set_read_timeout(Some(left))?;
        match socket.read(&mut buffer) {
            // A raw socket gets everybody's ICMP, our own request too when it comes in on this machine.
            Ok(length) => {
                if let Some(bytes) = answer_in(&buffer[..length], address, identifier) {
                    return Ok(Some(bytes));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {} // the time is over
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
// ANCHOR_END: ping

// ANCHOR: byte-order
/// Numbers of two bytes go in network byte order: `be` is big-endian, the high byte first.
fn request(identifier: u16) -> Vec<u8> {
    let mut message = vec![ECHO_REQUEST, 0, 0, 0]; // type, code, checksum: 0 for now
    message.extend(identifier.to_be_bytes());
    message.extend(SEQUENCE.to_be_bytes());
    message.extend(PAYLOAD);
    let sum = checksum(&message);
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    message
}

/// The number of two bytes that begins at `at`.
fn number(message: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([message[at], message[at + 1]])
}
// ANCHOR_END: byte-order

// ANCHOR: checksum
/// The internet checksum (RFC 1071). 0 says that `data` holds the right one already.
fn checksum(data: &[u8]) -> u16 {
    let words = data.chunks(2).map(|pair| [pair[0], *pair.get(1).unwrap_or(&0)]);
    let mut sum: u32 = words.map(|word| u32::from(u16::from_be_bytes(word))).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}
// ANCHOR_END: checksum

// ANCHOR: answer
/// How long the payload is, if `packet` comes from `address` and answers our request.
fn answer_in(packet: &[u8], address: Ipv4Addr, identifier: u16) -> Option<usize> {
    // In front of the message stands the IPv4 header. Its first byte: version, and length in words of 4 bytes.
    let first = *packet.first()?;
    let message = packet.get(usize::from(first & 0x0f) * 4..)?;
    if first >> 4 != 4 || packet.get(12..16)? != address.octets() {
        return None;
    }
    if message.len() < HEADER || checksum(message) != 0 {
        return None;
    }
    let ours = message[..2] == [ECHO_REPLY, 0]
        && number(message, 4) == identifier
        && number(message, 6) == SEQUENCE
        && message[HEADER..] == *PAYLOAD;
    ours.then_some(message.len() - HEADER)
}
// ANCHOR_END: answer
