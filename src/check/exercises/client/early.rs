//! A program had closed its end when the answer came: was it to end its sending, or because there was no answer yet? One
//! that is answered before it looks tells.

use std::io::Write;
use std::time::Instant;

use super::{HELD, SERVER, Variables};
use crate::check::bench::Bench;
use crate::check::evidence;
use crate::check::listener::Listener;
use crate::check::story::preview;
use crate::check::verdict::{Checked, Stop};

const INPUT: &[u8] = b"hello\n";

/// Whether the program prints an answer, whole and with its end, that is there before it looks for one. One that looks
/// while its input is still open does wait: it is not asked any further.
pub fn is_printed(bench: &Bench, variables: Variables, answer: &[u8]) -> Checked<bool> {
    let listener = Listener::new(bench)?;
    bench.tell("client.once-more", &[]);
    let mut program = bench.start(listener.address, variables)?;
    let mut held = program.take_input();
    if let Some(pipe) = &mut held {
        bench.tell("check.input", &[("text", &preview(INPUT))]);
        // A program that reads nothing is no fault of the checker's.
        let _ = pipe.write_all(INPUT);
    }
    let Some(peer) = listener.accept(SERVER, Instant::now() + bench.patiently(HELD))? else {
        return Ok(false);
    };
    match peer.send(answer) {
        Err(Stop::Failed(_)) => return Ok(false),
        sent => sent?,
    }
    peer.half_close()?;
    if evidence::takes_within(&program, peer.remote, peer.local, bench.patiently(HELD)) {
        return Ok(false);
    }
    bench.tell("check.input-ended", &[]);
    drop(held);
    Ok(program.output_until(bench.answer(), |output| output == answer))
}
