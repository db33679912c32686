//! What a datagram is: it keeps its boundaries, is cut by a small buffer, and hears of a closed port only when connected.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use socket2::SockAddr;

use crate::cli::LOOPBACK;
use crate::demos::is_timeout;
use crate::error::{Error, Result};
use crate::narrate::event::visible;
use crate::narrate::{Socket, acting_as, note};
use crate::stage::{Stage, Stop};

/// How long a datagram that was sent on loopback is waited for, at most.
const ARRIVAL: Duration = Duration::from_secs(5);

/// How long the answer of a closed port is waited for. On loopback it takes microseconds.
const ANSWER: Duration = Duration::from_millis(300);

/// Of a datagram that is longer, the small buffer keeps so much.
const SMALL: usize = 8;

/// Linux then returns the datagram's whole length, though less fits.
#[cfg(target_os = "linux")]
const TELL_LENGTH: i32 = nix::libc::MSG_TRUNC;

/// Shows all three, on two sockets.
pub fn play(stage: &Stage) -> Result<()> {
    note("udp-heartbeat.boundaries", &[]);
    let ends = Ends::open(&stage.stop)?;
    ends.boundaries()?;
    ends.truncation()?;
    ends.refusal()
}

/// One socket that sends, and one that receives.
struct Ends<'a> {
    sender: Socket,
    receiver: Socket,
    address: SocketAddr,
    stop: &'a Stop,
}

impl<'a> Ends<'a> {
    fn open(stop: &'a Stop) -> Result<Self> {
        let any_port = SocketAddr::from((LOOPBACK, 0));
        let receiver = acting_as("receiver", || {
            let receiver = super::udp_socket(any_port)?;
            let limited = receiver.set_read_timeout(Some(ARRIVAL));
            limited.map_err(Error::during("setsockopt", any_port))?;
            receiver.bind(&any_port.into()).map_err(Error::during("UDP bind", any_port))?;
            Ok(receiver)
        })?;
        let bound = acting_as("receiver", || receiver.local_addr());
        let bound = bound.map_err(Error::during("getsockname", any_port))?;
        let address = bound.as_socket().unwrap_or(any_port);
        let sender = acting_as("sender", || super::udp_socket(any_port))?;
        Ok(Self { sender, receiver, address, stop })
    }

    // ANCHOR: boundaries
    /// Three datagrams wait in the receiver's queue, and each is received by itself. One is empty.
    fn boundaries(&self) -> Result<()> {
        let sent = ["one", "", "three"];
        for text in sent {
            self.send(text)?;
        }
        let mut received = Vec::new();
        for _ in sent {
            received.push(self.receive(64)?);
        }
        let received: Vec<String> = received.iter().map(|bytes| visible(bytes)).collect();
        let kept = if received == sent { "udp-heartbeat.kept" } else { "udp-heartbeat.not-kept" };
        note(kept, &[("sent", &sizes(&sent)), ("received", &sizes(&received))]);
        Ok(())
    }
    // ANCHOR_END: boundaries

    // ANCHOR: truncation
    /// A buffer too small for the datagram, without MSG_TRUNC and with it; and one datagram more, to see what is left.
    fn truncation(&self) -> Result<()> {
        let alphabet = "abcdefghijklmnopqrstuvwxyz";
        note("udp-heartbeat.truncation", &[("length", &alphabet.len()), ("room", &SMALL)]);
        for text in [alphabet, alphabet, "next"] {
            self.send(text)?;
        }
        let cut = self.receive(SMALL)?;
        let cut_note = if cfg!(windows) { "udp-heartbeat.cut-told" } else { "udp-heartbeat.cut" };
        note(cut_note, &[("got", &cut.len()), ("length", &alphabet.len())]);
        self.whole_length(alphabet.len())?;
        let next = self.receive(SMALL)?;
        note("udp-heartbeat.rest-gone", &[("next", &visible(&next))]);
        Ok(())
    }

    #[cfg(target_os = "linux")]
    fn whole_length(&self, sent: usize) -> Result<()> {
        let outcome = acting_as("receiver", || {
            receive(&self.receiver, &mut [0; SMALL], TELL_LENGTH, self.stop)
        })?;
        let (length, _) = outcome.map_err(Error::during("recvfrom", self.address))?;
        note("udp-heartbeat.told-length", &[("length", &length), ("sent", &sent)]);
        Ok(())
    }
    // ANCHOR_END: truncation

