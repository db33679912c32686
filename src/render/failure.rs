//! An error as one sentence: which call, on what, what the system said, and what to do next.

use std::env::consts::OS;

use crate::error::Error;
use crate::narrate::event::{Args, Errno, Value};
use crate::reference;

use super::{harmless, words};

/// The sentence. It may be several.
pub fn describe(error: &Error) -> String {
    match error {
        Error::Call { call, on, source } => of_call(call, on, source),
        Error::Resolve { host, name, message } => {
            let words = format!("{}: {} ({name})", harmless(host), harmless(message));
            advised(words, "resolve", name, host)
        }
        Error::Failed { what, blanks } => failed(what, blanks),
        Error::Interrupted => words("text.interrupted", &Args::default()),
    }
}

fn of_call(call: &str, on: &str, source: &std::io::Error) -> String {
    let on_what = harmless(on);
    match Errno::of(source) {
        Some(errno) => {
            let words = format!("{call} {on_what}: {errno}");
            advised(words, call, &errno.name, on)
        }
        None => format!("{call} {on_what}: {}.", harmless(&source.to_string())),
    }
}

fn failed(what: &str, blanks: &[(&'static str, String)]) -> String {
    let fill = |args: Args, (name, value): &(&'static str, String)| {
        args.with(*name, Value::from(value.clone()))
    };
    words(what, &blanks.iter().fold(Args::default(), fill))
}

/// Adds what to do next. What is known only for this system is preferred.
fn advised(words: String, call: &str, name: &str, on: &str) -> String {
    let keys = [format!("{call}.{name}.{OS}"), format!("{call}.{name}")];
    let Some(advice) = reference::advice(&keys) else {
        return format!("{words}.");
    };
    let (host, port) = parts(on);
    let advice = reference::fill(advice, |blank| match blank {
        "on" => Some(harmless(on)),
        "host" => Some(harmless(host)),
        "port" => Some(harmless(port)),
        _ => None,
    });
    format!("{words}. {advice}")
}

/// `[::1]:8888` in its parts. What has no port is all host.
fn parts(on: &str) -> (&str, &str) {
    let (host, port) = match on.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (host, port),
        _ => (on, "8888"),
    };
    (host.trim_start_matches('[').trim_end_matches(']'), port)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use nix::errno::Errno as Number;

    fn call(name: &'static str, on: &str, number: Number) -> String {
        describe(&Error::during(name, on)(number.into()))
    }

    #[test]
    fn a_call_its_address_the_words_the_name_and_what_to_do() {
        assert_eq!(
            call("bind", "127.0.0.1:8888", Number::EADDRINUSE),
            "bind 127.0.0.1:8888: Address already in use (EADDRINUSE). Usually another program listens there: \
             ss -ltnp 'sport = :8888' shows which. Or use --port 0."
        );
        assert!(call("bind", "[::1]:80", Number::EACCES).contains("(EACCES). Ports below 1024"));
        assert!(
            call("bind", "192.0.2.1:1", Number::EADDRNOTAVAIL)
                .contains("address 192.0.2.1: ip address")
        );
    }

    #[test]
    fn an_error_without_advice_is_a_sentence_too() {
        assert_eq!(call("close", "3", Number::EIO), "close 3: Input/output error (EIO).");
        let made_up = std::io::Error::other("no such luck");
        assert_eq!(
            describe(&Error::during("read", "\x1b[2J")(made_up)),
            "read \\x1b[2J: no such luck."
        );
    }

    #[test]
    fn a_name_without_address() {
        let error = Error::Resolve {
            host: "no..such".into(),
            name: "EAI_NONAME".into(),
            message: "Name or service not known".into(),
        };
        let sentence = describe(&error);
        assert!(sentence.starts_with(
            "no..such: Name or service not known (EAI_NONAME). Check the spelling of no..such"
        ));
    }
}
