//! A learner's program: started with limits and a tag, its output kept within bounds, stopped with all that it started.

use std::fmt;
use std::io::{self, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Once, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use rustix::process::Signal as Sent;

use super::ending;
use super::fate::Fate;
use super::last_words;
use super::limits::{self, Limits};
use super::processes::{Processes, TAG, adopt_orphans};
use super::story::preview_of;

/// How much of its output is kept, from the beginning, and of what it says on standard error, up to the end: there is what
/// it died of. The rest is read and forgotten.
const KEPT: usize = 4 << 20;

/// How many bytes of its last words are shown.
const LAST_WORDS: usize = 300;

/// How long it has to end after SIGTERM.
const GRACE: Duration = Duration::from_secs(2);

/// How long it may take to read what it said last: on a loaded machine the checker has to wait for a processor, too.
const LAST_READ: Duration = Duration::from_secs(5);

/// How long a server may take to end that has closed all its sockets.
const LAST_BREATH: Duration = Duration::from_millis(500);

/// How often a process is looked at that gives no sign by itself.
const GLANCE: Duration = Duration::from_millis(2);

/// Variables that would hide a mistake.
const HIDING: [&str; 3] = ["PYTHONUNBUFFERED", "PYTHONDEVMODE", "RUST_BACKTRACE"];

/// A running program. Dropped, it is killed with all that it started.
pub struct Program {
    child: Child,
    processes: Processes,
    input: Option<ChildStdin>,
    output: Stream,
    errors: Stream,
    status: Option<ExitStatus>,
    /// Dropped with it, which ends the warden.
    _warden: Sender<()>,
    /// It goes on as long as one of its processes does.
    serves: bool,
    /// What is told of its end, when nobody asked for it.
    mourner: Option<Fate>,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this exit status.
    Exit(i32),
    /// By this signal.
    Signal(i32),
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Exit(code) => write!(f, "exit status {code}"),
            Self::Signal(number) => match Signal::try_from(*number) {
                Ok(Signal::SIGXCPU) => write!(f, "SIGXCPU: more processor time than --limits cpu"),
                Ok(Signal::SIGXFSZ) => write!(f, "SIGXFSZ: a file larger than --limits file"),
                Ok(signal) => write!(f, "{}", signal.as_str()),
                Err(_) => write!(f, "signal {number}"),
            },
        }
    }
}

/// What to start.
pub struct Launch<'a> {
    /// The command, with `{host}` and `{port}`.
    pub command: &'a [String],
    /// What is put for `{host}`, and into `SOCKLAB_HOST`.
    pub host: &'a str,
    /// What is put for `{port}`, and into `SOCKLAB_PORT`.
    pub port: u16,
    /// More of its environment.
    pub variables: &'a [(&'a str, String)],
    /// What it may use.
    pub limits: Limits,
    /// Where it is told that it used more.
    pub fate: Fate,
}

impl Program {
    /// Starts it.
    ///
    /// # Errors
    /// There is no such command, or it may not be run.
    pub fn start(launch: &Launch) -> io::Result<Self> {
        static RUNS: AtomicU64 = AtomicU64::new(0);
        static ADOPTED: Once = Once::new();
        ADOPTED.call_once(adopt_orphans);
        let tag = format!("{}-{}", std::process::id(), RUNS.fetch_add(1, Ordering::Relaxed));
        let mut child = {
            let mut command = command(launch, &tag)?;
            let _alone = spawning();
            ending::awaited(|| command.spawn())?
        };
        limits::set(&child, &launch.limits);
        let processes = Processes::of(child.id().cast_signed(), tag);
        let (input, output, errors) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let warden = limits::guard(processes.clone(), launch.limits, launch.fate.clone())?;
        Ok(Self {
            processes,
            input,
            output: Stream::of(output, |kept| kept.truncate(KEPT))?,
            errors: Stream::of(errors, keep_the_end)?,
            child,
            status: None,
            _warden: warden,
            serves: false,
            mourner: None,
        })
    }

    /// It is a server, and may leave its work to another process.
    pub fn serving(mut self) -> Self {
        self.serves = true;
        self
    }

    /// Its end is told, unless somebody asks it to end.
    pub fn mourned(mut self, fate: Fate) -> Self {
        self.mourner = Some(fate);
        self
    }

    /// Its processes.
    pub fn processes(&self) -> &Processes {
        &self.processes
    }

    /// What it has printed so far.
    pub fn output(&self) -> Vec<u8> {
        self.output.so_far()
    }

    /// What it has said on standard error so far.
    pub fn errors(&self) -> Vec<u8> {
        self.errors.so_far()
    }

    /// The line on standard error that tells what went wrong, the last if there are several. For a reader, as [`preview_of`].
    pub fn last_words(&self) -> String {
        let errors = self.errors();
        preview_of(last_words::of(&errors), LAST_WORDS)
    }

    /// Waits until `enough` of what it printed is there, or it prints no more; says which.
    pub fn output_until(&self, deadline: Instant, enough: impl Fn(&[u8]) -> bool) -> bool {
        self.output.until(deadline, enough)
    }

    /// Whether it will print no more.
    pub fn has_closed_output(&self) -> bool {
        self.output.shared.state().over
    }

    /// Its standard input, once: for a thread that writes to it.
    pub fn take_input(&mut self) -> Option<ChildStdin> {
        self.input.take()
    }

