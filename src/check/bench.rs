//! What a check works on: an address of its own, programs started there, a story, the right to stop.

use std::fmt::Display;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use procfs::{Current, LoadAverage};

use super::fate::Fate;
use super::processes::Held;
use super::program::{self, Ended, Launch, Program};
use super::story::{Story, preview};
use super::verdict::{Checked, Finding, Stop, Words, trouble};
use super::{ANSWER, Plan};
use crate::stage;

/// How often a program is looked at that is to listen soon.
const GLANCE: Duration = Duration::from_millis(4);

/// On a loaded machine a wait may become so many times longer.
const MOST_PATIENT: f32 = 4.0;

/// How soon Ctrl-C is heard while a program's end is waited for.
const STOP_HEARD: Duration = Duration::from_millis(250);

/// A program that listens elsewhere may go on to listen where it should. After that long, it does not.
const ELSEWHERE: Duration = Duration::from_millis(400);

/// One check's workbench.
pub struct Bench<'a> {
    /// What is to be checked.
    pub plan: &'a Plan,
    /// What happened so far.
    pub story: Story,
    /// Somebody wants it to end.
    pub stop: &'a stage::Stop,
    /// What became of its programs.
    pub fate: Fate,
}

/// What the program is to serve.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Connections.
    Tcp,
    /// Datagrams.
    Udp,
}

/// A program that listens.
pub struct Server {
    /// The program.
    pub program: Program,
    /// Where it listens.
    pub address: SocketAddr,
}

impl<'a> Bench<'a> {
    /// A new one.
    pub fn new(plan: &'a Plan, stop: &'a stage::Stop) -> Self {
        let story = Story::begin();
        Self { plan, fate: Fate::new(story.clone()), story, stop }
    }

    /// Tells what has just happened.
    pub fn tell(&self, id: &str, blanks: &[(&str, &dyn Display)]) {
        self.story.tell(id, blanks);
    }

    /// Until when an answer is waited for.
    pub fn answer(&self) -> Instant {
        Instant::now() + self.patiently(ANSWER)
    }

    /// `limit`, and more of it where the machine has more to do than it can: a program that has to wait for a processor is
    /// not slow. Waits that end on an event do not become longer by it.
    pub fn patiently(&self, limit: Duration) -> Duration {
        let load = LoadAverage::current().map_or(0.0, |load| load.one);
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        limit.mul_f32((2.0 * load / processors as f32).clamp(1.0, MOST_PATIENT))
    }

