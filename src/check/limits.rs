//! What a program may use. The kernel holds it to some of it; the rest is watched.
//!
//! Processes are watched because RLIMIT_NPROC counts all of a user's, and none of root's; memory, because RLIMIT_AS and
//! RLIMIT_DATA count what was asked for and not used, such as the stacks of a thousand threads.

use std::io;
use std::process::Child;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

use super::ending;
use super::fate::Fate;
use super::private;
use super::processes::Processes;

/// How often a program is looked at.
const GLANCE: Duration = Duration::from_millis(50);

/// Looking may take this part of the time.
const SHARE: u32 = 20;

/// The soft limit of descriptors: enough for a thousand clients.
const DESCRIPTORS: u64 = 4096;

/// So many times more may be asked for than used.
const UNUSED: u64 = 8;

/// What a program may use at most.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Seconds of processor time.
    pub cpu_seconds: u64,
    /// Bytes of memory in use.
    pub memory: u64,
    /// Processes and threads.
    pub processes: u64,
    /// Bytes in a file that it writes.
    pub file_size: u64,
}

impl Default for Limits {
    fn default() -> Self {
        let (gib, mib) = (1 << 30, 1 << 20);
        Self { cpu_seconds: 60, memory: 4 * gib, processes: 4096, file_size: 64 * mib }
    }
}

/// Sets what the kernel holds it to. It may have run for a moment without.
pub fn set(child: &Child, limits: &Limits) {
    let pid = Pid::from_child(child);
    let set = |resource, soft: u64, hard: u64| {
        // Nobody but root can raise what this process was given itself.
        let most = getrlimit(resource).maximum.unwrap_or(u64::MAX);
        let limit = Rlimit { current: Some(soft.min(most)), maximum: Some(hard.min(most)) };
        if let Err(error) = prlimit(Some(pid), resource, limit) {
            tracing::warn!(?resource, %error, "a limit that could not be set");
        }
    };
    // At the soft limit it gets SIGXCPU, which tells why; at the hard one SIGKILL.
    set(Resource::Cpu, limits.cpu_seconds, limits.cpu_seconds.saturating_add(1));
    let asked_for = limits.memory.saturating_mul(UNUSED);
    set(Resource::Data, asked_for, asked_for);
    set(Resource::Fsize, limits.file_size, limits.file_size);
    set(Resource::Core, 0, 0);
    set(Resource::Nofile, DESCRIPTORS, DESCRIPTORS);
    if private::is_entered() {
        // Counted in the user namespace that the program is in.
        set(Resource::Nproc, limits.processes, limits.processes);
    }
}

/// Watches the rest until what it returns is dropped: a program that uses more is killed.
///
/// # Errors
/// There can be no more threads.
pub fn guard(processes: Processes, limits: Limits, fate: Fate) -> io::Result<Sender<()>> {
    let (alive, ended) = mpsc::channel();
    let watch = move || {
        let mut pause = GLANCE;
        while ended.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
            ending::reap();
            let begin = Instant::now();
            if exceeds(&processes, &limits, &fate) {
                processes.kill();
                return;
            }
            pause = GLANCE.max(SHARE * begin.elapsed());
        }
    };
    thread::Builder::new().name("limits".to_owned()).spawn(watch)?;
    Ok(alive)
}

fn exceeds(processes: &Processes, limits: &Limits, fate: &Fate) -> bool {
    let (count, memory) = processes.usage();
    if count > limits.processes {
        fate.exceeded("processes", count, limits.processes);
        return true;
    }
    // Processes that were forked have most of their memory in common.
    let memory = if memory > limits.memory { processes.memory_of_its_own() } else { memory };
    if memory > limits.memory {
        fate.exceeded("memory", memory >> 20, limits.memory >> 20);
        return true;
    }
    false
}
