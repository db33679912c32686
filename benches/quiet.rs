//! What a silent narrated socket costs beside socket2's own: one byte to and fro over a pair, in turns, in one run.
//!
//! `cargo bench --bench quiet` prints the time of a round trip on each, and the ratio of the medians.

use std::io::{Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Type};
use socklab::narrate;

const ROUNDS: usize = 15;
const TRIPS: u32 = 5_000;

/// A connected pair of narrated sockets, outside any narration.
fn narrated() -> (narrate::Socket, narrate::Socket) {
    let listener = narrate::Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)).unwrap();
    listener.bind(&"127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap().into()).unwrap();
    listener.listen(1).unwrap();
    let client = narrate::Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)).unwrap();
    client.connect(&listener.local_addr().unwrap()).unwrap();
    (client, listener.accept().unwrap().0)
}

/// The same of socket2.
fn plain() -> (socket2::Socket, socket2::Socket) {
    let listener = socket2::Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)).unwrap();
    listener.bind(&"127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap().into()).unwrap();
    listener.listen(1).unwrap();
    let client = socket2::Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)).unwrap();
    client.connect(&listener.local_addr().unwrap()).unwrap();
    (client, listener.accept().unwrap().0)
}

/// The mean time of a round trip.
fn ping_pong<S>(near: S, far: S) -> Duration
where
    for<'a> &'a S: Read + Write,
    S: Send + Sync,
{
    let started = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut byte = [0];
            for _ in 0..TRIPS {
                (&far).read_exact(&mut byte).unwrap();
                (&far).write_all(&byte).unwrap();
            }
        });
        let mut byte = [7];
        for _ in 0..TRIPS {
            (&near).write_all(&byte).unwrap();
            (&near).read_exact(&mut byte).unwrap();
        }
    });
    started.elapsed() / TRIPS
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn main() {
    let (mut quiet, mut bare) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        // Neither is always the first.
        for turn in [round, round + 1] {
            if turn % 2 == 0 {
                let (near, far) = narrated();
                quiet.push(ping_pong(near, far));
            } else {
                let (near, far) = plain();
                bare.push(ping_pong(near, far));
            }
        }
    }
    let (quiet, bare) = (median(quiet), median(bare));
    println!("a round trip: narrated socket, silent {quiet:?}; socket2 {bare:?}");
    println!("ratio {:.3}", quiet.as_secs_f64() / bare.as_secs_f64());
}