    /// An address that no other program has: one of the 127.0.0.0/8, and a port that is free there.
    ///
    /// # Errors
    /// The checker's trouble: no port is free.
    pub fn address(&self, transport: Transport) -> Checked<SocketAddr> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let [_, _, high, low] = std::process::id().to_be_bytes();
        let host =
            Ipv4Addr::new(127, high.max(1), low, u8::try_from(number % 250).unwrap_or(0) + 2);
        let _alone = program::spawning();
        let free = match transport {
            Transport::Tcp => TcpListener::bind((host, 0)).and_then(|it| it.local_addr()),
            Transport::Udp => UdpSocket::bind((host, 0)).and_then(|it| it.local_addr()),
        };
        free.map_err(trouble("a free port"))
    }

    /// Starts the program for `address`, with more of its environment.
    ///
    /// # Errors
    /// There is no such command: nothing can be checked.
    pub fn start(&self, address: SocketAddr, variables: &[(&str, String)]) -> Checked<Program> {
        self.start_at(&address.ip().to_string(), address.port(), variables)
    }

    /// The same, with a name in place of an address.
    ///
    /// # Errors
    /// There is no such command: nothing can be checked.
    pub fn start_at(
        &self,
        host: &str,
        port: u16,
        variables: &[(&str, String)],
    ) -> Checked<Program> {
        let Plan { command, limits, .. } = self.plan;
        self.check_stop()?;
        let fate = self.fate.clone();
        let launch = Launch { command, host, port, variables, limits: *limits, fate };
        self.tell("check.started", &[("host", &host), ("port", &port)]);
        Program::start(&launch).map_err(|error| not_started(command, error))
    }

    /// Starts a client for `address`, with more of its environment, and gives it `input`, then the end of it.
    ///
    /// # Errors
    /// There is no such command: nothing can be checked.
    pub fn client(
        &self,
        address: SocketAddr,
        variables: &[(&str, String)],
        input: &[u8],
    ) -> Checked<Program> {
        let mut program = self.start(address, variables)?;
        self.tell("check.input", &[("text", &preview(input))]);
        program.feed(input.to_vec()).map_err(trouble("its standard input"))?;
        Ok(program)
    }

    /// Waits for the program's end, tells how it ended and what it printed.
    ///
    /// # Errors
    /// Somebody pressed Ctrl-C.
    pub fn ended(&self, program: &mut Program, limit: Duration) -> Checked<Option<Ended>> {
        let deadline = Instant::now() + limit;
        let ended = loop {
            self.check_stop()?;
            let ended = program.ends_before(deadline.min(Instant::now() + STOP_HEARD));
            if ended.is_some() || Instant::now() >= deadline {
                break ended;
            }
        };
        let (output, errors) = (program.output(), program.last_words());
        if !output.is_empty() {
            self.tell("check.printed", &[("text", &preview(&output))]);
        }
        if !errors.is_empty() {
            self.tell("check.said", &[("text", &preview(errors.as_bytes()))]);
        }
        match &ended {
            Some(ended) => self.tell("check.exited", &[("how", ended)]),
            None => self.tell("check.still-runs", &[("seconds", &limit.as_secs_f64())]),
        }
        Ok(ended)
    }

    /// Starts a server, and waits until it listens.
    ///
    /// # Errors
    /// It does not come to listen where it should.
    pub fn server(&self, transport: Transport) -> Checked<Server> {
        self.server_with(transport, &[])
    }

    /// The same, with more of its environment.
    ///
    /// # Errors
    /// It does not come to listen where it should.
    pub fn server_with(
        &self,
        transport: Transport,
        variables: &[(&str, String)],
    ) -> Checked<Server> {
        self.server_at(self.address(transport)?, transport, variables)
    }

    /// The same, at a certain address.
    ///
    /// # Errors
    /// It does not come to listen there.
    pub fn server_at(
        &self,
        address: SocketAddr,
        transport: Transport,
        variables: &[(&str, String)],
    ) -> Checked<Server> {
        let mut program = self.start(address, variables)?.serving();
        let limit = self.patiently(self.plan.startup);
        let deadline = Instant::now() + limit;
        let mut elsewhere: Option<Instant> = None;
        loop {
            self.check_stop()?;
            let begin = Instant::now();
            let places = places(&program, transport);
            if places.iter().any(|(place, _)| *place == address) {
                self.tell("check.listens", &[("address", &address)]);
                return Ok(Server { program: program.mourned(self.fate.clone()), address });
            }
            if let Some(ended) = program.ended() {
                program.ends_before(Instant::now());
                return Err(ended_early(ended, &program).into());
            }
            if let Some((place, _)) = places.first() {
                let since = elsewhere.get_or_insert_with(Instant::now);
                if since.elapsed() > ELSEWHERE {
                    self.tell("check.elsewhere", &[("address", place)]);
                    return Err(at_wrong_place(*place, address).into());
                }
            }
            if Instant::now() > deadline {
                return Err(self.not_listening(&program, transport, address, limit).into());
            }
            // On a machine with many processes a look takes its time, which others need, too.
            std::thread::sleep(GLANCE.max(begin.elapsed()));
        }
    }

    fn not_listening(
        &self,
        program: &Program,
        transport: Transport,
        address: SocketAddr,
        limit: Duration,
    ) -> Finding {
        let seconds = format!("{:.1}", limit.as_secs_f64());
        self.tell("check.never-listened", &[("seconds", &seconds)]);
        let id = match transport {
            _ if program.processes().are_stopped() => "check.stopped",
            Transport::Tcp => "check.not-listening",
            Transport::Udp => "check.not-receiving",
        };
        let finding = Finding::new(id, &[("address", &address), ("seconds", &seconds)]);
        finding.but(format!("a socket that listens at {address}"), "none")
    }

    /// # Errors
    /// Somebody pressed Ctrl-C.
    pub fn check_stop(&self) -> Checked {
        match self.stop.requested() {
            true => Err(Stop::Skipped(Words::new("check.interrupted", &[]))),
            false => Ok(()),
        }
    }
}

/// Where it listens, or receives.
fn places(program: &Program, transport: Transport) -> Vec<(SocketAddr, Held)> {
    match transport {
        Transport::Tcp => program.processes().listening(),
        Transport::Udp => program.processes().receiving(),
    }
}

/// It ended when it should have begun to serve.
pub fn ended_early(ended: Ended, program: &Program) -> Finding {
    let last = program.last_words();
    let id = if last.is_empty() { "check.ended-silently" } else { "check.ended" };
    let actual = Words::new(id, &[("how", &ended), ("last", &last)]).to_string();
    Finding::new("check.ended-early", &[("how", &ended)])
        .but(Words::new("check.goes-on", &[]).to_string(), actual)
}

fn at_wrong_place(place: SocketAddr, address: SocketAddr) -> Finding {
    let finding = Finding::new("check.wrong-place", &[("place", &place), ("address", &address)]);
    let finding = finding.but(address.to_string(), place.to_string());
    // Another port is no other interface.
    match place.ip() == address.ip() {
        true => finding,
        false => finding.mistake("wrong-interface"),
    }
}

/// That there is no such command is no fault of the checker's; that there is no memory for it is.
fn not_started(command: &[String], error: io::Error) -> Stop {
    let name = command.first().map_or("", String::as_str);
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::EAGAIN | Errno::ENOMEM | Errno::EMFILE | Errno::ENFILE) => trouble(name)(error),
        _ => Stop::NoCommand(format!("{name}: {error}")),
    }
}
