//! The program under test as a monitor: it is sent beats, and each line that it prints is compared.

use std::time::{Duration, Instant};

use crate::check::ANSWER;
use crate::check::bench::{Bench, Server, Transport};
use crate::check::datagrams::{Endpoint, waiting};
use crate::check::evidence;
use crate::check::peer::fails;
use crate::check::story::preview;
use crate::check::verdict::{Checked, Finding, Words};

/// How long an output is waited for before Ctrl-C is looked for.
const GLANCE: Duration = Duration::from_millis(20);

/// Clocks are not read at the same moment, and some count in milliseconds: so much too early is not.
const TOLERANCE: Duration = Duration::from_millis(10);

/// So many beats, a line for each, overflow any buffer that a language keeps for standard output.
const FILL: usize = 2500;

/// What comes at once after kilobytes of nothing came out of a buffer.
const LUMP: usize = 1000;

/// A program that listens, and what it should have printed so far.
pub struct Monitor<'a> {
    bench: &'a Bench<'a>,
    server: Server,
    /// Who sends the beats.
    pub client: Endpoint<'a>,
    interval: Duration,
    /// What it should have printed.
    due: String,
    /// How much of that was there before the line that is waited for.
    seen: usize,
    witnesses: usize,
}

/// What was printed, against what should have been.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Just that.
    Right,
    /// The beginning of it.
    Short,
    /// Something else.
    Wrong,
}

impl<'a> Monitor<'a> {
    /// Starts the program.
    ///
    /// # Errors
    /// It does not come to listen.
    pub fn start(bench: &'a Bench<'a>, interval: Duration) -> Checked<Self> {
        let variables = [("SOCKLAB_INTERVAL_MS", interval.as_millis().to_string())];
        let server = bench.server_with(Transport::Udp, &variables)?;
        let client = Endpoint::open(bench, "client", server.address)?;
        let (due, seen, witnesses) = Default::default();
        Ok(Self { bench, server, client, interval, due, seen, witnesses })
    }

