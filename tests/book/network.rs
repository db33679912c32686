//! The readers' machine: a network, a hosts file and a home of its own, in which nobody else listens or writes, and an
//! ordinary user.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::pages::project;
use crate::support::program::plain;

/// As most systems have it.
const HOSTS: &str = "127.0.0.1 localhost\n::1 localhost\n";

/// Where the reader's home lies, in a file system that is nobody else's.
const HOME: &str = "/srv/student";

/// Makes the machine: `$1` is what the hosts file says, `$2` the program, `$3` the project's lessons.
const SETUP: &str = r#"
    set -e
    ip link set lo up
    mount -t tmpfs home /srv
    mkdir -p /srv/student/.cargo/bin /srv/student/lessons
    touch /srv/student/.cargo/bin/socklab
    mount --bind "$2" /srv/student/.cargo/bin/socklab
    mount --bind "$3" /srv/student/lessons
    printf "$1" > /srv/hosts
    mount --bind /srv/hosts /etc/hosts
    echo ready
    exec cat
"#;

/// Namespaces, for as long as it is held.
pub struct Network {
    holder: Child,
}

impl Network {
    /// A new one, with a loopback interface only. An error where an ordinary user may not make namespaces.
    pub fn new() -> Result<Self, String> {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--net", "--mount", "sh", "-c", SETUP, "sh"]);
        command.args([HOSTS, env!("CARGO_BIN_EXE_socklab")]).arg(project().join("lessons"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut holder = command.spawn().map_err(|why| format!("unshare: {why}"))?;
        let mut ready = String::new();
        let output = holder.stdout.take().expect("piped");
        let read = BufReader::new(output).read_line(&mut ready);
        let network = Self { holder };
        match read {
            Ok(_) if ready == "ready\n" => Ok(network),
            _ => Err("no network of its own: user namespaces are not allowed here".to_owned()),
        }
    }

    /// A command line, run in here by a shell. Without privileges, unless it begins with `sudo`. Processes are counted
    /// anew each time: a program that shows its number always shows the same.
    pub fn shell(&self, line: &str) -> Command {
        let inside = ["--user", "--net", "--mount", "--preserve-credentials", "--target"];
        let mut command = plain(Command::new("nsenter"), &inside);
        command.arg(self.holder.id().to_string()).arg(format!("--wdns={HOME}"));
        command.args(["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]);
        let line = match line.strip_prefix("sudo ") {
            Some(line) => line,
            None => {
                command.args(["unshare", "--user", "--map-user=1000", "--map-group=1000"]);
                line
            }
        };
        // The shell stays: a program that is the first process of all would not hear of Ctrl-C by default.
        let line = &format!("{line}\nexit $?");
        let path = std::env::var("PATH").unwrap_or_default();
        command.args(["sh", "-c", line]).env("PATH", format!("{HOME}/.cargo/bin:{path}"));
        command.env("HOME", HOME).env("USER", "student").env("LC_ALL", "C.UTF-8");
        command.env("COLUMNS", "80").env("NO_COLOR", "1").env_remove("PYTHONUNBUFFERED");
        command
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // It has nothing to lose, and may be gone already.
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
