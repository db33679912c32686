//! Turns: of all checkers on a machine, so many work at a time as it has room for. More would only be in each other's way,
//! and a program that gets no processor looks like one that does nothing.
//!
//! A turn is a lock on a file (flock(2)): the kernel gives it back when a checker ends, however it does.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::unistd::getuid;

use crate::stage::Stop;

/// How often a turn is looked for by who is the next.
const GLANCE: Duration = Duration::from_millis(10);

/// How often the others look whether they are.
const AT_THE_DOOR: Duration = Duration::from_millis(100);

/// Whoever has waited so long begins without a turn: no wait is without end.
const LONGEST: Duration = Duration::from_secs(600);

/// After that long it is told what is waited for.
const SOON: Duration = Duration::from_secs(1);

/// The turns that there are.
pub struct Turns {
    folder: PathBuf,
    count: usize,
}

/// One of them, until it is dropped.
pub struct Turn {
    _lock: Flock<File>,
}

impl Turns {
    /// Those of this machine, for this user.
    pub fn of_this_machine() -> Self {
        let folder = std::env::temp_dir().join(format!("socklab-turns-{}", getuid()));
        // A check mostly waits.
        let count = 2 * thread::available_parallelism().map_or(2, usize::from);
        Self { folder, count }
    }

    /// Waits for a turn; calls `waits` when that takes a while. `None` where the system has none to give, or when `stop` is
    /// requested: then there is nothing to wait for.
    pub fn take(&self, stop: &Stop, waits: impl FnOnce()) -> Option<Turn> {
        let mut wait = Wait { begin: Instant::now(), stop, told: Some(waits) };
        // One at a time looks for a free one, so that many who wait cost nothing.
        let _next = wait.until(AT_THE_DOOR, || self.lock("door"))?;
        wait.until(GLANCE, || self.free())
    }

    fn free(&self) -> io::Result<Option<Turn>> {
        let all = (0..self.count).map(|number| self.lock(&number.to_string()));
        all.filter_map(io::Result::transpose).next().transpose()
    }

    /// The lock on a file of that name; none if somebody else has it.
    fn lock(&self, name: &str) -> io::Result<Option<Turn>> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let file = OpenOptions::new().append(true).create(true).open(self.folder.join(name))?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => Ok(Some(Turn { _lock: lock })),
            Err((_, Errno::EWOULDBLOCK)) => Ok(None),
            Err((_, error)) => Err(error.into()),
        }
    }
}

/// A wait that somebody is told of.
struct Wait<'a, F> {
    begin: Instant,
    stop: &'a Stop,
    told: Option<F>,
}

impl<F: FnOnce()> Wait<'_, F> {
    /// Looks again and again; `None` when it is over, or a look fails.
    fn until<T>(&mut self, pause: Duration, look: impl Fn() -> io::Result<Option<T>>) -> Option<T> {
        while self.begin.elapsed() < LONGEST && !self.stop.requested() {
            match look() {
                Ok(None) => {}
                Ok(found) => return found,
                Err(error) => {
                    tracing::info!(%error, "no turns");
                    return None;
                }
            }
            if self.begin.elapsed() > SOON
                && let Some(tell) = self.told.take()
            {
                tell();
            }
            thread::sleep(pause);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn turns(count: usize) -> (tempfile::TempDir, Turns) {
        let folder = tempfile::tempdir().expect("a folder");
        let turns = Turns { folder: folder.path().join("turns"), count };
        (folder, turns)
    }

    #[test]
    fn there_are_so_many_and_who_comes_late_waits_for_one() {
        let ((_folder, turns), stop) = (turns(2), Stop::default());
        let (one, _other) = (turns.take(&stop, || ()), turns.take(&stop, || ()));
        let (tell, told) = mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(|| {
                let third = turns.take(&stop, || tell.send("waits").expect("heard"));
                assert!(third.is_some());
                tell.send("has one").expect("heard");
            });
            assert_eq!(told.recv(), Ok("waits"));
            drop(one);
            assert_eq!(told.recv(), Ok("has one"));
        });
    }

    #[test]
    fn who_is_to_stop_and_who_can_have_none_wait_for_nothing() {
        let (folder, turns) = turns(0);
        let (stopped, stop) = (Stop::default(), Stop::default());
        stopped.request();
        assert!(turns.take(&stopped, || ()).is_none());
        std::fs::write(folder.path().join("turns"), "a file").expect("it is written");
        assert!(turns.take(&stop, || ()).is_none());
    }
}
