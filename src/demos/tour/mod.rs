//! The tour: the chapters one after the other, both ends in one terminal, each with a few words before and after.

mod chat;

use std::time::Duration;

use crate::cli::{
    Backoff, Closing, DEFAULT_PORT, Framing, FramingKind, GracefulClose, HeartbeatRole, RawPing,
    RobustClient, Scenario, SocketType, SocketTypes, Tour, UdpHeartbeat, Visit,
};
use crate::error::{Error, Result};
use crate::narrate::{self, note};
use crate::stage::Stage;

use super::{framing, graceful_close, raw_ping, robust_client, socket_types, udp_heartbeat};

/// A chapter on the tour.
struct Leg {
    /// The names by which it is asked for.
    visits: &'static [Visit],
    /// The notes: its heading, what is about to be seen, what to keep.
    heading: &'static str,
    before: &'static str,
    keep: &'static str,
    actor: &'static str,
    play: fn(&Stage) -> Result<()>,
}

/// Plays the chapters that `args` names, in the order of the book.
pub fn run(args: &Tour, stage: &Stage) -> Result<()> {
    note("tour.begin", &[]);
    let asked = |leg: &&Leg| {
        args.chapters.is_empty() || leg.visits.iter().any(|visit| args.chapters.contains(visit))
    };
    let legs: Vec<&Leg> = LEGS.iter().filter(asked).collect();
    for leg in &legs {
        note(leg.heading, &[]);
        note(leg.before, &[]);
        narrate::acting_as(leg.actor, || play(leg, stage))?;
    }
    note("tour.end", &[]);
    legs.iter().for_each(|leg| note(leg.keep, &[]));
    Ok(())
}

/// Plays one chapter. What a chapter cannot do here, without a permission for example, is told, and the tour goes on.
fn play(leg: &Leg, stage: &Stage) -> Result<()> {
    let outcome = (leg.play)(stage);
    if stage.stop.requested() {
        return Err(Error::Interrupted);
    }
    if let Err(Error::Failed { what, blanks }) = &outcome {
        let blanks: Vec<_> = blanks.iter().map(|(name, text)| (*name, text as _)).collect();
        note(what, &blanks);
        return Ok(());
    }
    outcome
}

const LEGS: [Leg; 7] = [
    Leg {
        visits: &[Visit::SocketTypes],
        heading: "tour.socket-types",
        before: "tour.socket-types-before",
        keep: "tour.socket-types-keep",
        actor: "socklab",
        play: |_| socket_types::run(&SocketTypes { which: SocketType::All }),
    },
    Leg {
        visits: &[Visit::TcpServer, Visit::TcpClient],
        heading: "tour.tcp-server",
        before: "tour.tcp-server-before",
        keep: "tour.tcp-server-keep",
        actor: "socklab",
        play: chat::run,
    },
    Leg {
        visits: &[Visit::Framing],
        heading: "tour.framing",
        before: "tour.framing-before",
        keep: "tour.framing-keep",
        actor: "socklab",
        play: |stage| framing::run(&Framing { which: Some(FramingKind::Length), cut: None }, stage),
    },
    Leg {
        visits: &[Visit::RobustClient],
        heading: "tour.robust-client",
        before: "tour.robust-client-before",
        keep: "tour.robust-client-keep",
        actor: "client",
        play: |stage| {
            robust_client::run(&scenario(Scenario::Late), stage)?;
            robust_client::run(&scenario(Scenario::SlowReader), stage)
        },
    },
    Leg {
        visits: &[Visit::GracefulClose],
        heading: "tour.graceful-close",
        before: "tour.graceful-close-before",
        keep: "tour.graceful-close-keep",
        actor: "socklab",
        play: |stage| {
            graceful_close::run(&GracefulClose { way: Closing::Graceful }, stage)?;
            graceful_close::run(&GracefulClose { way: Closing::Abrupt }, stage)
        },
    },
    Leg {
        visits: &[Visit::UdpHeartbeat],
        heading: "tour.udp-heartbeat",
        before: "tour.udp-heartbeat-before",
        keep: "tour.udp-heartbeat-keep",
        actor: "socklab",
        play: |stage| udp_heartbeat::run(&heartbeat(), stage),
    },
    Leg {
        visits: &[Visit::RawPing],
        heading: "tour.raw-ping",
        before: "tour.raw-ping-before",
        keep: "tour.raw-ping-keep",
        actor: "socklab",
        play: |stage| raw_ping::run(&ping_ourselves(), stage),
    },
];

fn scenario(scenario: Scenario) -> RobustClient {
    RobustClient {
        host: "localhost".to_owned(),
        port: DEFAULT_PORT,
        retries: 3,
        delay: None,
        timeout: None,
        backoff: Backoff::Fixed,
        message: "hello".to_owned(),
        scenario: Some(scenario),
    }
}

fn heartbeat() -> UdpHeartbeat {
    UdpHeartbeat {
        role: HeartbeatRole::Both,
        host: None,
        port: None,
        name: None,
        interval: Duration::from_millis(200),
        count: None,
        drop: None,
    }
}

fn ping_ourselves() -> RawPing {
    RawPing {
        host: "127.0.0.1".to_owned(),
        count: 1,
        timeout: Duration::from_secs(1),
        private: false,
    }
}
