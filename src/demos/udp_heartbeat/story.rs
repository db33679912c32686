//! The heartbeat as a story: a monitor and four clients, each with a habit; and at last a real loss.
//!
//! One thread plays them all in turn, on a socket each. The sockets do not mind: what is sent waits in the monitor's
//! queue. Time passes only where the monitor waits in vain for a whole interval. So nobody is taken for dead because
//! somebody reads slowly, and the order is that of the story.

use std::fmt::Display;
use std::net::SocketAddr;
use std::time::Duration;

use crate::cli::UdpHeartbeat;
use crate::error::{Error, Result};
use crate::narrate::{acting_as, note};
use crate::stage::Stage;

use super::beat::{Client, Skips};
use super::monitor::{Heard, Monitor};

/// What the one that skips skips, when nothing else is asked for.
const USUAL_DROP: u8 = 50;

/// After so many intervals a client that was silent from the second on is down.
const SILENCE_SHOWN: u64 = 3;

/// No more intervals than this to see a beat skipped, however rarely it is.
const PATIENCE: u64 = 101;

/// So many beats in a row fill the smallest buffer and more.
const FLOOD: u64 = 6;

/// Plays it.
pub fn play(args: &UdpHeartbeat, stage: &Stage) -> Result<()> {
    let percent = args.drop.unwrap_or(USUAL_DROP);
    let interval = humantime::format_duration(args.interval);
    note("udp-heartbeat.story", &[]);
    note("udp-heartbeat.cast", &[("percent", &percent), ("interval", &interval)]);
    let monitor = acting_as("monitor", || open_monitor(args, stage))?;
    let waker = acting_as("monitor", || monitor.wake_on_stop())?;
    let outcome = Story { monitor, interval: args.interval, clock: Duration::ZERO }.unfold(
        args.name.as_deref().unwrap_or("steady"),
        percent,
        args.count,
    );
    waker.end();
    outcome
}

fn open_monitor(args: &UdpHeartbeat, stage: &Stage) -> Result<Monitor> {
    let host = args.host.as_deref().unwrap_or("127.0.0.1");
    let address = super::monitor_address(host, args.port.unwrap_or(0), stage.stretch)?;
    let mut monitor = Monitor::open(address, args.interval, stage.stop.clone())?;
    monitor.wait_at_most(Some(args.interval))?;
    Ok(monitor)
}

/// The monitor, and the time as it has passed for it.
struct Story {
    monitor: Monitor,
    interval: Duration,
    clock: Duration,
}

impl Story {
    fn unfold(mut self, steady: &str, percent: u8, count: Option<u64>) -> Result<()> {
        let mut cast = Cast::open(steady, percent, self.monitor.reachable())?;
        for round in 1..=count.unwrap_or_else(|| rounds(percent)) {
            note("udp-heartbeat.round", &[("round", &round)]);
            cast.beat(round)?;
            self.let_an_interval_pass()?;
        }
        cast.leave(self.monitor.received());
        self.overflow()?;
        acting_as("monitor", || drop(self.monitor));
        Ok(())
    }

    // ANCHOR: interval
    /// The monitor hears what has come, until nothing has come for an interval.
    fn let_an_interval_pass(&mut self) -> Result<()> {
        self.hear_all()?;
        self.clock += self.interval;
        acting_as("monitor", || self.monitor.judge(self.clock));
        Ok(())
    }

    fn hear_all(&mut self) -> Result<()> {
        while self.hear()? != Heard::Nothing {}
        Ok(())
    }

    fn hear(&mut self) -> Result<Heard> {
        let clock = self.clock;
        match acting_as("monitor", || self.monitor.hear(|| clock))? {
            Heard::Stop => Err(Error::Interrupted),
            heard => Ok(heard),
        }
    }
    // ANCHOR_END: interval

