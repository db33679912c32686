//! A learner's chat client at work, with the checker as its server: what either says is a message, what is typed and what
//! is printed are lines.

use std::fmt::Display;
use std::io::Write;
use std::process::ChildStdin;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::messages::{
    Found, Got, Odd, PASSWORD, USER, frame_in, is_it, line_of, login, message_in, shown, welcome,
};
use crate::chat::{Frame, Reply, Request};
use crate::check::bench::Bench;
use crate::check::evidence;
use crate::check::exercises::client::comes;
use crate::check::listener::Listener;
use crate::check::peer::{Instead, Peer, fails};
use crate::check::program::{Ended, Program};
use crate::check::story::preview;
use crate::check::verdict::{Checked, Finding, Words, trouble};

/// How soon Ctrl-C is heard while the output is waited for.
const STOP_HEARD: Duration = Duration::from_millis(250);

/// More than any language's buffer holds back.
const FLOOD: usize = 600 << 10;

/// How long what a flood pushes out may take.
const PUSHED_OUT: Duration = Duration::from_secs(2);

/// A program that has connected.
pub struct Session<'a> {
    bench: &'a Bench<'a>,
    /// The program.
    pub program: Program,
    /// The checker's end of the connection.
    pub server: Peer<'a>,
    input: Option<ChildStdin>,
    /// Received, and not yet taken for a message.
    pending: Vec<u8>,
    /// How much of the output has been found to be right.
    seen: usize,
}

impl<'a> Session<'a> {
    /// Starts the program, with its input held open, and waits until it has connected.
    pub fn start(bench: &'a Bench<'a>) -> Checked<Self> {
        let listener = Listener::new(bench)?;
        let variables =
            [("SOCKLAB_USER", USER.to_owned()), ("SOCKLAB_PASSWORD", PASSWORD.to_owned())];
        let mut program = bench.start(listener.address, &variables)?;
        let input = program.take_input();
        let server = comes(bench, &[&listener], &mut program)?;
        let (pending, seen) = Default::default();
        Ok(Self { bench, program, server, input, pending, seen })
    }

    /// The same, and takes its login.
    pub fn before_answer(bench: &'a Bench<'a>) -> Checked<Self> {
        let mut session = Self::start(bench)?;
        session.expect(&login(), "chat-client.login.other")?;
        Ok(session)
    }

    /// The same, and lets it in.
    pub fn enter(bench: &'a Bench<'a>) -> Checked<Self> {
        let session = Self::before_answer(bench)?;
        session.reply(&welcome())?;
        Ok(session)
    }

    /// Types this on the program's input.
    pub fn types(&mut self, text: &str) {
        self.bench.tell("check.input", &[("text", &preview(text.as_bytes()))]);
        if let Some(input) = &mut self.input {
            // A program that reads no more is seen to be one by what it does not send.
            let _ = input.write_all(text.as_bytes());
        }
    }

    /// Ends the program's input.
    pub fn ends_input(&mut self) {
        self.bench.tell("check.input-ended", &[]);
        self.input = None;
    }

    /// Whether something was typed that the program has not taken from its input.
    pub fn leaves_input(&self) -> bool {
        let unread = |input: &ChildStdin| rustix::io::ioctl_fionread(input).unwrap_or_default();
        self.input.as_ref().map_or(0, unread) > 0
    }

    /// Whether something was sent to the program that it has not received.
    pub fn leaves_messages(&self) -> bool {
        let end = evidence::connection(&self.program, self.server.remote, self.server.local);
        end.is_some_and(|(entry, _)| entry.rx_queue > 0)
    }

    /// Types so much that any buffer overflows, and says whether something of it reaches the server while the input is
    /// still open.
    pub fn sends_when_flooded(&mut self) -> Checked<bool> {
        let Some(mut input) = self.input.take() else { return Ok(false) };
        let (over, is_over) = mpsc::channel::<()>();
        let line = format!("{}\n", "x".repeat(1023));
        let count = FLOOD / line.len();
        self.bench.tell("chat-client.flood", &[("count", &count)]);
        let write = move || {
            let _ = input.write_all(line.repeat(count).as_bytes());
            let _ = is_over.recv();
        };
        thread::Builder::new()
            .name("input".to_owned())
            .spawn(write)
            .map_err(trouble("a thread"))?;
        let (bytes, _) =
            self.server.receive(Instant::now() + self.bench.patiently(PUSHED_OUT), |bytes| {
                !bytes.is_empty()
            })?;
        drop(over);
        Ok(!bytes.is_empty())
    }

