//! A program's processes, as `/proc` tells of them: which there are, what they use, which sockets they hold.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::OsStr;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::{Pid, getpgrp};
use procfs::net::{TcpNetEntry, TcpState, UdpNetEntry};
use procfs::process::{FDTarget, Process, all_processes};
use rustix::process::{
    Pid as RustixPid, PidfdFlags, PidfdGetfdFlags, WaitOptions, getpid, pidfd_getfd, pidfd_open,
    set_child_subreaper, wait,
};

/// The environment variable by which a process is known again that has left its parent.
pub const TAG: &str = "SOCKLAB_RUN";

/// How long killed processes may take to go. Who is not gone then cannot be killed: it is another user's.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often they are looked for.
const GLANCE: Duration = Duration::from_millis(2);

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
        let own = |&(pid, root): &(i32, i32)| root == self.first || self.has_tag(pid);
        seen_below(|all| all.into_iter().filter(own).map(|(pid, _)| pid).collect())
    }

    /// Whether it was started by one of them, and has been given to this process since, which is the subreaper.
    fn has_tag(&self, pid: i32) -> bool {
        let environment = Process::new(pid).and_then(|process| process.environ());
        let environment = environment.unwrap_or_default();
        environment.get(OsStr::new(TAG)).is_some_and(|tag| *tag == *self.tag)
    }

    /// Whether there may be one that cannot be told yet: in the middle of an exec a process has neither arguments nor an
    /// environment to be known by.
    pub fn may_be_starting(&self) -> bool {
        let nameless = |process: &Process| process.cmdline().is_ok_and(|words| words.is_empty());
        all_below().iter().any(nameless)
    }

    /// Kills them, and waits a while until they are gone; says whether they are.
    pub fn kill(&self) -> bool {
        kill_all(|| self.alive()).is_empty()
    }

    /// Whether all of them have been stopped, as by SIGSTOP, and do nothing until they are continued.
    pub fn are_stopped(&self) -> bool {
        let alive = self.alive();
        let stopped = |process: &Process| process.stat().is_ok_and(|stat| stat.state == 'T');
        !alive.is_empty() && alive.iter().all(stopped)
    }

    /// How many they are, each counted with its threads, and how many bytes of memory they have in use.
    pub fn usage(&self) -> (u64, u64) {
        let stats = self.alive().into_iter().filter_map(|process| process.stat().ok());
        let used = stats.map(|stat| (stat.num_threads.cast_unsigned(), stat.rss));
        let (threads, pages) = used.fold((0, 0), |sum, own| (sum.0 + own.0, sum.1 + own.1));
        (threads, pages * procfs::page_size())
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
        self.usage().1
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

/// The process, if it has not ended. One whose first thread has ended looks as if it had.
fn running(pid: i32) -> Option<Process> {
    let process = Process::new(pid).ok()?;
    let stat = process.stat().ok()?;
    (stat.state != 'Z' || stat.num_threads > 1).then_some(process)
}

/// The children of a process. A look at all processes of the machine would say the same, and take longer the more there
/// are; it is for kernels that do not tell.
fn children_of(pid: i32) -> Vec<i32> {
    static TOLD: LazyLock<bool> =
        LazyLock::new(|| Path::new("/proc/thread-self/children").exists());
    if !*TOLD {
        return with_parent(pid);
    }
    let tasks = Process::new(pid).and_then(|process| process.tasks());
    let children = tasks.into_iter().flatten().flatten().filter_map(|task| task.children().ok());
    children.flatten().filter_map(|pid| pid.try_into().ok()).collect()
}

fn with_parent(parent: i32) -> Vec<i32> {
    let stats = all_processes().into_iter().flatten().flatten().filter_map(|it| it.stat().ok());
    stats.filter(|stat| stat.ppid == parent).map(|stat| stat.pid).collect()
}

/// The running processes among those that `pick` picks from all that come from this one. When there are none, it looks
/// again: the kernel may leave out a child when another one ends meanwhile (proc_pid_children(5)).
fn seen_below(pick: impl Fn(Vec<(i32, i32)>) -> Vec<i32>) -> Vec<Process> {
    const LOOKS: usize = 3;
    let looks = (0..LOOKS).map(|_| pick(below()).into_iter().filter_map(running).collect());
    looks.into_iter().find(|seen: &Vec<Process>| !seen.is_empty()).unwrap_or_default()
}

/// All processes that come from this one, each with the child of this one that it comes from.
fn below() -> Vec<(i32, i32)> {
    let mut all: Vec<(i32, i32)> = Vec::new();
    // A process whose parent ends meanwhile comes to this one, and would be missed: so look again until nobody has come.
    loop {
        let children = children_of(std::process::id().cast_signed());
        let known: HashSet<i32> = all.iter().map(|(pid, _)| *pid).collect();
        let new: Vec<i32> = children.into_iter().filter(|pid| !known.contains(pid)).collect();
        if new.is_empty() {
            return all;
        }
        let found = new
            .into_iter()
            .flat_map(|root| with_descendants(root).into_iter().map(move |pid| (pid, root)));
        all.extend(found.filter(|(pid, _)| !known.contains(pid)));
    }
}

/// It, its children, and theirs.
fn with_descendants(pid: i32) -> Vec<i32> {
    let (mut pids, mut next) = (vec![pid], 0);
    while let Some(&pid) = pids.get(next) {
        pids.extend(children_of(pid));
        next += 1;
    }
    pids
}

/// Kills what `alive` finds, until it finds nothing or that takes too long; what is left then.
fn kill_all(alive: impl Fn() -> Vec<Process>) -> Vec<Process> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let left = alive();
        if left.is_empty() || Instant::now() > deadline {
            return left;
        }
        // A group is killed at one stroke: none of its processes can start another meanwhile.
        for group in groups(&left) {
            let _ = killpg(group, Signal::SIGKILL);
        }
        for process in &left {
            // It may end by itself this very moment.
            let _ = kill(Pid::from_raw(process.pid), Signal::SIGKILL);
        }
        std::thread::sleep(GLANCE);
    }
}

