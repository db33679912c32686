//! Names to addresses.
//!
//! `getaddrinfo(3)` opens sockets and files of its own and cannot be given a time limit. So it runs on a thread of its
//! own, and what it does there is told as one event: the addresses, or the error by its EAI name.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use dns_lookup::{AddrInfoHints, LookupErrorKind, SockType};

use super::event::{EaiError, Kind, Name, Resolve, micros};
use super::narration::{of_thread, thread_id};

/// Why a name has no addresses.
#[derive(Clone, Debug, PartialEq)]
pub struct LookupError {
    /// What `getaddrinfo` said.
    pub error: EaiError,
    /// Whether asking again later may help. "No such name" is final, "temporary failure in name resolution" is not.
    pub temporary: bool,
}

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} ({})", self.error.message, self.error.name)
    }
}

impl std::error::Error for LookupError {}

/// The addresses of `host` for TCP, in the order in which they should be tried (RFC 6724, as `getaddrinfo` sorts them).
///
/// An address stands for itself: nothing is asked then, and nothing narrated.
///
/// # Errors
/// The name has no address, or none was found within `limit`.
pub fn resolve(host: &str, port: u16, limit: Duration) -> Result<Vec<SocketAddr>, LookupError> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let started = Instant::now();
    let (outcome, resolver) = on_its_own_thread(bare, port, limit);
    if let Some(narration) = of_thread() {
        narration.tell(Kind::Resolve(Resolve {
            host: host.to_owned(),
            port,
            addresses: outcome.iter().flatten().map(SocketAddr::to_string).collect(),
            error: outcome.as_ref().err().map(|failed| failed.error.clone()),
            elapsed_us: micros(started.elapsed()),
            resolver_tid: resolver.filter(|&tid| tid != 0),
        }));
    }
    outcome
}

type Outcome = Result<Vec<SocketAddr>, LookupError>;

fn on_its_own_thread(host: &str, port: u16, limit: Duration) -> (Outcome, Option<u64>) {
    let (started, thread) = mpsc::channel();
    let (finished, result) = mpsc::channel();
    let host = host.to_owned();
    let spawned = thread::Builder::new().name("resolver".into()).spawn(move || {
        // Nobody may be listening any more: then nobody needs the answer.
        let _ = started.send(thread_id());
        let _ = finished.send(ask(&host, port));
    });
    if let Err(error) = spawned {
        return (
            Err(failure(0, "EAI_AGAIN", format!("no thread to resolve on: {error}"), true)),
            None,
        );
    }
    let resolver = thread.recv().ok();
    let outcome = result.recv_timeout(limit).unwrap_or_else(|_| {
        let words = format!("no answer within {}", humantime::format_duration(limit));
        Err(failure(0, "EAI_AGAIN", words, true))
    });
    (outcome, resolver)
}

fn ask(host: &str, port: u16) -> Outcome {
    let hints = AddrInfoHints { socktype: SockType::Stream.into(), ..AddrInfoHints::default() };
    let found = dns_lookup::getaddrinfo(Some(host), Some(&port.to_string()), Some(hints)).map_err(
        |error| {
            let (name, temporary) = eai_name(error.kind());
            let code = error.error_num();
            failure(code, name, eai_message(error.into()), temporary)
        },
    )?;
    let mut addresses: Vec<SocketAddr> = found.flatten().map(|info| info.sockaddr).collect();
    addresses.dedup();
    Ok(addresses)
}

fn failure(code: i32, name: &'static str, message: String, temporary: bool) -> LookupError {
    LookupError { error: EaiError { code, name: Name::Borrowed(name), message }, temporary }
}

fn eai_name(kind: LookupErrorKind) -> (&'static str, bool) {
    match kind {
        LookupErrorKind::Again => ("EAI_AGAIN", true),
        LookupErrorKind::Badflags => ("EAI_BADFLAGS", false),
        LookupErrorKind::NoName => ("EAI_NONAME", false),
        LookupErrorKind::NoData => ("EAI_NODATA", false),
        LookupErrorKind::Fail => ("EAI_FAIL", false),
        LookupErrorKind::Family => ("EAI_FAMILY", false),
        LookupErrorKind::Socktype => ("EAI_SOCKTYPE", false),
        LookupErrorKind::Service => ("EAI_SERVICE", false),
        LookupErrorKind::Memory => ("EAI_MEMORY", true),
        LookupErrorKind::System => ("EAI_SYSTEM", true),
        _ => ("EAI_FAIL", false),
    }
}

/// The system's words without the library's introduction.
fn eai_message(error: std::io::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(": ").map_or(text.clone(), |(_, words)| words.to_owned())
}
