//! Names: one with several addresses, and one with none.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use dns_lookup::LookupErrorKind;

use crate::check::bench::Bench;
use crate::check::listener::Listener;
use crate::check::private;
use crate::check::verdict::{Checked, Stop, Words};

/// A name that has several addresses on loopback, if there is one; otherwise one that has one.
///
/// # Errors
/// There is none at all.
pub fn name() -> Checked<(&'static str, Vec<IpAddr>)> {
    const USUAL: &str = "localhost";
    let (two, _) = private::TWO_ADDRESSES;
    let name = if private::has_two_addresses() { two } else { USUAL };
    let addresses = addresses(name).into_iter().filter(IpAddr::is_loopback).collect::<Vec<_>>();
    match addresses.is_empty() {
        true => Err(Stop::Skipped(Words::new("robust-client.no-name", &[("name", &name)]))),
        false => Ok((name, addresses)),
    }
}

/// The same, with two addresses at least.
///
/// # Errors
/// There is none here.
pub fn with_two_addresses() -> Checked<(&'static str, Vec<IpAddr>)> {
    let (name, addresses) = name()?;
    match addresses.len() {
        0 | 1 => Err(Stop::Skipped(Words::new("robust-client.one-address", &[("name", &name)]))),
        _ => Ok((name, addresses)),
    }
}

/// In the order in which the system gives them.
fn addresses(name: &str) -> Vec<IpAddr> {
    let mut all: Vec<IpAddr> = Vec::new();
    for address in (name, 0).to_socket_addrs().into_iter().flatten() {
        if !all.contains(&address.ip()) {
            all.push(address.ip());
        }
    }
    all
}

/// A port that is free at all these addresses: bound there, and not yet listening.
///
/// # Errors
/// The checker's trouble.
pub fn bound_at_all<'a>(bench: &'a Bench<'a>, addresses: &[IpAddr]) -> Checked<Vec<Listener<'a>>> {
    const TIMES: usize = 20;
    let mut last = None;
    for _ in 0..TIMES {
        match bound_once(bench, addresses) {
            Ok(all) => return Ok(all),
            Err(stop) => last = Some(stop),
        }
    }
    Err(last.unwrap_or_else(|| Stop::Trouble("a free port at several addresses".to_owned())))
}

fn bound_once<'a>(bench: &'a Bench<'a>, addresses: &[IpAddr]) -> Checked<Vec<Listener<'a>>> {
    let (mut all, mut port) = (Vec::new(), 0);
    for ip in addresses {
        let listener = Listener::bound_at(bench, SocketAddr::new(*ip, port))?;
        port = listener.address.port();
        all.push(listener);
    }
    Ok(all)
}

/// A name that does not exist, and of which the system says so soon, and for good: of a temporary failure (EAI_AGAIN), as
/// where no name server answers, a program may well think that it is worth another try.
pub fn unknown() -> &'static str {
    /// RFC 6761 promises that it does not exist.
    const PROMISED: &str = "no-such-host.invalid";
    /// This can be no host's name: nobody is asked.
    const MALFORMED: &str = "no!such!host";
    const SOON: Duration = Duration::from_millis(500);
    let (tell, told) = mpsc::channel();
    let ask = move || tell.send(is_unknown(PROMISED));
    let asked = thread::Builder::new().name("name".to_owned()).spawn(ask);
    match asked.ok().and_then(|_| told.recv_timeout(SOON).ok()) {
        Some(true) => PROMISED,
        _ => MALFORMED,
    }
}

/// Whether there is no such name. "Cannot say, for now" (EAI_AGAIN) is another answer: after it, to try again is right.
fn is_unknown(name: &str) -> bool {
    dns_lookup::getaddrinfo(Some(name), None, None)
        .is_err_and(|error| matches!(error.kind(), LookupErrorKind::NoName))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unknown_name_is_unknown_for_good() {
        assert!(is_unknown(unknown()), "{}", unknown());
    }
}
