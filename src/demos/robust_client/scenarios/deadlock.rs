//! Two ends that both send everything before they read anything; and how one of them, reading meanwhile, saves both.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

use socket2::{Domain, Protocol, Type};

use crate::cli::RobustClient;
use crate::demos::robust_client::connection::{Connection, is_passing};
use crate::error::{Error, Result};
use crate::narrate::{Interest, Socket, note};
use crate::stage::Stage;

use super::peer::{Peer, Steps, beside, read_to_end, set_buffers, steps};
use super::{Client, Cue, short};

/// The buffers that both ends ask for, in bytes. Linux doubles them.
const BUFFERS: usize = 4 * 1024;

/// What each end has to send: more than both buffers on its way hold.
const MESSAGE: usize = 24 * 1024;

/// The limit where a reader may be thinking between the other end's calls.
const PATIENT: Duration = Duration::from_secs(5);

pub fn play(args: &RobustClient, stage: &Stage) -> Result<()> {
    note("robust-client.deadlock", &[("bytes", &MESSAGE), ("buffer", &BUFFERS)]);
    note("robust-client.deadlock-why", &[]);
    let patience = short(args, stage);
    let (limit, patient) = (patience.answer, stage.stretch.of(PATIENT));
    let peer = Peer::listening_with_buffers(BUFFERS)?;
    let address = peer.address;
    let (at_cue, cues) = steps();
    let (report, reports) = steps();
    beside(
        move || stubborn(&peer, &cues, limit, report),
        move || {
            // At other cues the peer, busy sending, would keep the client waiting.
            let connected = |cue| {
                if cue == Cue::Connected {
                    at_cue(cue)
                }
            };
            let client = Client::with_cues(patience, &stage.stop, connected);
            send_before_reading(&client, address, &reports)?;
            read_while_sending(&client, address, patient)
        },
    )
}

/// Sends everything before it reads anything, twice: the first time it gives up after a while, and tells how far it came.
fn stubborn(peer: &Peer, cues: &Steps<Cue>, limit: Duration, report: impl Fn(usize)) -> Result<()> {
    if let Some(connection) = peer.accept(cues)? {
        let _ = connection.set_write_timeout(Some(limit));
        report(connection.send(&message()).unwrap_or(0));
    }
    if let Some(connection) = peer.accept(cues)? {
        // The client's end ends this wait: it reads, or it closes.
        if (&connection).write_all(&message()).is_ok() {
            read_to_end(&connection);
        }
    }
    Ok(())
}

fn message() -> Vec<u8> {
    (b'a'..=b'z').cycle().take(MESSAGE).collect()
}

fn connect<'a>(client: &'a Client<'a>, address: SocketAddr) -> Result<Connection<'a>> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))
        .map_err(Error::during("socket", address))?;
    set_buffers(&socket, BUFFERS).map_err(Error::during("setsockopt", address))?;
    socket.connect(&address.into()).map_err(Error::during("connect", address))?;
    socket.set_nonblocking(true).map_err(Error::during("fcntl", address))?;
    (client.cue)(Cue::Connected);
    Ok(Connection::over(socket, address, client))
}

/// The mistake: what the peer sends is left unread until all is sent, which it never is.
fn send_before_reading(client: &Client, address: SocketAddr, reports: &Steps<usize>) -> Result<()> {
    note("robust-client.deadlock-wrong", &[]);
    let connection = connect(client, address)?;
    match connection.send_all(&message()) {
        _ if client.stop.requested() => return Err(Error::Interrupted),
        Ok(()) => note("robust-client.deadlock-absent", &[]),
        Err(_) => {}
    }
    // The peer keeps its end until this end has closed.
    let Some((peer_sent, _until_closed)) = reports.next() else { return Ok(()) };
    note("robust-client.deadlock-stuck", &[("sent", &peer_sent), ("all", &MESSAGE)]);
    drop(connection);
    Ok(())
}

// ANCHOR: both
/// The cure: whatever is possible is done, sending or receiving. That the peer is stubborn does no harm then.
fn read_while_sending(client: &Client, address: SocketAddr, limit: Duration) -> Result<()> {
    note("robust-client.deadlock-right", &[]);
    let connection = connect(client, address)?;
    let (message, mut sent, mut received) = (message(), 0, 0);
    loop {
        let all_sent = sent == message.len();
        let interest = if all_sent { Interest::Readable } else { Interest::Both };
        let found = connection.poll(interest, limit)?;
        if !found.writable && !found.readable {
            return Err(connection.timed_out("robust-client.no-room"));
        }
        if found.writable {
            sent += send(&connection, &message[sent..])?.unwrap_or(0);
        }
        if found.readable {
            match receive(&connection)? {
                Some(0) => break,
                count => received += count.unwrap_or(0),
            }
        }
        if !all_sent && sent == message.len() {
            let _ = connection.socket.shutdown(Shutdown::Write);
        }
    }
    note("robust-client.deadlock-measured", &[("sent", &sent), ("received", &received)]);
    Ok(())
}

fn receive(connection: &Connection) -> Result<Option<usize>> {
    let mut buffer = [0; 16 * 1024];
    done("recv", connection, (&*connection.socket).read(&mut buffer))
}

fn send(connection: &Connection, bytes: &[u8]) -> Result<Option<usize>> {
    done("send", connection, connection.socket.send(bytes))
}

/// How many bytes; `None` when what was ready is so no longer, or a signal came. The next `poll` tells.
fn done(
    call: &'static str,
    connection: &Connection,
    outcome: io::Result<usize>,
) -> Result<Option<usize>> {
    match outcome {
        Err(error) if is_passing(&error) => Ok(None),
        outcome => outcome.map(Some).map_err(Error::during(call, connection.address)),
    }
}
// ANCHOR_END: both
