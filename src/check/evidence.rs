//! What can be seen of a program from outside, that tells one mistake from another.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use procfs::net::TcpNetEntry;
use socket2::SockRef;

use super::bench::Bench;
use super::processes::Held;
use super::program::Program;

/// For so long a program's use of the processor is measured.
const MEASURED: Duration = Duration::from_millis(400);

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

/// How an error is called, in any language, that says "nothing yet": EAGAIN, EWOULDBLOCK, EINPROGRESS.
const NOTHING_YET: [&str; 9] = [
    "temporarily unavailable",
    "would block",
    "wouldblock",
    "eagain",
    "blockingioerror",
    "now in progress",
    "einprogress",
    "os error 11)",
    "os error 115)",
];

/// Whether the program complained, on standard error, of an error that only says "nothing yet".
pub fn complains_of_nothing_yet(program: &Program) -> bool {
    let said = String::from_utf8_lossy(&program.errors()).to_lowercase();
    NOTHING_YET.iter().any(|words| said.contains(words))
}

/// Waits until what the program's connection holds to be sent stays the same while the program sleeps: there is no room
/// for more, or there is no more. At most so long. Says how many bytes that are.
pub fn stalls(
    bench: &Bench,
    program: &Program,
    local: SocketAddr,
    peer: SocketAddr,
    limit: Duration,
) -> u32 {
    const LOOKS: usize = 3;
    let (deadline, mut seen) = (Instant::now() + limit, Vec::new());
    loop {
        let waiting = connection(program, local, peer).map_or(0, |(entry, _)| entry.tx_queue);
        seen.push(waiting);
        let still = seen.len() >= LOOKS && seen.iter().rev().take(LOOKS).all(|it| *it == waiting);
        if still && !program.processes().are_busy() || Instant::now() > deadline {
            bench.tell("check.full", &[("count", &waiting)]);
            return waiting;
        }
        std::thread::sleep(Duration::from_millis(30));
    }
}

/// Waits until the program has read what came to it, at most a second. Says whether it has.
pub fn takes(program: &Program, local: SocketAddr, peer: SocketAddr) -> bool {
    let deadline = Instant::now() + Duration::from_secs(1);
    loop {
        let waits = connection(program, local, peer).is_some_and(|(entry, _)| entry.rx_queue > 0);
        if !waits || Instant::now() > deadline {
            return !waits;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
