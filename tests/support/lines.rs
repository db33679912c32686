//! The lines that a child prints, read on a thread so that a wait for one can have a limit.

use std::io::{BufRead, BufReader, Read};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// Lines as they come, and all that came.
pub struct Lines {
    coming: Receiver<String>,
    seen: Vec<String>,
}

/// How a wait for a line ended.
#[derive(Debug, PartialEq)]
pub enum Next {
    /// A line came; it is the last of [`Lines::seen`].
    Line,
    /// There will be no more.
    End,
    /// None came in time.
    Nothing,
}

impl Lines {
    /// Starts to read `source`.
    pub fn of(source: impl Read + Send + 'static) -> Self {
        let (sender, coming) = mpsc::channel();
        thread::spawn(move || {
            let mut source = BufReader::new(source);
            let mut line = Vec::new();
            while source.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
                let text = String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(&line));
                if sender.send(text.into_owned()).is_err() {
                    return;
                }
                line.clear();
            }
        });
        Self { coming, seen: Vec::new() }
    }

    /// Waits for one more line, at most for `limit`.
    pub fn next(&mut self, limit: Duration) -> Next {
        match self.coming.recv_timeout(limit) {
            Ok(line) => {
                self.seen.push(line);
                Next::Line
            }
            Err(RecvTimeoutError::Disconnected) => Next::End,
            Err(RecvTimeoutError::Timeout) => Next::Nothing,
        }
    }

    /// Every line so far, in order.
    pub fn seen(&self) -> &[String] {
        &self.seen
    }

    /// The last lines so far, for a failing test to show.
    pub fn tail(&self) -> String {
        let skipped = self.seen.len().saturating_sub(60);
        let shown = self.seen[skipped..].iter().map(|line| clipped(line)).collect::<Vec<_>>();
        format!("({skipped} lines before)\n{}", shown.join("\n"))
    }
}

fn clipped(line: &str) -> String {
    line.chars().take(400).collect()
}
