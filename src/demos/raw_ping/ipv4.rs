//! The IPv4 header (RFC 791) that a raw socket hands over in front of each message, on bytes.

use std::net::Ipv4Addr;

/// Where each field stands. Numbers of several bytes have the high byte first.
mod field {
    use std::ops::Range;

    pub const VERSION_AND_LENGTH: usize = 0;
    pub const SERVICE: usize = 1;
    pub const TOTAL_LENGTH: Range<usize> = 2..4;
    pub const IDENTIFICATION: Range<usize> = 4..6;
    pub const FLAGS_AND_OFFSET: Range<usize> = 6..8;
    pub const TIME_TO_LIVE: usize = 8;
    pub const PROTOCOL: usize = 9;
    pub const CHECKSUM: Range<usize> = 10..12;
    pub const SOURCE: Range<usize> = 12..16;
    pub const DESTINATION: Range<usize> = 16..20;
}

/// The length without options.
const SHORTEST: usize = 20;

/// A header and what comes after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    bytes: &'a [u8],
    length: usize,
}

impl<'a> Header<'a> {
    /// `None` when the bytes do not begin with an IPv4 header.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        let first = *bytes.get(field::VERSION_AND_LENGTH)?;
        let length = usize::from(first & 0x0f) * 4;
        let fits = first >> 4 == 4 && length >= SHORTEST && bytes.len() >= length;
        fits.then_some(Self { bytes, length })
    }

    /// How many bytes it has: the lower half of the first byte counts words of 4.
    pub fn length(self) -> usize {
        self.length
    }

    /// The length of the packet, header included, as the sender wrote it.
    ///
    /// The kernels of Apple's systems hand it over without the header, in the machine's own byte order.
    pub fn total_length(self) -> usize {
        let bytes =
            [self.bytes[field::TOTAL_LENGTH.start], self.bytes[field::TOTAL_LENGTH.start + 1]];
        if cfg!(target_vendor = "apple") {
            return usize::from(u16::from_ne_bytes(bytes)) + self.length;
        }
        u16::from_be_bytes(bytes).into()
    }

    /// How many more routers may hand it on.
    pub fn time_to_live(self) -> u8 {
        self.bytes[field::TIME_TO_LIVE]
    }

    /// What the packet carries: 1 for ICMP.
    pub fn protocol(self) -> u8 {
        self.bytes[field::PROTOCOL]
    }

    /// Who says to have sent it.
    pub fn source(self) -> Ipv4Addr {
        self.address(field::SOURCE.start)
    }

    /// To whom.
    pub fn destination(self) -> Ipv4Addr {
        self.address(field::DESTINATION.start)
    }

    /// What comes after it.
    pub fn payload(self) -> &'a [u8] {
        &self.bytes[self.length..]
    }

    /// The header itself.
    pub fn bytes(self) -> &'a [u8] {
        &self.bytes[..self.length]
    }

    fn address(self, at: usize) -> Ipv4Addr {
        let bytes = &self.bytes[at..];
        Ipv4Addr::new(bytes[0], bytes[1], bytes[2], bytes[3])
    }

    /// Each field in turn: its name, and its bytes.
    pub fn fields(self) -> Vec<(Field, &'a [u8])> {
        let at = |place: usize| &self.bytes[place..=place];
        let mut fields = vec![
            (Field::VersionAndLength, at(field::VERSION_AND_LENGTH)),
            (Field::Service, at(field::SERVICE)),
            (Field::TotalLength, &self.bytes[field::TOTAL_LENGTH]),
            (Field::Identification, &self.bytes[field::IDENTIFICATION]),
            (Field::FlagsAndOffset, &self.bytes[field::FLAGS_AND_OFFSET]),
            (Field::TimeToLive, at(field::TIME_TO_LIVE)),
            (Field::Protocol, at(field::PROTOCOL)),
            (Field::Checksum, &self.bytes[field::CHECKSUM]),
            (Field::Source, &self.bytes[field::SOURCE]),
            (Field::Destination, &self.bytes[field::DESTINATION]),
        ];
        if self.length > SHORTEST {
            fields.push((Field::Options, &self.bytes[SHORTEST..self.length]));
        }
        fields
    }
}

/// A field of the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// Half a byte each.
    VersionAndLength,
    /// How the packet wants to be treated.
    Service,
    /// Of header and payload.
    TotalLength,
    /// Tells which fragments belong together.
    Identification,
    /// Whether it may be cut, and where a fragment belongs.
    FlagsAndOffset,
    /// How many more routers may hand it on.
    TimeToLive,
    /// What it carries.
    Protocol,
    /// Over the header alone.
    Checksum,
    /// From whom.
    Source,
    /// To whom.
    Destination,
    /// Rarely used.
    Options,
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::checksum::is_intact;
    use super::*;

    /// An echo reply from 127.0.0.1 to 127.0.0.2, as Linux sends it.
    const PACKET: &[u8] = b"\x45\x00\x00\x1c\x12\x34\x00\x00\x40\x01\x6a\xaa\x7f\x00\x00\x01\x7f\x00\x00\x02\x00\x00\xff\xff\0\0\0\0";

    #[test]
    fn every_field_of_a_header() {
        let header = Header::new(PACKET).unwrap();
        assert_eq!((header.length(), header.time_to_live(), header.protocol()), (20, 64, 1));
        assert_eq!(header.source(), Ipv4Addr::LOCALHOST);
        assert_eq!(header.destination(), Ipv4Addr::new(127, 0, 0, 2));
        assert_eq!(header.payload().len(), 8);
        if !cfg!(target_vendor = "apple") {
            assert_eq!(header.total_length(), PACKET.len());
        }
        assert!(is_intact(header.bytes()));
    }

    #[test]
    fn the_fields_are_the_header_without_gaps() {
        let longer = [&[0x46][..], &PACKET[1..20], &[1, 1, 1, 0], &PACKET[20..]].concat();
        for packet in [PACKET, &longer] {
            let header = Header::new(packet).unwrap();
            let fields = header.fields().into_iter();
            assert_eq!(
                fields.flat_map(|(_, bytes)| bytes).copied().collect::<Vec<_>>(),
                header.bytes()
            );
            assert_eq!(header.payload(), &PACKET[20..]);
        }
    }

    #[test]
    fn what_is_no_header_is_none() {
        assert_eq!(Header::new(&[]), None);
        assert_eq!(Header::new(&PACKET[..19]), None);
        assert_eq!(Header::new(&[0x65; 40]), None);
        assert_eq!(Header::new(&[0x44; 40]), None);
        assert_eq!(Header::new(&[0x4f; 59]), None);
    }

    proptest! {
        #[test]
        fn no_bytes_do_harm(bytes in vec(any::<u8>(), 0..80)) {
            if let Some(header) = Header::new(&bytes) {
                let shown = (header.total_length(), header.source(), header.destination());
                prop_assert_eq!(header.bytes().len() + header.payload().len(), bytes.len(), "{:?}", shown);
            }
        }
    }
}
