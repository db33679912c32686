//! Scenarios that are over before there is a connection, or as soon as there is one: late, refuse, bad-name.

use crate::cli::RobustClient;
use crate::demos::robust_client::line;
use crate::error::Result;
use crate::narrate::note;
use crate::stage::Stage;

use super::peer::{Peer, Steps, beside, echo_line, steps};
use super::{Client, Cue, Patience, announce};

/// A name that no resolver needs to be asked for: between its two dots a label is missing.
const NO_NAME: &str = "no..such";

/// The peer listens only after the first try has failed.
pub fn late(args: &RobustClient, stage: &Stage) -> Result<()> {
    note("robust-client.late", &[]);
    let patience = Patience::of(args, stage);
    announce(&patience);
    let peer = Peer::bind()?;
    let address = peer.address;
    let (at_cue, cues) = steps();
    beside(
        move || come_late(&peer, cues),
        move || {
            let client = Client::with_cues(patience, &stage.stop, at_cue);
            let connection = client.connect(&address.ip().to_string(), address.port())?;
            connection.converse(&line(&args.message))
        },
    )
}

fn come_late(peer: &Peer, cues: Steps<Cue>) -> Result<()> {
    let Some(first_failed) = cues.await_step(Cue::TryFailed) else { return Ok(()) };
    peer.listen(8)?;
    drop(first_failed);
    let Some(connection) = peer.accept(&cues)? else { return Ok(()) };
    drop(cues);
    echo_line(&connection);
    Ok(())
}

/// The peer holds a port, and never listens on it.
pub fn refuse(args: &RobustClient, stage: &Stage) -> Result<()> {
    note("robust-client.refuse", &[]);
    let patience = Patience::of(args, stage);
    announce(&patience);
    let peer = Peer::bind()?;
    let client = Client::new(patience, &stage.stop);
    let connection = client.connect(&peer.address.ip().to_string(), peer.address.port())?;
    connection.converse(&line(&args.message))
}

/// There is no peer: the name does not resolve.
pub fn bad_name(args: &RobustClient, stage: &Stage) -> Result<()> {
    note("robust-client.bad-name", &[]);
    let patience = Patience::of(args, stage);
    announce(&patience);
    let client = Client::new(patience, &stage.stop);
    client.connect(NO_NAME, args.port)?.converse(&line(&args.message))
}
