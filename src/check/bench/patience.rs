//! How long a program is waited for: longer where it has to wait itself, and no longer than something can come.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use procfs::{Current, LoadAverage};

use super::Bench;
use crate::check::ANSWER;
use crate::check::processes::Processes;
use crate::check::program::Program;

/// On a loaded machine a wait may become so many times longer.
const MOST_PATIENT: f32 = 4.0;

/// A program that gets no processor may take so many times longer to listen.
const MOST_STARVED: u32 = 9;

/// A program is at rest that does nothing for so long; of background threads a tenth of it is nothing.
const REST: Duration = Duration::from_millis(50);

impl Bench<'_> {
    /// Until when an answer is waited for.
    pub fn answer(&self) -> Instant {
        Instant::now() + self.patiently(ANSWER)
    }

    /// `limit`, and more of it where the machine has more to do than it can: a program that has to wait for a processor is
    /// not slow. Waits that end on an event do not become longer by it.
    pub fn patiently(&self, limit: Duration) -> Duration {
        // The average is slow to tell of a load that has just begun: so it is asked who wants to run now, too.
        let load = LoadAverage::current().map_or(0.0, |load| load.one.max(load.cur as f32));
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        limit.mul_f32((2.0 * load / processors as f32).clamp(1.0, MOST_PATIENT))
    }

    /// Whether what has not come since then will not come: the deadline is over, or an answer's time is, and the programs do
    /// nothing that could still lead to one. On a loaded machine that is known long before all patience is at an end.
    ///
    /// To be asked before a look, which is then the last one: between a look and this question it may have come.
    pub fn waits_in_vain(&self, since: Instant, deadline: Instant) -> bool {
        Instant::now() >= deadline || since.elapsed() >= ANSWER && self.is_at_rest()
    }

    /// The same for a program that was started then, and is to listen.
    pub(super) fn will_not_listen(&self, program: &Program, start: Instant) -> bool {
        let (time, limit) = (start.elapsed(), self.patiently(self.plan.startup));
        // It is not to blame for the time in which others had the processor.
        let starved = || program.processes().starved().min(MOST_STARVED * limit);
        time >= self.plan.startup && (self.is_at_rest() || time >= limit + starved())
    }

    /// Whether none of its programs runs, or waits for a processor or a disk.
    fn is_at_rest(&self) -> bool {
        let started = self.started.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let busy = || started.iter().any(Processes::are_busy);
        let spent = || started.iter().filter_map(Processes::busy_time).sum::<Duration>();
        let before = spent();
        !busy() && {
            std::thread::sleep(REST);
            !busy() && spent().saturating_sub(before) < REST / 10
        }
    }
}
