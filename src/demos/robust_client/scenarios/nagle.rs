//! Nagle's algorithm meets delayed acknowledgements: the same line sent with two calls, with one, and with two again
//! after TCP_NODELAY.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use crate::cli::RobustClient;
use crate::demos::robust_client::connection::{Connection, Until};
use crate::error::{Error, Result};
use crate::narrate::{Socket, note};
use crate::stage::Stage;

use super::peer::{Peer, Steps, beside, read_line, read_to_end, steps};
use super::{Client, Cue, Patience, rounded};

/// No acknowledgement is delayed for so short a time: two sends that are further apart may prove nothing.
const TOGETHER: Duration = Duration::from_millis(20);

pub fn play(args: &RobustClient, stage: &Stage) -> Result<()> {
    note("robust-client.nagle", &[]);
    note("robust-client.nagle-why", &[]);
    let patience = Patience::of(args, stage);
    let peer = Peer::listening()?;
    let address = peer.address;
    let (at_cue, cues) = steps();
    let (begin, rounds) = steps();
    beside(
        move || converse(&peer, &cues, &rounds),
        move || {
            let client = Client::with_cues(patience, &stage.stop, at_cue);
            let connection = client.connect(&address.ip().to_string(), address.port())?;
            compare(&connection, args.message.as_bytes(), &begin)?;
            // The peer has seen its last round.
            drop(begin);
            connection.close();
            Ok(())
        },
    )
}

/// One round: how long it took from the first send to the answer, and from the first send to the last.
struct Round {
    time: Duration,
    sending: Duration,
}

// ANCHOR: compare
/// The three rounds.
fn compare(connection: &Connection, text: &[u8], begin: &impl Fn(&'static str)) -> Result<()> {
    let line = [text, b"\n"].concat();
    begin("robust-client.nagle-two");
    let two = round(connection, &[text, b"\n"])?;
    begin("robust-client.nagle-one");
    let one = round(connection, &[&line])?;
    begin("robust-client.nagle-nodelay");
    let set = connection.socket.set_tcp_nodelay(true);
    set.map_err(Error::during("setsockopt", connection.address))?;
    let nodelay = round(connection, &[text, b"\n"])?;
    tell([two, one, nodelay]);
    Ok(())
}

/// Sends a line in pieces, and waits for the answer.
fn round(connection: &Connection, pieces: &[&[u8]]) -> Result<Round> {
    let begun = Instant::now();
    let mut sending = Duration::ZERO;
    for piece in pieces {
        sending = begun.elapsed();
        let sent = (&*connection.socket).write_all(piece);
        sent.map_err(Error::during("send", connection.address))?;
    }
    if connection.receive_line()?.until != Until::Line {
        return Err(connection.timed_out("robust-client.no-answer"));
    }
    Ok(Round { time: begun.elapsed(), sending })
}
// ANCHOR_END: compare

fn tell(rounds: [Round; 3]) {
    let apart = rounds.iter().map(|round| round.sending).max().unwrap_or_default();
    if apart > TOGETHER {
        return note("robust-client.nagle-apart", &[("gap", &rounded(apart))]);
    }
    let [two, one, nodelay] = rounds.map(|round| rounded(round.time));
    note("robust-client.nagle-measured", &[("two", &two), ("one", &one), ("nodelay", &nodelay)]);
}

/// Answers each round's line with itself. The heading is said when the round before is over at both ends.
fn converse(peer: &Peer, cues: &Steps<Cue>, rounds: &Steps<&'static str>) -> Result<()> {
    let Some(connection) = peer.accept(cues)? else { return Ok(()) };
    while let Some((heading, hold)) = rounds.next() {
        note(heading, &[]);
        let _ = delay_acknowledgements(&connection);
        drop(hold);
        let answered = read_line(&connection).and_then(|line| (&connection).write_all(&line));
        if answered.is_err() {
            break;
        }
    }
    read_to_end(&connection);
    Ok(())
}

/// Linux acknowledges at once while a connection is new, and delays later, as other systems do from the start.
#[cfg(target_os = "linux")]
fn delay_acknowledgements(connection: &Socket) -> io::Result<()> {
    connection.set_tcp_quickack(false)
}

#[cfg(not(target_os = "linux"))]
fn delay_acknowledgements(_: &Socket) -> io::Result<()> {
    Ok(())
}
