//! Connects that get no answer, and how they are watched. A listener whose queue is full drops every SYN, so that the
//! program's socket stays in SYN_SENT until the program gives up: there the kernel's table shows it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use procfs::net::TcpState;
use socket2::{Domain, Protocol, Socket, Type};

use crate::check::bench::Bench;
use crate::check::listener::Listener;
use crate::check::processes::Processes;
use crate::check::program::Program;
use crate::check::verdict::{Checked, Stop, Words, trouble};

/// How often the table is looked at.
const GLANCE: Duration = Duration::from_millis(4);

/// A listener that answers nobody.
pub struct Full<'a> {
    /// It.
    pub listener: Listener<'a>,
    _queue: Vec<Socket>,
}

impl<'a> Full<'a> {
    /// At an address that is free.
    ///
    /// # Errors
    /// The queue cannot be filled here.
    pub fn new(bench: &'a Bench<'a>) -> Checked<Self> {
        Self::of(Listener::bound(bench)?)
    }

    /// Where this one is bound.
    ///
    /// # Errors
    /// The queue cannot be filled here.
    pub fn of(listener: Listener<'a>) -> Checked<Self> {
        const ANSWERED: Duration = Duration::from_millis(50);
        const TIMES: usize = 20;
        listener.listen(0)?;
        let mut queue = Vec::new();
        for _ in 0..TIMES {
            let domain = Domain::for_address(listener.address);
            let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP));
            let socket = socket.map_err(trouble("socket"))?;
            match socket.connect_timeout(&listener.address.into(), ANSWERED) {
                Ok(()) => queue.push(socket),
                // Nothing has filled it yet: this machine was slow.
                Err(_) if queue.is_empty() => {}
                Err(_) => return Ok(Self { listener, _queue: queue }),
            }
        }
        Err(Stop::Skipped(Words::new("robust-client.never-full", &[])))
    }
}

/// One connect that was seen.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    /// From where: each has a port of its own.
    from: SocketAddr,
    /// To where.
    pub to: SocketAddr,
    /// When it was seen first: it began then at the latest.
    pub first: Instant,
    /// When it was seen last: it was given up then at the earliest.
    pub last: Instant,
}

/// What was seen of a program that connects in vain.
pub struct Watched {
    /// Each connect, in order.
    pub attempts: Vec<Attempt>,
    /// The longest time between two looks: what took less may have been missed.
    pub blind: Duration,
    /// Whether the program has ended.
    pub ended: bool,
}

impl Watched {
    /// How many went there.
    pub fn at(&self, address: SocketAddr) -> usize {
        self.attempts.iter().filter(|attempt| attempt.to == address).count()
    }

    /// Between two connects in turn, at most: the program may have paused for less, and not for more.
    pub fn pauses(&self) -> impl Iterator<Item = Duration> {
        let pairs = self.attempts.iter().zip(self.attempts.iter().skip(1));
        pairs.map(|(one, next)| next.first.saturating_duration_since(one.last))
    }
}

/// Watches the program's connects to those, until it has ended, `enough` have been seen, or the limit is over.
pub fn watch(
    bench: &Bench,
    program: &mut Program,
    targets: &[SocketAddr],
    limit: Duration,
    enough: impl Fn(&Watched) -> bool,
) -> Checked<Watched> {
    let begin = Instant::now();
    let mut watched = Watched { attempts: Vec::new(), blind: Duration::ZERO, ended: false };
    let mut before = begin;
    while !watched.ended && begin.elapsed() < limit && !enough(&watched) {
        bench.check_stop()?;
        watched.ended = program.ended().is_some();
        look(targets, &mut watched.attempts);
        watched.blind = watched.blind.max(before.elapsed());
        before = Instant::now();
        std::thread::sleep(GLANCE);
    }
    tell(bench, &watched);
    Ok(watched)
}

/// Enters what is seen now. A time before the look is no later than what it shows, one after it no earlier.
fn look(targets: &[SocketAddr], attempts: &mut Vec<Attempt>) {
    let begin = Instant::now();
    let sent = Processes::all_connections().into_iter().filter(|entry| {
        entry.state == TcpState::SynSent && targets.contains(&entry.remote_address)
    });
    let sent: Vec<_> = sent.collect();
    let end = Instant::now();
    for entry in sent {
        let (from, to) = (entry.local_address, entry.remote_address);
        match attempts.iter_mut().find(|it| it.from == from && it.to == to) {
            Some(attempt) => attempt.last = begin,
            None => attempts.push(Attempt { from, to, first: end, last: begin }),
        }
    }
}

fn tell(bench: &Bench, watched: &Watched) {
    let mut before: Option<Attempt> = None;
    for attempt in &watched.attempts {
        let seconds = attempt.last.saturating_duration_since(attempt.first).as_secs_f64();
        let pause = before.map_or(Duration::ZERO, |it| attempt.first - it.last).as_secs_f64();
        let blanks: [(&str, &dyn std::fmt::Display); 3] = [
            ("address", &attempt.to),
            ("seconds", &format!("{seconds:.2}")),
            ("pause", &format!("{pause:.2}")),
        ];
        let words =
            if before.is_some() { "robust-client.attempt-after" } else { "robust-client.attempt" };
        bench.tell(words, &blanks);
        before = Some(*attempt);
    }
}
