//! A program's processes, as `/proc` tells of them: which there are, what they use, which sockets they hold.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::{LazyLock, OnceLock};
use std::time::Duration;

use procfs::ProcError;
use procfs::net::{TcpNetEntry, TcpState, UdpNetEntry};
use procfs::process::{FDTarget, Process, Task, all_processes};
use rustix::process::{
    Pid, PidfdFlags, PidfdGetfdFlags, Signal, getpid, pidfd_getfd, pidfd_open, set_child_subreaper,
};

use super::ending::kill_all;

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

    /// Their threads.
    pub fn threads(&self) -> Vec<Task> {
        let alive = self.alive();
        alive.iter().filter_map(|process| process.tasks().ok()).flatten().flatten().collect()
    }

    /// Whether all of them have been stopped, as by SIGSTOP, and do nothing until they are continued.
    pub fn are_stopped(&self) -> bool {
        let alive = self.alive();
        let stopped = |process: &Process| process.stat().is_ok_and(|stat| stat.state == 'T');
        !alive.is_empty() && alive.iter().all(stopped)
    }

    /// Whether the system does not show what one of them has open: one that has other rights than this process, or whose file
    /// may be run and not read.
    pub fn are_hidden(&self) -> bool {
        let hidden =
            |process: &Process| matches!(process.fd(), Err(ProcError::PermissionDenied(_)));
        self.alive().iter().any(hidden)
    }

    /// How many they are, each counted with its threads, and how many bytes of memory they have in use.
    pub fn usage(&self) -> (u64, u64) {
        let stats = self.alive().into_iter().filter_map(|process| process.stat().ok());
        let used = stats.map(|stat| (stat.num_threads.cast_unsigned(), stat.rss));
        let (threads, pages) = used.fold((0, 0), |sum, own| (sum.0 + own.0, sum.1 + own.1));
        (threads, pages * procfs::page_size())
    }

    /// The bytes of memory that they have in use, what several of them share counted once. It takes the kernel long to say.
    /// Of a process that does not let it be seen, what it shares counts in full.
    pub fn memory_of_its_own(&self) -> u64 {
        let own = |process: Process| {
            let maps = process.smaps_rollup().ok()?.memory_map_rollup.0;
            maps.first()?.extension.map.get("Pss").copied()
        };
        let all =
            |process: &Process| process.stat().map_or(0, |stat| stat.rss * procfs::page_size());
        self.alive()
            .into_iter()
            .map(|process| {
                let all = all(&process);
                own(process).unwrap_or(all)
            })
            .sum()
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
        let counted = self.threads().into_iter().filter_map(|task| task.schedstat().ok());
        let spent: u64 = counted.map(|it| it.sum_exec_runtime + it.run_delay).sum();
        (spent > 0).then(|| Duration::from_nanos(spent))
    }

    /// The longest time for which one of their threads was ready to run and waited for a processor.
    pub fn starved(&self) -> Duration {
        let waited = self
            .threads()
            .into_iter()
            .filter_map(|task| task.schedstat().ok())
            .map(|it| it.run_delay);
        Duration::from_nanos(waited.max().unwrap_or(0))
    }

    /// Whether a thread of theirs runs, or would if a processor were free, or waits for a disk.
    pub fn are_busy(&self) -> bool {
        let states = self.threads().into_iter().filter_map(|task| task.stat().ok());
        states.map(|stat| stat.state).any(|state| matches!(state, 'R' | 'D'))
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
    // A process whose parent ends meanwhile comes to this one, and would be missed: so look again until nobody has come.
    // From a program that forks without end, somebody always has.
    const LOOKS: usize = 8;
    let mut all: Vec<(i32, i32)> = Vec::new();
    for _ in 0..LOOKS {
        let known: HashSet<i32> = all.iter().map(|(pid, _)| *pid).collect();
        let new: Vec<i32> = own_children().into_iter().filter(|pid| !known.contains(pid)).collect();
        if new.is_empty() {
            break;
        }
        let found = new
            .into_iter()
            .flat_map(|root| with_descendants(root).into_iter().map(move |pid| (pid, root)));
        all.extend(found.filter(|(pid, _)| !known.contains(pid)));
    }
    all
}

/// The children that this process had before it started any, as a shell leaves them to a program that it becomes.
static STRANGERS: OnceLock<HashSet<i32>> = OnceLock::new();

/// From now on children are this process's own. To be called before it starts any.
pub fn spare_strangers() {
    STRANGERS.get_or_init(|| children_of(std::process::id().cast_signed()).into_iter().collect());
}

/// The children of this process that it started, or was given by those that it started.
pub fn own_children() -> Vec<i32> {
    let mut children = children_of(std::process::id().cast_signed());
    children.retain(|pid| STRANGERS.get().is_none_or(|strangers| !strangers.contains(pid)));
    children
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

/// Whether what this module asks for can be seen here.
///
/// # Errors
/// It cannot, for the reason with that name: then nothing could be said of a program.
pub fn can_be_seen() -> Result<(), &'static str> {
    const CHILD: u64 = 1 << (Signal::CHILD.as_raw() - 1);
    let myself = Process::myself().map_err(|_| "check.no-proc")?;
    let ignored = myself.status().map_err(|_| "check.no-proc")?.sigign;
    match () {
        // A /proc of another PID namespace has other numbers.
        () if myself.pid.unsigned_abs() != std::process::id() => Err("check.other-proc"),
        // Then the kernel keeps no exit status (wait(2)).
        () if ignored & CHILD != 0 => Err("check.no-status"),
        () => Ok(()),
    }
}

/// Makes processes whose parents end children of this one, wherever they have gone.
pub fn adopt_orphans() {
    if let Err(error) = set_child_subreaper(Some(getpid())) {
        tracing::warn!(%error, "programs that leave their parents will not be found");
    }
}

/// Everything that comes from this process, also what left its session and forgot its environment.
pub fn all_below() -> Vec<Process> {
    seen_below(|all| all.into_iter().map(|(pid, _)| pid).collect())
}
