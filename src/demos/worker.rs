//! A thread that a demo starts, and waits for no longer than it wants to.

use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::narrate;

/// A thread of the narration.
pub struct Worker {
    thread: JoinHandle<()>,
    /// Nothing is ever sent: it disconnects when the thread is done.
    done: Receiver<()>,
}

impl Worker {
    /// Starts a thread under the name `actor`.
    ///
    /// # Errors
    /// No more threads are to be had.
    pub fn start(actor: &str, work: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        let (working, done) = mpsc::channel();
        let thread = narrate::spawn(actor, move || {
            work();
            drop(working);
        })?;
        Ok(Self { thread, done })
    }

    /// Waits until it is done, but no longer than `limit`; says whether it is.
    pub fn done_within(&self, limit: Duration) -> bool {
        self.done.recv_timeout(limit) != Err(RecvTimeoutError::Timeout)
    }

    /// Waits until it is done.
    pub fn join(self) {
        // A thread that panicked has said so on standard error.
        let _ = self.thread.join();
    }
}
