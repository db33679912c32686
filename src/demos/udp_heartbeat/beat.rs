//! A client: it says again and again that it is there, to somebody who never answers.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use crate::cli::{DEFAULT_PORT, UdpHeartbeat};
use crate::error::{Error, Result};
use crate::narrate::{Socket, note};
use crate::stage::Stage;

use super::roll::Beat;

/// Beats until `--count` beats are done, or `stage.stop` is requested.
pub fn run(args: &UdpHeartbeat, stage: &Stage) -> Result<()> {
    let port = args.port.unwrap_or(DEFAULT_PORT);
    if port == 0 {
        return Err(Error::failed("udp-heartbeat.no-port", []));
    }
    let host = args.host.as_deref().unwrap_or("localhost");
    let monitor = super::monitor_address(host, port, stage.stretch)?;
    let name = args.name.as_deref().unwrap_or("mei");
    let percent = args.drop.unwrap_or(0);
    let mut client = Client::open(name, monitor, percent)?;
    let outcome = beat_on(&mut client, args, stage);
    note("udp-heartbeat.beaten", &[("sent", &client.sent), ("skipped", &client.skipped)]);
    outcome
}

/// Without a number of beats, being stopped is the way to end.
fn beat_on(client: &mut Client, args: &UdpHeartbeat, stage: &Stage) -> Result<()> {
    for seq in 1..=args.count.unwrap_or(u64::MAX) {
        // The pause is not stretched: a reader who holds the calls back makes it longer already.
        if seq > 1 && stage.stop.wait_for(args.interval) {
            return if args.count.is_some() { Err(Error::Interrupted) } else { Ok(()) };
        }
        client.beat_or_skip(seq)?;
    }
    Ok(())
}

/// Somebody who beats.
pub struct Client {
    name: String,
    socket: Socket,
    monitor: SocketAddr,
    skips: Skips,
    sent: u64,
    skipped: u64,
}

impl Client {
    // ANCHOR: client
    /// A socket whose peer is `monitor`. Nothing is sent yet; but now the kernel can tell what comes back by ICMP.
    pub fn open(name: &str, monitor: SocketAddr, percent: u8) -> Result<Self> {
        let socket = super::udp_socket(monitor)?;
        socket.connect(&monitor.into()).map_err(Error::during("connect", monitor))?;
        let (name, skips) = (name.to_owned(), Skips::new(percent));
        Ok(Self { name, socket, monitor, skips, sent: 0, skipped: 0 })
    }

    /// Sends beat `seq`, or skips it and says so: the monitor cannot tell that from a loss.
    pub fn beat_or_skip(&mut self, seq: u64) -> Result<()> {
        if self.skips.skip_next() {
            self.skipped += 1;
            note("udp-heartbeat.skipped", &[("name", &self.name), ("seq", &seq)]);
            return Ok(());
        }
        self.beat(seq)
    }

    /// Sends beat `seq`. An error that an earlier beat caused is told now, in place of sending: so it is sent again.
    pub fn beat(&mut self, seq: u64) -> Result<()> {
        let datagram = Beat { name: self.name.as_bytes(), seq }.to_bytes();
        let mut outcome = self.socket.send(&datagram);
        if is_refusal(&outcome) {
            note("udp-heartbeat.nobody", &[("address", &self.monitor), ("seq", &seq)]);
            outcome = self.socket.send(&datagram);
        }
        if !is_refusal(&outcome) {
            outcome.map_err(Error::during("send", self.monitor))?;
            self.sent += 1;
        }
        Ok(())
    }
    // ANCHOR_END: client

    /// How many beats it has sent.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// How many it has skipped.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }
}

/// Nobody receives at that port. On Windows it is called a reset.
fn is_refusal(outcome: &io::Result<usize>) -> bool {
    let refusals = [ErrorKind::ConnectionRefused, ErrorKind::ConnectionReset];
    outcome.as_ref().is_err_and(|error| refusals.contains(&error.kind()))
}

// ANCHOR: skips
/// Which beats are skipped: so many of a hundred, spread evenly. No dice: it is the same in every run.
#[derive(Clone)]
pub struct Skips {
    percent: u8,
    owed: u8,
}

impl Skips {
    /// Skips `percent` of a hundred.
    pub fn new(percent: u8) -> Self {
        Self { percent, owed: 0 }
    }

    /// Whether the next one is skipped: each adds its share, and a whole one is paid.
    pub fn skip_next(&mut self) -> bool {
        let owed = self.owed + self.percent;
        self.owed = owed % 100;
        owed >= 100
    }
}
// ANCHOR_END: skips

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_hundred_so_many_are_skipped_wherever_the_hundred_begins() {
        for percent in 0..=100 {
            let mut skips = Skips::new(percent);
            let skipped: Vec<bool> = (0..300).map(|_| skips.skip_next()).collect();
            for hundred in skipped.windows(100) {
                let count = hundred.iter().filter(|&&skipped| skipped).count();
                assert_eq!(count, usize::from(percent), "of {percent} %");
            }
        }
    }

    #[test]
    fn a_fifth_is_every_fifth() {
        let mut skips = Skips::new(20);
        let skipped: Vec<u64> = (1..=10).filter(|_| skips.skip_next()).collect();
        assert_eq!(skipped, [5, 10]);
    }
}
