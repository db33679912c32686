//! Which permission is missing, exactly, and how to get it.

use crate::error::Error;

/// Who may open a ping socket: the first and the last group, each with all groups between.
#[cfg(target_os = "linux")]
const RANGE: &str = "/proc/sys/net/ipv4/ping_group_range";

/// Neither a raw socket nor a ping socket is to be had.
#[cfg(target_os = "linux")]
pub fn missing() -> Error {
    let range = read(RANGE);
    let range = range.split_whitespace().collect::<Vec<_>>().join(" ");
    let groups = groups(&read("/proc/self/status"));
    Error::failed(
        "raw-ping.not-permitted",
        [("path", path()), ("range", range), ("groups", groups)],
    )
}

/// Neither a raw socket nor a ping socket is to be had.
#[cfg(not(target_os = "linux"))]
pub fn missing() -> Error {
    Error::failed("raw-ping.not-permitted-here", [])
}

/// This program's own file, as a shell takes it.
#[cfg(target_os = "linux")]
fn path() -> String {
    let path = std::env::current_exe().map(|path| path.display().to_string());
    let path = path.unwrap_or_else(|_| "PATH-OF-SOCKLAB".to_owned());
    let plain = path.chars().all(|one| one.is_alphanumeric() || "/._-+".contains(one));
    if plain { path } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

/// The groups that count: the effective one and the supplementary ones.
#[cfg(target_os = "linux")]
fn groups(status: &str) -> String {
    let line = |name| status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    // Real, effective, saved, file system.
    let effective = line("Gid:").split_whitespace().nth(1);
    let mut groups: Vec<&str> =
        effective.into_iter().chain(line("Groups:").split_whitespace()).collect();
    groups.dedup();
    groups.join(" ")
}

/// What the kernel says there; nothing where it does not tell.
#[cfg(target_os = "linux")]
fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| {
        tracing::warn!("{path}: {error}");
        String::new()
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_effective_group_and_the_supplementary_ones_count() {
        let status =
            "Uid:\t1\t1\t1\t1\nGid:\t100\t1000\t1000\t1000\nGroups:\t1000 27 998 \nNStgid:\t1\n";
        assert_eq!(groups(status), "1000 27 998");
        assert_eq!(groups("Gid:\t5\t6\t5\t5\nGroups:\t \n"), "6");
    }
}
