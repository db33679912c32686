//! Calls in few words: `send(4, 105 B) = 105`.

use socklab::narrate::event::{Args, Call, Ended, Event, Kind, Resolve};

use super::rows::RowKind;

/// At most so many characters of the arguments are shown.
const LONGEST: usize = 25;

/// A call that has returned.
pub fn call(ended: &Ended) -> String {
    let call = written(&ended.call);
    match &ended.error {
        Some(error) => format!("{call} = {} {}", ended.result, error.name),
        None => format!("{call} = {}", ended.result),
    }
}

/// Whether it succeeded.
pub fn kind(ended: &Ended) -> RowKind {
    match (&ended.error, ended.circumstance) {
        (None, _) => RowKind::Call,
        (Some(_), Some(_)) => RowKind::Limited,
        (Some(_), None) => RowKind::Failed,
    }
}

/// A name that was looked up.
pub fn lookup(resolve: &Resolve) -> (String, RowKind) {
    let call = format!("getaddrinfo({})", shortened(&format!("{:?}", resolve.host)));
    match &resolve.error {
        Some(error) => (format!("{call} = {}", error.name), RowKind::Failed),
        None => (call, RowKind::Call),
    }
}

/// A call that had not returned when the recording ended.
pub fn unfinished(event: &Event) -> String {
    match &event.kind {
        Kind::Begin(call) => format!("{} … did not return", written(call)),
        _ => String::new(),
    }
}

fn written(call: &Call) -> String {
    // poll has its descriptors in a list.
    let fd = call.fd.filter(|_| call.call != "poll").map(|fd| fd.to_string());
    let details = details(&call.call, &call.args);
    let parts: Vec<String> = fd.into_iter().chain(details).collect();
    format!("{}({})", call.call, shortened(&parts.join(", ")))
}

/// What of the arguments a reader needs to follow the story.
fn details(name: &str, args: &Args) -> Vec<String> {
    let wanted = |names: &[&str]| -> Vec<String> {
        names.iter().filter_map(|name| args.get(name)).map(ToString::to_string).collect()
    };
    match name {
        "send" | "write" => wanted(&["len"]).iter().map(|len| format!("{len} B")).collect(),
        "sendto" => {
            let len = wanted(&["len"]).into_iter().map(|len| format!("{len} B"));
            len.chain(wanted(&["addr"])).collect()
        }
        "recv" | "recvfrom" | "read" | "accept" | "getsockname" | "getpeername" => Vec::new(),
        "socket" => {
            wanted(&["type"]).iter().map(|kind| kind.replace("|SOCK_CLOEXEC", "")).collect()
        }
        "setsockopt" | "getsockopt" => wanted(&["optname", "optval"]),
        _ => args.iter().map(|(_, value)| value.to_string()).collect(),
    }
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST - 1).chain(['…']).collect()
}
