//! `tcp-echo`: every byte comes back; end of file for end of file; any number of clients at a time.

use super::{Check, Exercise, echo};
use crate::check::bench::{Bench, Transport};
use crate::check::evidence;
use crate::check::peer::{Peer, fails};
use crate::check::verdict::{Checked, Finding};

/// The exercise.
pub const EXERCISE: Exercise = Exercise {
    name: "tcp-echo",
    checks: &[
        Check::new("listens", 5, |bench| echo::serve(bench).map(drop)),
        Check::new("text", 10, echo::text).after(&["listens"]),
        Check::new("bytes", 10, echo::bytes).after(&["text"]),
        Check::new("end", 10, echo::end).after(&["text"]),
        Check::new("together", 15, echo::together).after(&["text"]),
        Check::new("pause", 10, echo::pause).after(&["text"]),
        Check::new("large", 10, echo::large).after(&["bytes"]),
        Check::new("reset", 10, echo::reset).after(&["text"]),
        Check::new("descriptors", 10, echo::descriptors).after(&["end"]),
        Check::new("restart", 10, restart).after(&["text"]),
    ],
};

/// It can be started again at once, after it ended with a client connected.
fn restart(bench: &Bench) -> Checked {
    let mut server = echo::serve(bench)?;
    let client = Peer::connect(bench, "client", server.address)?;
    echo::echoes(&client, b"hello\n")?;
    let reuses = evidence::reuses_address(&server.program, server.address);
    bench.tell("check.stops-program", &[]);
    server.program.stop();
    // The server's end closed first, so TIME_WAIT is on its side.
    client.expect_end()?.ok();
    client.close();
    match bench.server_at(server.address, Transport::Tcp, &[]) {
        Ok(_) => Ok(()),
        Err(_) if reuses == Some(false) => {
            fails(Finding::new("tcp-echo.restart.in-use", &[]).mistake("address-in-use"))
        }
        Err(other) => Err(other),
    }
}
