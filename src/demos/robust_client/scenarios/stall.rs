//! The peer stalls: first its queue is full, so that SYNs are dropped; then it never answers.

use std::net::SocketAddr;
use std::time::Duration;

use socket2::{Domain, Protocol, Type};

use crate::cli::RobustClient;
use crate::demos::robust_client::line;
use crate::error::{Error, Result};
use crate::narrate::{self, Interest, PollFd, Socket, note, poll};
use crate::stage::Stage;

use super::peer::{Peer, Steps, beside, steps};
use super::{Client, Cue, announce, short};

/// The kernel needs no time for it; a machine under load may.
const QUEUED_WITHIN: Duration = Duration::from_secs(10);

pub fn play(args: &RobustClient, stage: &Stage) -> Result<()> {
    note("robust-client.stall", &[]);
    let patience = short(args, stage);
    announce(&patience);
    let peer = Peer::bind()?;
    let address = peer.address;
    let in_the_way = narrate::acting_as("peer", || fill_queue(&peer))?;
    let (at_cue, cues) = steps();
    beside(
        move || stall(&peer, in_the_way, cues),
        move || {
            let client = Client::with_cues(patience, &stage.stop, at_cue);
            let connection = client.connect(&address.ip().to_string(), address.port())?;
            connection.converse(&line(&args.message))
        },
    )
}

/// Listens with the shortest queue there is, and fills it with a connection that nobody accepts.
///
/// Only Linux is known to drop what comes to a full queue: elsewhere the queue stays empty, and the first try succeeds.
fn fill_queue(peer: &Peer) -> Result<Option<Socket>> {
    if !cfg!(target_os = "linux") {
        peer.listen(8)?;
        return Ok(None);
    }
    peer.listen(0)?;
    let first = connect_to(peer.address)?;
    // The handshake's last segment may still be on its way: the queue is full when the listener is readable.
    poll(&mut [PollFd::new(&peer.listener, Interest::Readable)], Some(QUEUED_WITHIN))
        .map_err(Error::during("poll", peer.address))?;
    note("robust-client.queue-full", &[]);
    Ok(Some(first))
}

fn connect_to(address: SocketAddr) -> Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))
        .map_err(Error::during("socket", address))?;
    socket.connect(&address.into()).map_err(Error::during("connect", address))?;
    Ok(socket)
}

/// Makes room after the first try has failed, and makes no other call until the client has ended.
fn stall(peer: &Peer, in_the_way: Option<Socket>, cues: Steps<Cue>) -> Result<()> {
    if let Some(first) = in_the_way
        && let Some(_first_failed) = cues.await_step(Cue::TryFailed)
    {
        let accepted = peer.accept_now()?;
        drop((first, accepted));
        note("robust-client.queue-empty", &[]);
    }
    if let Some(_connected) = cues.await_step(Cue::Connected) {
        note("robust-client.not-accepted", &[]);
    }
    cues.await_end();
    Ok(())
}
