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
