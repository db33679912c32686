//! The peer reads slowly, from a small buffer: the client's sends are partial, and it waits for room.

use std::io::{Read, Write};
use std::time::Duration;

use crate::cli::RobustClient;
use crate::error::{Error, Result};
use crate::narrate::{Socket, note};
use crate::stage::{Stage, Stop};

use super::peer::{Peer, Steps, beside, read_to_end, steps};
use super::{Client, Cue, Patience};

/// The buffers that both ends ask for, in bytes. Linux doubles them.
const BUFFERS: usize = 8 * 1024;

/// More than all buffers hold between the two programs.
const MESSAGE: usize = 64 * 1024;

/// What the peer reads with one call.
const PIECE: usize = 4 * 1024;

/// What the peer takes for each piece, as if it had work to do with it.
const WORK: Duration = Duration::from_millis(15);

pub fn play(args: &RobustClient, stage: &Stage) -> Result<()> {
    note("robust-client.slow-reader", &[("bytes", &MESSAGE), ("buffer", &BUFFERS)]);
    note("robust-client.slow-reader-why", &[]);
    let patience = Patience::of(args, stage);
    let peer = Peer::listening_with_buffers(BUFFERS)?;
    let (address, stop) = (peer.address, stage.stop.clone());
    let (at_cue, cues) = steps();
    beside(
        move || read_slowly(&peer, cues, &stop),
        move || {
            let client = Client::with_cues(patience, &stage.stop, at_cue);
            let connection = client.connect(&address.ip().to_string(), address.port())?;
            let small = connection.socket.set_send_buffer_size(BUFFERS);
            small.map_err(Error::during("setsockopt", address))?;
            connection.converse(&message())
        },
    )
}

/// A long line.
fn message() -> Vec<u8> {
    let letters = (b'a'..=b'z').cycle().take(MESSAGE - 1);
    letters.chain([b'\n']).collect()
}

/// Reads nothing until the client has filled all buffers, then a piece at a time.
fn read_slowly(peer: &Peer, cues: Steps<Cue>, stop: &Stop) -> Result<()> {
    let Some(connection) = peer.accept(&cues)? else { return Ok(()) };
    let Some(full) = cues.await_step(Cue::BufferFull) else { return Ok(()) };
    note("robust-client.reader-begins", &[("piece", &PIECE)]);
    drop((full, cues));
    answer(&connection, stop);
    Ok(())
}

/// Reads it all, and says how much it was. What goes wrong is the client's to notice.
fn answer(mut connection: &Socket, stop: &Stop) {
    let (mut read, mut buffer) = (0, [0; PIECE]);
    while read < MESSAGE
        && let Ok(count @ 1..) = connection.read(&mut buffer)
    {
        read += count;
        stop.wait_for(WORK);
    }
    if connection.write_all(format!("{read} bytes read\n").as_bytes()).is_ok() {
        read_to_end(connection);
    }
}
