//! ICMP messages on bytes: an echo request is built, an answer is read. No sockets in here.
//!
//! ```text
//!    byte 0    byte 1    byte 2    byte 3
//!  +---------+---------+---------+---------+
//!  |  type   |  code   |     checksum      |
//!  +---------+---------+---------+---------+
//!  |    identifier     |  sequence number  |
//!  +---------+---------+---------+---------+
//!  |  payload ...                               RFC 792; for IPv6, RFC 4443
//! ```

use super::ipv4;

// ANCHOR: fields
/// Where each field of an echo message stands. Numbers of two bytes have the high byte first.
mod field {
    use std::ops::{Range, RangeFrom};

    pub const TYPE: usize = 0;
    pub const CODE: usize = 1;
    pub const CHECKSUM: Range<usize> = 2..4;
    pub const IDENTIFIER: Range<usize> = 4..6;
    pub const SEQUENCE: Range<usize> = 6..8;
    pub const PAYLOAD: RangeFrom<usize> = 8..;
}
// ANCHOR_END: fields

/// How long everything before the payload is.
pub const HEADER: usize = field::PAYLOAD.start;

/// The length of the IPv6 header that an ICMPv6 error quotes (no extension headers: we send none).
const IPV6_HEADER: usize = 40;

/// Which ICMP: that of IPv4 or that of IPv6. The messages are alike, their types are numbered differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// ICMP.
    V4,
    /// ICMPv6.
    V6,
}

impl Version {
    /// The type of an echo request.
    pub fn request(self) -> u8 {
        match self {
            Self::V4 => 8,
            Self::V6 => 128,
        }
    }

    /// The type of an echo reply.
    pub fn reply(self) -> u8 {
        match self {
            Self::V4 => 0,
            Self::V6 => 129,
        }
    }

    fn unreachable(self) -> u8 {
        match self {
            Self::V4 => 3,
            Self::V6 => 1,
        }
    }

    fn time_exceeded(self) -> u8 {
        match self {
            Self::V4 => 11,
            Self::V6 => 3,
        }
    }
}

/// An ICMP message that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a>(&'a [u8]);

impl<'a> Message<'a> {
    /// `None` when the bytes are too few for a header.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        (bytes.len() >= HEADER).then_some(Self(bytes))
    }

    /// All of it.
    pub fn bytes(self) -> &'a [u8] {
        self.0
    }

    /// What kind of message it is.
    pub fn kind(self) -> u8 {
        self.0[field::TYPE]
    }

    /// What exactly, among those of its kind.
    pub fn code(self) -> u8 {
        self.0[field::CODE]
    }

    /// The checksum as it stands in the message.
    pub fn checksum(self) -> u16 {
        self.number(field::CHECKSUM.start)
    }

    /// Whose echo it is (only echo messages have it).
    pub fn identifier(self) -> u16 {
        self.number(field::IDENTIFIER.start)
    }

    /// Which echo it is (only echo messages have it).
    pub fn sequence(self) -> u16 {
        self.number(field::SEQUENCE.start)
    }

    /// What comes after the header.
    pub fn payload(self) -> &'a [u8] {
        &self.0[field::PAYLOAD]
    }

    /// For an error: the beginning of the message that caused it, which the error quotes behind that message's IP header.
    fn cause(self, version: Version) -> Option<Self> {
        let quoted = match version {
            Version::V4 => ipv4::Header::new(self.payload())?.payload(),
            Version::V6 => self.payload().get(IPV6_HEADER..)?,
        };
        Self::new(quoted)
    }

    fn number(self, at: usize) -> u16 {
        u16::from_be_bytes([self.0[at], self.0[at + 1]])
    }
}

/// Writes the checksum where it belongs.
pub fn write_checksum(message: &mut [u8], checksum: u16) {
    message[field::CHECKSUM].copy_from_slice(&checksum.to_be_bytes());
}