    /// Writes all of `text` to its standard input and closes it, on a thread of its own.
    pub fn feed(&mut self, text: Vec<u8>) -> io::Result<()> {
        let Some(mut input) = self.input.take() else { return Ok(()) };
        // A program that reads no more is no fault of the checker's.
        let write = move || drop(input.write_all(&text));
        thread::Builder::new().name("input".to_owned()).spawn(write).map(drop)
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<Ended> {
        if self.status.is_none() {
            self.status = self.child.try_wait().ok().flatten();
        }
        let ended = self.status.filter(|_| !self.serves || self.has_nobody_left());
        ended.map(|status| match (status.code(), status.signal()) {
            (Some(code), _) => Ended::Exit(code),
            (None, signal) => Ended::Signal(signal.unwrap_or_default()),
        })
    }

    /// Whether none of its processes is left, nor one that could turn out to be its own; or has, since the first look.
    fn has_nobody_left(&self) -> bool {
        let nobody = || self.processes.alive().is_empty();
        nobody() && !self.processes.may_be_starting() && nobody()
    }

    /// Waits for its end.
    pub fn ends_before(&mut self, deadline: Instant) -> Option<Ended> {
        loop {
            if let Some(ended) = self.ended() {
                // What it said last is in the pipes now, and their end comes when it has been read; unless a process of its
                // has them still.
                let alone = self.processes.alive().is_empty();
                let read = Instant::now() + if alone { LAST_READ } else { LAST_READ / 25 };
                self.output.until(read, |_| false);
                self.errors.until(read, |_| false);
                return Some(ended);
            }
            if Instant::now() >= deadline {
                return None;
            }
            thread::sleep(GLANCE);
        }
    }

    /// Interrupts all its processes, as Ctrl-C does: languages write out what they have kept back before they end.
    pub fn interrupt(&self) {
        self.signal(Sent::INT);
    }

    /// Stops all its processes until [`Program::resume`]: what comes to it meanwhile waits in the kernel.
    pub fn pause(&self) {
        self.signal(Sent::STOP);
    }

    /// Lets them go on.
    pub fn resume(&self) {
        self.signal(Sent::CONT);
    }

    /// Asks all its processes to end, and kills those that do not. Says whether it had to.
    pub fn stop(&mut self) -> bool {
        self.mourn();
        self.signal(Sent::TERM);
        // One that was stopped hears of it when it goes on.
        self.resume();
        let deadline = Instant::now() + GRACE;
        while Instant::now() < deadline {
            self.ended();
            if self.processes.alive().is_empty() {
                return false;
            }
            thread::sleep(GLANCE);
        }
        self.kill();
        true
    }

    /// Ends all its processes now. Another user's it cannot; then it gives up after a while.
    pub fn kill(&mut self) {
        self.mourn();
        self.processes.kill();
        self.ended();
    }

    fn signal(&self, signal: Sent) {
        self.processes.alive().iter().for_each(|process| ending::send(process, signal));
    }

    /// Before it is asked to end: tells if it has ended already.
    fn mourn(&mut self) {
        let Some(fate) = self.mourner.take() else { return };
        // The kernel closes a process's sockets first: a server without any is about to end.
        let ends = self.processes.sockets().is_empty();
        let patience = if ends { LAST_BREATH } else { Duration::ZERO };
        if let Some(how) = self.ends_before(Instant::now() + patience) {
            fate.ended(how, &self.last_words());
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
        ending::forget(&self.child);
    }
}

/// Until it is dropped, no program is being started. Between fork and exec a new process holds whatever socket is open in
/// the checker at that moment: a port that was free would be taken, for as long as that lasts.
pub fn spawning() -> MutexGuard<'static, ()> {
    static SPAWNING: Mutex<()> = Mutex::new(());
    SPAWNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The command that starts it.
fn command(launch: &Launch, tag: &str) -> io::Result<Command> {
    let port = launch.port.to_string();
    let filled = |word: &String| word.replace("{host}", launch.host).replace("{port}", &port);
    let words: Vec<String> = launch.command.iter().map(filled).collect();
    let (name, args) = words.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut command = Command::new(name);
    command.args(args).env("SOCKLAB_HOST", launch.host).env("SOCKLAB_PORT", &port).env(TAG, tag);
    command.envs(launch.variables.iter().map(|(name, value)| (name, value)));
    for name in HIDING {
        command.env_remove(name);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    Ok(command)
}

/// What comes out of a pipe, read on a thread so that the program never waits for the checker.
struct Stream {
    shared: Arc<Shared>,
    _reader: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    kept: Vec<u8>,
    over: bool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Now and then, so that not every read moves all of it.
fn keep_the_end(kept: &mut Vec<u8>) {
    if kept.len() > 2 * KEPT {
        kept.drain(..kept.len() - KEPT);
    }
}

impl Stream {
    /// `bound` keeps what is kept within bounds.
    fn of(
        pipe: Option<impl Read + Send + 'static>,
        bound: impl Fn(&mut Vec<u8>) + Send + 'static,
    ) -> io::Result<Self> {
        let mut pipe = pipe.ok_or(io::ErrorKind::InvalidInput)?;
        let shared = Arc::<Shared>::default();
        let keep = shared.clone();
        let read = move || {
            let mut buffer = [0; 64 << 10];
            loop {
                let count = pipe.read(&mut buffer).unwrap_or(0);
                let mut state = keep.state();
                state.kept.extend(&buffer[..count]);
                bound(&mut state.kept);
                state.over = count == 0;
                keep.changed.notify_all();
                if count == 0 {
                    return;
                }
            }
        };
        let reader = thread::Builder::new().name("output".to_owned()).spawn(read)?;
        Ok(Self { shared, _reader: reader })
    }

    fn so_far(&self) -> Vec<u8> {
        self.shared.state().kept.clone()
    }

    fn until(&self, deadline: Instant, enough: impl Fn(&[u8]) -> bool) -> bool {
        let mut state = self.shared.state();
        loop {
            if enough(&state.kept) {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if state.over || left.is_zero() {
                return false;
            }
            let waited = self.shared.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
