use std::net::{Ipv4Addr, TcpListener};

use super::*;
use crate::check::{Limits, Plan};
use crate::stage;

/// Two of a program's bytes come with so much time between them.
const STEP: Duration = Duration::from_millis(30);

/// What a peer makes of a program that sends `sent`, a byte at a time, and then nothing more.
fn heard(sent: &'static [u8], expected: &[u8]) -> Checked<Result<(), Heard>> {
    let plan = Plan { command: Vec::new(), only: None, startup: ANSWER, limits: Limits::default() };
    let stop = stage::Stop::default();
    let bench = Bench::new(&plan, &stop);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let peer = Peer::connect(&bench, "client", listener.local_addr().expect("an address"))?;
    let (mut program, _) = listener.accept().expect("a connection");
    let sender = thread::spawn(move || {
        for byte in sent {
            thread::sleep(STEP);
            if program.write_all(&[*byte]).is_err() {
                break;
            }
        }
        program
    });
    let heard = peer.expect_within(expected, 10 * STEP);
    drop(sender.join().expect("it has sent"));
    heard
}

#[test]
fn who_is_slow_is_not_silent() {
    assert!(heard(b"0123456789", b"0123456789").expect("no trouble").is_ok());
    let silent = heard(b"0123", b"0123456789").expect("no trouble").expect_err("it is silent");
    assert_eq!((silent.bytes.as_slice(), silent.instead), (&b"0123"[..], Instead::Silence));
}

#[test]
fn who_is_far_too_slow_is_told_that() {
    let Err(Stop::Failed(finding)) = heard(&[b'x'; 100], &[b'x'; 200]) else { panic!("it passed") };
    assert!(finding.mistakes.is_empty());
    assert!(finding.cause.to_string().contains("too slowly"), "{}", finding.cause);
}
