//! The program as a child process: its narration read as it comes, its end awaited, never left behind.

use std::io::{self, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use socklab::narrate::event::{Event, Kind};

use super::LIMIT;
use super::lines::{Lines, Next};

/// A running child, the leader of a process group of its own. Dropped while it runs, the whole group is killed.
pub struct Program {
    pid: i32,
    ended: Receiver<ExitStatus>,
    input: Option<ChildStdin>,
    output: Lines,
    errors: Lines,
    events: Vec<Event>,
    over: bool,
}

/// A child that ended.
pub struct Finished {
    /// Its exit status, or 128 plus the signal that ended it, as a shell counts.
    pub code: i32,
    /// The lines that it printed.
    pub output: Vec<String>,
    /// What it said on standard error.
    pub errors: String,
}

/// A command that runs socklab with `args`, in a plain environment.
pub fn socklab(args: &[&str]) -> Command {
    plain(Command::new(env!("CARGO_BIN_EXE_socklab")), args)
}

/// Without what a developer's shell may have set and the program would obey.
pub fn plain(mut command: Command, args: &[&str]) -> Command {
    command.args(args);
    for name in ["RUST_LOG", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS"] {
        command.env_remove(name);
    }
    command
}

impl Program {
    /// Starts socklab with `args`.
    pub fn start(args: &[&str]) -> Self {
        Self::run(socklab(args))
    }

    /// Starts `command`.
    pub fn run(mut command: Command) -> Self {
        command.stdout(Stdio::piped());
        Self::spawn(command)
    }

    /// Starts `command`, whose output goes to `output` instead of to us.
    pub fn run_into(mut command: Command, output: impl Into<Stdio>) -> Self {
        command.stdout(output);
        Self::spawn(command)
    }

    fn spawn(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().unwrap_or_else(|why| panic!("{command:?}: {why}"));
        let pid = i32::try_from(child.id()).expect("a process id is an i32");
        let input = child.stdin.take();
        let output = child.stdout.take().map_or_else(|| Lines::of(io::empty()), Lines::of);
        let errors = Lines::of(child.stderr.take().expect("piped"));
        let (sender, ended) = mpsc::channel();
        thread::spawn(move || child.wait().map(|status| sender.send(status)));
        Self { pid, ended, input, output, errors, events: Vec::new(), over: false }
    }

    /// The child's process id.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Types a line.
    pub fn type_line(&mut self, line: &str) {
        let input = self.input.as_mut().expect("the input is still open");
        writeln!(input, "{line}").expect("the child reads its input");
    }

    /// Ends its standard input.
    pub fn close_input(&mut self) {
        self.input = None;
    }

    /// Sends `signal` to the child's group: a child under strace gets it as well.
    pub fn signal(&self, signal: Signal) {
        killpg(Pid::from_raw(self.pid), signal).expect("the child is still there");
    }

    /// Waits for a line of output that `pick` finds something in, also among those that came before.
    pub fn wait_for_line<T>(&mut self, what: &str, pick: impl Fn(&str) -> Option<T>) -> T {
        let mut looked_at = 0;
        loop {
            for line in &self.output.seen()[looked_at..] {
                if let Some(found) = pick(line) {
                    return found;
                }
            }
            looked_at = self.output.seen().len();
            self.more(what);
        }
    }

    /// Waits for the line of output at `index`, counted from 0.
    pub fn line(&mut self, index: usize, what: &str) -> &str {
        while self.output.seen().len() <= index {
            self.more(what);
        }
        &self.output.seen()[index]
    }

    /// Waits for an event that `pick` finds something in, also among those that came before.
    pub fn wait_for<T>(&mut self, what: &str, mut pick: impl FnMut(&Event) -> Option<T>) -> T {
        let mut looked_at = 0;
        loop {
            if let Some(found) = self.events()[looked_at..].iter().find_map(&mut pick) {
                return found;
            }
            looked_at = self.events.len();
            self.more(what);
        }
    }

    /// The events that were read so far.
    fn events(&mut self) -> &[Event] {
        for line in &self.output.seen()[self.events.len()..] {
            self.events.push(read(line));
        }
        &self.events
    }

    /// The events that have come, without waiting for more.
    pub fn events_so_far(&mut self) -> &[Event] {
        while self.output.next(Duration::ZERO) == Next::Line {}
        self.events()
    }

    fn more(&mut self, what: &str) {
        let next = self.output.next(LIMIT);
        if next != Next::Line {
            while self.errors.next(LIMIT / 30) == Next::Line {}
            let (output, errors) = (self.output.tail(), self.errors.tail());
            panic!("no {what} ({next:?})\noutput: {output}\nerrors: {errors}");
        }
    }

    /// Reads on until the output ends or has paused for `pause`; says whether it ended.
    pub fn ends_before_a_pause_of(&mut self, pause: Duration) -> bool {
        loop {
            match self.output.next(pause) {
                Next::Line => {}
                Next::End => return true,
                Next::Nothing => return false,
            }
        }
    }

    /// Closes its input and waits for its end.
    pub fn finish(mut self) -> Finished {
        self.close_input();
        self.wait()
    }

    /// Waits for its end, with its input open.
    pub fn wait(mut self) -> Finished {
        while self.output.next(LIMIT) == Next::Line {}
        while self.errors.next(LIMIT) == Next::Line {}
        let (output, errors) = (self.output.tail(), self.errors.seen().join("\n"));
        let Ok(status) = self.ended.recv_timeout(LIMIT) else {
            panic!("it does not end\noutput: {output}\nerrors: {errors}");
        };
        self.over = true;
        let code = status.code().or(status.signal().map(|signal| 128 + signal));
        let output = self.output.seen().to_vec();
        Finished { code: code.expect("it exited or was killed"), output, errors }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if !self.over && self.ended.try_recv().is_err() {
            // It may end by itself this very moment.
            let _ = killpg(Pid::from_raw(self.pid), Signal::SIGKILL);
        }
    }
}

impl Finished {
    /// Its output as events.
    pub fn events(&self) -> Vec<Event> {
        self.output.iter().map(|line| read(line)).collect()
    }

    /// Its output as a whole narration: the last event, and no other, says that it is over, and the exit status.
    pub fn narration(&self) -> Vec<Event> {
        let events = self.events();
        let done = events.iter().filter(|event| matches!(event.kind, Kind::Done(_))).count();
        assert_eq!(done, 1, "one event says that it is over: {}", self.text());
        match events.last().map(|event| &event.kind) {
            Some(Kind::Done(done)) => assert_eq!(done.exit, self.code),
            last => panic!("the narration goes on after its end: {last:?}"),
        }
        events
    }

    /// All that it printed.
    pub fn text(&self) -> String {
        self.output.join("\n")
    }
}

fn read(line: &str) -> Event {
    serde_json::from_str(line).unwrap_or_else(|why| panic!("not an event ({why}): {line}"))
}
