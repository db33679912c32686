//! Chapter 2: the Chat-Room server. Five calls make it a server; then a thread reads each client, and another writes to it.
//!
//! Who is in the room, and what is said to whom, is `chat::Room`'s business. This file owns the sockets. What is to be
//! sent to a client goes into its outbox, and only the client's writer takes it out: so a client that does not read
//! holds up nobody else.

mod client;

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use socket2::{Domain, Protocol, SockAddr, Type};

use crate::chat::{ClientId, Outbox, Room, Rules};
use crate::cli::TcpServer;
use crate::error::{Error, Result};
use crate::narrate::{self, Socket, note};
use crate::stage::{Stage, Stop, Stretch};

use client::Client;

/// How long the server looks for the address of its own name.
const RESOLVE_LIMIT: Duration = Duration::from_secs(10);

/// How long somebody who should go may take to go, before the connection is cut.
const GRACE: Duration = Duration::from_secs(2);

/// How much may wait to be sent to one client, in bytes.
const OUTBOX: usize = 1024 * 1024;

/// How many more clients than the room holds are looked after at one time: those that are told that it is full, and those
/// that are on their way out. The next ones are just closed.
const TURNED_AWAY: usize = 16;

/// Serves until `stage.stop` is requested.
pub fn run(args: &TcpServer, stage: &Stage) -> Result<()> {
    Server::open(args, stage.stretch)?.serve(&stage.stop, GRACE)
}

/// A server that listens.
pub struct Server {
    listener: Arc<Socket>,
    address: SocketAddr,
    hall: Arc<Hall>,
    max_clients: usize,
}

/// What the threads of the server share.
struct Hall {
    room: Room,
    sockets: Mutex<HashMap<ClientId, Arc<Socket>>>,
    /// Somebody's socket was taken out of `sockets`.
    left: Condvar,
    max_message: usize,
    stretch: Stretch,
}

// ANCHOR: open
impl Server {
    /// The first four of the five steps: create, set the option, bind, listen.
    pub fn open(args: &TcpServer, stretch: Stretch) -> Result<Self> {
        let address = choose_address(&args.host, args.port, stretch)?;
        let domain = Domain::for_address(address);
        let on_it = |call| Error::during(call, address);

        let listener =
            Socket::new(domain, Type::STREAM, Some(Protocol::TCP)).map_err(on_it("socket"))?;
        listener.set_reuse_address(true).map_err(on_it("setsockopt"))?;
        listener.bind(&address.into()).map_err(on_it("bind"))?;
        listener.listen(args.backlog).map_err(on_it("listen"))?;

        let bound = listener.local_addr().map_err(on_it("getsockname"))?;
        let address = bound.as_socket().unwrap_or(address);
        announce(address);
        Ok(Self::on(listener, address, args, stretch))
    }
    // ANCHOR_END: open

    fn on(listener: Socket, address: SocketAddr, args: &TcpServer, stretch: Stretch) -> Self {
        let rules = Rules { max_clients: args.max_clients, trusting: args.trusting };
        let hall = Hall {
            room: Room::new(rules),
            sockets: Mutex::default(),
            left: Condvar::new(),
            max_message: args.max_message,
            stretch,
        };
        let (listener, hall) = (Arc::new(listener), Arc::new(hall));
        Self { listener, address, hall, max_clients: args.max_clients }
    }

    /// Where it listens: with the port that the kernel picked, when 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    // ANCHOR: serve
    /// The fifth step, in a loop until `stop` is requested: accept, and give each client its threads. Then everybody has
    /// `grace` to go.
    pub fn serve(self, stop: &Stop, grace: Duration) -> Result<()> {
        let waker = self.wake_on(stop)?;
        let mut threads: Vec<JoinHandle<()>> = Vec::new();
        let outcome = loop {
            match self.listener.accept() {
                Ok(_) if stop.requested() => break Ok(()),
                Ok((socket, peer)) => {
                    threads.retain(|thread| !thread.is_finished());
                    self.receive_client(socket, &peer, &mut threads);
                }
                Err(_) if stop.requested() => break Ok(()),
                Err(error) => match Setback::of(&error) {
                    Setback::ThatClient => {}
                    Setback::Resources => drop(stop.wait_for(Duration::from_millis(100))),
                    Setback::Listener => break Err(Error::during("accept", self.address)(error)),
                },
            }
        };
        stop.request();
        self.close(grace, threads, waker);
        outcome
    }
    // ANCHOR_END: serve

    /// A thread that waits for the request to stop, and then wakes `accept`.
    fn wake_on(&self, stop: &Stop) -> Result<JoinHandle<()>> {
        let (stop, listener, address) = (stop.clone(), self.listener.clone(), self.address);
        let wake = move || {
            stop.wait();
            wake_accept(&listener, address);
        };
        narrate::spawn(&format!("{}/stop", narrate::actor()), wake).map_err(super::no_thread)
    }

