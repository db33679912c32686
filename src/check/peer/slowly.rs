//! A peer that does not read for a while, or reads slowly: the program must cope with full buffers.

use std::io::{self, Write};
use std::net::Shutdown;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::{Heard, Instead, Peer};
use crate::check::ANSWER;
use crate::check::verdict::{Checked, trouble};

/// When nothing has been taken for so long, both sides' buffers are full.
const STALLED: Duration = Duration::from_millis(150);

impl Peer<'_> {
    /// Sends all of it, and reads nothing back until the program takes no more because its own answers are not read; then
    /// reads as many bytes as were sent. The program must cope with full buffers on both sides.
    ///
    /// # Errors
    /// Something else came back, in the inner result; the checker's trouble in the outer.
    pub fn exchange_slowly(&self, message: &[u8]) -> Checked<Result<(), Heard>> {
        self.socket
            .set_write_timeout(Some(self.bench.patiently(2 * ANSWER)))
            .map_err(trouble("SO_SNDTIMEO"))?;
        let taken = AtomicUsize::new(0);
        thread::scope(|scope| {
            scope.spawn(|| {
                for piece in message.chunks(16 << 10) {
                    if (&self.socket).write_all(piece).is_err() {
                        return;
                    }
                    taken.fetch_add(piece.len(), Ordering::Relaxed);
                }
            });
            let mut seen = 0;
            while seen < message.len() {
                thread::sleep(STALLED);
                let now = taken.load(Ordering::Relaxed);
                if now == seen {
                    break;
                }
                seen = now;
            }
            self.bench.tell("check.stalled", &[("name", &self.name), ("count", &seen)]);
            let heard = self.expect_within(message, self.bench.patiently(2 * ANSWER));
            if !matches!(heard, Ok(Ok(()))) {
                // So that the thread that sends is not kept waiting.
                let _ = self.socket.shutdown(Shutdown::Both);
            }
            heard
        })
    }

    /// Sends up to `message` and reads nothing back, until the program takes no more because its own answers are not read.
    /// How much it took.
    ///
    /// # Errors
    /// The checker's trouble.
    pub fn flood(&self, message: &[u8]) -> Checked<usize> {
        self.socket.set_write_timeout(Some(STALLED)).map_err(trouble("SO_SNDTIMEO"))?;
        let mut taken = 0;
        // An error is that nothing was taken for so long, or that the program ended the connection.
        while taken < message.len()
            && let Ok(count) = (&self.socket).write(&message[taken..])
        {
            taken += count;
        }
        let id = if taken < message.len() { "check.floods" } else { "check.sends-unread" };
        self.bench.tell(id, &[("name", &self.name), ("count", &taken)]);
        Ok(taken)
    }

    /// Receives like [`Peer::receive`], but takes a rest of `pause` before each look, and sends `more` at the same time.
    ///
    /// # Errors
    /// The checker's trouble.
    pub fn receive_slowly(
        &self,
        more: &[u8],
        pause: Duration,
        enough: impl Fn(&[u8]) -> bool,
    ) -> Checked<(Vec<u8>, Option<Instead>)> {
        let limit = self.bench.patiently(2 * ANSWER);
        self.socket.set_write_timeout(Some(limit)).map_err(trouble("SO_SNDTIMEO"))?;
        thread::scope(|scope| {
            let sender = scope.spawn(|| (&self.socket).write_all(more));
            let heard = self.receive(Instant::now() + limit, |bytes| {
                thread::sleep(pause);
                enough(bytes)
            });
            if !matches!(heard, Ok((_, Some(Instead::End)))) {
                // So that the thread that sends is not kept waiting.
                let _ = self.socket.shutdown(Shutdown::Both);
            }
            let sent = sender.join().unwrap_or(Ok(()));
            heard.map(|(bytes, ended)| match (ended, sent) {
                // The kernel tells of a reset once only: it may have told the thread that sends.
                (Some(Instead::End), Err(error))
                    if error.kind() == io::ErrorKind::ConnectionReset =>
                {
                    (bytes, Some(Instead::Reset))
                }
                (ended, _) => (bytes, ended),
            })
        })
    }
}
