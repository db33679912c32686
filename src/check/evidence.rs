//! What can be seen of a program from outside, that tells one mistake from another.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use nix::libc;
use procfs::net::{TcpNetEntry, TcpState};
use socket2::SockRef;

use super::bench::Bench;
use super::processes::{Held, Processes};
use super::program::Program;

/// For so long a program's use of the processor is measured.
const MEASURED: Duration = Duration::from_millis(400);

/// When nothing has left its send queue for so long, the client does not read.
const STALLED: Duration = Duration::from_millis(150);

/// How long it may take to close the sockets of connections that are over.
const TIME_TO_CLOSE: Duration = Duration::from_secs(1);

/// How long it may take to accept a connection.
const TIME_TO_ACCEPT: Duration = Duration::from_secs(1);

/// How long it may take to read what has come.
const TIME_TO_READ: Duration = Duration::from_secs(1);

/// How often a program is looked at that gives no sign by itself.
const GLANCE: Duration = Duration::from_millis(5);

/// Whether it uses the processor, or waits for one, though nothing is sent to it: for more than a third of the time.
pub fn spins(bench: &Bench, program: &Program) -> bool {
    let spent = || program.processes().busy_time().unwrap_or(program.processes().cpu_time());
    let before = spent();
    std::thread::sleep(MEASURED);
    let used = spent().saturating_sub(before);
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

/// Waits until it has accepted that connection, at most a second: a program may not, or may have closed it again.
pub fn accepts(program: &Program, local: SocketAddr, peer: SocketAddr) -> bool {
    comes_true(Instant::now() + TIME_TO_ACCEPT, GLANCE, || holds(program, local, peer))
}

/// Whether one of its processes is interrupted when a child of it ends: it has a handler for SIGCHLD.
pub fn hears_of_children(program: &Program) -> bool {
    let caught = |status: procfs::process::Status| status.sigcgt >> (libc::SIGCHLD - 1) & 1 == 1;
    let alive = program.processes().alive();
    alive.iter().filter_map(|process| process.status().ok()).any(caught)
}

/// Whether its end of that connection is non-blocking, or has a time limit for receiving: then `recv` says EAGAIN when
/// nothing has come.
pub fn impatience(program: &Program, local: SocketAddr, peer: SocketAddr) -> bool {
    has_limit(program, local, peer, |socket| socket.read_timeout())
}

/// Whether its end of that connection is non-blocking, or has a time limit for sending: then `send` says EAGAIN when there
/// is no room.
pub fn hurries(program: &Program, local: SocketAddr, peer: SocketAddr) -> bool {
    has_limit(program, local, peer, |socket| socket.write_timeout())
}

/// Whether its end of that connection is non-blocking, or has the time limit that `limit` reads.
fn has_limit(
    program: &Program,
    local: SocketAddr,
    peer: SocketAddr,
    limit: impl Fn(SockRef) -> io::Result<Option<Duration>>,
) -> bool {
    let Some((_, held)) = connection(program, local, peer) else { return false };
    let limited = held.duplicate().and_then(|socket| limit(SockRef::from(&socket)).ok().flatten());
    held.is_nonblocking() || limited.is_some()
}

/// How an error is called, in any language, that says "nothing yet": EAGAIN, EWOULDBLOCK, EINPROGRESS.
const NOTHING_YET: [&str; 10] = [
    "temporarily unavailable",
    "timed out",
    "would block",
    "wouldblock",
    "eagain",
    "blockingioerror",
    "now in progress",
    "einprogress",
    "os error 11)",
    "os error 115)",
];

/// Whether it has said on standard error that a call could not go on yet, in the words of the system or of a language.
pub fn names_eagain(program: &Program) -> bool {
    let said = String::from_utf8_lossy(&program.errors()).to_lowercase();
    NOTHING_YET.iter().any(|words| said.contains(words))
}

/// Waits until it has accepted that connection and read all that has come there. Not for ever: a program may do neither.
pub fn has_read(bench: &Bench, program: &Program, local: SocketAddr, peer: SocketAddr) -> bool {
    let read = |(entry, _): (TcpNetEntry, Held)| entry.rx_queue == 0;
    bench.sees(|| connection(program, local, peer).is_some_and(read))
}

/// Waits until it cannot send more to a client that does not read, or has ended its sending.
pub fn stalls(bench: &Bench, program: &Program, local: SocketAddr, peer: SocketAddr) -> bool {
    let mut seen = (0, Instant::now());
    bench.sees(|| {
        let Some((entry, _)) = connection(program, local, peer) else { return true };
        if entry.tx_queue != seen.0 {
            seen = (entry.tx_queue, Instant::now());
        }
        let sends = matches!(entry.state, TcpState::Established | TcpState::CloseWait);
        !sends || entry.tx_queue > 0 && seen.1.elapsed() > STALLED
    })
}

/// Looks until `is_so`, or `deadline`, with this pause between two looks; says which.
pub fn comes_true(deadline: Instant, pause: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    loop {
        if is_so() {
            return true;
        }
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(pause);
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
    let mut left = 0;
    comes_true(Instant::now() + TIME_TO_CLOSE, GLANCE, || {
        left = program.processes().sockets().len().saturating_sub(before);
        left == 0
    });
    left
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
    let table = Processes::all_connections();
    let between = |from: SocketAddr, to: SocketAddr| {
        let mut entries = table.iter();
        entries.find(|entry| entry.local_address == from && entry.remote_address == to).cloned()
    };
    (between(local, remote), between(remote, local))
}

/// Whether a thread of the program waits for data on that socket, with no limit to the wait. `None` where the system does
/// not let us see.
pub fn waits_without_limit(program: &Program, held: &Held) -> Option<bool> {
    let limited = SockRef::from(&held.duplicate()?).read_timeout().ok()?.is_some();
    let threads = program.processes().threads().into_iter();
    let waits: Vec<bool> = threads
        .filter_map(|thread| {
            let (pid, tid) = (thread.pid, thread.tid);
            let call = std::fs::read_to_string(format!("/proc/{pid}/task/{tid}/syscall")).ok()?;
            Some(waits_for_ever(&call, held.fd, limited, |epoll| watches(pid, epoll, held.fd)))
        })
        .collect();
    (!waits.is_empty()).then(|| waits.contains(&true))
}

/// Whether that epoll descriptor of a process watches `fd`: a language may have others for purposes of its own.
fn watches(pid: i32, epoll: u64, fd: i32) -> bool {
    // proc_pid_fdinfo(5): a line for each descriptor, `tfd:        5 events: ...`.
    let Ok(info) = std::fs::read_to_string(format!("/proc/{pid}/fdinfo/{epoll}")) else {
        return true;
    };
    let watched = info.lines().filter_map(|line| line.strip_prefix("tfd:"));
    watched.filter_map(|rest| rest.split_whitespace().next()).any(|it| it == fd.to_string())
}

/// Whether one of its threads runs now and then within that time, though nothing comes: it has a timer of its own.
pub fn wakes_by_itself(program: &Program, within: Duration) -> bool {
    let before = switches(program);
    std::thread::sleep(within);
    switches(program) > before
}

/// How often its threads have gone to sleep so far.
fn switches(program: &Program) -> u64 {
    let threads = program.processes().threads().into_iter();
    let status = threads.filter_map(|thread| thread.status().ok());
    status.filter_map(|status| status.voluntary_ctxt_switches).sum()
}

/// Whether a system call, as `/proc` shows it (its number, its six arguments), waits with no limit: in a receive on `fd`
/// that is not `limited`, or in one of the calls that watch several descriptors. `watches` says whether an epoll
/// descriptor watches it.
fn waits_for_ever(call: &str, fd: i32, limited: bool, watches: impl Fn(u64) -> bool) -> bool {
    let mut words = call.split_ascii_whitespace();
    let Some(Ok(number)) = words.next().map(str::parse::<i64>) else { return false };
    let hexadecimal = |word: &str| u64::from_str_radix(word.trim_start_matches("0x"), 16).ok();
    let args: Vec<u64> = words.filter_map(hexadecimal).collect();
    let argument = |index: usize| args.get(index).copied().unwrap_or_default();
    // An `int` in a register of 64 bits.
    let is_minus_one = |index| argument(index) & 0xffff_ffff == 0xffff_ffff;
    match number {
        libc::SYS_recvfrom | libc::SYS_recvmsg | libc::SYS_read => {
            !limited && argument(0) == u64::from(fd.unsigned_abs())
        }
        libc::SYS_ppoll => argument(2) == 0,
        libc::SYS_pselect6 => argument(4) == 0,
        libc::SYS_epoll_pwait => is_minus_one(3) && watches(argument(0)),
        #[cfg(target_arch = "x86_64")]
        libc::SYS_poll => is_minus_one(2),
        #[cfg(target_arch = "x86_64")]
        libc::SYS_select => argument(4) == 0,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_epoll_wait => is_minus_one(3) && watches(argument(0)),
        _ => false,
    }
}

/// Waits until what the program's connection holds to be sent stays the same while the program sleeps: there is no room
/// for more, or there is no more. At most so long. Says how many bytes that are.
pub fn fills_up(
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
    takes_within(program, local, peer, TIME_TO_READ)
}

/// The same, with a limit of its own.
pub fn takes_within(
    program: &Program,
    local: SocketAddr,
    peer: SocketAddr,
    limit: Duration,
) -> bool {
    comes_true(Instant::now() + limit, GLANCE, || {
        connection(program, local, peer).is_none_or(|(entry, _)| entry.rx_queue == 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_without_a_limit_is_known_by_its_arguments() {
        let receive = format!("{} 0x3 0x7ff 0x10000 0x0 0x0 0x0 0x7ffe 0x7f21", libc::SYS_recvfrom);
        assert!(waits_for_ever(&receive, 3, false, |_| true));
        assert!(!waits_for_ever(&receive, 3, true, |_| true), "SO_RCVTIMEO is its limit");
        assert!(!waits_for_ever(&receive, 4, false, |_| true), "another descriptor");
        let watch = |limit| {
            format!("{} 0x4 0x7ff 0x8 {limit} 0x0 0x8 0x7ffe 0x7f21", libc::SYS_epoll_pwait)
        };
        assert!(waits_for_ever(&watch("0xffffffff"), 3, false, |epoll| epoll == 4));
        assert!(!waits_for_ever(&watch("0xffffffff"), 3, false, |_| false), "another epoll");
        assert!(!waits_for_ever(&watch("0x64"), 3, false, |_| true));
        assert!(!waits_for_ever("running", 3, false, |_| true));
    }
}