    // ANCHOR: receive
    fn receive_client(&self, socket: Socket, peer: &SockAddr, threads: &mut Vec<JoinHandle<()>>) {
        if threads.len() >= self.max_clients.saturating_add(TURNED_AWAY) {
            return;
        }
        let outbox = Arc::new(Outbox::new(OUTBOX));
        let entered = self.hall.room.enter(user_id(peer), outbox.clone());
        let client = Client { hall: self.hall.clone(), socket: Arc::new(socket), outbox };
        let started = match &entered {
            Ok(id) => self.start_serving(*id, client, peer),
            Err(full) => {
                let (actor, reason) = (format!("{}/full", narrate::actor()), full.to_string());
                narrate::spawn(&actor, move || client.turn_away(&reason))
            }
        };
        match started {
            Ok(thread) => threads.push(thread),
            Err(error) => {
                note("tcp-server.no-thread", &[("peer", &shown(peer)), ("why", &error)]);
                entered.iter().for_each(|id| self.hall.forget(*id));
            }
        }
    }

    fn start_serving(
        &self,
        id: ClientId,
        client: Client,
        peer: &SockAddr,
    ) -> io::Result<JoinHandle<()>> {
        self.hall.sockets().insert(id, client.socket.clone());
        note("tcp-server.arrived", &[("client", &id), ("peer", &shown(peer))]);
        narrate::spawn(&format!("{}/{id}", narrate::actor()), move || client.serve(id))
    }
    // ANCHOR_END: receive

    // ANCHOR: close
    /// Tells everybody, gives them time to go, cuts those who stay, and waits for every thread.
    fn close(self, grace: Duration, threads: Vec<JoinHandle<()>>, waker: JoinHandle<()>) {
        note("tcp-server.stopping", &[("clients", &self.hall.room.len())]);
        self.hall.room.close("the server is stopping");
        for (_, socket) in self.hall.who_stays_after(grace) {
            let _ = socket.shutdown(Shutdown::Both);
        }
        for thread in threads.into_iter().chain([waker]) {
            let _ = thread.join();
        }
    }
    // ANCHOR_END: close
}

impl Hall {
    fn sockets(&self) -> MutexGuard<'_, HashMap<ClientId, Arc<Socket>>> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends a client's connection at once: its threads, wherever they wait, are woken.
    fn cut(&self, client: ClientId) {
        let socket = self.sockets().get(&client).cloned();
        if let Some(socket) = socket {
            note("tcp-server.outbox-full", &[("client", &client)]);
            let _ = socket.shutdown(Shutdown::Both);
        }
    }

    /// The clients that are still here when all have gone, or `limit` has passed.
    fn who_stays_after(&self, limit: Duration) -> HashMap<ClientId, Arc<Socket>> {
        let all_gone =
            self.left.wait_timeout_while(self.sockets(), limit, |sockets| !sockets.is_empty());
        all_gone.unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    fn forget(&self, client: ClientId) {
        self.room.leave(client);
        self.sockets().remove(&client);
        self.left.notify_all();
    }
}

// ANCHOR: setback
/// What an error of `accept` concerns (accept(2), "Error handling").
enum Setback {
    /// The connection that was to be accepted: the next one may be well.
    ThatClient,
    /// Descriptors or memory have run out: they may come back.
    Resources,
    /// The listening socket itself.
    Listener,
}

impl Setback {
    fn of(error: &io::Error) -> Self {
        use io::ErrorKind::{
            ConnectionAborted, ConnectionReset, Interrupted, InvalidInput, NotConnected,
        };
        match error.kind() {
            ConnectionAborted | ConnectionReset | Interrupted => Self::ThatClient,
            InvalidInput | NotConnected => Self::Listener,
            _ => Self::Resources,
        }
    }
}
// ANCHOR_END: setback

/// Wakes a blocked `accept`. On Linux `shutdown` does it, and accept fails with EINVAL; elsewhere a connection of our own.
fn wake_accept(listener: &Socket, address: SocketAddr) {
    if cfg!(target_os = "linux") {
        let _ = listener.shutdown(Shutdown::Both);
        return;
    }
    let to_ourselves = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP));
    let _ = to_ourselves.and_then(|socket| socket.connect(&address.into()));
}

/// The address to listen on: an IPv4 address of the name if it has one, for clients that know no other.
fn choose_address(host: &str, port: u16, stretch: Stretch) -> Result<SocketAddr> {
    let (chosen, of_several) = super::resolve_one(host, port, stretch.of(RESOLVE_LIMIT))?;
    if of_several {
        note("tcp-server.address-chosen", &[("host", &host), ("address", &chosen.ip())]);
    }
    Ok(chosen)
}

fn announce(address: SocketAddr) {
    let (port, how) = (address.port(), how_to_reach(address));
    note("tcp-server.ready", &[("address", &address), ("port", &port), ("how", &how)]);
    if !address.ip().is_loopback() {
        note("tcp-server.open-to-others", &[("address", &address)]);
    }
}

/// What a client on this machine must be told. Without a host it tries `localhost`, which need not have an IPv6 address.
fn how_to_reach(address: SocketAddr) -> String {
    let port = address.port();
    match address.ip() {
        IpAddr::V4(ip) if ip == Ipv4Addr::LOCALHOST || ip.is_unspecified() => {
            format!("--port {port}")
        }
        IpAddr::V6(ip) if ip.is_unspecified() => format!("--host ::1 --port {port}"),
        ip => format!("--host {ip} --port {port}"),
    }
}

/// `IP:PORT:UNIX-SECONDS` of its arrival, as the protocol has it.
fn user_id(peer: &SockAddr) -> String {
    format!("{}:{}", shown(peer), seconds_since_1970().trunc())
}

fn shown(peer: &SockAddr) -> String {
    peer.as_socket().map_or_else(|| format!("{peer:?}"), |peer| peer.to_string())
}

fn seconds_since_1970() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
