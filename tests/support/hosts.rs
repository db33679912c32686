//! A hosts file of our own, in a mount namespace of the child's own: names that have the addresses that a test needs.

use std::path::Path;
use std::process::Command;

use tempfile::NamedTempFile;

/// A hosts file, for as long as it is held.
pub struct Hosts(NamedTempFile);

impl Hosts {
    /// In which `name` has these addresses. `None` where an ordinary user may not make namespaces.
    pub fn with(name: &str, addresses: &[&str]) -> Option<Self> {
        let file = NamedTempFile::new().expect("a file");
        let lines = addresses.iter().map(|address| format!("{address} {name}\n"));
        std::fs::write(file.path(), lines.collect::<String>()).expect("a file");
        let hosts = Self(file);
        let tried = hosts.seen_by("true").output();
        tried.is_ok_and(|done| done.status.success()).then_some(hosts)
    }

    /// A command that runs `program`, with arguments to come, where this is /etc/hosts.
    pub fn seen_by(&self, program: impl AsRef<Path>) -> Command {
        let script = r#"mount --bind "$0" /etc/hosts && exec "$@""#;
        let mut command = Command::new("unshare");
        command.args(["-rm", "sh", "-c", script]).arg(self.0.path()).arg(program.as_ref());
        command
    }
}
