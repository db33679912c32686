//! The checker's raw ICMP socket: it reads what the program sends, byte by byte, and sends answers of its own making.

use std::fs;
use std::io::{self, Read};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};

use crate::check::verdict::{Checked, trouble};

/// The length of an ICMP header.
pub const HEADER: usize = 8;

/// The length of an IPv4 header without options.
const IP_HEADER: usize = 20;

/// Three that do nothing, and the end of them: one word.
pub const IDLE_OPTIONS: &[u8] = &[1, 1, 1, 0];

/// For so long after a deadline what came before it is read: a program may send without end.
const ENOUGH: Duration = Duration::from_secs(1);

/// Whether the kernel of this network leaves echo requests unanswered.
const IGNORE: &str = "/proc/sys/net/ipv4/icmp_echo_ignore_all";

/// A packet that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// From whom.
    pub source: Ipv4Addr,
    /// To whom.
    pub destination: Ipv4Addr,
    /// The ICMP message, behind the IPv4 header.
    pub message: Vec<u8>,
}

impl Packet {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let length = usize::from(bytes.first()? & 0x0f) * 4;
        let address = |at: usize| -> Option<Ipv4Addr> {
            let octets: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
            Some(octets.into())
        };
        let message = bytes.get(length..)?.to_vec();
        Some(Self { source: address(12)?, destination: address(16)?, message })
    }
}

/// A raw socket for all the ICMP of this network.
pub struct Wire(Socket);

impl Wire {
    /// Opens it.
    pub fn open() -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4))?;
        // Only then are the sender's address and options the checker's to choose.
        socket.set_header_included_v4(true)?;
        Ok(Self(socket))
    }

    /// The next packet to `host`; none when the deadline is over.
    pub fn hear(&self, host: Ipv4Addr, deadline: Instant) -> Checked<Option<Packet>> {
        let mut buffer = vec![0; 64 << 10];
        loop {
            // A limit of zero would be none at all.
            let left = deadline.saturating_duration_since(Instant::now());
            let limit = left.max(Duration::from_millis(1));
            self.0.set_read_timeout(Some(limit)).map_err(trouble("SO_RCVTIMEO"))?;
            match (&self.0).read(&mut buffer) {
                Ok(count) => {
                    let packet = Packet::parse(&buffer[..count]);
                    if let Some(packet) = packet.filter(|packet| packet.destination == host) {
                        return Ok(Some(packet));
                    }
                }
                // What has come in time is read, also when the deadline is over.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if left.is_zero() {
                        return Ok(None);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(trouble("recv")(error)),
            }
            if deadline.elapsed() > ENOUGH {
                return Ok(None);
            }
        }
    }

    /// Sends an ICMP message with these options in its IPv4 header.
    pub fn send(&self, from: Ipv4Addr, to: Ipv4Addr, options: &[u8], message: &[u8]) -> Checked {
        let mut packet = vec![0; IP_HEADER];
        let words = u8::try_from((IP_HEADER + options.len()) / 4).unwrap_or_default();
        packet[0] = 0x40 | words;
        // The kernel fills in the total length, the identification and the checksum (raw(7)).
        (packet[8], packet[9]) = (64, 1);
        packet[12..16].copy_from_slice(&from.octets());
        packet[16..20].copy_from_slice(&to.octets());
        packet.extend(options);
        packet.extend(message);
        let to = SocketAddr::from((to, 0)).into();
        self.0.send_to(&packet, &to).map(drop).map_err(trouble("sendto"))
    }
}

/// The internet checksum (RFC 1071). 0 says that `bytes` hold the right one already.
pub fn checksum(bytes: &[u8]) -> u16 {
    let word = |pair: &[u8]| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
    let mut sum: u32 = bytes.chunks(2).map(word).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// The message with its checksum put right.
pub fn sealed(mut message: Vec<u8>) -> Vec<u8> {
    message[2..4].fill(0);
    let sum = checksum(&message);
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    message
}

/// The number of two bytes that begins at `at`, high byte first.
pub fn number(message: &[u8], at: usize) -> u16 {
    let byte = |at: usize| message.get(at).copied().unwrap_or_default();
    u16::from_be_bytes([byte(at), byte(at + 1)])
}

/// Bytes as a dump shows them: `08 00 f7 fe`.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

/// As long as there is one, the kernel of this private network answers no echo request.
pub struct Silence(());

impl Silence {
    /// Begins it.
    pub fn begin() -> io::Result<Self> {
        fs::write(IGNORE, "1").map(|()| Self(()))
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        if let Err(error) = fs::write(IGNORE, "0") {
            tracing::warn!(%error, "{IGNORE} stays set");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 1071, section 3: its sum is ddf2.
    #[test]
    fn the_checksum_of_the_rfc() {
        assert_eq!(checksum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), !0xddf2);
        let message = sealed(b"\x08\x00??\x30\x39\x00\x01odd".to_vec());
        assert_eq!(checksum(&message), 0);
        assert_eq!(
            (number(&message, 4), number(&message, 6), number(&message, 10)),
            (0x3039, 1, 0x6400)
        );
    }

    #[test]
    fn a_packet_behind_its_options() {
        let mut bytes = vec![0; IP_HEADER];
        (bytes[0], bytes[15], bytes[19]) = (0x46, 1, 2);
        bytes.extend([1, 1, 1, 0, 8, 9]);
        let (source, destination) = (Ipv4Addr::new(0, 0, 0, 1), Ipv4Addr::new(0, 0, 0, 2));
        let message = vec![8, 9];
        assert_eq!(Packet::parse(&bytes), Some(Packet { source, destination, message }));
        assert_eq!(Packet::parse(&bytes[..23]), None);
        assert_eq!(Packet::parse(&[]), None);
    }
}
