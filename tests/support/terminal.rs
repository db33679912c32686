//! A program on a terminal of its own (Linux): what a person sees and types, through the other end of a pseudo-terminal.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, killpg};
use nix::sys::termios::{Termios, tcgetattr};
use nix::unistd::Pid;

use super::LIMIT;
use super::process::eventually;
use super::program::plain;

/// The person's end.
pub struct Terminal {
    child: Child,
    keyboard: File,
    coming: Receiver<Vec<u8>>,
    shown: String,
    /// How much of what was shown has been waited for.
    read: usize,
    settings: Termios,
}

impl Terminal {
    /// Starts socklab on a terminal of so many columns.
    pub fn start(columns: u16, args: &[&str]) -> Self {
        Self::start_with(columns, args, &[])
    }

    /// The same with variables in its environment.
    pub fn start_with(columns: u16, args: &[&str], variables: &[(&str, &str)]) -> Self {
        let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let ends = openpty(&size, None).expect("a pseudo-terminal");
        let settings = tcgetattr(&ends.master).expect("a terminal");
        // A session of its own, of which this is the terminal: Ctrl-C reaches it, and nobody else.
        let mut command = plain(Command::new("setsid"), &["-c", env!("CARGO_BIN_EXE_socklab")]);
        command.args(args).env("TERM", "xterm").envs(variables.iter().copied());
        let end = |fd: &OwnedFd| fd.try_clone().expect("one more descriptor");
        command.stdin(end(&ends.slave)).stdout(end(&ends.slave)).stderr(ends.slave);
        let child = command.spawn().expect("setsid runs socklab");
        let keyboard = File::from(ends.master);
        let coming = chunks(keyboard.try_clone().expect("one more descriptor"));
        Self { child, keyboard, coming, shown: String::new(), read: 0, settings }
    }

    /// Presses keys.
    pub fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("the terminal is there");
    }

    /// Waits until `text` is shown, after what was waited for before; returns what was shown before it.
    pub fn wait_for(&mut self, text: &str) -> String {
        loop {
            if let Some(start) = self.shown[self.read..].find(text) {
                let before = self.shown[self.read..self.read + start].to_owned();
                self.read += start + text.len();
                return before;
            }
            assert!(self.sees_more(LIMIT), "no {text:?} in:\n{}", self.shown);
        }
    }

    /// Whether nothing more is shown for `pause`. That it is waiting cannot be seen otherwise.
    pub fn is_still_for(&mut self, pause: Duration) -> bool {
        !self.sees_more(pause)
    }

    fn sees_more(&mut self, limit: Duration) -> bool {
        let chunk = self.coming.recv_timeout(limit);
        chunk.is_ok_and(|chunk| {
            self.shown += &String::from_utf8_lossy(&chunk);
            true
        })
    }

    /// Waits for its end; returns its exit status and all that was shown. It leaves the terminal as it was.
    pub fn end(mut self) -> (Option<i32>, String) {
        while self.sees_more(LIMIT) {}
        let mut status = None;
        let ended = eventually(|| {
            status = self.child.try_wait().expect("our child");
            status.is_some()
        });
        assert!(ended, "it does not end:\n{}", self.shown);
        let settings = tcgetattr(&self.keyboard).expect("a terminal");
        assert_eq!(settings.local_flags, self.settings.local_flags, "the terminal is as it was");
        assert_eq!(settings.input_flags, self.settings.input_flags, "the terminal is as it was");
        (status.and_then(|status| status.code()), std::mem::take(&mut self.shown))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            let session = i32::try_from(self.child.id()).expect("a process id is an i32");
            // It may end by itself this very moment.
            let _ = killpg(Pid::from_raw(session), Signal::SIGKILL);
            let _ = self.child.wait();
        }
    }
}

/// What is shown, as it comes. A character may be cut in two there; these tests look for none that could be.
fn chunks(mut screen: File) -> Receiver<Vec<u8>> {
    let (sender, coming) = mpsc::channel();
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count) = screen.read(&mut buffer) {
            if count == 0 || sender.send(buffer[..count].to_vec()).is_err() {
                return;
            }
        }
    });
    coming
}
