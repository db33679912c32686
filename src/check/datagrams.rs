//! The checker's end of an exchange of datagrams with a learner's program. Every wait has a limit, everything is told.
//!
//! Even on one machine the kernel drops a datagram when there is no room for it, and that is nobody's mistake. It counts
//! what it drops, so only then is a datagram sent again: a program that does not answer gets no second chance by it.

use std::cell::{Cell, RefCell};
use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use super::bench::Bench;
use super::peer::is_timeout;
use super::story::preview;
use super::verdict::{Checked, trouble};

/// More than a datagram can hold.
const ROOM: usize = 64 << 10;

/// For so long an answer is waited for before the kernel is asked whether it dropped something.
const PATIENCE: Duration = Duration::from_millis(100);

/// How the table begins an IPv4 address that an IPv6 socket has: `::ffff:`.
const MAPPED: &str = "0000000000000000FFFF0000";

/// How often a queue is looked at that the program is to empty.
const GLANCE: Duration = Duration::from_micros(200);

/// One of the checker's sockets, from which it sends to the program.
pub struct Endpoint<'a> {
    bench: &'a Bench<'a>,
    socket: UdpSocket,
    /// How the story names it: `peer 1`.
    pub name: String,
    /// This end's address.
    pub local: SocketAddr,
    /// The program's address.
    pub remote: SocketAddr,
    /// What was sent last, to be sent again if it was dropped.
    last: RefCell<Vec<u8>>,
    /// What was sent a second time: its answer may come a second time.
    doubled: RefCell<Vec<Vec<u8>>>,
    /// How many datagrams the kernel had dropped when it was last asked.
    dropped: Cell<u64>,
}

/// What came in place of what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Nothing, in time.
    Silence,
    /// Another datagram.
    Other(Vec<u8>),
    /// The right one, from an address to which nothing was sent.
    From(SocketAddr),
}

impl<'a> Endpoint<'a> {
    /// One that sends to the program at `to`.
    ///
    /// # Errors
    /// The checker's trouble.
    pub fn open(bench: &'a Bench<'a>, name: impl Into<String>, to: SocketAddr) -> Checked<Self> {
        // Not connected, so that an answer from another address is seen too.
        let socket = UdpSocket::bind((to.ip(), 0)).map_err(trouble("bind"))?;
        let local = socket.local_addr().map_err(trouble("getsockname"))?;
        let (last, doubled) = Default::default();
        let dropped = Cell::new(dropped([to, local]));
        Ok(Self { bench, socket, name: name.into(), local, remote: to, last, doubled, dropped })
    }

    /// Sends one datagram.
    ///
    /// # Errors
    /// The checker's trouble: nobody can refuse a datagram.
    pub fn send(&self, datagram: &[u8]) -> Checked {
        let (name, count, text) = (&self.name, datagram.len(), preview(datagram));
        self.socket.send_to(datagram, self.remote).map_err(trouble("sendto"))?;
        let blanks: [(&str, &dyn std::fmt::Display); 3] =
            [("name", name), ("count", &count), ("text", &text)];
        self.bench.tell(if count == 0 { "check.sent-empty" } else { "check.sent-one" }, &blanks);
        *self.last.borrow_mut() = datagram.to_vec();
        Ok(())
    }

    /// Sends one datagram, and waits until the program has taken it from its queue. Says whether it did in time.
    ///
    /// # Errors
    /// The checker's trouble.
    pub fn deliver(&self, datagram: &[u8]) -> Checked<bool> {
        self.send(datagram)?;
        self.is_taken()
    }

    /// Sends many, each when the one before it was taken, without telling of each; until `enough`. How many it took.
    ///
    /// # Errors
    /// The checker's trouble.
    pub fn deliver_many(
        &self,
        datagrams: impl Iterator<Item = Vec<u8>>,
        enough: impl Fn() -> bool,
    ) -> Checked<usize> {
        let mut count = 0;
        for datagram in datagrams {
            self.socket.send_to(&datagram, self.remote).map_err(trouble("sendto"))?;
            *self.last.borrow_mut() = datagram;
            count += 1;
            if !self.is_taken()? || enough() {
                break;
            }
        }
        Ok(count)
    }

    /// Waits until nothing is left in the program's queue, and says whether that was in time.
    fn is_taken(&self) -> Checked<bool> {
        let (begin, deadline) = (Instant::now(), self.bench.answer());
        loop {
            self.bench.check_stop()?;
            if self.was_dropped() {
                self.send_again()?;
            }
            let in_vain = self.bench.waits_in_vain(begin, deadline);
            if waiting(self.remote) == 0 {
                return Ok(true);
            }
            if in_vain {
                self.bench.tell("check.not-taken", &[("address", &self.remote)]);
                return Ok(false);
            }
            thread::sleep(GLANCE);
        }
    }

    /// Waits for one datagram, and compares.
    ///
    /// # Errors
    /// Something else came, in the inner result; the checker's trouble in the outer.
    pub fn expect(&self, expected: &[u8]) -> Checked<Result<(), Heard>> {
        let (begin, deadline) = (Instant::now(), self.bench.answer());
        loop {
            self.bench.check_stop()?;
            let in_vain = self.bench.waits_in_vain(begin, deadline);
            match self.receive(PATIENCE)? {
                None if in_vain => break,
                None if self.was_dropped() => self.send_again()?,
                None => {}
                Some((datagram, from)) if datagram == expected => {
                    return Ok(if from == self.remote { Ok(()) } else { Err(Heard::From(from)) });
                }
                Some((datagram, _)) if self.is_double(&datagram) => {}
                Some((datagram, _)) => return Ok(Err(Heard::Other(datagram))),
            }
        }
        self.bench.tell("check.silence", &[("name", &self.name)]);
        Ok(Err(Heard::Silence))
    }

