//! The name server of a private network: it knows no name, and says so.
//!
//! Where no server answers, the failure is a temporary one (EAI_AGAIN), and a program may well think it worth another try.
//! That a name does not exist (EAI_NONAME) is for good, and only a server can say it.

use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::thread;

/// Where it is asked.
const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 200, 0, 53);

/// The port that a resolver asks at.
const PORT: u16 = 53;

/// The longest question over UDP (RFC 1035, section 4.2.1).
const LONGEST: usize = 512;

/// The length of a message's header.
const HEADER: usize = 12;

/// Starts it; it answers as long as this process runs.
///
/// # Errors
/// This is no network of one's own.
pub fn start() -> io::Result<Ipv4Addr> {
    let socket = UdpSocket::bind((ADDRESS, PORT))?;
    let serve = move || {
        let mut buffer = [0; LONGEST];
        while let Ok((count, asker)) = socket.recv_from(&mut buffer) {
            if let Some(answer) = no_such_name(&buffer[..count]) {
                // Who asked may be gone.
                let _ = socket.send_to(&answer, asker);
            }
        }
    };
    thread::Builder::new().name("name server".to_owned()).spawn(serve)?;
    Ok(ADDRESS)
}

/// The answer to a question: its header, turned into one that says "no such name", and the question again.
fn no_such_name(question: &[u8]) -> Option<Vec<u8>> {
    const ANSWER: u8 = 0x80;
    const OPCODE_AND_RECURSION: u8 = 0x79;
    const RECURSION_AND_NXDOMAIN: u8 = 0x83;
    const TYPE_AND_CLASS: usize = 4;
    let name = question.get(HEADER..)?.iter().position(|&length| length == 0)? + 1;
    let mut answer = question.get(..HEADER + name + TYPE_AND_CLASS)?.to_vec();
    answer[2] = ANSWER | answer[2] & OPCODE_AND_RECURSION;
    answer[3] = RECURSION_AND_NXDOMAIN;
    // One question, and no record of any kind.
    answer[4..HEADER].copy_from_slice(&[0, 1, 0, 0, 0, 0, 0, 0]);
    Some(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_answered_with_itself_and_without_a_name() {
        let header = [0xab, 0xcd, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 1];
        let name = b"\x04host\x07invalid\0\0\x01\0\x01";
        let more = b"\0\0\x29\x04\xb0\0\0\0\0\0\0";
        let answer = no_such_name(&[&header[..], name, more].concat()).expect("an answer");
        assert_eq!(answer[..HEADER], [0xab, 0xcd, 0x81, 0x83, 0, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(&answer[HEADER..], name);
        assert_eq!(no_such_name(&header), None);
        assert_eq!(no_such_name(b""), None);
    }
}