    // ANCHOR: overflow
    /// A real loss: beats come while the monitor does not read, and its receive buffer is as small as can be.
    fn overflow(&mut self) -> Result<()> {
        note("udp-heartbeat.overflow", &[]);
        let size = acting_as("monitor", || self.monitor.shrink())?;
        let to = self.monitor.reachable();
        let mut flood = acting_as("flood", || Client::open("flood", to, 0))?;
        let before = self.monitor.received();
        for seq in 1..=FLOOD {
            acting_as("flood", || flood.beat(seq))?;
        }
        self.hear_all()?;
        let received = self.monitor.received() - before;
        acting_as("flood", || flood.beat(FLOOD + 1))?;
        while self.hear()? == Heard::Signal {}
        acting_as("flood", || drop(flood));
        let all_came = received == FLOOD;
        let told =
            if all_came { "udp-heartbeat.not-overflowed" } else { "udp-heartbeat.overflowed" };
        let missing = FLOOD.saturating_sub(received);
        let blanks: [(_, &dyn Display); 4] =
            [("sent", &FLOOD), ("received", &received), ("missing", &missing), ("size", &size)];
        note(told, &blanks);
        Ok(())
    }
    // ANCHOR_END: overflow
}

/// The clients.
struct Cast {
    steady: Client,
    skips: Client,
    muddled: Client,
    silent: Client,
}

impl Cast {
    fn open(steady: &str, percent: u8, monitor: SocketAddr) -> Result<Self> {
        let client = |actor: &str, name: &str, percent| {
            acting_as(actor, || Client::open(name, monitor, percent))
        };
        Ok(Self {
            steady: client("steady", steady, 0)?,
            skips: client("skips", "skips", percent)?,
            muddled: client("muddled", "muddled", 0)?,
            silent: client("silent", "silent", 0)?,
        })
    }

    // ANCHOR: cast
    /// What everybody does in one interval.
    fn beat(&mut self, round: u64) -> Result<()> {
        acting_as("steady", || self.steady.beat(round))?;
        acting_as("skips", || self.skips.beat_or_skip(round))?;
        for seq in muddled(round) {
            acting_as("muddled", || self.muddled.beat(seq))?;
        }
        if round == 1 {
            acting_as("silent", || self.silent.beat(1))?;
        }
        Ok(())
    }
    // ANCHOR_END: cast

    /// They close their sockets; what was sent and what came is counted.
    fn leave(self, received: u64) {
        let all = [&self.steady, &self.skips, &self.muddled, &self.silent];
        let sent: u64 = all.iter().map(|client| client.sent()).sum();
        let skipped = self.skips.skipped();
        let blanks: [(_, &dyn Display); 3] =
            [("sent", &sent), ("received", &received), ("skipped", &skipped)];
        let all_came = sent == received;
        note(
            if all_came { "udp-heartbeat.all-came" } else { "udp-heartbeat.not-all-came" },
            &blanks,
        );
        acting_as("steady", || drop(self.steady));
        acting_as("skips", || drop(self.skips));
        acting_as("muddled", || drop(self.muddled));
        acting_as("silent", || drop(self.silent));
    }
}

/// In which order the muddled one's beats leave: the third overtakes the second, and comes twice.
fn muddled(round: u64) -> Vec<u64> {
    match round {
        2 => vec![3],
        3 => vec![2, 3],
        _ => vec![round],
    }
}

/// So many intervals show everything: the silence, and a gap where a beat was skipped between two that were sent.
fn rounds(percent: u8) -> u64 {
    let mut skips = Skips::new(percent);
    let skipped: Vec<bool> = (1..=PATIENCE).map(|_| skips.skip_next()).collect();
    let sent_first = skipped.iter().position(|&skipped| !skipped).unwrap_or(skipped.len());
    let skip = skipped.iter().skip(sent_first).position(|&skipped| skipped);
    let gap = skip.map_or(skipped.len(), |skip| sent_first + skip);
    let seen = skipped.iter().skip(gap).position(|&skipped| !skipped).map(|after| gap + after + 1);
    let seen = seen.and_then(|seen| u64::try_from(seen).ok()).unwrap_or(0);
    seen.max(SILENCE_SHOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_story_is_as_long_as_it_takes_to_see_a_gap() {
        assert_eq!(rounds(0), 3);
        assert_eq!(rounds(100), 3);
        assert_eq!(rounds(50), 3);
        assert_eq!(rounds(20), 6);
        assert_eq!(rounds(80), 6);
        assert_eq!(rounds(1), 101);
    }
}
