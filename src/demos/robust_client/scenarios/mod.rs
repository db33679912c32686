//! The scenarios: each brings a peer that misbehaves in one way, on a thread of its own, and shows what the client
//! makes of it.

mod connecting;
mod deadlock;
mod nagle;
mod peer;
mod reset;
mod slow_reader;
mod stall;

use std::time::Duration;

use crate::cli::{RobustClient, Scenario};
use crate::error::Result;
use crate::narrate::note;
use crate::stage::Stage;

use super::{Client, Cue, Patience, rounded};

/// The pause between tries, where the user asks for none: short, as the peer is near.
const DELAY: Duration = Duration::from_millis(300);

/// The limit where the limit itself is the lesson, and its passing is waited for.
const SHORT: Duration = Duration::from_millis(500);

/// Plays one.
pub fn play(scenario: Scenario, args: &RobustClient, stage: &Stage) -> Result<()> {
    let args = &RobustClient { delay: args.delay.or(Some(DELAY)), ..args.clone() };
    match scenario {
        Scenario::Late => connecting::late(args, stage),
        Scenario::Refuse => connecting::refuse(args, stage),
        Scenario::Stall => stall::play(args, stage),
        Scenario::Reset => reset::play(args, stage),
        Scenario::SlowReader => slow_reader::play(args, stage),
        Scenario::BadName => connecting::bad_name(args, stage),
        Scenario::Deadlock => deadlock::play(args, stage),
        Scenario::Nagle => nagle::play(args, stage),
    }
}

/// How patient the client is when nobody will do what it waits for: the limit passes by itself, whoever is reading.
fn short(args: &RobustClient, stage: &Stage) -> Patience {
    let limit = stage.stretch.of_pause(args.timeout.unwrap_or(SHORT));
    Patience { connect: limit, answer: limit, ..Patience::of(args, stage) }
}

/// Says how patient the client is, where that is the lesson.
fn announce(patience: &Patience) {
    note(
        "robust-client.patience",
        &[
            ("tries", &patience.tries),
            ("delay", &rounded(patience.delay)),
            ("limit", &rounded(patience.connect)),
        ],
    );
}
