//! The exercises, as the checker sees them: their checks, in causal order.

mod chat_client;
mod chat_server;
mod client;
mod departure;
mod dialogue;
mod echo;
mod half_close;
mod heartbeat;
mod length_prefix;
mod line_length;
mod many_clients;
mod raw_ping;
mod reply_and_close;
mod robust_client;
mod tcp_echo;
mod udp_echo;

use super::bench::Bench;
use super::verdict::Checked;

/// An exercise.
pub struct Exercise {
    /// Its name: `tcp-echo`.
    pub name: &'static str,
    /// Its checks. Who fails several should mend the first one first.
    pub checks: &'static [Check],
}

/// One check.
pub struct Check {
    /// Its name, for `--only`.
    pub id: &'static str,
    /// What passing it is worth.
    pub points: u32,
    /// The checks that must have passed for this one to mean something.
    pub needs: &'static [&'static str],
    /// Whether others would disturb it: it runs by itself, when they are done.
    pub alone: bool,
    /// Runs it.
    pub run: fn(&Bench) -> Checked,
}

impl Check {
    /// One that needs no other, and runs beside others.
    const fn new(id: &'static str, points: u32, run: fn(&Bench) -> Checked) -> Self {
        Self { id, points, needs: &[], alone: false, run }
    }

    /// After these.
    const fn after(self, needs: &'static [&'static str]) -> Self {
        Self { needs, ..self }
    }

    /// With no other at the same time.
    const fn alone(self) -> Self {
        Self { alone: true, ..self }
    }
}

/// All exercises.
pub const ALL: &[&Exercise] = &[
    &tcp_echo::EXERCISE,
    &chat_server::EXERCISE,
    &chat_client::EXERCISE,
    &line_length::EXERCISE,
    &length_prefix::EXERCISE,
    &robust_client::EXERCISE,
    &half_close::EXERCISE,
    &reply_and_close::EXERCISE,
    &udp_echo::EXERCISE,
    &heartbeat::EXERCISE,
    &raw_ping::EXERCISE,
    &many_clients::EXERCISE,
];

/// The exercise of that name.
pub fn exercise(name: &str) -> Option<&'static Exercise> {
    ALL.iter().find(|exercise| exercise.name == name).copied()
}
