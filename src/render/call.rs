//! A call as a C programmer writes it, with its real arguments, and its result as `strace` shows it.

use crate::narrate::event::{Call, Ended, Resolve};

use super::harmless;

/// `accept(3,` and `[127.0.0.1:40222])`: the pieces between which a line may break.
///
/// What the kernel filled in is in brackets, and is there only once the call has returned.
pub fn pieces(call: &Call) -> Vec<String> {
    let name = call.call.as_ref();
    // poll has its descriptors in a list.
    let fd = call.fd.filter(|_| name != "poll").map(|fd| fd.to_string());
    let buffer = (has_buffer(name)).then(|| "buf".to_owned());
    let others = call.args.iter().map(|(arg, value)| {
        let value = harmless(&value.to_string());
        if filled_in(name, arg) { format!("[{value}]") } else { value }
    });
    written(name, fd.into_iter().chain(buffer).chain(others).collect())
}

/// The pieces of `getaddrinfo("localhost", "8888")`.
pub fn lookup_pieces(resolve: &Resolve) -> Vec<String> {
    let quoted = |text: &str| format!("\"{}\"", harmless(text));
    written("getaddrinfo", vec![quoted(&resolve.host), quoted(&resolve.port.to_string())])
}

fn written(name: &str, args: Vec<String>) -> Vec<String> {
    let last = args.len().saturating_sub(1);
    let mut pieces: Vec<String> = args
        .iter()
        .enumerate()
        .map(|(index, arg)| format!("{arg}{}", if index == last { ")" } else { "," }))
        .collect();
    match pieces.first_mut() {
        Some(first) => first.insert_str(0, &format!("{name}(")),
        None => pieces.push(format!("{name}()")),
    }
    pieces
}

/// `= 3`, `= -1 ECONNREFUSED`.
pub fn result(ended: &Ended) -> String {
    match &ended.error {
        Some(error) => format!("= {} {}", ended.result, harmless(&error.name)),
        None => format!("= {}", ended.result),
    }
}

/// Whether the bytes of this call leave through the socket.
pub fn sends(call: &Call) -> bool {
    call.call.starts_with("send") || call.call.starts_with("write")
}

fn has_buffer(call: &str) -> bool {
    matches!(call, "send" | "sendto" | "recv" | "recvfrom" | "read" | "write")
}

fn filled_in(call: &str, arg: &str) -> bool {
    match call {
        "accept" | "recvfrom" | "getsockname" | "getpeername" => arg == "addr",
        "getsockopt" => arg == "optval",
        "poll" => arg == "revents",
        _ => false,
    }
}
