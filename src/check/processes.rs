//! A program's processes, as `/proc` tells of them: which there are, what they use, which sockets they hold.

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsStr;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::Duration;

use procfs::net::{TcpNetEntry, TcpState, UdpNetEntry};
use procfs::process::{FDTarget, Process, all_processes};
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

/// The environment variable by which a process is known again that has left its parent.
pub const TAG: &str = "SOCKLAB_RUN";

/// A program's processes: the one that was started, and all that come from it.
#[derive(Clone, Debug)]
pub struct Processes {
    first: i32,
    tag: String,
}

/// A socket that a program holds.
#[derive(Clone, Debug)]
pub struct Held {
    /// The process that holds it.
    pub pid: i32,
    /// Its descriptor there.
    pub fd: i32,
    /// Its number in the kernel's tables.
    pub inode: u64,
}

impl Processes {
    /// Those that come from `first`, which was started with [`TAG`] set to `tag`.
    pub fn of(first: i32, tag: String) -> Self {
        Self { first, tag }
    }

    /// Those that there are now. A process that has ended, and waits for its parent to hear of it, is none.
    pub fn alive(&self) -> Vec<Process> {
        let all: Vec<(Process, i32)> =
            all_processes().into_iter().flatten().flatten().filter_map(running).collect();
        let parents: HashMap<i32, i32> =
            all.iter().map(|(process, parent)| (process.pid, *parent)).collect();
        let descends = |mut pid: i32| {
            while pid != self.first {
                match parents.get(&pid) {
                    Some(&parent) => pid = parent,
                    None => return false,
                }
            }
            true
        };
        let me = std::process::id().cast_signed();
        // Only what has lost its parent is asked for its tag: to read the environment of all processes takes long.
        let lost = |parent: i32| [1, me].contains(&parent);
        let own = all.into_iter().filter(|(process, parent)| {
            descends(process.pid) || lost(*parent) && self.has_tag(process)
        });
        own.map(|(process, _)| process).collect()
    }

    /// Whether it was started by one of them, and has been given to another parent since.
    fn has_tag(&self, process: &Process) -> bool {
        let environment = process.environ().unwrap_or_default();
        environment.get(OsStr::new(TAG)).is_some_and(|tag| *tag == *self.tag)
    }

    /// The processor time that they have used.
    pub fn cpu_time(&self) -> Duration {
        let ticks: u64 = self
            .alive()
            .iter()
            .filter_map(|process| process.stat().ok())
            .map(|stat| stat.utime + stat.stime)
            .sum();
        Duration::from_millis(ticks * 1000 / procfs::ticks_per_second())
    }

    /// The time for which they have run on a processor, or were ready to and waited for one: on a loaded machine a program
    /// that is busy gets little processor time. `None` where the kernel does not count it.
    pub fn busy_time(&self) -> Option<Duration> {
        let alive = self.alive();
        let tasks = alive.iter().filter_map(|process| process.tasks().ok()).flatten().flatten();
        let counted = tasks.filter_map(|task| task.schedstat().ok());
        let spent: u64 = counted.map(|it| it.sum_exec_runtime + it.run_delay).sum();
        (spent > 0).then(|| Duration::from_nanos(spent))
    }

    /// Whether one of them runs, or would if a processor were free, or waits for a disk.
    pub fn are_busy(&self) -> bool {
        let state = |process: &Process| process.stat().map(|stat| stat.state);
        self.alive().iter().any(|process| matches!(state(process), Ok('R' | 'D')))
    }

    /// The bytes of memory that they have in use.
    pub fn memory(&self) -> u64 {
        let pages: u64 = self
            .alive()
            .iter()
            .filter_map(|process| process.statm().ok())
            .map(|memory| memory.resident)
            .sum();
        pages * procfs::page_size()
    }

    /// The sockets that they hold.
    pub fn sockets(&self) -> Vec<Held> {
        self.alive().iter().flat_map(sockets_of).collect()
    }

    /// Where they listen.
    pub fn listening(&self) -> Vec<(SocketAddr, Held)> {
        let listens = |entry: &TcpNetEntry| entry.state == TcpState::Listen;
        self.with_entries(|process| {
            tcp(process)
                .into_iter()
                .filter(listens)
                .map(|it| (it.inode, it.local_address))
                .collect()
        })
    }

