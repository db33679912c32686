//! What became of all requests, counted and measured.

use std::time::Duration;

use crate::error::{Error, Result};
use crate::narrate::note;
use crate::stage::Stretch;

use super::show;

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    /// After this long.
    Answered(Duration),
    /// Somebody said that it cannot be.
    Rejected,
    /// Nothing came in time.
    Silence,
}

/// What became of all requests.
#[derive(Default)]
pub struct Tally {
    sent: usize,
    rejected: usize,
    times: Vec<Duration>,
}

impl Tally {
    /// Counts one more.
    pub fn add(&mut self, outcome: Outcome) {
        self.sent += 1;
        match outcome {
            Outcome::Answered(time) => self.times.push(time),
            Outcome::Rejected => self.rejected += 1,
            Outcome::Silence => {}
        }
    }

    /// Tells the reader. The times are the kernel's and this program's, and `stretch` says whether they are the reader's too.
    pub fn tell(&self, stretch: Stretch) {
        note("raw-ping.tally", &[("sent", &self.sent), ("answered", &self.times.len())]);
        let (Some(shortest), Some(longest)) = (self.times.iter().min(), self.times.iter().max())
        else {
            return;
        };
        let count = u32::try_from(self.times.len()).unwrap_or(u32::MAX);
        let mean = self.times.iter().sum::<Duration>() / count;
        let [min, avg, max] = [*shortest, mean, *longest].map(show::milliseconds);
        note("raw-ping.times", &[("min", &min), ("avg", &avg), ("max", &max)]);
        match stretch {
            Stretch::Times(1) => note("raw-ping.printing", &[]),
            _ => note("raw-ping.paced", &[]),
        }
    }

    /// One answer is enough.
    ///
    /// # Errors
    /// There is none.
    pub fn verdict(&self, host: &str, limit: Duration) -> Result<()> {
        let host = ("host", host.to_owned());
        match (self.times.len(), self.rejected) {
            (0, 0) => {
                let limit = humantime::format_duration(limit).to_string();
                Err(Error::failed("raw-ping.no-answer", [host, ("limit", limit)]))
            }
            (0, _) => Err(Error::failed("raw-ping.rejected", [host])),
            _ => Ok(()),
        }
    }
}
