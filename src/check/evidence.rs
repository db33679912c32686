//! What can be seen of a program from outside, that tells one mistake from another.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use procfs::net::{TcpNetEntry, TcpState};
use socket2::SockRef;

use super::bench::Bench;
use super::processes::Held;
use super::program::Program;

/// For so long a program's use of the processor is measured.
const MEASURED: Duration = Duration::from_millis(400);

/// When nothing has left its send queue for so long, the client does not read.
const STALLED: Duration = Duration::from_millis(150);

/// Whether it uses the processor though nothing is sent to it: more than a third of one.
pub fn spins(bench: &Bench, program: &Program) -> bool {
    let before = program.processes().cpu_time();
    std::thread::sleep(MEASURED);
    let used = program.processes().cpu_time().saturating_sub(before);
    bench.tell("check.uses", &[("used", &used.as_millis()), ("time", &MEASURED.as_millis())]);
    used > MEASURED / 3
}

/// The program's end of its connection from `local` to `peer`, if it holds one: it has accepted it.
pub fn connection(
    program: &Program,
    local: SocketAddr,
    peer: SocketAddr,
) -> Option<(TcpNetEntry, Held)> {
    let all = program.processes().connections();
    all.into_iter().find(|(entry, _)| entry.local_address == local && entry.remote_address == peer)
}

/// Whether it holds its end of that connection.
pub fn holds(program: &Program, local: SocketAddr, peer: SocketAddr) -> bool {
    connection(program, local, peer).is_some()
}

/// Whether its end of that connection is non-blocking, or has a time limit for receiving: then `recv` says EAGAIN when
/// nothing has come.
pub fn impatience(program: &Program, local: SocketAddr, peer: SocketAddr) -> bool {
    let Some((_, held)) = connection(program, local, peer) else { return false };
    let limited =
        held.duplicate().and_then(|socket| SockRef::from(&socket).read_timeout().ok().flatten());
    held.is_nonblocking() || limited.is_some()
}

/// Whether its end of that connection is non-blocking, or has a time limit for sending: then `send` says EAGAIN when there
/// is no room.
pub fn hurries(program: &Program, local: SocketAddr, peer: SocketAddr) -> bool {
    let Some((_, held)) = connection(program, local, peer) else { return false };
    let limited =
        held.duplicate().and_then(|socket| SockRef::from(&socket).write_timeout().ok().flatten());
    held.is_nonblocking() || limited.is_some()
}

/// Whether it has said on standard error that a call could not go on yet, in the words of the system or of a language.
pub fn names_eagain(program: &Program) -> bool {
    const WORDS: [&str; 5] =
        ["temporarily unavailable", "EAGAIN", "WouldBlock", "BlockingIOError", "timed out"];
    let errors = program.errors();
    let errors = String::from_utf8_lossy(&errors);
    WORDS.iter().any(|words| errors.contains(words))
}

/// Waits until it has accepted that connection and read all that has come there. Not for ever: a program may do neither.
pub fn has_read(bench: &Bench, program: &Program, local: SocketAddr, peer: SocketAddr) -> bool {
    let read = |(entry, _): (TcpNetEntry, Held)| entry.rx_queue == 0;
    poll(bench.answer(), || connection(program, local, peer).is_some_and(read))
}

/// Waits until it cannot send more to a client that does not read, or has ended its sending.
pub fn stalls(bench: &Bench, program: &Program, local: SocketAddr, peer: SocketAddr) -> bool {
    let mut seen = (0, Instant::now());
    poll(bench.answer(), || {
        let Some((entry, _)) = connection(program, local, peer) else { return true };
        if entry.tx_queue != seen.0 {
            seen = (entry.tx_queue, Instant::now());
        }
        let sends = matches!(entry.state, TcpState::Established | TcpState::CloseWait);
        !sends || entry.tx_queue > 0 && seen.1.elapsed() > STALLED
    })
}

/// Looks until `is_so`, or `deadline`; says which.
fn poll(deadline: Instant, mut is_so: impl FnMut() -> bool) -> bool {
    loop {
        if is_so() {
            return true;
        }
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whether the socket that listens at `address` has SO_REUSEADDR set. `None` where the system does not let us see.
pub fn reuses_address(program: &Program, address: SocketAddr) -> Option<bool> {
    let listening = program.processes().listening();
    let (_, held) = listening.into_iter().find(|(local, _)| *local == address)?;
    let socket = held.duplicate()?;
    SockRef::from(&socket).reuse_address().ok()
}

/// How many sockets it holds more than `before`, when it has had time to close those that are over.
pub fn sockets_left(program: &Program, before: usize) -> usize {
    let deadline = Instant::now() + Duration::from_secs(1);
    loop {
        let left = program.processes().sockets().len().saturating_sub(before);
        if left == 0 || Instant::now() > deadline {
            return left;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// What the kernel holds of a connection with the program.
#[derive(Clone, Copy, Debug)]
pub struct Queues {
    /// Bytes sent to the program that it has not read.
    pub unread: u32,
    /// Bytes sent by the program that have not arrived.
    pub unsent: u32,
    /// Whether the program still holds its end. What it sent can be on its way without.
    pub held: bool,
}

/// The queues of the connection between the checker's `local` and the program's `remote`, without a look at the program's
/// processes: cheap enough to be asked after every byte. `None` when the kernel knows of no such connection.
pub fn queues(local: SocketAddr, remote: SocketAddr) -> Option<Queues> {
    // The kernel writes its table in parts. When others come and go meanwhile, an entry may be missed.
    const LOOKS: usize = 3;
    let mut looks = (0..LOOKS).map(|_| ends(local, remote));
    let seen = looks.find(|(ours, theirs)| ours.is_some() && theirs.is_some());
    let (ours, theirs) = seen.unwrap_or_else(|| ends(local, remote));
    let theirs = theirs?;
    let on_the_way = ours.map_or(0, |entry| entry.tx_queue);
    Some(Queues {
        unread: on_the_way + theirs.rx_queue,
        unsent: theirs.tx_queue,
        held: theirs.inode != 0,
    })
}

/// Both ends of a connection, as the kernel's table has them.
fn ends(local: SocketAddr, remote: SocketAddr) -> (Option<TcpNetEntry>, Option<TcpNetEntry>) {
    let table = procfs::net::tcp().unwrap_or_default();
    let between = |from: SocketAddr, to: SocketAddr| {
        let mut entries = table.iter();
        entries.find(|entry| entry.local_address == from && entry.remote_address == to).cloned()
    };
    (between(local, remote), between(remote, local))
}