/// The process groups that they are in, without this process's own.
fn groups(processes: &[Process]) -> BTreeSet<Pid> {
    let stats = processes.iter().filter_map(|process| process.stat().ok());
    let groups = stats.map(|stat| Pid::from_raw(stat.pgrp));
    groups.filter(|group| *group != getpgrp() && group.as_raw() > 1).collect()
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
    let plain = |mut entry: UdpNetEntry| {
        entry.local_address.set_ip(entry.local_address.ip().to_canonical());
        entry
    };
    [process.udp(), process.udp6()].into_iter().flatten().flatten().map(plain).collect()
}

impl Held {
    /// A duplicate of the descriptor, to read its options. To be dropped at once: as long as it is open, the program's
    /// close sends no FIN. `None` where the system does not allow it.
    pub fn duplicate(&self) -> Option<OwnedFd> {
        let pidfd = pidfd_open(RustixPid::from_raw(self.pid)?, PidfdFlags::empty()).ok()?;
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

/// Makes processes whose parents end children of this one, wherever they have gone.
pub fn adopt_orphans() {
    if let Err(error) = set_child_subreaper(Some(getpid())) {
        tracing::warn!(%error, "programs that leave their parents will not be found");
    }
}

/// Everything that comes from this process, also what left its session and forgot its environment.
fn all_below() -> Vec<Process> {
    seen_below(|all| all.into_iter().map(|(pid, _)| pid).collect())
}

/// Kills everything that comes from this process; says how many processes could not be ended.
pub fn kill_all_below() -> usize {
    kill_all(all_below).len()
}

/// Hears of the end of everything that was killed. Only when nobody else waits for children of this process.
pub fn reap() {
    while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
}
