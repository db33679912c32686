//! The demos: one file for each chapter's subcommand, and what they share.
//!
//! A demo makes its calls on narrated sockets and prints nothing about them. What it wants to say besides is a note, a
//! name for words that stand in `reference/`.

mod framing;
mod graceful_close;
mod raw_ping;
mod robust_client;
mod socket_types;
mod tcp_client;
mod tcp_server;
mod tour;
mod udp_heartbeat;
mod worker;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use crate::cli::Chapter;
use crate::error::{Error, Result};
use crate::narrate;
use crate::stage::Stage;

/// The name under which a chapter's own thread acts.
pub fn actor(chapter: &Chapter) -> &'static str {
    match chapter {
        Chapter::TcpServer(_) => "server",
        Chapter::TcpClient(_) => "client",
        Chapter::RobustClient(_) => "client",
        _ => "socklab",
    }
}

/// Runs a chapter on this thread until it is done or `stage.stop` is requested.
///
/// # Errors
/// What it set out to do did not come about.
pub fn run(chapter: &Chapter, stage: Stage) -> Result<()> {
    match chapter {
        Chapter::SocketTypes(args) => socket_types::run(args),
        Chapter::TcpServer(args) => tcp_server::run(args, &stage),
        Chapter::TcpClient(args) => tcp_client::run(args, stage),
        Chapter::Framing(args) => framing::run(args, &stage),
        Chapter::RobustClient(args) => robust_client::run(args, &stage),
        Chapter::GracefulClose(args) => graceful_close::run(args, &stage),
        Chapter::UdpHeartbeat(args) => udp_heartbeat::run(args, &stage),
        Chapter::RawPing(args) => raw_ping::run(args, &stage),
        Chapter::Tour(args) => tour::run(args, &stage),
    }
}

/// The addresses of `host`; a name without any is the demo's end.
fn resolve(host: &str, port: u16, limit: Duration) -> Result<Vec<SocketAddr>> {
    narrate::resolve(host, port, limit).map_err(|failed| Error::Resolve {
        host: host.to_owned(),
        name: failed.error.name.into_owned(),
        message: failed.error.message,
    })
}

/// One address of `host`, an IPv4 one if it has any, and whether there were several.
fn resolve_one(host: &str, port: u16, limit: Duration) -> Result<(SocketAddr, bool)> {
    let addresses = resolve(host, port, limit)?;
    let chosen = addresses.iter().find(|address| address.is_ipv4()).or(addresses.first()).copied();
    let chosen =
        chosen.ok_or_else(|| Error::failed("resolve.no-address", [("host", host.to_owned())]))?;
    Ok((chosen, addresses.len() > 1))
}

/// A thread that could not be started.
fn no_thread(error: io::Error) -> Error {
    Error::during("pthread_create", "a thread of its own")(error)
}

/// The time limit set on the socket is over.
fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}
