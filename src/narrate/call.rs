//! Telling one call: its beginning, the call itself, its end.

use std::io;
use std::time::Instant;

use super::event::{Call, Circumstance, Ended, Errno, Name, Value, micros};
use super::narration::Narration;

/// Makes a call and tells the narration its beginning and its end; `finish` adds what success brought.
///
/// Without a narration: one branch, no clock, nothing described.
pub(super) fn narrate<T>(
    narration: Option<&Narration>,
    describe: impl FnOnce() -> Call,
    make: impl FnOnce() -> io::Result<T>,
    finish: impl FnOnce(&mut Ended, &T),
) -> io::Result<T> {
    let Some(narration) = narration else {
        return make();
    };
    let call = describe();
    let begun = narration.begin(call.clone());
    let called = Instant::now();
    let outcome = make();
    let mut ended = Ended {
        result: 0,
        error: None,
        circumstance: None,
        elapsed_us: micros(called.elapsed()),
        syscalls: cfg!(target_os = "linux").then(|| vec![kernels_name(&call.call)]),
        call,
    };
    match &outcome {
        Ok(value) => finish(&mut ended, value),
        Err(error) => fail(&mut ended, error),
    }
    narration.end(begun, ended);
    outcome
}

/// What the kernel calls the C library's function (on Linux).
fn kernels_name(function: &Name) -> Name {
    match function.as_ref() {
        "accept" => "accept4".into(),
        "send" => "sendto".into(),
        "recv" => "recvfrom".into(),
        // Newer architectures have ppoll alone.
        "poll" if !cfg!(any(target_arch = "x86", target_arch = "x86_64", target_arch = "arm")) => {
            "ppoll".into()
        }
        _ => function.clone(),
    }
}

/// Flags as C writes them.
pub(super) fn flag_names(flags: i32) -> Value {
    if flags == 0 {
        return Value::Int(0);
    }
    let known = FLAGS.iter().filter(|(bit, _)| flags & bit != 0);
    let rest = FLAGS.iter().fold(flags, |rest, (bit, _)| rest & !bit);
    let rest = (rest != 0).then(|| format!("{rest:#x}"));
    let names: Vec<String> = known.map(|(_, name)| (*name).to_owned()).chain(rest).collect();
    names.join("|").into()
}

/// The flags of `send` and `recv` that demos use.
#[cfg(unix)]
const FLAGS: [(i32, &str); 4] = [
    (nix::libc::MSG_PEEK, "MSG_PEEK"),
    (nix::libc::MSG_TRUNC, "MSG_TRUNC"),
    (nix::libc::MSG_DONTWAIT, "MSG_DONTWAIT"),
    (nix::libc::MSG_OOB, "MSG_OOB"),
];

#[cfg(not(unix))]
const FLAGS: [(i32, &str); 0] = [];

fn fail(ended: &mut Ended, error: &io::Error) {
    ended.result = -1;
    ended.error = Errno::of(error);
    let given_up = matches!(error.kind(), io::ErrorKind::WouldBlock) || is_in_progress(error);
    if given_up {
        ended.circumstance =
            Some(if ended.call.waits { Circumstance::TimedOut } else { Circumstance::WouldBlock });
    }
}

#[cfg(unix)]
fn is_in_progress(error: &io::Error) -> bool {
    error.raw_os_error() == Some(nix::errno::Errno::EINPROGRESS as i32)
}

#[cfg(not(unix))]
fn is_in_progress(_: &io::Error) -> bool {
    false
}
