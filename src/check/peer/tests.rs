use std::net::{Ipv4Addr, TcpListener, TcpStream};

use super::*;
use crate::check::{Limits, Plan};
use crate::stage;

/// Two of a program's bytes come with so much time between them.
const STEP: Duration = Duration::from_millis(30);

/// What a peer hears of a program that sends with `send`.
fn heard<T>(
    send: impl FnOnce(&mut TcpStream) + Send,
    hear: impl FnOnce(Peer) -> Checked<T>,
) -> Checked<T> {
    let plan = Plan { command: Vec::new(), only: None, startup: ANSWER, limits: Limits::default() };
    let stop = stage::Stop::default();
    let bench = Bench::new(&plan, &stop);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let peer = Peer::connect(&bench, "client", listener.local_addr().expect("an address"))?;
    let (mut program, _) = listener.accept().expect("a connection");
    let (over, is_over) = std::sync::mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            send(&mut program);
            // Its connection stays open until it has been heard.
            let _ = is_over.recv();
        });
        let heard = hear(peer);
        drop(over);
        heard
    })
}

/// The same of one that sends a byte at a time, and then nothing more.
fn heard_slowly(sent: &[u8], expected: &[u8]) -> Checked<Result<(), Heard>> {
    let send = |program: &mut TcpStream| {
        for byte in sent {
            thread::sleep(STEP);
            if program.write_all(&[*byte]).is_err() {
                break;
            }
        }
    };
    heard(send, |peer| peer.expect_within(expected, 10 * STEP))
}

#[test]
fn who_is_slow_is_not_silent() {
    assert!(heard_slowly(b"0123456789", b"0123456789").expect("no trouble").is_ok());
    let silent = heard_slowly(b"0123", b"0123456789").expect("no trouble");
    let silent = silent.expect_err("it is silent");
    assert_eq!((silent.bytes.as_slice(), silent.instead), (&b"0123"[..], Instead::Silence));
}

#[test]
fn who_is_far_too_slow_is_told_that() {
    let Err(Stop::Failed(finding)) = heard_slowly(&[b'x'; 100], &[b'x'; 200]) else {
        panic!("it passed")
    };
    assert!(finding.mistakes.is_empty());
    assert!(finding.cause.to_string().contains("too slowly"), "{}", finding.cause);
}

#[test]
fn who_does_not_end_is_not_read_for_ever() {
    let send = |program: &mut TcpStream| while program.write_all(&[b'x'; 1 << 16]).is_ok() {};
    let deadline = Instant::now() + Duration::from_secs(60);
    let (bytes, ended) = heard(send, |peer| peer.receive(deadline, |_| false)).expect("no trouble");
    assert!(bytes.len() < 2 * MOST && ended == Some(Instead::Other));
}
