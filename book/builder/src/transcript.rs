//! A recording as the terminal shows it: the program's own renderer draws it, event by event.

use std::collections::HashMap;
use std::io;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use socklab::narrate::Observer;
use socklab::narrate::event::{Event, Kind};
use socklab::render::output::Output;
use socklab::render::text::{Options, Text};

/// A call that takes at least this long is shown waiting.
const A_MOMENT_US: u64 = 100_000;

/// By then a call that waits is shown, on any machine.
const AT_MOST: Duration = Duration::from_secs(10);

/// What the terminal shows when one thing happens.
pub struct Block<'a> {
    /// What happened.
    pub event: &'a Event,
    /// The lines, each with its end.
    pub text: String,
}

/// The program's renderer, 80 columns wide and without colours, and what it wrote.
struct Terminal {
    text: Text,
    written: Receiver<String>,
}

impl Terminal {
    fn new() -> Self {
        colored::control::set_override(false);
        let (lines, written) = mpsc::channel();
        let output = Output::new(Box::new(io::sink()));
        output
            .set_sink(Box::new(move |text| lines.send(text.to_owned()).map_err(io::Error::other)));
        Self { text: Text::new(output, Options::default()), written }
    }

    fn show(&self, event: &Event) -> String {
        self.text.observe(event);
        self.written.try_iter().collect()
    }

    /// Numbers a call that begins. It is not shown yet.
    fn count(&self, event: &Event) {
        let mut event = event.clone();
        if let Kind::Begin(call) = &mut event.kind {
            call.waits = false;
        }
        self.text.observe(&event);
    }

    /// Shows a call that has begun as waiting, as the renderer does after a moment.
    fn wait(&self, event: &Event) -> String {
        self.text.observe(event);
        self.written.recv_timeout(AT_MOST).unwrap_or_default()
    }
}

/// All that the terminal shows of `events`, in its order.
pub fn blocks(events: &[Event]) -> Vec<Block<'_>> {
    let terminal = Terminal::new();
    let returns = returns(events);
    let (mut shown, mut waiting) = (Vec::new(), Vec::<&Event>::new());
    for event in events {
        let now = time(event);
        for begun in waiting.extract_if(.., |begun| begun.t_us + A_MOMENT_US < now) {
            shown.push(Block { event: begun, text: terminal.wait(begun) });
        }
        if matches!(event.kind, Kind::Begin(_)) {
            terminal.count(event);
            let returns = returns.get(&event.seq).copied().unwrap_or(u64::MAX);
            if returns > event.t_us + A_MOMENT_US {
                waiting.push(event);
            }
        } else {
            shown.push(Block { event, text: terminal.show(event) });
        }
    }
    shown
}

/// What the terminal shows when nothing but this has happened: with its why, even if that was given before.
pub fn alone(event: &Event) -> String {
    Terminal::new().show(event)
}

/// When each call returned.
fn returns(events: &[Event]) -> HashMap<u64, u64> {
    let calls = events.iter().filter(|event| matches!(event.kind, Kind::Call(_)));
    calls.map(|event| (event.seq, time(event))).collect()
}

/// When it was told.
fn time(event: &Event) -> u64 {
    match &event.kind {
        Kind::Call(ended) => event.t_us + ended.elapsed_us,
        Kind::Resolve(resolve) => event.t_us + resolve.elapsed_us,
        _ => event.t_us,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A call that began after so many microseconds and took so many.
    fn call(seq: u64, actor: &str, name: &str, begins: u64, takes: u64) -> [Event; 2] {
        let event = |line: String| serde_json::from_str(&line).unwrap();
        let head = format!(
            r#"{{"schema":"socklab/event/1","seq":{seq},"t_us":{begins},"tid":1,"actor":"{actor}""#
        );
        let call = format!(r#""call":"{name}","fd":3,"args":{{}},"waits":true"#);
        [
            event(format!(r#"{head},"kind":"begin",{call}}}"#)),
            event(format!(
                r#"{head},"kind":"call",{call},"result":0,"error":null,"elapsed_us":{takes},"syscalls":null}}"#
            )),
        ]
    }

    fn lines(events: &[Event]) -> Vec<String> {
        let blocks = blocks(events);
        blocks.iter().filter_map(|block| Some(block.text.lines().next()?.to_owned())).collect()
    }

    #[test]
    fn calls_are_numbered_as_they_began() {
        let [recv, received] = call(1, "server", "recv", 10, 500);
        let [send, sent] = call(2, "client", "send", 20, 5);
        let lines = lines(&[recv, send, sent, received]);
        assert!(lines[0].starts_with("  2 ● client   send(3"), "{lines:?}");
        assert!(lines[1].starts_with("  1 ○ server   recv(3"), "{lines:?}");
    }

    #[test]
    fn a_call_that_takes_a_moment_is_shown_waiting_when_the_terminal_would() {
        let [recv, received] = call(1, "server", "recv", 10, 300_000);
        let [early, was_early] = call(2, "client", "send", 20, 5);
        let [late, was_late] = call(3, "client", "send", 200_000, 5);
        let lines = lines(&[recv, early, was_early, late, was_late, received]);
        let starts = [
            "  2 ● client   send(",
            "  1 ○ server   recv(3, buf) ... waiting",
            "  3 ● client   send(",
            "  1 ○ server   recv(",
        ];
        assert_eq!(lines.len(), starts.len(), "{lines:?}");
        for (line, start) in lines.iter().zip(starts) {
            assert!(line.starts_with(start), "{line:?} is not {start:?}");
        }
    }
}
