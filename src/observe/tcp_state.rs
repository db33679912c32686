//! The TCP state of one end of a connection, as the kernel has it now.
//!
//! Neither privilege nor a descriptor is needed: the kernel knows a connection by its two addresses, also when no
//! process holds it any more (TIME_WAIT). Linux tells; elsewhere [`Observer::start`] says that it cannot be had.

use std::io;
use std::net::SocketAddr;
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// The states of RFC 9293, section 3.3.2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TcpState {
    /// A listening socket.
    Listen,
    /// SYN is sent.
    SynSent,
    /// SYN has come and is answered.
    SynRecv,
    /// Bytes can go both ways.
    Established,
    /// FIN is sent, or queued behind bytes that cannot go yet.
    FinWait1,
    /// FIN is acknowledged.
    FinWait2,
    /// The peer's FIN has come.
    CloseWait,
    /// Both FINs are under way.
    Closing,
    /// FIN is sent (or queued), after the peer's.
    LastAck,
    /// Over, but remembered.
    TimeWait,
    /// There is no connection.
    #[default]
    Closed,
}

impl TcpState {
    /// Its name as the kernel and `reference/` write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Listen => "LISTEN",
            Self::SynSent => "SYN_SENT",
            Self::SynRecv => "SYN_RECV",
            Self::Established => "ESTABLISHED",
            Self::FinWait1 => "FIN_WAIT1",
            Self::FinWait2 => "FIN_WAIT2",
            Self::CloseWait => "CLOSE_WAIT",
            Self::Closing => "CLOSING",
            Self::LastAck => "LAST_ACK",
            Self::TimeWait => "TIME_WAIT",
            Self::Closed => "CLOSED",
        }
    }
}

/// One end of a connection, seen at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The state; [`TcpState::Closed`] when the kernel has no such connection.
    pub state: TcpState,
    /// How long the kernel will still remember it, when nothing but that is left to do.
    pub forgotten_in: Option<Duration>,
    /// Bytes that have arrived and that nobody has received. A FIN that has arrived counts as one.
    pub unread: u32,
    /// Bytes that were given to send and that the peer has not acknowledged. A FIN counts as one.
    pub unacknowledged: u32,
}

/// Asks the kernel, on a thread of its own named `observer`.
pub struct Observer {
    /// `None` only while it is being dropped.
    questions: Option<Sender<Question>>,
    thread: Option<JoinHandle<()>>,
    tid: Option<u64>,
}

/// Which end of which connection, and who wants to know.
struct Question {
    local: SocketAddr,
    peer: SocketAddr,
    answer: Sender<io::Result<Seen>>,
}

impl Observer {
    /// Starts the thread, which opens its socket.
    ///
    /// # Errors
    /// [`io::ErrorKind::Unsupported`] where the system does not tell; otherwise why the thread or its socket is not to be had.
    pub fn start() -> io::Result<Self> {
        let (questions, asked) = mpsc::channel::<Question>();
        let (opened, ready) = mpsc::channel();
        let work = move || match Source::open() {
            Ok(mut source) => {
                let _ = opened.send(Ok(thread_id()));
                for Question { local, peer, answer } in asked {
                    let _ = answer.send(source.ask(local, peer));
                }
            }
            Err(error) => drop(opened.send(Err(error))),
        };
        let thread = thread::Builder::new().name("observer".to_owned()).spawn(work)?;
        let mut observer = Self { questions: Some(questions), thread: Some(thread), tid: None };
        observer.tid = ready.recv().unwrap_or_else(|_| Err(gone()))?;
        Ok(observer)
    }

    /// The kernel's id of its thread, where threads have one.
    pub fn thread_id(&self) -> Option<u64> {
        self.tid
    }

    /// The end `local` of its connection with `peer`, now.
    ///
    /// # Errors
    /// The kernel did not answer, or refused to.
    pub fn look(&self, local: SocketAddr, peer: SocketAddr) -> io::Result<Seen> {
        let (answer, answered) = mpsc::channel();
        let questions = self.questions.as_ref().ok_or_else(gone)?;
        questions.send(Question { local, peer, answer }).map_err(|_| gone())?;
        answered.recv().unwrap_or_else(|_| Err(gone()))
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        self.questions = None;
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so on standard error.
            let _ = thread.join();
        }
    }
}

#[cfg(target_os = "linux")]
fn thread_id() -> Option<u64> {
    u64::try_from(nix::unistd::gettid().as_raw()).ok()
}

#[cfg(not(target_os = "linux"))]
fn thread_id() -> Option<u64> {
    None
}

fn gone() -> io::Error {
    io::Error::other("the observer's thread has ended")
}

#[cfg(target_os = "linux")]
use super::sock_diag::SockDiag as Source;

/// Where nobody tells.
#[cfg(not(target_os = "linux"))]
struct Source;

#[cfg(not(target_os = "linux"))]
impl Source {
    fn open() -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn ask(&mut self, _: SocketAddr, _: SocketAddr) -> io::Result<Seen> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
