//! Chapter 6: how a connection ends. Five ways to close it, both ends watched from outside while it happens.
//!
//! What is sent fills the buffers of a peer that does not read. So the FIN has to wait behind it, and the states that
//! are over in a moment otherwise stay as long as the story needs them.

mod ends;
mod time_wait;
mod watch;

use std::net::Shutdown;
use std::time::Duration;

use crate::cli::{Closing as Choice, GracefulClose};
use crate::error::Result;
use crate::narrate::note;
use crate::observe::TcpState::{
    CloseWait, Closed, Closing, Established, FinWait1, FinWait2, LastAck, TimeWait,
};
use crate::stage::Stage;

use ends::{Drained, Listener};
use watch::{Pair, Watch};

/// Shows the way that `args` names, or all.
///
/// # Errors
/// A call failed that should not, or it was interrupted.
pub fn run(args: &GracefulClose, stage: &Stage) -> Result<()> {
    let watch = Watch::start(&stage.stop);
    match args.way {
        Choice::Graceful => each(&watch, &[graceful]).map(drop),
        Choice::Abrupt => each(&watch, &[abrupt]).map(drop),
        Choice::Unread => each(&watch, &[unread]).map(drop),
        Choice::LastAck => each(&watch, &[last_ack, both_at_once]).map(drop),
        Choice::TimeWait => time_wait::who_pays(&watch),
        Choice::All => {
            let ways: [Way; 5] = [graceful, abrupt, unread, last_ack, both_at_once];
            let measured = each(&watch, &ways)?;
            time_wait::who_pays(&watch)?;
            compare(&measured);
            Ok(())
        }
    }
}

/// One way to close a connection that the listener accepts.
type Way = fn(&Listener) -> Result<Measured>;

/// What came of it.
struct Measured {
    way: &'static str,
    /// How many bytes `send` took.
    sent: usize,
    /// What the other end made of them.
    drained: Drained,
}

fn each(watch: &Watch, ways: &[Way]) -> Result<Vec<Measured>> {
    note("graceful-close.listener", &[]);
    let listener = Listener::with_small_buffers(watch)?;
    ways.iter().map(|way| way(&listener).inspect(|measured| measured.tell())).collect()
}

// ANCHOR: graceful
/// Half-close, drain, close: everything arrives.
fn graceful(listener: &Listener) -> Result<Measured> {
    note("graceful-close.graceful", &[]);
    let (client, server) = listener.connect()?;
    let pair = client.pair();

    let sent = client.fill()?;
    client.call("shutdown", |socket| socket.shutdown(Shutdown::Write))?;
    if pair.reach(FinWait1, Established) {
        note("graceful-close.fin-waits", &[]);
    }

    let drained = server.drain()?;
    pair.reach(FinWait2, CloseWait);
    note("graceful-close.half-closed", &[]);
    server.call("send", |socket| socket.send(b"I have it all. Goodbye!"))?;
    server.close();
    if pair.reach(TimeWait, Closed) {
        note("graceful-close.put-aside", &[]);
    }

    client.drain()?;
    client.close();
    say_who_pays(&pair);
    Ok(Measured { way: "graceful", sent, drained })
}
// ANCHOR_END: graceful

// ANCHOR: abrupt
/// SO_LINGER with zero: close sends RST, and throws away what has not left.
fn abrupt(listener: &Listener) -> Result<Measured> {
    note("graceful-close.abrupt", &[]);
    let (client, server) = listener.connect()?;
    let pair = client.pair();

    let sent = client.fill()?;
    client.call("setsockopt", |socket| socket.set_linger(Some(Duration::ZERO)))?;
    client.close();
    pair.reach(Closed, Closed);
    note("graceful-close.thrown-away", &[]);

    let drained = server.drain()?;
    server.close();
    say_who_pays(&pair);
    Ok(Measured { way: "abrupt", sent, drained })
}
// ANCHOR_END: abrupt

// ANCHOR: unread
/// The server answers without having read the question, and closes: that sends RST too.
fn unread(listener: &Listener) -> Result<Measured> {
    note("graceful-close.unread", &[]);
    let (client, server) = listener.connect()?;
    let pair = client.pair();

    client.call("send", |socket| socket.send(b"a question that nobody reads"))?;
    let sent = server.fill()?;
    if let Some(both) = pair.look() {
        note("graceful-close.question-unread", &[("unread", &both.server.unread)]);
    }
    server.close();
    pair.reach(Closed, Closed);
    note("graceful-close.read-first", &[]);

    let drained = client.drain()?;
    client.close();
    say_who_pays(&pair);
    Ok(Measured { way: "unread", sent, drained })
}
// ANCHOR_END: unread

// ANCHOR: last-ack
/// The server closes second, and what it sent is still under way.
fn last_ack(listener: &Listener) -> Result<Measured> {
    note("graceful-close.last-ack", &[]);
    let (client, server) = listener.connect()?;
    let pair = client.pair();

    client.call("shutdown", |socket| socket.shutdown(Shutdown::Write))?;
    pair.reach(FinWait2, CloseWait);
    server.drain()?;
    let sent = server.fill()?;
    server.close();
    if pair.reach(FinWait2, LastAck) {
        note("graceful-close.kernel-goes-on", &[]);
    }

    let drained = client.drain()?;
    pair.reach(TimeWait, Closed);
    client.close();
    say_who_pays(&pair);
    Ok(Measured { way: "last-ack", sent, drained })
}
// ANCHOR_END: last-ack

// ANCHOR: both
/// Both ends end their sending before either hears of it: CLOSING, and two that pay.
fn both_at_once(listener: &Listener) -> Result<Measured> {
    note("graceful-close.both-at-once", &[]);
    let (client, server) = listener.connect()?;
    let pair = client.pair();

    let sent = client.fill()?;
    server.fill()?;
    client.call("shutdown", |socket| socket.shutdown(Shutdown::Write))?;
    server.call("shutdown", |socket| socket.shutdown(Shutdown::Write))?;
    pair.reach(FinWait1, FinWait1);

    client.drain()?;
    pair.reach(Closing, FinWait2);
    let drained = server.drain()?;
    pair.reach(TimeWait, TimeWait);
    client.close();
    server.close();
    say_who_pays(&pair);
    Ok(Measured { way: "both at once", sent, drained })
}
// ANCHOR_END: both

/// Says for whom the kernel remembers the connection, and how long it still will.
fn say_who_pays(pair: &Pair) {
    let Some(both) = pair.look() else { return };
    let ends = [("client", both.client), ("server", both.server)];
    for (actor, seen) in &ends {
        if let Some(left) = seen.forgotten_in {
            let seconds = left.as_secs_f64().round();
            note("graceful-close.remembered", &[("actor", actor), ("seconds", &seconds)]);
        }
    }
    if ends.iter().all(|(_, seen)| seen.state == Closed) {
        note("graceful-close.not-remembered", &[]);
    }
}

impl Measured {
    fn tell(&self) {
        let (received, lost) = (self.drained.bytes, self.sent.saturating_sub(self.drained.bytes));
        let words = match self.drained.reset {
            false => "graceful-close.measured-end-of-file",
            true => "graceful-close.measured-reset",
        };
        note(
            words,
            &[("way", &self.way), ("sent", &self.sent), ("received", &received), ("lost", &lost)],
        );
    }
}

/// All that was measured, once more.
fn compare(measured: &[Measured]) {
    note("graceful-close.compared", &[]);
    measured.iter().for_each(Measured::tell);
}
