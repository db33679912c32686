//! The end of processes: those that come from this one are killed, and their end is heard of. Nobody else's are touched.

use std::collections::{BTreeSet, HashSet};
use std::io;
use std::process::Child;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::unistd::getpgrp;
use procfs::process::Process;
use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, kill_process, kill_process_group, pidfd_open,
    pidfd_send_signal, waitpid,
};

use super::processes::{all_below, own_children};

/// How long killed processes may take to go. Who is not gone then cannot be killed: it is another user's.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often they are looked for.
const GLANCE: Duration = Duration::from_millis(2);

/// Starts a child whose end somebody waits for, until [`forget`].
///
/// # Errors
/// Those of `start`.
pub fn awaited(start: impl FnOnce() -> io::Result<Child>) -> io::Result<Child> {
    // Until it is written down it must not be reaped.
    let mut awaited = those_awaited();
    let child = start()?;
    awaited.insert(child.id().cast_signed());
    Ok(child)
}

/// Nobody waits for it any more.
pub fn forget(child: &Child) {
    those_awaited().remove(&child.id().cast_signed());
}

fn those_awaited() -> MutexGuard<'static, BTreeSet<i32>> {
    static AWAITED: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());
    AWAITED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Hears of the end of all children for whom nobody waits: they have left their parents. Until somebody does, each of them
/// takes up a number, of which a machine has not so many. Says whether there were any.
pub fn reap() -> bool {
    reap_after(|_| {})
}

/// Does something with each of them before.
fn reap_after(act: impl Fn(Pid)) -> bool {
    let awaited = those_awaited();
    let adopted = own_children().into_iter().filter(|pid| !awaited.contains(pid));
    let adopted: Vec<Pid> = adopted.filter_map(Pid::from_raw).collect();
    // Until they are reaped, below, their numbers are theirs.
    adopted.iter().for_each(|pid| act(*pid));
    for pid in &adopted {
        let _ = waitpid(Some(*pid), WaitOptions::NOHANG);
    }
    !adopted.is_empty()
}

/// Kills what `alive` finds, until it finds nothing or that takes too long; what is left then.
pub fn kill_all(alive: impl Fn() -> Vec<Process>) -> Vec<Process> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let left = alive();
        if left.is_empty() || Instant::now() > deadline {
            return left;
        }
        // A group is killed at one stroke: none of its processes can start another meanwhile.
        for group in groups(&left) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        left.iter().for_each(|process| send(process, Signal::KILL));
        reap();
        std::thread::sleep(GLANCE);
    }
}

/// The process groups that they are in, without this process's own.
fn groups(processes: &[Process]) -> HashSet<Pid> {
    let stats = processes.iter().filter_map(|process| process.stat().ok());
    // Of its own group this process may see no number: 0, in a PID namespace that began with it.
    let foreign = |group: &i32| *group > 1 && *group != getpgrp().as_raw();
    stats.map(|stat| stat.pgrp).filter(foreign).filter_map(Pid::from_raw).collect()
}

/// Sends a signal to the process that was seen, not to one that has its number since.
pub fn send(process: &Process, signal: Signal) {
    let Some(pid) = Pid::from_raw(process.pid) else { return };
    match pidfd_open(pid, PidfdFlags::empty()) {
        // Its folder in /proc is there still: so it was there when the descriptor was opened.
        Ok(pidfd) if process.stat().is_ok() => drop(pidfd_send_signal(pidfd, signal)),
        Ok(_) | Err(Errno::SRCH) => {}
        // No descriptor is left, or this kernel knows none.
        Err(_) => drop(kill_process(pid, signal)),
    }
}

/// Kills everything that comes from this process; says how many processes could not be ended.
pub fn kill_all_below() -> usize {
    let left = kill_all(all_below).len();
    // A process that starts another and ends, again and again, is gone before anything can be asked of it: what is there is
    // killed at sight.
    let deadline = Instant::now() + PATIENCE;
    let mut quiet = 0;
    while quiet < 3 && Instant::now() < deadline {
        let any = reap_after(|pid| {
            let _ = kill_process(pid, Signal::KILL);
        });
        quiet = if any { 0 } else { quiet + 1 };
    }
    left
}
