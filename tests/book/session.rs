//! A reader at the terminal: commands in the foreground and the background, what they print, how they end.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use nix::fcntl::{OFlag, open};
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::signal::{Signal, killpg};
use nix::sys::stat::Mode;
use nix::sys::termios::{OutputFlags, SetArg, tcgetattr, tcsetattr};
use nix::unistd::Pid;

use crate::network::Network;
use crate::support::LIMIT;
use crate::support::lines::{Lines, Next};

/// A machine on which the reader's commands run.
pub struct Session {
    network: Network,
    /// The exit status of the last command, for `echo $?`.
    last: i32,
}

/// A command that was started.
pub struct Running {
    child: Child,
    screen: Lines,
}

impl Session {
    /// A new one.
    pub fn new() -> Result<Self, String> {
        Ok(Self { network: Network::new()?, last: 0 })
    }

    /// Runs a command line to its end; what it printed on the terminal.
    pub fn run(&mut self, line: &str) -> Result<String, String> {
        let (text, status) = self.start(&self.after_last(line)).wait()?;
        self.last = status;
        Ok(text)
    }

    /// With the last exit status where a shell has it.
    fn after_last(&self, line: &str) -> String {
        if line.contains("$?") { format!("(exit {}); {line}", self.last) } else { line.to_owned() }
    }

    /// Starts a command line on a terminal of its own.
    pub fn start(&self, line: &str) -> Running {
        let (screen, terminal) = terminal().expect("a pseudo-terminal");
        let mut command: Command = self.network.shell(line);
        let other = terminal.try_clone().expect("one more descriptor");
        command.stdin(Stdio::null()).stdout(terminal).stderr(other).process_group(0);
        let child = command.spawn().unwrap_or_else(|why| panic!("{command:?}: {why}"));
        Running { child, screen: Lines::of(Screen(screen)) }
    }
}

/// A terminal that leaves the ends of lines alone: what is read from it, and what a program writes to. No other program
/// inherits either.
fn terminal() -> nix::Result<(File, File)> {
    let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let screen = posix_openpt(flags)?;
    grantpt(&screen)?;
    unlockpt(&screen)?;
    let program = open(ptsname_r(&screen)?.as_str(), flags, Mode::empty())?;
    let mut settings = tcgetattr(&program)?;
    settings.output_flags.remove(OutputFlags::OPOST);
    tcsetattr(&program, SetArg::TCSANOW, &settings)?;
    Ok((File::from(OwnedFd::from(screen)), File::from(program)))
}

/// Reading from a terminal that no program holds any more is an error; here it is the end.
struct Screen(File);

impl Read for Screen {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let closed =
            |error: &io::Error| error.raw_os_error() == Some(nix::errno::Errno::EIO as i32);
        self.0.read(buffer).or_else(|error| if closed(&error) { Ok(0) } else { Err(error) })
    }
}

impl Running {
    /// Waits until it has printed a line with `text` in it.
    pub fn wait_for(&mut self, text: &str) -> Result<(), String> {
        let mut looked_at = 0;
        while !self.screen.seen()[looked_at..].iter().any(|line| line.contains(text)) {
            looked_at = self.screen.seen().len();
            if self.screen.next(LIMIT) != Next::Line {
                return Err(format!("never printed {text:?}: {}", self.screen.tail()));
            }
        }
        Ok(())
    }

    /// Presses Ctrl-C, and waits for its end.
    pub fn interrupt(self) -> Result<String, String> {
        // It may have ended by itself.
        let _ = killpg(self.group(), Signal::SIGINT);
        self.wait().map(|(text, _)| text)
    }

    /// Waits for its end: what it printed, its exit status as a shell has it.
    fn wait(mut self) -> Result<(String, i32), String> {
        let late = Instant::now() + 2 * LIMIT;
        loop {
            match self.screen.next(late.saturating_duration_since(Instant::now())) {
                Next::Line => {}
                Next::End => break,
                Next::Nothing => return Err(format!("does not end: {}", self.screen.tail())),
            }
        }
        let status = self.child.wait().map_err(|why| why.to_string())?;
        let code = status.code().or(status.signal().map(|signal| 128 + signal)).unwrap_or_default();
        Ok((self.screen.seen().join("\n"), code))
    }

    fn group(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).expect("a process id is an i32"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = killpg(self.group(), Signal::SIGKILL);
            let _ = self.child.wait();
        }
    }
}