    /// Sends a message, and waits until the program has received it: what is sent next comes by itself.
    pub fn reply(&self, reply: &Reply) -> Checked {
        self.server.send_apart(&[&reply.to_line()])
    }

    /// Sends these messages one byte at a time.
    pub fn send_byte_by_byte(&self, bytes: &[u8]) -> Checked {
        self.server.send_apart(&bytes.chunks(1).collect::<Vec<_>>())
    }

    /// Sends this. A program that has gone is seen to have by what it does not do.
    pub fn send(&self, bytes: &[u8]) {
        let _ = self.server.send(bytes);
    }

    /// The next message of the program, with its newline.
    pub fn hear(&mut self) -> Checked<Got> {
        let deadline = self.bench.answer();
        loop {
            match message_in(&self.pending) {
                Found::Message(request, end) => {
                    self.pending.drain(..end);
                    return Ok(Ok(request));
                }
                Found::Odd(odd) => return Ok(Err(odd)),
                Found::Unfinished => {}
            }
            let (bytes, instead) = self.server.receive(deadline, |bytes| !bytes.is_empty())?;
            self.pending.extend(bytes);
            if let Some(instead) = instead {
                return Ok(Err(self.rest(instead)));
            }
        }
    }

    /// What is there when nothing more comes.
    fn rest(&mut self, instead: Instead) -> Odd {
        let rest = std::mem::take(&mut self.pending);
        match frame_in(&rest) {
            Some((Frame::Object(_), _)) => Odd::Unended(rest),
            _ if rest.trim_ascii().is_empty() => Odd::Nothing(instead),
            _ => Odd::Garbled(rest, Words::new("chat-client.unfinished", &[]).to_string()),
        }
    }

    /// The program's next message must be this one; `otherwise` are the words for another.
    pub fn expect(&mut self, expected: &Request, otherwise: &str) -> Checked {
        let got = self.hear()?;
        match is_it(expected, &got) {
            true => Ok(()),
            false => fails(self.unlike(expected, got, otherwise)),
        }
    }

    /// What it means that something else came than `expected`.
    pub fn unlike(&mut self, expected: &Request, got: Got, otherwise: &str) -> Finding {
        let actual = shown(&got);
        let finding = match got {
            Err(Odd::Unended(_)) => {
                let finding = Finding::new("chat-client.no-newline", &[]);
                let whole = preview(&expected.to_line());
                return finding.mistake("missing-delimiter").but(whole, actual);
            }
            Err(Odd::Garbled(_, why)) => Finding::new("chat-client.garbled", &[("why", &why)]),
            Err(Odd::Nothing(Instead::Silence)) => Finding::new("chat-client.silence", &[]),
            Err(Odd::Nothing(_)) => return self.gone(&line_of(expected)),
            Ok(_) => Finding::new(otherwise, &[]),
        };
        finding.but(line_of(expected), actual)
    }

    /// The program has ended its connection when it should not have.
    pub fn gone(&mut self, expected: &str) -> Finding {
        let ended = self.bench.ended(&mut self.program, Duration::from_secs(1)).ok().flatten();
        let finding = match ended {
            Some(ended) => {
                let last = self.program.last_words();
                let how = Words::new("check.ended", &[("how", &ended), ("last", &last)]);
                return Finding::new("chat-client.ended", &[("how", &ended)])
                    .but(expected, how.to_string());
            }
            None => Finding::new("chat-client.hung-up", &[]),
        };
        finding.but(expected, "")
    }