    /// The next datagram within `limit`, and who sent it.
    fn receive(&self, limit: Duration) -> Checked<Option<(Vec<u8>, SocketAddr)>> {
        self.socket.set_read_timeout(Some(limit)).map_err(trouble("SO_RCVTIMEO"))?;
        let mut buffer = vec![0; ROOM];
        let (count, from) = match self.socket.recv_from(&mut buffer) {
            Ok(received) => received,
            Err(error) if is_timeout(&error) => return Ok(None),
            Err(error) => return Err(trouble("recvfrom")(error)),
        };
        buffer.truncate(count);
        let text = preview(&buffer);
        let blanks: [(&str, &dyn std::fmt::Display); 4] =
            [("name", &self.name), ("count", &count), ("text", &text), ("from", &from)];
        let id = match (from == self.remote, count) {
            (false, _) => "check.received-from",
            (true, 0) => "check.received-empty",
            (true, _) => "check.received-one",
        };
        self.bench.tell(id, &blanks);
        Ok(Some((buffer, from)))
    }

    /// Closes it: what is still sent to it is refused.
    pub fn close(self) {
        self.bench.tell("check.closes-socket", &[("name", &self.name)]);
    }

    /// Whether the kernel has dropped a datagram since it was last asked, of ours or of another's.
    fn was_dropped(&self) -> bool {
        let now = dropped([self.remote, self.local]);
        self.dropped.replace(now) != now
    }

    fn send_again(&self) -> Checked {
        self.bench.tell("check.dropped", &[("name", &self.name)]);
        let last = self.last.borrow();
        self.doubled.borrow_mut().push(last.clone());
        self.socket.send_to(&last, self.remote).map(drop).map_err(trouble("sendto"))
    }

    /// Whether it is the second answer to a datagram that was sent twice.
    fn is_double(&self, datagram: &[u8]) -> bool {
        let mut doubled = self.doubled.borrow_mut();
        let place = doubled.iter().position(|sent| sent == datagram);
        place.map(|place| doubled.swap_remove(place)).is_some()
    }
}

/// How much waits in the queues of the sockets at `address`, as the kernel counts it: with its own account of each.
pub fn waiting(address: SocketAddr) -> u64 {
    entries(&table(), address).map(|entry| entry.waiting).sum()
}

/// How many datagrams the kernel has dropped: those for one of these addresses, and any before they came to a socket.
fn dropped(addresses: [SocketAddr; 2]) -> u64 {
    let table = table();
    let at_sockets = addresses.iter().flat_map(|it| entries(&table, *it)).map(|it| it.drops);
    let statistics = fs::read_to_string("/proc/net/softnet_stat").unwrap_or_default();
    let before = statistics
        .lines()
        .filter_map(|line| u64::from_str_radix(line.split_ascii_whitespace().nth(1)?, 16).ok());
    at_sockets.chain(before).sum()
}

/// The kernel's tables of UDP sockets. One for IPv6 can be at an IPv4 address, too: some languages know no other.
fn table() -> String {
    let read = |name| fs::read_to_string(format!("/proc/thread-self/net/{name}"));
    ["udp", "udp6"].into_iter().filter_map(|name| read(name).ok()).collect()
}

/// A line of them.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    waiting: u64,
    drops: u64,
}

/// What the table says of the sockets at `address`. The procfs crate leaves out the last column, the drops.
fn entries(table: &str, address: SocketAddr) -> impl Iterator<Item = Entry> {
    let address = in_table(address);
    table.lines().filter_map(move |line| {
        let columns: Vec<&str> = line.split_ascii_whitespace().collect();
        let (_, queued) = columns.get(4)?.split_once(':')?;
        let entry = Entry {
            waiting: u64::from_str_radix(queued, 16).ok()?,
            drops: columns.get(12)?.parse().ok()?,
        };
        (columns[1].trim_start_matches(MAPPED) == address).then_some(entry)
    })
}

/// The address as the table has it: the four bytes as one number of this machine, in hexadecimal.
fn in_table(address: SocketAddr) -> String {
    match address {
        SocketAddr::V4(it) => {
            format!("{:08X}:{:04X}", u32::from_ne_bytes(it.ip().octets()), it.port())
        }
        SocketAddr::V6(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    use socket2::{Domain, Socket, Type};

    use super::*;

    #[test]
    fn the_kernel_tells_what_waits_and_what_it_dropped() {
        let mapped = Ipv6Addr::from_bits(0xffff_7f00_0001);
        for host in [IpAddr::from(Ipv4Addr::LOCALHOST), mapped.into()] {
            waits_and_is_dropped(host);
        }
    }

    fn waits_and_is_dropped(host: IpAddr) {
        let Ok(socket) = Socket::new(Domain::for_address((host, 0).into()), Type::DGRAM, None)
        else {
            return assert!(host.is_ipv6(), "a system may have no IPv6, but must have IPv4");
        };
        if host.is_ipv6() {
            socket.set_only_v6(false).expect("IPV6_V6ONLY");
        }
        socket.bind(&SocketAddr::from((host, 0)).into()).expect("an address");
        let mut address = socket.local_addr().expect("an address").as_socket().expect("one of IP");
        address.set_ip(address.ip().to_canonical());
        let find = || entries(&table(), address).next().expect("it is in the table");
        assert_eq!(find(), Entry { waiting: 0, drops: 0 });
        let sender = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
        // More than any receive buffer that a system gives by itself.
        for _ in 0..2000 {
            sender.send_to(&[0; 60_000], address).expect("it is sent");
        }
        let full = find();
        assert!(full.waiting > 0 && full.drops > 0, "{full:?}");
    }
}
