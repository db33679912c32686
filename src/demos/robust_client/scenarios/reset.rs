//! The peer reads the message, and then resets the connection instead of answering.

use std::io::Read;
use std::time::Duration;

use crate::cli::RobustClient;
use crate::demos::robust_client::line;
use crate::error::Result;
use crate::narrate::{Socket, note};
use crate::stage::Stage;

use super::peer::{Peer, Steps, beside, steps};
use super::{Client, Cue, Patience};

pub fn play(args: &RobustClient, stage: &Stage) -> Result<()> {
    note("robust-client.reset", &[]);
    let patience = Patience::of(args, stage);
    let peer = Peer::listening()?;
    let address = peer.address;
    let (at_cue, cues) = steps();
    beside(
        move || reset(&peer, cues),
        move || {
            let client = Client::with_cues(patience, &stage.stop, at_cue);
            let connection = client.connect(&address.ip().to_string(), address.port())?;
            connection.converse(&line(&args.message))
        },
    )
}

fn reset(peer: &Peer, cues: Steps<Cue>) -> Result<()> {
    let Some(connection) = peer.accept(&cues)? else { return Ok(()) };
    drop(cues);
    abort(connection);
    Ok(())
}

/// Reads what has come, and closes by RST. The client will not know whether it was read.
fn abort(connection: Socket) {
    let _ = (&connection).read(&mut [0; 4096]);
    let _ = connection.set_linger(Some(Duration::ZERO));
}
