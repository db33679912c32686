//! What the exercises share whose program is a client: it is met where it connects, heard, answered, and seen to end.

mod early;
mod inputs;

use std::io::Write;
use std::mem::MaybeUninit;
use std::time::{Duration, Instant};

pub use inputs::{carries_bytes, large, sends_much};

use crate::check::bench::Bench;
use crate::check::evidence;
use crate::check::listener::Listener;
use crate::check::peer::{Heard, Instead, Peer, fails};
use crate::check::program::{Ended, Program};
use crate::check::story::{difference, preview};
use crate::check::verdict::{Checked, Finding, Stop, Words};

/// How the story names the checker's end.
pub const SERVER: &str = "the server";

/// How long a program's input is held open while it is waited for.
const HELD: Duration = Duration::from_millis(300);

/// How often a program is looked at that is to connect, or to end.
const GLANCE: Duration = Duration::from_millis(20);

/// A buffer that is soon full.
pub const SMALL: usize = 64 << 10;

/// More of its environment.
pub type Variables<'a> = &'a [(&'static str, String)];

/// A client that has connected.
pub struct Client<'a> {
    bench: &'a Bench<'a>,
    variables: Vec<(&'static str, String)>,
    /// Where it connected to.
    pub listener: Listener<'a>,
    /// The program.
    pub program: Program,
    /// The checker's end.
    pub peer: Peer<'a>,
}

impl<'a> Client<'a> {
    /// Starts one with that input, and takes its connection.
    pub fn meet(bench: &'a Bench<'a>, variables: Variables, input: &[u8]) -> Checked<Self> {
        Self::meet_at(bench, Listener::new(bench)?, variables, input)
    }

    /// The same, at a certain listener.
    pub fn meet_at(
        bench: &'a Bench<'a>,
        listener: Listener<'a>,
        variables: Variables,
        input: &[u8],
    ) -> Checked<Self> {
        let mut program = bench.client(listener.address, variables, input)?;
        let peer = comes(bench, &[&listener], &mut program)?;
        Ok(Self { bench, variables: variables.to_vec(), listener, program, peer })
    }

    /// The same, with small buffers on this side.
    pub fn meet_small(bench: &'a Bench<'a>, variables: Variables, input: &[u8]) -> Checked<Self> {
        let listener = Listener::bound(bench)?.with_small_buffers(SMALL)?;
        listener.listen(8)?;
        Self::meet_at(bench, listener, variables, input)
    }

    /// The same, and its input stays open until its socket has been looked at: whether that is one that says EAGAIN.
    pub fn meet_held(
        bench: &'a Bench<'a>,
        variables: Variables,
        input: &[u8],
    ) -> Checked<(Self, bool)> {
        let listener = Listener::new(bench)?;
        let mut program = bench.start(listener.address, variables)?;
        bench.tell("check.input", &[("text", &preview(input))]);
        let mut held = program.take_input();
        if let Some(pipe) = &mut held {
            // A program that reads nothing is no fault of the checker's.
            let _ = pipe.write_all(input);
        }
        let early = listener.accept_within(SERVER, bench.patiently(HELD))?;
        let impatient = early.as_ref().is_some_and(|peer| is_impatient(&program, peer));
        // One that reads all of its input first connects only now.
        drop(held);
        let peer = match early {
            Some(peer) => peer,
            None => comes(bench, &[&listener], &mut program)?,
        };
        let variables = variables.to_vec();
        Ok((Self { bench, variables, listener, program, peer }, impatient))
    }

    /// All that it sends, to its end of file.
    pub fn hear(&self) -> Checked<Heard> {
        let (bytes, ended) = self.peer.receive(self.bench.answer(), |_| false)?;
        Ok(Heard { bytes, instead: ended.unwrap_or(Instead::Other) })
    }

    /// Its input arrives, and then its end of file.
    pub fn sends(&mut self, input: &[u8]) -> Checked {
        let heard = self.hear()?;
        match heard.bytes == input && heard.instead == Instead::End {
            true => Ok(()),
            false => fails(self.unlike(input, &heard)),
        }
    }

    /// What it sent instead of its input and the end, as a finding.
    pub fn unlike(&mut self, input: &[u8], heard: &Heard) -> Finding {
        let all = heard.bytes == input;
        let finding = match heard.instead {
            Instead::Silence if all && evidence::spins(self.bench, &self.program) => {
                Finding::new("client.no-end-spins", &[]).mistake("eof-ignored")
            }
            Instead::Silence if all => Finding::new("client.no-end", &[]),
            Instead::Silence => Finding::new("client.silent", &[]),
            Instead::Reset if all => {
                Finding::new("client.reset", &[]).mistake("close-not-shutdown")
            }
            Instead::Reset => Finding::new("client.reset", &[]),
            Instead::End | Instead::Other => Finding::new("client.other-input", &[]),
        };
        let ended = self.ended_soon();
        if !all && ended.is_some() && evidence::names_eagain(&self.program) {
            return self.nothing_yet(ended);
        }
        let finding = match ended.filter(|ended| !all && *ended != Ended::Exit(0)) {
            Some(how) => ended_with("client.ended-while-sending", how, &self.program),
            None => finding,
        };
        let (expected, actual) = match heard.instead {
            Instead::Silence if all => silent_end(input.len()),
            _ => difference(input, &heard.bytes),
        };
        finding.but(expected, actual)
    }

    /// Answers what was heard to its end, and ends. The answer is printed.
    pub fn answers(&mut self, answer: &[u8]) -> Checked {
        let held = evidence::holds(&self.program, self.peer.remote, self.peer.local);
        if !held {
            self.bench.tell("client.gone", &[]);
        }
        let sent = match self.peer.send(answer) {
            Err(Stop::Failed(_)) => false,
            sent => sent.map(|()| true)?,
        };
        // A reset before the end is sent: what came was not read. After it the kernel may keep that to itself.
        evidence::takes(&self.program, self.peer.remote, self.peer.local);
        let reset = self.has_reset();
        self.peer.half_close()?;
        match self.printed(answer) {
            output if output == answer => Ok(()),
            output => fails(self.lost(answer, &output, !held || !sent || reset)?),
        }
    }

    /// What it has printed, when that is as much as it should be, or there will be no more.
    pub fn printed(&self, expected: &[u8]) -> Vec<u8> {
        let enough =
            |output: &[u8]| output.len() >= expected.len() || !expected.starts_with(output);
        self.bench.prints(&self.program, enough);
        self.program.output()
    }

    /// Why the answer was not printed.
    fn lost(&mut self, answer: &[u8], output: &[u8], closed: bool) -> Checked<Finding> {
        let (expected, actual) = difference(answer, output);
        if !answer.starts_with(output) {
            return Ok(other_output(answer, output).but(expected, actual));
        }
        let ended = self.ended_soon();
        if evidence::names_eagain(&self.program) {
            return Ok(self.nothing_yet(ended));
        }
        let finding = match closed || self.has_reset() {
            true if early::is_printed(self.bench, &self.variables, answer)? => not_waited(ended),
            true => Finding::new("client.closed", &[]).mistake("close-not-shutdown"),
            false if ended.is_none() && evidence::spins(self.bench, &self.program) => {
                Finding::new("client.spins", &[]).mistake("eof-ignored")
            }
            false => Finding::new("client.not-printed", &[]),
        };
        Ok(finding.but(expected, actual))
    }

    /// It gave up because of an error that says "nothing yet".
    pub fn nothing_yet(&self, ended: Option<Ended>) -> Finding {
        let finding = Finding::new("client.nothing-yet", &[]).mistake("eagain-fatal");
        let how = ended.map_or_else(String::new, |ended| format!(" ({ended})"));
        finding.but(going_on(), format!("{}{how}", self.program.last_words()))
    }

    /// How it ended, if it has, or does within a moment.
    pub fn ended_soon(&mut self) -> Option<Ended> {
        self.program.ends_before(Instant::now() + self.bench.patiently(HELD))
    }

    /// Whether its end of the connection answers with a reset.
    fn has_reset(&self) -> bool {
        self.peer.socket().take_error().is_ok_and(|error| error.is_some())
    }

    /// It ends by itself, with success, and has printed just this.
    pub fn ends_well(&mut self, output: &[u8]) -> Checked {
        match ended(self.bench, &mut self.program)? {
            Some(Ended::Exit(0)) => {}
            Some(how) => return fails(badly_ended(&self.program, how)),
            None if evidence::spins(self.bench, &self.program) => {
                return fails(Finding::new("client.spins", &[]).mistake("eof-ignored"));
            }
            None => return fails(Finding::new("client.stays", &[]).mistake("eof-ignored")),
        }
        let printed = self.program.output();
        if printed == output {
            return Ok(());
        }
        let (expected, actual) = difference(output, &printed);
        fails(other_output(output, &printed).but(expected, actual))
    }
}

/// Whether it is a socket that says EAGAIN; seen when the program has sent something, or had time to.
fn is_impatient(program: &Program, peer: &Peer) -> bool {
    let socket = peer.socket();
    let _ = socket.set_read_timeout(Some(HELD / 3));
    let _ = socket.peek(&mut [MaybeUninit::uninit()]);
    evidence::impatience(program, peer.remote, peer.local)
}

/// Waits until the program connects to one of them.
pub fn comes<'a>(
    bench: &Bench,
    listeners: &[&Listener<'a>],
    program: &mut Program,
) -> Checked<Peer<'a>> {
    let deadline = Instant::now() + bench.patiently(bench.plan.startup);
    loop {
        bench.check_stop()?;
        let ended = program.ended();
        for listener in listeners {
            if let Some(peer) = listener.accept_within(SERVER, GLANCE)? {
                return Ok(peer);
            }
        }
        // It had ended before the last look: nobody will come.
        if ended.is_some() {
            bench.ended(program, Duration::ZERO)?;
            return fails(never_came(program, ended));
        }
        if Instant::now() > deadline {
            return fails(never_came(program, None));
        }
    }
}

/// Waits for its end.
pub fn ended(bench: &Bench, program: &mut Program) -> Checked<Option<Ended>> {
    bench.ends(program)
}

fn never_came(program: &Program, ended: Option<Ended>) -> Finding {
    let Some(how) = ended else { return Finding::new("client.never-came", &[]) };
    let finding = ended_with("client.ended-before", how, program);
    match evidence::names_eagain(program) {
        true => finding.mistake("eagain-fatal"),
        false => finding,
    }
}

/// It closed its end before the answer came, and prints one that is there: that is what EAGAIN does to those who take it
/// for a failure, and, less often, for the end; and what SHUT_RDWR does, after which no call says that anything failed.
fn not_waited(ended: Option<Ended>) -> Finding {
    let finding = Finding::new("client.not-waited", &[]);
    match ended.is_some_and(|ended| ended != Ended::Exit(0)) {
        true => finding.mistake("eagain-fatal").mistake("close-not-shutdown"),
        false => finding.mistake("close-not-shutdown").mistake("eagain-fatal"),
    }
}

/// The words `id` for a program that ended too soon, with what it said last, if it said anything.
fn ended_with(id: &str, how: Ended, program: &Program) -> Finding {
    let last = program.last_words();
    let id = if last.is_empty() { format!("{id}-silently") } else { id.to_owned() };
    Finding::new(&id, &[("how", &how), ("last", &last)])
}

/// What was to come after `count` bytes, and what came.
fn silent_end(count: usize) -> (String, String) {
    let words = |id| Words::new(id, &[("count", &count)]).to_string();
    (words("client.then-end"), words("client.then-nothing"))
}

/// It printed something else.
fn other_output(expected: &[u8], output: &[u8]) -> Finding {
    let holds = |part: &[u8]| output.windows(part.len().max(1)).any(|window| window == part);
    match output.len() > expected.len() && (expected.is_empty() || holds(expected)) {
        true => Finding::new("client.more-printed", &[]),
        false => Finding::new("client.other-printed", &[]),
    }
}

/// It ended, and not with the exit status 0.
fn badly_ended(program: &Program, how: Ended) -> Finding {
    let finding = Finding::new("client.bad-status", &[("how", &how)]);
    let last = program.last_words();
    finding.but(
        "exit status 0",
        Words::new("check.ended", &[("how", &how), ("last", &last)]).to_string(),
    )
}

fn going_on() -> String {
    Words::new("client.goes-on", &[]).to_string()
}

/// It ends with a failure, says why, and prints no answer. `none` is what it means when it does not end.
pub fn ends_badly(bench: &Bench, program: &mut Program, codes: &[i32], none: Finding) -> Checked {
    let Some(ended) = ended(bench, program)? else { return fails(none) };
    let finding = match ended {
        Ended::Exit(0) => Finding::new("client.claims-success", &[]),
        Ended::Exit(code) if !codes.is_empty() && !codes.contains(&code) => {
            Finding::new("client.other-status", &[("code", &code)])
        }
        Ended::Exit(_) if program.errors().trim_ascii().is_empty() => {
            Finding::new("client.no-reason", &[])
        }
        Ended::Exit(_) => return Ok(()),
        Ended::Signal(number) if number == nix::libc::SIGPIPE => {
            Finding::new("client.killed", &[("how", &ended)]).mistake("broken-pipe")
        }
        Ended::Signal(_) => Finding::new("client.killed", &[("how", &ended)]),
    };
    fails(finding.but(Words::new("client.fails", &[]).to_string(), ended.to_string()))
}

/// Nothing was answered, so nothing is printed.
pub fn prints_nothing(program: &Program) -> Checked {
    let output = program.output();
    match output.is_empty() {
        true => Ok(()),
        false => fails(Finding::new("client.more-printed", &[]).but("", preview(&output))),
    }
}
