//! Who pays: the end that closes first keeps the connection in TIME_WAIT. When that is a server, its port is held.

use std::fmt::Display;
use std::io;
use std::net::SocketAddr;

use crate::error::{Error, Result};
use crate::narrate::note;
use crate::observe::TcpState::{CloseWait, Closed, FinWait2, TimeWait};

use super::ends::{Held, Listener};
use super::watch::Watch;

// ANCHOR: who-pays
/// A server that closes first is started again, three times: without and with SO_REUSEADDR, before and now.
pub fn who_pays(watch: &Watch) -> Result<()> {
    note("graceful-close.who-pays", &[]);
    let port_held = server_closes_first(watch, true)?;
    start_again(port_held, true, false)?;
    start_again(port_held, true, true)?;

    note("graceful-close.option-too-late", &[]);
    let port_held = server_closes_first(watch, false)?;
    start_again(port_held, false, true)?;
    note("graceful-close.set-it-always", &[]);
    Ok(())
}

/// A server accepts one client, closes first, and stops. Returns where it was.
fn server_closes_first(watch: &Watch, reuse: bool) -> Result<SocketAddr> {
    let listener = Listener::with_reuse(watch, reuse)?;
    let (client, server) = listener.connect()?;
    let pair = client.pair();

    server.close();
    pair.reach(CloseWait, FinWait2);
    client.drain()?;
    client.close();
    pair.reach(Closed, TimeWait);
    super::say_who_pays(&pair);
    Ok(listener.address())
}

/// Binds a new server's socket to the address of the old one.
fn start_again(address: SocketAddr, before: bool, now: bool) -> Result<()> {
    let again = Held::new("again", address)?;
    if now {
        again.call("setsockopt", |socket| socket.set_reuse_address(true))?;
    }
    let (before, now) = (i32::from(before), i32::from(now));
    let blanks: [(&str, &dyn Display); 2] = [("before", &before), ("now", &now)];
    match again.call("bind", |socket| socket.bind(&address.into())) {
        Ok(()) => note("graceful-close.bound", &blanks),
        Err(Error::Call { source, .. }) if source.kind() == io::ErrorKind::AddrInUse => {
            note("graceful-close.refused", &blanks);
        }
        Err(error) => return Err(error),
    }
    Ok(())
}
// ANCHOR_END: who-pays