    /// Where they receive datagrams.
    pub fn receiving(&self) -> Vec<(SocketAddr, Held)> {
        self.with_entries(|process| {
            udp(process).into_iter().map(|it| (it.inode, it.local_address)).collect()
        })
    }

    /// Their ends of TCP connections.
    pub fn connections(&self) -> Vec<(TcpNetEntry, Held)> {
        let is_one = |entry: &TcpNetEntry| entry.state != TcpState::Listen;
        self.with_entries(|process| {
            tcp(process).into_iter().filter(is_one).map(|it| (it.inode, it)).collect()
        })
    }

    /// All connections in the network that this process is in, whoever has them.
    pub fn all_connections() -> Vec<TcpNetEntry> {
        Process::myself().map(|process| tcp(&process)).unwrap_or_default()
    }

    /// What the kernel's table, as `read` from it by inode, says of the sockets that they hold.
    fn with_entries<T: Clone>(&self, read: impl Fn(&Process) -> Vec<(u64, T)>) -> Vec<(T, Held)> {
        let alive = self.alive();
        let Some(one) = alive.first() else { return Vec::new() };
        let entries: HashMap<u64, T> = read(one).into_iter().collect();
        let held = alive.iter().flat_map(sockets_of);
        held.filter_map(|held| Some((entries.get(&held.inode)?.clone(), held))).collect()
    }
}

/// The process and its parent, if it has not ended.
fn running(process: Process) -> Option<(Process, i32)> {
    let stat = process.stat().ok()?;
    (stat.state != 'Z').then_some((process, stat.ppid))
}

fn sockets_of(process: &Process) -> Vec<Held> {
    let descriptors = process.fd().into_iter().flatten().flatten();
    let socket = |target: &FDTarget| match target {
        FDTarget::Socket(inode) => Some(*inode),
        _ => None,
    };
    let pid = process.pid;
    descriptors.filter_map(|it| Some(Held { pid, fd: it.fd, inode: socket(&it.target)? })).collect()
}

/// The tables of the network that the process is in.
fn tcp(process: &Process) -> Vec<TcpNetEntry> {
    [process.tcp(), process.tcp6()].into_iter().flatten().flatten().map(plain).collect()
}

/// An IPv4 connection of an IPv6 socket (some languages know no other) has its addresses as `::ffff:127.0.0.1`.
fn plain(mut entry: TcpNetEntry) -> TcpNetEntry {
    for address in [&mut entry.local_address, &mut entry.remote_address] {
        address.set_ip(address.ip().to_canonical());
    }
    entry
}

fn udp(process: &Process) -> Vec<UdpNetEntry> {
    [process.udp(), process.udp6()].into_iter().flatten().flatten().collect()
}

impl Held {
    /// A duplicate of the descriptor, to read its options. To be dropped at once: as long as it is open, the program's
    /// close sends no FIN. `None` where the system does not allow it.
    pub fn duplicate(&self) -> Option<OwnedFd> {
        let pidfd = pidfd_open(Pid::from_raw(self.pid)?, PidfdFlags::empty()).ok()?;
        pidfd_getfd(pidfd, self.fd, PidfdGetfdFlags::empty()).ok()
    }

    /// Whether it is non-blocking.
    pub fn is_nonblocking(&self) -> bool {
        let info = std::fs::read_to_string(format!("/proc/{}/fdinfo/{}", self.pid, self.fd))
            .unwrap_or_default();
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
        let flags =
            flags.and_then(|octal| i32::from_str_radix(octal.trim(), 8).ok()).unwrap_or_default();
        flags & nix::libc::O_NONBLOCK != 0
    }
}

/// The processes that have been given to this one because their parents ended, and wait to be heard of.
pub fn orphans(known: &BTreeSet<i32>) -> Vec<i32> {
    let me = std::process::id().cast_signed();
    let all = all_processes().into_iter().flatten().flatten();
    let children = all.filter_map(|process| {
        let stat = process.stat().ok()?;
        (stat.ppid == me && !known.contains(&stat.pid)).then_some(stat.pid)
    });
    children.collect()
}
