//! sock_diag(7): one message to the kernel asks for one TCP connection, by the exact pair of addresses; one comes back.
//!
//! It is written by hand: 72 bytes go out, five fields of the answer are read, and the crate for it has no room for one
//! of them, the timer of TIME_WAIT.

use std::io::{self, Read};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use nix::libc;
use socket2::{Domain, Protocol, Socket, Type};

use super::{Seen, TcpState};

/// The message that asks for sockets of one family (linux/sock_diag.h).
const SOCK_DIAG_BY_FAMILY: u16 = 20;

/// The length of `struct nlmsghdr`, and with `struct inet_diag_req_v2` behind it.
const HEADER: usize = 16;
const REQUEST: usize = HEADER + 56;

/// `idiag_timer` when all that is left is to forget the connection (linux/inet_diag.h).
const TIMER_TIME_WAIT: u8 = 3;

/// The kernel answers at once. This is for a kernel that does not.
const LIMIT: Duration = Duration::from_secs(2);

/// A netlink socket to the kernel.
pub(super) struct SockDiag {
    socket: Socket,
    asked: u32,
}

impl SockDiag {
    pub(super) fn open() -> io::Result<Self> {
        let domain = Domain::from(libc::AF_NETLINK);
        let protocol = Protocol::from(libc::NETLINK_SOCK_DIAG);
        let socket = Socket::new(domain, Type::DGRAM, Some(protocol))?;
        socket.set_read_timeout(Some(LIMIT))?;
        Ok(Self { socket, asked: 0 })
    }

    /// Asks for the end `local` of its connection with `peer`.
    pub(super) fn ask(&mut self, local: SocketAddr, peer: SocketAddr) -> io::Result<Seen> {
        self.asked += 1;
        self.socket.send(&request(self.asked, local, peer))?;
        let mut buffer = [0; 4096];
        loop {
            let count = (&self.socket).read(&mut buffer)?;
            // What answers an earlier question came after its limit.
            if u32_at(&buffer[..count], 8)? == self.asked {
                return answer(&buffer[..count]);
            }
        }
    }
}

/// `struct nlmsghdr` and `struct inet_diag_req_v2`.
fn request(sequence: u32, local: SocketAddr, peer: SocketAddr) -> Vec<u8> {
    let family = if local.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
    let interface = match local {
        SocketAddr::V6(local) => local.scope_id(),
        SocketAddr::V4(_) => 0,
    };
    let parts: [&[u8]; 14] = [
        &(REQUEST as u32).to_ne_bytes(),
        &SOCK_DIAG_BY_FAMILY.to_ne_bytes(),
        &(libc::NLM_F_REQUEST as u16).to_ne_bytes(),
        &sequence.to_ne_bytes(),
        &0_u32.to_ne_bytes(),
        &[family as u8, libc::IPPROTO_TCP as u8, 0, 0],
        // In every state.
        &u32::MAX.to_ne_bytes(),
        &local.port().to_be_bytes(),
        &peer.port().to_be_bytes(),
        &padded(local.ip()),
        &padded(peer.ip()),
        &interface.to_ne_bytes(),
        // No cookie: whichever socket has these addresses.
        &u32::MAX.to_ne_bytes(),
        &u32::MAX.to_ne_bytes(),
    ];
    parts.concat()
}

/// Sixteen bytes, of which an IPv4 address takes the first four.
fn padded(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => {
            let mut bytes = [0; 16];
            bytes[..4].copy_from_slice(&address.octets());
            bytes
        }
        IpAddr::V6(address) => address.octets(),
    }
}

/// `struct nlmsghdr`, and behind it an errno or a `struct inet_diag_msg`.
fn answer(message: &[u8]) -> io::Result<Seen> {
    let kind = u16::from_ne_bytes(bytes_at(message, 4)?);
    if i32::from(kind) == libc::NLMSG_ERROR {
        // No such connection: that is an answer too.
        return match i32::from_ne_bytes(bytes_at(message, HEADER)?).wrapping_neg() {
            libc::ENOENT => Ok(Seen::default()),
            errno => Err(io::Error::from_raw_os_error(errno)),
        };
    }
    let [_family, state, timer, _retransmits] = bytes_at(message, HEADER)?;
    let state = state_of(state);
    if state == TcpState::Listen {
        // The connection is gone, and the kernel found who listens on its address instead.
        return Ok(Seen::default());
    }
    let expires = Duration::from_millis(u32_at(message, HEADER + 52)?.into());
    Ok(Seen {
        state,
        forgotten_in: (timer == TIMER_TIME_WAIT).then_some(expires),
        unread: u32_at(message, HEADER + 56)?,
        unacknowledged: u32_at(message, HEADER + 60)?,
    })
}

/// The kernel's numbers (include/net/tcp_states.h).
fn state_of(number: u8) -> TcpState {
    match number {
        1 => TcpState::Established,
        2 => TcpState::SynSent,
        3 | 12 => TcpState::SynRecv,
        4 => TcpState::FinWait1,
        5 => TcpState::FinWait2,
        6 => TcpState::TimeWait,
        8 => TcpState::CloseWait,
        9 => TcpState::LastAck,
        10 => TcpState::Listen,
        11 => TcpState::Closing,
        _ => TcpState::Closed,
    }
}

fn u32_at(message: &[u8], at: usize) -> io::Result<u32> {
    bytes_at(message, at).map(u32::from_ne_bytes)
}

fn bytes_at<const N: usize>(message: &[u8], at: usize) -> io::Result<[u8; N]> {
    let bytes = message.get(at..at + N).and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::net::{TcpListener, TcpStream};

    /// What is seen of a connection on `address`, from both ends, in each of its states that stay.
    fn life(address: &str) {
        let mut kernel = SockDiag::open().unwrap();
        let listener = TcpListener::bind(address).unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, from) = listener.accept().unwrap();
        let to = server.local_addr().unwrap();
        assert_eq!(kernel.ask(from, to).unwrap().state, TcpState::Established);
        client.write_all(b"hello").unwrap();
        until(|| kernel.ask(to, from).unwrap().unread == 5);
        (&server).read_exact(&mut [0; 5]).unwrap();
        until(|| kernel.ask(from, to).unwrap().unacknowledged == 0);

        drop(client);
        until(|| kernel.ask(from, to).unwrap().state == TcpState::FinWait2);
        assert_eq!(kernel.ask(to, from).unwrap().state, TcpState::CloseWait);
        drop(server);
        until(|| kernel.ask(from, to).unwrap().state == TcpState::TimeWait);
        let remembered = kernel.ask(from, to).unwrap().forgotten_in.unwrap();
        assert!((1..=60).contains(&remembered.as_secs()), "{remembered:?}");
        // The listener is still there, and is not taken for the connection.
        assert_eq!(kernel.ask(to, from).unwrap(), Seen::default());
        drop(listener);
        assert_eq!(kernel.ask(to, from).unwrap(), Seen::default());
    }

    fn until(mut happened: impl FnMut() -> bool) {
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        while !happened() {
            assert!(std::time::Instant::now() < deadline, "it did not come about");
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_connection_is_followed_over_ipv4() {
        life("127.0.0.1:0");
    }

    #[test]
    fn a_connection_is_followed_over_ipv6() {
        // A machine may have no IPv6.
        if TcpListener::bind("[::1]:0").is_ok() {
            life("[::1]:0");
        }
    }

    #[test]
    fn an_answer_cut_short_is_an_error_and_no_panic() {
        for length in 0..HEADER + 64 {
            let _ = answer(&vec![0; length]);
        }
        assert!(answer(&[0; HEADER + 8]).is_err());
    }
}
