//! A network of one's own (Linux): in a user namespace that it has made, everybody has every capability, raw sockets
//! included, over the network that belongs to it.
//!
//! A program with several threads may not enter a user namespace (`unshare(2)`: EINVAL), and this one has several. So it
//! becomes the program `unshare`, which enters it and becomes this program again.

use crate::error::Error;

/// Starts this program again in a network of its own, without `--private`. It returns only when that cannot be.
#[cfg(target_os = "linux")]
pub fn enter() -> Error {
    use std::os::unix::process::CommandExt;

    // `unshare` would tell why it fails, and not what to do about it.
    let tried = unshare().args(UP).output();
    let again = match tried {
        Ok(tried) if tried.status.success() => std::env::current_exe(),
        Ok(tried) => return impossible(String::from_utf8_lossy(&tried.stderr).trim()),
        Err(error) => return impossible(&format!("unshare: {error}")),
    };
    let arguments = std::env::args_os().skip(1).filter(|argument| argument != "--private");
    let script = format!("{} && exec \"$0\" \"$@\"", UP.join(" "));
    match again {
        Ok(program) => {
            let mut shell = unshare();
            shell.args(["sh", "-c", &script]).arg(program).args(arguments);
            impossible(&shell.exec().to_string())
        }
        Err(error) => impossible(&error.to_string()),
    }
}

/// A new network has one interface, the loopback, and it is down.
#[cfg(target_os = "linux")]
const UP: [&str; 5] = ["ip", "link", "set", "lo", "up"];

#[cfg(target_os = "linux")]
fn unshare() -> std::process::Command {
    let mut command = std::process::Command::new("unshare");
    command.args(["--user", "--map-root-user", "--net", "--"]);
    command
}

#[cfg(target_os = "linux")]
fn impossible(why: &str) -> Error {
    Error::failed("raw-ping.not-private", [("why", why.to_owned())])
}

/// Only Linux has it.
#[cfg(not(target_os = "linux"))]
pub fn enter() -> Error {
    Error::failed("raw-ping.private-is-linux", [])
}

/// Whether this is a user namespace other than the first, where raw sockets are allowed, and a network with nothing but
/// loopback.
pub fn is_here() -> bool {
    let read =
        |file: &str| std::fs::read_to_string(format!("/proc/self/{file}")).unwrap_or_default();
    maps_users(&read("uid_map")) && only_loopback(&read("net/dev")) && may_send_raw(&read("status"))
}

/// Whether CAP_NET_RAW is among the effective capabilities (`proc_pid_status(5)`, `capabilities(7)`).
fn may_send_raw(status: &str) -> bool {
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let bits = effective.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok());
    bits.is_some_and(|bits| bits & (1 << CAP_NET_RAW) != 0)
}

/// Its number (linux/capability.h).
const CAP_NET_RAW: u32 = 13;

/// In the first user namespace every id stands for itself.
fn maps_users(uid_map: &str) -> bool {
    !uid_map.is_empty() && uid_map.split_whitespace().ne(["0", "0", "4294967295"])
}

/// The first two lines are heads of columns.
fn only_loopback(interfaces: &str) -> bool {
    let names = interfaces.lines().skip(2).filter_map(|line| line.split(':').next());
    names.map(str::trim).eq(["lo"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapped_user_is_told_from_the_first_namespace() {
        assert!(!maps_users("         0          0 4294967295\n"));
        assert!(maps_users("         0       1000          1\n"));
    }

    #[test]
    fn a_capability_that_was_given_up_is_none() {
        assert!(may_send_raw("Name:\tx\nCapEff:\t000001ffffffffff\n"));
        assert!(!may_send_raw("CapEff:\t000001ffffffdfff\n"));
        assert!(!may_send_raw(""));
    }

    #[test]
    fn loopback_alone_is_told_from_a_network() {
        let heads = "Inter-|   Receive\n face |bytes\n";
        assert!(only_loopback(&format!("{heads}    lo:       0       0\n")));
        assert!(!only_loopback(&format!("{heads}    lo: 0\n  eth0: 0\n")));
        assert!(!only_loopback(heads));
    }
}
