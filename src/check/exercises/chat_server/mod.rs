//! `chat-server`: the Chat-Room's server, its messages taken in any pieces, alive whatever one client does.

mod client;
mod company;
mod deliveries;
mod protocol;

use super::{Check, Exercise};
use crate::check::bench::{Bench, Server, Transport};
use crate::check::verdict::Checked;

/// The exercise.
///
/// Up to `names`, each message goes in one segment of its own on a quiet connection, and an answer may come without its
/// newline (but for `lines`): so each mistake is met first by the check that is meant for it.
pub const EXERCISE: Exercise = Exercise {
    name: "chat-server",
    checks: &[
        Check::new("listens", 5, |bench| serve(bench).map(drop)),
        Check::new("login", 10, protocol::login).after(&["listens"]),
        Check::new("chat", 10, protocol::chat).after(&["login"]),
        Check::new("lines", 5, protocol::lines).after(&["chat"]),
        Check::new("refusals", 5, protocol::refusals).after(&["login"]),
        Check::new("errors", 5, protocol::errors).after(&["chat"]),
        Check::new("logout", 5, protocol::logout).after(&["login"]),
        Check::new("names", 10, protocol::names).after(&["chat"]),
        Check::new("pieces", 10, deliveries::pieces).after(&["chat"]),
        Check::new("characters", 5, deliveries::characters).after(&["pieces"]),
        // Who decodes piece by piece mostly decodes what is not UTF-8, too: the first is the mistake, the second a slip.
        Check::new("garbage", 5, protocol::garbage).after(&["login"]),
        Check::new("too-long", 5, deliveries::too_long).after(&["pieces"]),
        Check::new("last-words", 5, deliveries::last_words).after(&["too-long"]),
        Check::new("slow-reader", 5, company::slow_reader).after(&["pieces"]),
        Check::new("reset", 5, company::reset).after(&["chat"]),
        Check::new("descriptors", 5, company::descriptors).after(&["login"]),
    ],
};

fn serve(bench: &Bench) -> Checked<Server> {
    bench.server(Transport::Tcp)
}
