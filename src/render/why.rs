//! Why: which facts of a call choose the sentence that explains it.

use crate::narrate::event::{Args, Call, Ended, Resolve, Value};
use crate::reference::{self, Why};

/// The sentence for what happened: what was chosen by which fact, and the words.
#[derive(Debug, PartialEq)]
pub struct Reason {
    /// The fact; empty for the call's own sentence.
    pub key: String,
    /// The words.
    pub text: String,
}

impl From<Why> for Reason {
    fn from(why: Why) -> Self {
        Self { key: why.key, text: why.text.to_owned() }
    }
}

/// Why a call came out as it did. For an error that nothing is written about, the system's words.
pub fn of_call(ended: &Ended) -> Option<Reason> {
    let why = reference::why(&ended.call.call, &facts(ended)).map(Reason::from);
    match &ended.error {
        None => why,
        Some(error) => why.filter(|why| !why.key.is_empty()).or_else(|| {
            Some(Reason { key: error.name.to_string(), text: super::harmless(&error.message) })
        }),
    }
}

/// Why a name has these addresses, or none.
pub fn of_resolve(resolve: &Resolve) -> Option<Reason> {
    let fact = match &resolve.error {
        Some(error) => error.name.to_string(),
        None if resolve.addresses.len() > 1 => "several".to_owned(),
        None => String::new(),
    };
    reference::why("getaddrinfo", &[fact]).map(Reason::from)
}

/// What is known of a call that returned, the most particular first.
fn facts(ended: &Ended) -> Vec<String> {
    let subjects = subjects(&ended.call);
    let circumstance = ended.circumstance.map(|circumstance| circumstance.name());
    let Some(error) = &ended.error else {
        let made = (ended.call.call == "connect" && ended.call.waits).then_some("handshake");
        let general = circumstance.into_iter().chain(made).map(str::to_owned);
        return general.chain(subjects).collect();
    };
    let mut outcomes = vec![error.name.to_string()];
    if let Some(circumstance) = circumstance {
        outcomes.insert(0, format!("{} {circumstance}", error.name));
    }
    let particular = subjects
        .iter()
        .flat_map(|subject| outcomes.iter().map(move |outcome| format!("{subject} {outcome}")));
    particular.chain(outcomes.iter().cloned()).collect()
}

/// What a call is about: an option, a type of socket, a kind of address.
fn subjects(call: &Call) -> Vec<String> {
    match call.call.as_ref() {
        "socket" => {
            let kind = text(&call.args, "type");
            let kind = kind.split('|').next().unwrap_or_default().to_owned();
            vec![format!("{kind} {}", text(&call.args, "protocol")), kind]
        }
        "setsockopt" | "getsockopt" => {
            let option = text(&call.args, "optname");
            vec![format!("{option} {}", text(&call.args, "optval")), option]
        }
        "fcntl" => {
            let command = text(&call.args, "cmd");
            // Of the flags, F_SETFL changes this one; the access mode is named because the kernel is given it.
            let waits =
                if text(&call.args, "flags").contains("O_NONBLOCK") { "O_NONBLOCK" } else { "0" };
            vec![format!("{command} {waits}"), command]
        }
        "shutdown" => vec![text(&call.args, "how")],
        "bind" => address_kinds(&text(&call.args, "addr")),
        _ => Vec::new(),
    }
}

fn address_kinds(address: &str) -> Vec<String> {
    let Ok(address) = address.parse::<std::net::SocketAddr>() else {
        return Vec::new();
    };
    let kinds = [
        ("port 0", address.port() == 0),
        ("any address", address.ip().is_unspecified()),
        ("loopback", address.ip().is_loopback()),
    ];
    kinds.into_iter().filter(|(_, applies)| *applies).map(|(kind, _)| kind.to_owned()).collect()
}

fn text(args: &Args, name: &str) -> String {
    args.get(name).map(Value::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::narrate::event::{Circumstance, Errno};

    fn ended(call: &'static str, args: Args) -> Ended {
        let call = Call { call: call.into(), fd: Some(3), args, data: None, waits: true };
        let (result, error, circumstance, elapsed_us, syscalls) = Default::default();
        Ended { call, result, error, circumstance, elapsed_us, syscalls }
    }

    fn failed(mut ended: Ended, name: &'static str, circumstance: Option<Circumstance>) -> Ended {
        let message = "the system's words".into();
        ended.error = Some(Errno { errno: 1, name: name.into(), message });
        Ended { result: -1, circumstance, ..ended }
    }

    fn key(ended: &Ended) -> String {
        of_call(ended).unwrap().key
    }

    #[test]
    fn an_error_is_told_by_its_circumstance() {
        let recv = || ended("recv", Args::default());
        let timed_out = failed(recv(), "EAGAIN", Some(Circumstance::TimedOut));
        let would_block = failed(recv(), "EAGAIN", Some(Circumstance::WouldBlock));
        assert_eq!(key(&timed_out), "EAGAIN timed-out");
        assert_eq!(key(&would_block), "EAGAIN would-block");
    }

    #[test]
    fn a_failed_call_is_never_explained_as_if_it_had_worked() {
        let bind =
            failed(ended("bind", Args::default().with("addr", "127.0.0.1:0")), "EWHAT", None);
        let reason = of_call(&bind).unwrap();
        assert_eq!((reason.key.as_str(), reason.text.as_str()), ("EWHAT", "the system's words"));
    }

    #[test]
    fn the_type_of_socket_decides() {
        let raw =
            Args::default().with("type", "SOCK_RAW|SOCK_CLOEXEC").with("protocol", "IPPROTO_ICMP");
        assert_eq!(key(&ended("socket", raw.clone())), "SOCK_RAW IPPROTO_ICMP");
        assert_eq!(key(&failed(ended("socket", raw), "EPERM", None)), "SOCK_RAW EPERM");
    }

    #[test]
    fn an_address_decides() {
        let bind = |addr: &'static str| key(&ended("bind", Args::default().with("addr", addr)));
        assert_eq!(bind("0.0.0.0:0"), "port 0");
        assert_eq!(bind("[::]:8888"), "any address");
        assert_eq!(bind("127.0.0.1:8888"), "loopback");
        assert_eq!(bind("192.0.2.1:8888"), "");
    }

    #[test]
    fn an_option_is_told_by_its_value() {
        let set = |value: &'static str| {
            let args = Args::default().with("level", "SOL_SOCKET").with("optname", "SO_LINGER");
            key(&ended("setsockopt", args.with("optval", value)))
        };
        assert_eq!(set("{on, 0 s}"), "SO_LINGER {on, 0 s}");
        assert_eq!(set("{on, 5 s}"), "SO_LINGER");
    }
}