/// What an ICMP message is to somebody who has sent an echo request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// The request itself, as a raw socket sees it when it comes in on this machine.
    OurRequest,
    /// The answer.
    Reply,
    /// An echo under our identifier, and neither this request nor its answer: late, or not what was sent.
    Stray,
    /// Somebody on the way says that the request cannot be delivered.
    Unreachable,
    /// Somebody on the way dropped the request: its time to live was used up.
    TimeExceeded,
    /// Not about us.
    Other,
}

/// An echo request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Echo<'a> {
    /// Tells the answers to this program from those to others.
    pub identifier: u16,
    /// Tells the answer to this request from those to others of this program.
    pub sequence: u16,
    /// Must come back as it is.
    pub payload: &'a [u8],
}

impl Echo<'_> {
    // ANCHOR: build
    /// The request as bytes, with a checksum of zero.
    pub fn request(&self, version: Version) -> Vec<u8> {
        let mut bytes = vec![0; HEADER];
        bytes[field::TYPE] = version.request();
        bytes[field::CODE] = 0;
        bytes[field::IDENTIFIER].copy_from_slice(&self.identifier.to_be_bytes());
        bytes[field::SEQUENCE].copy_from_slice(&self.sequence.to_be_bytes());
        bytes.extend(self.payload);
        bytes
    }
    // ANCHOR_END: build

    /// What `message` is to who sent this request.
    pub fn meaning_of(&self, message: Message, version: Version) -> Meaning {
        let kind = message.kind();
        let ours = message.identifier() == self.identifier;
        let this = ours && message.sequence() == self.sequence;
        if kind == version.reply() || kind == version.request() {
            let answers = this && message.payload() == self.payload;
            return match kind == version.reply() {
                true if answers => Meaning::Reply,
                false if this => Meaning::OurRequest,
                _ if ours => Meaning::Stray,
                _ => Meaning::Other,
            };
        }
        let caused = || message.cause(version).is_some_and(|cause| self.is(cause, version));
        match kind {
            kind if kind == version.unreachable() && caused() => Meaning::Unreachable,
            kind if kind == version.time_exceeded() && caused() => Meaning::TimeExceeded,
            _ => Meaning::Other,
        }
    }

    /// Whether `message` begins as this request does.
    fn is(&self, message: Message, version: Version) -> bool {
        message.kind() == version.request()
            && message.identifier() == self.identifier
            && message.sequence() == self.sequence
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::checksum::{Checksum, is_intact};
    use super::*;

    const ECHO: Echo = Echo { identifier: 0x3039, sequence: 1, payload: b"socklab!" };

    fn sealed(echo: &Echo) -> Vec<u8> {
        let mut bytes = echo.request(Version::V4);
        let checksum = Checksum::of(&bytes).checksum;
        write_checksum(&mut bytes, checksum);
        bytes
    }

    /// The same message as a reply.
    fn reply_to(echo: &Echo, version: Version) -> Vec<u8> {
        let mut bytes = echo.request(version);
        bytes[field::TYPE] = version.reply();
        bytes
    }

    fn meaning(bytes: &[u8], version: Version) -> Meaning {
        ECHO.meaning_of(Message::new(bytes).unwrap(), version)
    }

    #[test]
    fn a_request_byte_by_byte() {
        let expected = b"\x08\x00\x00\x00\x30\x39\x00\x01socklab!";
        assert_eq!(ECHO.request(Version::V4), expected);
        assert_eq!(ECHO.request(Version::V6)[0], 128);
    }

    /// Worked out by hand: 0800 + 3039 + 0001 + 736f + 636b + 6c61 + 6221 = 1dd96; dd96 + 1 = dd97; its complement.
    #[test]
    fn a_request_with_its_checksum() {
        assert_eq!(sealed(&ECHO)[..4], [0x08, 0x00, 0x22, 0x68]);
        assert_eq!(Message::new(&sealed(&ECHO)).unwrap().checksum(), 0x2268);
    }

    #[test]
    fn what_comes_is_told_apart() {
        for version in [Version::V4, Version::V6] {
            assert_eq!(meaning(&ECHO.request(version), version), Meaning::OurRequest);
            assert_eq!(meaning(&reply_to(&ECHO, version), version), Meaning::Reply);
            let earlier = Echo { sequence: 0, ..ECHO };
            assert_eq!(meaning(&reply_to(&earlier, version), version), Meaning::Stray);
            assert_eq!(meaning(&earlier.request(version), version), Meaning::Stray);
            let altered = Echo { payload: b"socklab?", ..ECHO };
            assert_eq!(meaning(&reply_to(&altered, version), version), Meaning::Stray);
            let another = Echo { identifier: 7, ..ECHO };
            assert_eq!(meaning(&reply_to(&another, version), version), Meaning::Other);
            assert_eq!(meaning(&another.request(version), version), Meaning::Other);
        }
        assert_eq!(meaning(&[200; 8], Version::V4), Meaning::Other);
        assert_eq!(meaning(&reply_to(&ECHO, Version::V4), Version::V6), Meaning::Other);
        assert_eq!(Message::new(&[0; 7]), None);
    }

    /// An error quotes an IP header and the first 8 bytes of what caused it.
    fn error(kind: u8, ip_header: &[u8], cause: &Echo, version: Version) -> Vec<u8> {
        let quoted = cause.request(version);
        [&[kind, 1, 0, 0, 0, 0, 0, 0], ip_header, &quoted[..HEADER]].concat()
    }

    #[test]
    fn errors_are_ours_when_our_request_is_quoted() {
        let v4 = [&[0x46][..], &[0; 23]].concat();
        let another = Echo { identifier: 7, ..ECHO };
        let cases = [(3, Meaning::Unreachable), (11, Meaning::TimeExceeded), (5, Meaning::Other)];
        for (kind, expected) in cases {
            assert_eq!(meaning(&error(kind, &v4, &ECHO, Version::V4), Version::V4), expected);
            let theirs = error(kind, &v4, &another, Version::V4);
            assert_eq!(meaning(&theirs, Version::V4), Meaning::Other);
        }
        for (kind, expected) in [(1, Meaning::Unreachable), (3, Meaning::TimeExceeded)] {
            assert_eq!(meaning(&error(kind, &[0; 40], &ECHO, Version::V6), Version::V6), expected);
        }
        assert_eq!(meaning(&error(3, &[], &ECHO, Version::V4), Version::V4), Meaning::Other);
    }

    proptest! {
        #[test]
        fn the_checksum_of_any_request_fits(
            identifier: u16,
            sequence: u16,
            payload in vec(any::<u8>(), 0..64),
        ) {
            let bytes = sealed(&Echo { identifier, sequence, payload: &payload });
            prop_assert!(is_intact(&bytes), "{bytes:02x?}");
            let message = Message::new(&bytes).unwrap();
            prop_assert_eq!((message.kind(), message.code()), (8, 0));
            prop_assert_eq!((message.identifier(), message.sequence()), (identifier, sequence));
            prop_assert_eq!(message.payload(), payload);
        }

        #[test]
        fn any_single_wrong_bit_is_noticed(
            payload in vec(any::<u8>(), 0..32),
            place: prop::sample::Index,
            bit in 0..8_u8,
        ) {
            let mut bytes = sealed(&Echo { payload: &payload, ..ECHO });
            let at = place.index(bytes.len());
            bytes[at] ^= 1 << bit;
            prop_assert!(!is_intact(&bytes), "{bytes:02x?}");
        }

        #[test]
        fn no_bytes_do_harm(bytes in vec(any::<u8>(), 0..128)) {
            for version in [Version::V4, Version::V6] {
                let meaning = Message::new(&bytes).map(|message| ECHO.meaning_of(message, version));
                prop_assert_eq!(meaning.is_some(), bytes.len() >= HEADER);
            }
        }
    }
}
