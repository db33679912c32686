//! A queue between the room and the thread that writes to one client.
//!
//! Who puts something in never waits, so a client that does not read holds up nobody else. What it may leave unread is
//! bounded: beyond that, it is given up.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// The lines that wait to be sent to one client.
#[derive(Debug)]
pub struct Outbox {
    limit_bytes: usize,
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    lines: VecDeque<Arc<[u8]>>,
    bytes: usize,
    closed: bool,
    overflowed: bool,
}

/// The client has left too much unread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Full;

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("too much is waiting to be read")
    }
}

impl std::error::Error for Full {}

impl Outbox {
    /// An outbox in which at most `limit_bytes` wait.
    pub fn new(limit_bytes: usize) -> Self {
        let (queue, changed) = Default::default();
        Self { limit_bytes, queue, changed }
    }

    // ANCHOR: put
    /// Puts `line` at the end. Never waits. A closed outbox drops it: its client is on the way out.
    ///
    /// # Errors
    /// When that would be over the limit. What waited is then dropped, and the outbox is closed, so this happens once.
    pub fn push(&self, line: impl Into<Arc<[u8]>>) -> Result<(), Full> {
        let line = line.into();
        let mut queue = self.lock();
        if queue.closed {
            return Ok(());
        }
        self.changed.notify_all();
        if queue.bytes + line.len() > self.limit_bytes {
            *queue = Queue { closed: true, overflowed: true, ..Queue::default() };
            return Err(Full);
        }
        queue.bytes += line.len();
        queue.lines.push_back(line);
        Ok(())
    }

    /// Takes the first line; waits for one if there is none. `None` when the outbox is closed and nothing is left in it.
    pub fn next(&self) -> Option<Arc<[u8]>> {
        let idle = |queue: &mut Queue| queue.lines.is_empty() && !queue.closed;
        let mut queue =
            self.changed.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner);
        let line = queue.lines.pop_front()?;
        queue.bytes -= line.len();
        Some(line)
    }
    // ANCHOR_END: put

    /// Lets nothing more in. What waits can still be taken.
    pub fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Whether nothing more is let in.
    pub fn closed(&self) -> bool {
        self.lock().closed
    }

    /// Whether it was closed because too much waited.
    pub fn overflowed(&self) -> bool {
        self.lock().overflowed
    }

    /// A thread that panicked under the lock left no half-done change behind: the queue is good.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use super::*;

    type Taken = mpsc::Receiver<Option<Arc<[u8]>>>;

    /// What comes out of an outbox of 10 bytes, on a thread that waits for it.
    fn drained() -> (Arc<Outbox>, Taken) {
        let outbox = Arc::new(Outbox::new(10));
        let (tell, told) = mpsc::channel();
        let of_writer = outbox.clone();
        thread::spawn(move || while tell.send(of_writer.next()).is_ok() {});
        (outbox, told)
    }

    fn first(told: &Taken) -> Option<Vec<u8>> {
        told.recv_timeout(Duration::from_secs(30)).expect("woken").map(|line| line.to_vec())
    }

    #[test]
    fn a_line_wakes_the_writer() {
        let (outbox, told) = drained();
        for line in [b"one", b"two"] {
            outbox.push(*line).unwrap();
            assert_eq!(first(&told), Some(line.to_vec()));
        }
    }

    #[test]
    fn closing_wakes_the_writer() {
        let (outbox, told) = drained();
        outbox.close();
        assert_eq!(first(&told), None);
    }

    #[test]
    fn what_waited_is_sent_before_the_end() {
        let outbox = Outbox::new(10);
        outbox.push(*b"one").unwrap();
        outbox.close();
        assert_eq!(outbox.push(*b"late"), Ok(()));
        assert_eq!(outbox.next().as_deref(), Some(&b"one"[..]));
        assert_eq!(outbox.next(), None);
        assert!(!outbox.overflowed());
    }

    #[test]
    fn the_limit_is_on_what_waits_not_on_what_passes() {
        let outbox = Outbox::new(10);
        for _ in 0..100 {
            outbox.push(*b"0123456789").unwrap();
            outbox.next().unwrap();
        }
    }

    #[test]
    fn one_byte_too_many_ends_it_at_once_and_is_told_once() {
        let outbox = Outbox::new(10);
        outbox.push(*b"0123456789").unwrap();
        assert_eq!(outbox.push(*b"!"), Err(Full));
        assert_eq!(outbox.push(*b"!"), Ok(()));
        assert_eq!(outbox.next(), None);
        assert!(outbox.overflowed() && outbox.closed());
    }

    #[test]
    fn a_panic_elsewhere_does_not_spread() {
        let outbox = Outbox::new(10);
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _queue = outbox.lock();
            std::panic::resume_unwind(Box::new("quietly"));
        }));
        assert!(outbox.queue.is_poisoned());
        outbox.push(*b"one").unwrap();
        assert!(outbox.next().is_some());
    }
}