    /// One more client.
    ///
    /// # Errors
    /// The checker's trouble.
    pub fn another(&self, name: &str) -> Checked<Endpoint<'a>> {
        Endpoint::open(self.bench, name, self.server.address)
    }

    /// After so long without news a name is down.
    pub fn limit(&self) -> Duration {
        3 * self.interval
    }

    /// Sends a beat.
    ///
    /// # Errors
    /// The checker's trouble.
    pub fn beat(&self, name: &str, number: u64) -> Checked {
        self.client.deliver(format!("beat {name} {number}").as_bytes()).map(drop)
    }

    /// Expects that the next line is this one; `other` is the cause when it is not, and nothing else is seen.
    ///
    /// # Errors
    /// It is not.
    pub fn prints(&mut self, line: &str, other: &str) -> Checked {
        self.waits_for(line);
        self.is_printed(Finding::new(other, &[]), Finding::new(other, &[]))
    }

    /// Expects that it has printed nothing more, up to the beat of a witness, who is new and therefore told.
    ///
    /// # Errors
    /// It has.
    pub fn prints_nothing(&mut self, other: &str) -> Checked {
        self.ignores(Finding::new(other, &[]), Finding::new(other, &[]))
    }

    /// The same, with a cause for something else that it printed, and one for its silence.
    ///
    /// # Errors
    /// It has printed more, or prints no more.
    pub fn ignores(&mut self, wrong: Finding, short: Finding) -> Checked {
        self.witnesses += 1;
        let witness = format!("witness-{}", self.witnesses);
        self.beat(&witness, 1)?;
        self.waits_for(&format!("up {witness}"));
        self.is_printed(wrong, short)
    }

    fn waits_for(&mut self, line: &str) {
        self.seen = self.due.len();
        self.due = format!("{}{line}\n", self.due);
    }

    fn is_printed(&mut self, wrong: Finding, short: Finding) -> Checked {
        match self.output(self.bench.answer())? {
            Output::Right => Ok(()),
            Output::Wrong => fails(self.instead(wrong)),
            Output::Short => fails(self.missing(short)?),
        }
    }

    /// Waits until the output is right or wrong.
    fn output(&self, deadline: Instant) -> Checked<Output> {
        let due = self.due.as_bytes();
        let (program, begin) = (&self.server.program, Instant::now());
        loop {
            self.bench.check_stop()?;
            let in_vain = self.bench.waits_in_vain(begin, deadline);
            let until = deadline.min(Instant::now() + GLANCE);
            let enough = |printed: &[u8]| printed.len() >= due.len() || !due.starts_with(printed);
            program.output_until(until, enough);
            let printed = program.output();
            if printed.starts_with(due) {
                self.bench
                    .tell("heartbeat.printed", &[("text", &self.due[self.seen..].trim_end())]);
                return Ok(Output::Right);
            }
            if !due.starts_with(&printed) {
                return Ok(Output::Wrong);
            }
            if in_vain || self.has_ended() {
                return Ok(Output::Short);
            }
        }
    }

    fn has_ended(&self) -> bool {
        self.server.program.processes().alive().is_empty()
    }

    /// Waits for the line that `name` is down, and calls `meanwhile` again and again.
    ///
    /// # Errors
    /// It comes too early.
    pub fn goes_down(
        &mut self,
        name: &str,
        since: Instant,
        mut meanwhile: impl FnMut() -> Checked,
    ) -> Checked<Output> {
        self.waits_for(&format!("down {name}"));
        let deadline = since + self.limit() + self.bench.patiently(ANSWER);
        loop {
            meanwhile()?;
            let output = self.output(Instant::now() + self.interval / 10)?;
            let after = since.elapsed();
            if output == Output::Right && after + TOLERANCE < self.limit() {
                let blanks: [(&str, &dyn std::fmt::Display); 2] =
                    [("after", &after.as_millis()), ("limit", &self.limit().as_millis())];
                let words = |id| Words::new(id, &blanks).to_string();
                let finding = Finding::new("heartbeat.early", &blanks);
                return fails(finding.but(words("heartbeat.not-before"), words("heartbeat.after")));
            }
            if output != Output::Short || Instant::now() > deadline || self.has_ended() {
                return Ok(output);
            }
        }
    }

    /// Something else was printed than what should have been.
    pub fn instead(&self, finding: Finding) -> Finding {
        let printed = self.server.program.output();
        let same = printed.iter().zip(self.due.as_bytes()).take_while(|(one, other)| one == other);
        let (due, same) = (self.due.as_bytes(), same.count());
        let from = due[..same].iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        let (expected, actual) = (&due[from..], &printed[from..]);
        self.bench.tell("heartbeat.printed", &[("text", &preview(actual))]);
        finding.but(preview(expected), preview(actual))
    }

    /// A line did not come: why, if that can be seen.
    ///
    /// # Errors
    /// The checker's trouble.
    pub fn missing(&mut self, otherwise: Finding) -> Checked<Finding> {
        self.bench.tell("heartbeat.printed-nothing", &[]);
        if let Some(ended) = self.server.program.ends_before(Instant::now()) {
            let finding = Finding::new("heartbeat.died", &[("how", &ended)]);
            let expected = Words::new("check.goes-on", &[]).to_string();
            return Ok(finding.but(expected, self.server.program.last_words()));
        }
        let address = self.server.address;
        let finding = if waiting(address) > 0 {
            Finding::new("heartbeat.not-received", &[("address", &address)])
        } else if self.is_said() {
            Finding::new("heartbeat.said", &[])
        } else if self.is_unfinished() {
            Finding::new("heartbeat.unfinished", &[])
        } else if self.keeps_back()? {
            Finding::new("heartbeat.unflushed", &[]).mistake("unflushed-buffer")
        } else {
            otherwise
        };
        let expected = preview(&self.due.as_bytes()[self.seen..]);
        Ok(finding.but(expected, nothing()))
    }

    /// Whether the line went to standard error.
    fn is_said(&self) -> bool {
        has_line(&self.server.program.errors(), self.due[self.seen..].trim_end())
    }

    /// Whether the line has begun, and nothing else.
    fn is_unfinished(&self) -> bool {
        let printed = self.server.program.output();
        printed.len() > self.seen && self.due.as_bytes().starts_with(&printed)
    }

    /// Whether the line that is waited for comes when a buffer is full, or when the program is ended.
    fn keeps_back(&mut self) -> Checked<bool> {
        let program = &self.server.program;
        let before = program.output().len();
        let has_come = || program.output().len() > before;
        let beat = |index| format!("beat fill-{index:0>59} 1").into_bytes();
        let count = self.client.deliver_many((0..FILL).map(beat), has_come)?;
        program.output_until(Instant::now() + GLANCE, |printed| printed.len() > before);
        let lump = program.output().len() - before;
        self.bench.tell("heartbeat.filled", &[("count", &count), ("bytes", &lump)]);
        if lump > 0 {
            return Ok(lump >= LUMP && program.output().starts_with(self.due.as_bytes()));
        }
        self.bench.tell("heartbeat.interrupted", &[]);
        program.interrupt();
        let interrupted = Instant::now() + self.bench.patiently(Duration::from_secs(1));
        let program = &mut self.server.program;
        if program.ends_before(interrupted).is_none() {
            program.stop();
        }
        Ok(program.output().starts_with(self.due.as_bytes()))
    }

    /// It did not notice that `name` fell silent: does it, when it is woken?
    ///
    /// # Errors
    /// The checker's trouble.
    pub fn sleeps(&mut self, name: &str) -> Checked<Finding> {
        self.bench.tell("heartbeat.printed-nothing", &[]);
        let waits = self.waits();
        let wakes = evidence::wakes_by_itself(&self.server.program, self.limit());
        let woken = self.is_woken(&format!("down {name}"))?;
        let cause = match (woken, waits) {
            (true, Some(false)) => "heartbeat.silence.late",
            (true, _) => "heartbeat.silence.woken",
            (false, Some(true)) if !wakes && !self.is_said() => "heartbeat.silence.waits",
            (false, _) => return self.missing(Finding::new("heartbeat.silence.never", &[])),
        };
        let finding = Finding::new(cause, &[]).but(format!("down {name}"), nothing());
        Ok(if cause.ends_with("late") { finding } else { finding.mistake("no-timeout") })
    }

    /// Whether it waits for a datagram and for nothing else. `None` where that cannot be seen.
    fn waits(&self) -> Option<bool> {
        let held = self.server.program.processes().receiving();
        let (_, held) = held.into_iter().find(|(address, _)| *address == self.server.address)?;
        evidence::waits_without_limit(&self.server.program, &held)
    }

    /// Whether the line comes when other datagrams do.
    fn is_woken(&self, line: &str) -> Checked<bool> {
        for datagram in ["anybody there?", "beat ben 1"] {
            self.client.deliver(datagram.as_bytes())?;
            let until = Instant::now() + self.bench.patiently(5 * self.interval);
            if self.server.program.output_until(until, |printed| has_line(printed, line)) {
                self.bench.tell("heartbeat.printed", &[("text", &line)]);
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// All lines that it has printed when it has told of a new name. `None` if it does not.
    ///
    /// # Errors
    /// The checker's trouble.
    pub fn lines_until_up(&self, name: &str) -> Checked<Option<Vec<String>>> {
        self.beat(name, 1)?;
        let line = format!("up {name}");
        if !self.bench.prints(&self.server.program, |printed| has_line(printed, &line)) {
            return Ok(None);
        }
        let printed = self.server.program.output();
        Ok(Some(String::from_utf8_lossy(&printed).lines().map(str::to_owned).collect()))
    }
}

fn has_line(printed: &[u8], line: &str) -> bool {
    String::from_utf8_lossy(printed).contains(&format!("{line}\n"))
}

fn nothing() -> String {
    Words::new("heartbeat.nothing", &[]).to_string()
}

/// Whether it printed too little, rather than something else.
pub fn is_silence(finding: &Finding) -> bool {
    finding.actual == nothing()
}
