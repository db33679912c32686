//! A server that is gone after clients reset their connections: was it the reset?

use std::time::{Duration, Instant};

use crate::check::bench::{Bench, Server};
use crate::check::evidence;
use crate::check::peer::Peer;
use crate::check::verdict::{Checked, Finding};

/// How long a program may take to end after a client has gone.
const ENDING: Duration = Duration::from_millis(300);

/// What it means that the program ended: `of_reset`, unless another run of it, `server`, ends after a client in good order
/// as well, which `talk`s and then goes.
pub fn judged(
    bench: &Bench,
    mut server: Server,
    talk: impl FnOnce(&Peer) -> Checked,
    of_reset: Finding,
) -> Checked<Finding> {
    bench.tell("check.in-good-order", &[]);
    let client = Peer::connect(bench, "a client in good order", server.address)?;
    talk(&client)?;
    let forks = evidence::hears_of_children(&server.program);
    client.half_close()?;
    client.expect_end()?.ok();
    client.close();
    let Some(how) = server.program.ends_before(Instant::now() + bench.patiently(ENDING)) else {
        return Ok(of_reset);
    };
    let last = server.program.last_words();
    let finding = |id| Finding::new(id, &[("how", &how)]).but("", last);
    Ok(match forks {
        true => finding("check.child-interrupts").mistake("eagain-fatal"),
        false => finding("check.ends-with-client"),
    })
}
