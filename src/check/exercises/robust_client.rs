//! `robust-client`: it tries every address, again after a pause, not for ever; every wait has a limit; all is sent.

mod attempts;
mod connecting;
mod names;
mod silence;

use std::time::Duration;

use super::client::{Client, carries_bytes, sends_much};
use super::{Check, Exercise};
use crate::check::bench::Bench;
use crate::check::verdict::Checked;

/// The exercise.
pub const EXERCISE: Exercise = Exercise {
    name: "robust-client",
    checks: &[
        Check::new("connects", 5, connects),
        Check::new("answer", 10, answer).after(&["connects"]),
        Check::new("end", 5, end).after(&["answer"]),
        Check::new("bytes", 5, bytes).after(&["answer"]),
        Check::new("large", 10, large).after(&["answer"]),
        Check::new("name", 5, connecting::name).after(&["answer"]),
        Check::new("addresses", 10, connecting::addresses).after(&["name"]),
        Check::new("limit", 5, connecting::limit).after(&["answer"]),
        Check::new("pause", 5, connecting::pause).after(&["limit"]),
        Check::new("tries", 5, connecting::tries).after(&["limit"]),
        Check::new("refused", 5, connecting::refused).after(&["answer"]),
        Check::new("late", 5, connecting::late).after(&["answer"]),
        Check::new("unknown", 5, connecting::unknown).after(&["answer"]),
        Check::new("silent", 5, silence::silent).after(&["answer"]),
        Check::new("stops", 5, silence::stops).after(&["answer"]),
        Check::new("drips", 5, silence::drips).after(&["answer"]),
        Check::new("reset", 5, silence::reset).after(&["answer"]),
    ],
};

const TEXT: &[u8] = b"hello\n";
const REPLY: &[u8] = b"goodbye\n";

/// How patient the program is told to be.
#[derive(Clone, Copy)]
struct Settings {
    retries: u32,
    delay_ms: u64,
    timeout_ms: u64,
}

/// How many times slower a check is done until its times can be seen.
const SLOWER: [u64; 3] = [1, 3, 9];

/// More patient than any check lasts.
const PATIENT: Settings = Settings { retries: 2, delay_ms: 100, timeout_ms: 60_000 };

impl Settings {
    /// The same, with so many times more time: for a machine too busy to show times as short as these.
    fn slower(self, times: u64) -> Self {
        Self { delay_ms: self.delay_ms * times, timeout_ms: self.timeout_ms * times, ..self }
    }

    /// How long connecting may take in all, in vain, to so many addresses.
    fn longest(self, addresses: usize) -> Duration {
        let one = Duration::from_millis(self.timeout_ms) * u32::try_from(addresses).unwrap_or(1);
        (one + Duration::from_millis(self.delay_ms)) * self.retries
    }

    fn variables(self) -> [(&'static str, String); 3] {
        [
            ("SOCKLAB_RETRIES", self.retries.to_string()),
            ("SOCKLAB_RETRY_DELAY_MS", self.delay_ms.to_string()),
            ("SOCKLAB_TIMEOUT_MS", self.timeout_ms.to_string()),
        ]
    }
}

/// It connects where it is told to, and its input arrives, with its end.
fn connects(bench: &Bench) -> Checked {
    Client::meet(bench, &PATIENT.variables(), TEXT)?.sends(TEXT)
}

/// An answer that is sent only after that is printed.
fn answer(bench: &Bench) -> Checked {
    let mut client = Client::meet(bench, &PATIENT.variables(), TEXT)?;
    client.sends(TEXT)?;
    client.answers(REPLY)
}

/// At the server's end of file the program ends, with success.
fn end(bench: &Bench) -> Checked {
    let mut client = Client::meet(bench, &PATIENT.variables(), TEXT)?;
    client.sends(TEXT)?;
    client.answers(REPLY)?;
    client.ends_well(REPLY)
}

fn bytes(bench: &Bench) -> Checked {
    carries_bytes(bench, &PATIENT.variables())
}

fn large(bench: &Bench) -> Checked {
    sends_much(bench, &PATIENT.variables())
}
