//! Calls in few words: `send(4, 105 B) = 105`.

use socklab::narrate::event::{Args, Call, Ended, Event, Kind, Resolve};

use super::rows::RowKind;

/// At most so many characters fit beside a lane. What is too long loses the end of its arguments.
const LONGEST: usize = 36;

/// A call that has returned.
pub fn call(ended: &Ended) -> String {
    let result = match &ended.error {
        Some(error) => format!(" = {} {}", ended.result, error.name),
        None => format!(" = {}", ended.result),
    };
    written(&ended.call, &result)
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
    let (result, kind) = match &resolve.error {
        Some(error) => (format!(" = {}", error.name), RowKind::Failed),
        None => (String::new(), RowKind::Call),
    };
    (fitted("getaddrinfo", &format!("{:?}", resolve.host), &result), kind)
}

/// A call that had not returned when the recording ended.
pub fn unfinished(event: &Event) -> String {
    match &event.kind {
        Kind::Begin(call) => written(call, " did not return"),
        _ => String::new(),
    }
}

fn written(call: &Call, result: &str) -> String {
    // poll has its descriptors in a list.
    let fd = call.fd.filter(|_| call.call != "poll").map(|fd| fd.to_string());
    let parts: Vec<String> = fd.into_iter().chain(details(&call.call, &call.args)).collect();
    fitted(&call.call, &parts.join(", "), result)
}

fn fitted(name: &str, args: &str, result: &str) -> String {
    let room = LONGEST.saturating_sub(name.len() + 2 + result.chars().count());
    if args.chars().count() <= room {
        return format!("{name}({args}){result}");
    }
    let cut: String = args.chars().take(room.saturating_sub(1)).collect();
    format!("{name}({cut}…){result}")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_loses_arguments_and_never_its_result() {
        assert_eq!(fitted("send", "4, 105 B", " = 105"), "send(4, 105 B) = 105");
        let long = fitted("connect", "5, 127.0.0.1:38885", " = -1 ECONNREFUSED");
        assert_eq!(long, "connect(5, 127.0…) = -1 ECONNREFUSED");
        assert_eq!(long.chars().count(), LONGEST);
    }
}
