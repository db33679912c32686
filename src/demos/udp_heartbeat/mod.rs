//! Chapter 7: datagrams. What UDP keeps and what it loses; and a monitor that notices by heartbeats who is gone.
//!
//! `roll` knows the rules of the heartbeat, on bytes and times. The other files own the sockets.

mod beat;
mod datagrams;
mod monitor;
mod roll;
mod story;

use std::net::SocketAddr;
use std::time::Duration;

use socket2::{Domain, Protocol, Type};

use crate::cli::{HeartbeatRole, UdpHeartbeat};
use crate::error::{Error, Result};
use crate::narrate::{self, Socket, note};
use crate::stage::{Stage, Stretch};

/// How long the address of a name is looked for.
const RESOLVE_LIMIT: Duration = Duration::from_secs(10);

/// Plays the part that `args` names; without one, all of them.
pub fn run(args: &UdpHeartbeat, stage: &Stage) -> Result<()> {
    match args.role {
        HeartbeatRole::Monitor => narrate::acting_as("monitor", || monitor::run(args, stage)),
        HeartbeatRole::Beat => narrate::acting_as("client", || beat::run(args, stage)),
        HeartbeatRole::Both => {
            datagrams::play(stage)?;
            story::play(args, stage)
        }
    }
}

/// Where the monitor is. Of several addresses an IPv4 one: both ends choose alike, as no answer would tell who is right.
fn monitor_address(host: &str, port: u16, stretch: Stretch) -> Result<SocketAddr> {
    let (chosen, of_several) = super::resolve_one(host, port, stretch.of(RESOLVE_LIMIT))?;
    if of_several {
        note("udp-heartbeat.address-chosen", &[("host", &host), ("address", &chosen.ip())]);
    }
    Ok(chosen)
}

/// A UDP socket for addresses like this one.
fn udp_socket(address: SocketAddr) -> Result<Socket> {
    Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))
        .map_err(Error::during("socket", address))
}
