//! What a check works on: an address of its own, programs started there, a story, the right to stop.

mod patience;

use std::fmt::Display;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::errno::Errno;

use super::Plan;
use super::fate::Fate;
use super::processes::{Held, Processes};
use super::program::{self, Ended, Launch, Program};
use super::story::{Story, preview};
use super::verdict::{Checked, Finding, Stop, Words, trouble};
use crate::stage;

/// How often a program is looked at that is to listen soon.
const GLANCE: Duration = Duration::from_millis(4);

/// How soon Ctrl-C is heard while a program's end is waited for.
const STOP_HEARD: Duration = Duration::from_millis(250);

/// A program that listens at another address, at the port that it was told, may go on to listen where it should. After that
/// long, it does not. Another port says nothing: what a program is started with may listen there for its own sake, such as
/// the daemon of a build tool.
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
    /// Its programs.
    started: Mutex<Vec<Processes>>,
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
        Self { plan, fate: Fate::new(story.clone()), story, stop, started: Mutex::default() }
    }

    /// Tells what has just happened.
    pub fn tell(&self, id: &str, blanks: &[(&str, &dyn Display)]) {
        self.story.tell(id, blanks);
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
        let program = Program::start(&launch).map_err(|error| not_started(command, error))?;
        let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        started.push(program.processes().clone());
        Ok(program)
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

    /// Waits until `is_so`, as long as for an answer; says whether it came to be.
    pub fn sees(&self, mut is_so: impl FnMut() -> bool) -> bool {
        let (begin, deadline) = (Instant::now(), self.answer());
        loop {
            let in_vain = self.waits_in_vain(begin, deadline);
            if is_so() {
                return true;
            }
            if in_vain {
                return false;
            }
            std::thread::sleep(GLANCE);
        }
    }

    /// Waits until `enough` of what the program prints is there, as long as for an answer; says whether it came.
    pub fn prints(&self, program: &Program, enough: impl Fn(&[u8]) -> bool) -> bool {
        let (begin, deadline) = (Instant::now(), self.answer());
        loop {
            let in_vain = self.waits_in_vain(begin, deadline);
            if program.output_until(deadline.min(Instant::now() + STOP_HEARD), &enough) {
                return true;
            }
            if in_vain || program.has_closed_output() || self.check_stop().is_err() {
                return false;
            }
        }
    }

    /// Waits for the program's end as for an answer, tells how it ended and what it printed.
    ///
    /// # Errors
    /// Somebody pressed Ctrl-C.
    pub fn ends(&self, program: &mut Program) -> Checked<Option<Ended>> {
        let (begin, deadline) = (Instant::now(), self.answer());
        self.ended_unless(program, || self.waits_in_vain(begin, deadline))
    }

    /// Waits so long for the program's end, tells how it ended and what it printed.
    ///
    /// # Errors
    /// Somebody pressed Ctrl-C.
    pub fn ended(&self, program: &mut Program, limit: Duration) -> Checked<Option<Ended>> {
        let deadline = Instant::now() + limit;
        self.ended_unless(program, || Instant::now() >= deadline)
    }

    fn ended_unless(
        &self,
        program: &mut Program,
        over: impl Fn() -> bool,
    ) -> Checked<Option<Ended>> {
        let begin = Instant::now();
        let ended = loop {
            self.check_stop()?;
            let over = over();
            let patience = if over { Duration::ZERO } else { STOP_HEARD };
            let ended = program.ends_before(Instant::now() + patience);
            if ended.is_some() || over {
                break ended;
            }
        };
        let (output, errors) = (program.output(), program.last_words());
        if !output.is_empty() {
            self.tell("check.printed", &[("text", &preview(&output))]);
        }
        if !errors.is_empty() {
            self.tell("check.said", &[("text", &errors)]);
        }
        match &ended {
            Some(ended) => self.tell("check.exited", &[("how", ended)]),
            None => self.tell("check.still-runs", &[("seconds", &seconds(begin))]),
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
        self.comes_to_listen(&mut program, address, transport)?;
        self.tell("check.listens", &[("address", &address)]);
        Ok(Server { program: program.mourned(self.fate.clone()), address })
    }

    fn comes_to_listen(
        &self,
        program: &mut Program,
        address: SocketAddr,
        transport: Transport,
    ) -> Checked {
        let begin = Instant::now();
        let mut elsewhere: Option<Instant> = None;
        loop {
            self.check_stop()?;
            let in_vain = self.will_not_listen(program, begin);
            let look = Instant::now();
            let places = places(program, transport);
            if places.iter().any(|(place, _)| *place == address) {
                return Ok(());
            }
            if let Some(ended) = program.ended() {
                program.ends_before(Instant::now());
                return Err(ended_early(ended, program).into());
            }
            let same_port = places.iter().find(|(place, _)| place.port() == address.port());
            if same_port.is_some() {
                elsewhere.get_or_insert_with(Instant::now);
            }
            if in_vain || elsewhere.is_some_and(|since| since.elapsed() > ELSEWHERE) {
                let place = same_port.or(places.first());
                return Err(place.map_or_else(
                    || self.not_listening(program, transport, address, begin),
                    |(place, _)| self.at_wrong_place(*place, address).into(),
                ));
            }
            // On a machine with many processes a look takes its time, which others need, too.
            std::thread::sleep(GLANCE.max(look.elapsed()));
        }
    }

    fn not_listening(
        &self,
        program: &Program,
        transport: Transport,
        address: SocketAddr,
        begin: Instant,
    ) -> Stop {
        if program.processes().are_hidden() {
            return Stop::Skipped(Words::new("check.hidden", &[]));
        }
        let seconds = seconds(begin);
        self.tell("check.never-listened", &[("seconds", &seconds)]);
        let id = match transport {
            _ if program.processes().are_stopped() => "check.stopped",
            Transport::Tcp => "check.not-listening",
            Transport::Udp => "check.not-receiving",
        };
        let finding = Finding::new(id, &[("address", &address), ("seconds", &seconds)]);
        finding.but(format!("a socket that listens at {address}"), "none").into()
    }

    fn at_wrong_place(&self, place: SocketAddr, address: SocketAddr) -> Finding {
        self.tell("check.elsewhere", &[("address", &place)]);
        let blanks: [(&str, &dyn Display); 2] = [("place", &place), ("address", &address)];
        let finding = Finding::new("check.wrong-place", &blanks);
        let finding = finding.but(address.to_string(), place.to_string());
        // Another port is no other interface.
        match place.ip() == address.ip() {
            true if place.port() == address.port().swap_bytes() => {
                let (port, other) = (address.port(), place.port());
                let blanks: [(&str, &dyn Display); 2] = [("port", &port), ("other", &other)];
                finding.because("check.port-swapped", &blanks).mistake("byte-order")
            }
            true => finding,
            false => finding.mistake("wrong-interface"),
        }
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

/// How many seconds have gone by.
fn seconds(begin: Instant) -> String {
    format!("{:.1}", begin.elapsed().as_secs_f64())
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

/// That there is no such command is no fault of the checker's; that there is no memory for it is.
fn not_started(command: &[String], error: io::Error) -> Stop {
    let name = command.first().map_or("", String::as_str);
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::EAGAIN | Errno::ENOMEM | Errno::EMFILE | Errno::ENFILE) => trouble(name)(error),
        _ => Stop::NoCommand(format!("{name}: {error}")),
    }
}
