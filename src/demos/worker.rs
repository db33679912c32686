//! Threads that a demo starts: one that it waits for no longer than it wants to, and one that wakes it when it is to stop.

use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::error::Result;
use crate::narrate;
use crate::stage::Stop;

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

/// A thread that waits for the request to stop, and then wakes whoever waits for something else.
pub struct Waker {
    over: Stop,
    worker: Worker,
}

impl Waker {
    /// Has `wake` done when somebody asks to stop, under this thread's own name.
    ///
    /// # Errors
    /// No more threads are to be had.
    pub fn start(stop: &Stop, wake: impl FnOnce() + Send + 'static) -> Result<Self> {
        let over = Stop::default();
        let (asked, ending, ended) = (stop.clone(), over.clone(), over.clone());
        stop.on_request(move || ending.request());
        let wait = move || {
            ended.wait();
            if asked.requested() {
                wake();
            }
        };
        let worker = Worker::start(&narrate::actor(), wait).map_err(super::no_thread)?;
        Ok(Self { over, worker })
    }

    /// Ends the thread: nobody waits any more.
    pub fn end(self) {
        self.over.request();
        self.worker.join();
    }
}