    #[cfg(not(target_os = "linux"))]
    fn whole_length(&self, _: usize) -> Result<()> {
        note("udp-heartbeat.length-untold", &[]);
        self.receive(SMALL).map(drop)
    }

    // ANCHOR: refusal
    /// The receiver closes. The sender is told so by ICMP, if it has a peer to be told of.
    fn refusal(self) -> Result<()> {
        let Self { sender, receiver, address, stop } = self;
        note("udp-heartbeat.refusal", &[("address", &address)]);
        acting_as("receiver", || drop(receiver));
        acting_as("sender", || {
            unconnected(&sender, address, stop)?;
            connected(&sender, address, stop)?;
            drop(sender);
            Ok(())
        })
    }
    // ANCHOR_END: refusal

    // ANCHOR: exchange
    fn send(&self, text: &str) -> Result<()> {
        let to = SockAddr::from(self.address);
        acting_as("sender", || self.sender.send_to(text.as_bytes(), &to))
            .map(drop)
            .map_err(Error::during("sendto", self.address))
    }

    /// One datagram, as much of it as there is room for.
    fn receive(&self, room: usize) -> Result<Vec<u8>> {
        let mut buffer = vec![0; room];
        let outcome = acting_as("receiver", || receive(&self.receiver, &mut buffer, 0, self.stop))?;
        let count = match outcome {
            Ok((count, _)) => count,
            Err(error) if is_cut(&error) => room,
            Err(error) => return Err(Error::during("recvfrom", self.address)(error)),
        };
        buffer.truncate(count);
        Ok(buffer)
    }
    // ANCHOR_END: exchange
}

/// `recvfrom`, once more when a signal came in between; `Err` when somebody wants it to stop.
fn receive(
    socket: &Socket,
    buffer: &mut [u8],
    flags: i32,
    stop: &Stop,
) -> Result<io::Result<(usize, SockAddr)>> {
    loop {
        let outcome = socket.recv_from_into(buffer, flags);
        if stop.requested() {
            return Err(Error::Interrupted);
        }
        match outcome {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            outcome => return Ok(outcome),
        }
    }
}

// ANCHOR: connected
/// Without a peer: the datagram leaves, an answer comes back, and nobody is told.
fn unconnected(sender: &Socket, address: SocketAddr, stop: &Stop) -> Result<()> {
    sender.send_to(b"hello", &address.into()).map_err(Error::during("sendto", address))?;
    sender.set_read_timeout(Some(ANSWER)).map_err(Error::during("setsockopt", address))?;
    let limit = humantime::format_duration(ANSWER);
    match receive(sender, &mut [0; 64], 0, stop)? {
        Err(error) if is_timeout(&error) => note("udp-heartbeat.untold", &[("limit", &limit)]),
        Err(error) => note("udp-heartbeat.told-anyway", &[("error", &error)]),
        Ok((_, from)) => note("udp-heartbeat.somebody", &[("from", &shown(&from))]),
    }
    Ok(())
}

/// With a peer: the send succeeds as before, and the next call on the socket fails for it.
fn connected(sender: &Socket, address: SocketAddr, stop: &Stop) -> Result<()> {
    sender.connect(&address.into()).map_err(Error::during("connect", address))?;
    sender.send(b"hello").map_err(Error::during("send", address))?;
    let limit = humantime::format_duration(ANSWER);
    match receive(sender, &mut [0; 64], 0, stop)? {
        Err(error) if is_refusal(&error) => note("udp-heartbeat.told", &[]),
        _ => note("udp-heartbeat.not-told", &[("limit", &limit)]),
    }
    Ok(())
}
// ANCHOR_END: connected

/// On Windows it is called a reset.
fn is_refusal(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset)
}

/// On Windows a datagram that does not fit is an error (WSAEMSGSIZE), and the buffer is full.
fn is_cut(error: &io::Error) -> bool {
    cfg!(windows) && error.raw_os_error() == Some(10040)
}

/// `3, 0, 5`: how long they are.
fn sizes<T: AsRef<str>>(texts: &[T]) -> String {
    let sizes: Vec<String> = texts.iter().map(|text| text.as_ref().len().to_string()).collect();
    sizes.join(", ")
}

fn shown(address: &SockAddr) -> String {
    address.as_socket().map_or_else(|| format!("{address:?}"), |address| address.to_string())
}