    /// Whether the program prints this line before long, behind those that it was seen to print before.
    pub fn shows(&mut self, line: &str) -> Checked<bool> {
        let (begin, deadline, seen) = (Instant::now(), self.bench.answer(), self.seen);
        loop {
            self.bench.check_stop()?;
            let in_vain = self.bench.waits_in_vain(begin, deadline);
            let soon = deadline.min(Instant::now() + STOP_HEARD);
            self.program.output_until(soon, |output| line_end(output, seen, line).is_some());
            if let Some(end) = line_end(&self.program.output(), seen, line) {
                self.bench.tell("check.printed", &[("text", &preview(line.as_bytes()))]);
                self.seen = end;
                return Ok(true);
            }
            if in_vain || self.program.ended().is_some() {
                self.bench.tell("chat-client.not-printed", &[("text", &preview(line.as_bytes()))]);
                return Ok(false);
            }
            // Its output may be closed while it runs.
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// What it has printed since the last line that was right.
    pub fn printed_instead(&self) -> String {
        preview(self.program.output().get(self.seen..).unwrap_or_default())
    }

    /// The program must print these lines; otherwise the check fails with these words, and says that it was to print them.
    pub fn must_show(&mut self, lines: &[String], otherwise: impl Fn() -> Finding) -> Checked {
        for line in lines {
            if !self.shows(line)? {
                let mut actual = self.printed_instead();
                if let Some(ended) = self.bench.ended(&mut self.program, Duration::ZERO)? {
                    let last = self.program.last_words();
                    let blanks: [(&str, &dyn Display); 2] = [("how", &ended), ("last", &last)];
                    actual = format!("{actual} ({})", Words::new("check.ended", &blanks));
                }
                return fails(otherwise().but(preview(line.as_bytes()), actual));
            }
        }
        Ok(())
    }

    /// How the program ends, if it does in time.
    pub fn ends(&mut self) -> Checked<Option<Ended>> {
        self.bench.ends(&mut self.program)
    }

    /// The program must end with status 1, and say why; `id` names the words for one that does not.
    pub fn must_fail(&mut self, id: &str) -> Checked {
        let ended = self.ends()?;
        failed(&self.program, ended, id)
    }

    /// The server resets its connection; the input stays open. The program must end as in [`must_fail`](Self::must_fail).
    pub fn must_fail_when_reset(self, id: &str) -> Checked {
        let Self { bench, mut program, server, input, .. } = self;
        server.reset()?;
        let ended = bench.ends(&mut program)?;
        drop(input);
        failed(&program, ended, id)
    }
}

/// Whether a program that ended so has failed as it should: with status 1, and with a reason.
pub fn failed(program: &Program, ended: Option<Ended>, id: &str) -> Checked {
    let words = |end: &str| format!("chat-client.{id}.{end}");
    let finding = match ended {
        Some(Ended::Exit(1)) if !program.last_words().is_empty() => return Ok(()),
        Some(Ended::Exit(1)) => Finding::new("chat-client.no-reason", &[]),
        Some(ended @ Ended::Signal(13)) => {
            Finding::new(&words("status"), &[("how", &ended)]).mistake("broken-pipe")
        }
        Some(ended) => Finding::new(&words("status"), &[("how", &ended)]),
        None => Finding::new(&words("goes-on"), &[]),
    };
    let actual = ended.map_or_else(String::new, |ended| ended.to_string());
    fails(finding.but(Ended::Exit(1).to_string(), actual))
}

/// Where this line ends in the output, if it stands there as a line of its own, behind `from`.
fn line_end(output: &[u8], from: usize, line: &str) -> Option<usize> {
    let mut begin = from;
    for found in output.get(from..)?.split_inclusive(|&byte| byte == b'\n') {
        begin += found.len();
        if found.strip_suffix(b"\n") == Some(line.as_bytes()) {
            return Some(begin);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_counts_only_whole_and_alone() {
        let output = b"> hi\nhi\nhi there\n";
        assert_eq!(line_end(output, 0, "hi"), Some(8));
        assert_eq!(line_end(output, 8, "hi"), None);
        assert_eq!(line_end(output, 8, "hi there"), Some(17));
        assert_eq!(line_end(b"hi", 0, "hi"), None);
        assert_eq!(line_end(b"", 3, "hi"), None);
    }
}
