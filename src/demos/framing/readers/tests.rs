//! Whatever way a stream is cut, the right readers find the same messages in it; the naive one does not.

use std::collections::VecDeque;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;
use crate::demos::framing::frames::{MESSAGES, frame};

const FRAMED: [FramingKind; 3] = [FramingKind::Newline, FramingKind::Length, FramingKind::Json];

/// A stream whose every `read` brings one of the pieces.
struct Pieces(VecDeque<Vec<u8>>);

impl Pieces {
    fn of(stream: &[u8], cuts: &[usize]) -> Self {
        let mut places = [cuts, &[0, stream.len()]].concat();
        places.sort_unstable();
        places.dedup();
        Self(places.windows(2).map(|ends| stream[ends[0]..ends[1]].to_vec()).collect())
    }
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let piece = self.0.pop_front().unwrap_or_default();
        buffer[..piece.len()].copy_from_slice(&piece);
        Ok(piece.len())
    }
}

fn right(kind: FramingKind, mut pieces: Pieces) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    let last =
        read_right(&mut pieces, &mut *messages_of(kind), |messages, _| found.extend(messages))?;
    found.extend(last);
    Ok(found)
}

fn naive(kind: FramingKind, mut pieces: Pieces) -> Vec<Taken> {
    let mut all = Vec::new();
    read_naively(&mut pieces, kind, |_, taken| all.push(taken)).unwrap();
    all
}

fn stream(kind: FramingKind, messages: &[impl AsRef<str>]) -> Vec<u8> {
    messages.iter().flat_map(|message| frame(kind, message.as_ref())).collect()
}

fn text() -> impl Strategy<Value = String> {
    let characters: Vec<char> = "{}\"\\n\n\0 aé好🦀".chars().collect();
    vec(select(characters), 0..12).prop_map(String::from_iter)
}

proptest! {
    #[test]
    fn any_cut_of_any_messages_is_read_right(
        messages in vec(text(), 0..8),
        cuts in vec(any::<Index>(), 0..12),
    ) {
        for kind in FRAMED {
            let stream = stream(kind, &messages);
            let cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
            prop_assert_eq!(&right(kind, Pieces::of(&stream, &cuts)).unwrap(), &messages);
            let everywhere: Vec<usize> = (0..stream.len()).collect();
            prop_assert_eq!(&right(kind, Pieces::of(&stream, &everywhere)).unwrap(), &messages);
        }
    }

    #[test]
    fn any_bytes_do_no_harm(bytes in vec(any::<u8>(), 0..200), cuts in vec(any::<Index>(), 0..12)) {
        for kind in crate::demos::framing::ALL {
            let cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            let _ = right(kind, Pieces::of(&bytes, &cuts));
            naive(kind, Pieces::of(&bytes, &cuts));
        }
    }
}

#[test]
fn without_framing_the_end_of_the_stream_makes_one_message_of_all() {
    let stream = stream(FramingKind::None, &MESSAGES);
    let all = right(FramingKind::None, Pieces::of(&stream, &[5, 9])).unwrap();
    assert_eq!(all, [MESSAGES.concat()]);
}

#[test]
fn a_message_without_its_end_is_an_error_at_the_end() {
    for kind in FRAMED {
        let stream = stream(kind, &["hello", "bye"]);
        for missing in 1..4 {
            let error =
                right(kind, Pieces::of(&stream[..stream.len() - missing], &[])).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{kind:?} without {missing}");
        }
    }
}

#[test]
fn the_longest_message_is_read_and_a_longer_one_refused() {
    let fits = "x".repeat(MAX_MESSAGE);
    for kind in [FramingKind::Newline, FramingKind::Length] {
        let cuts: Vec<usize> = (0..40).map(|cut| cut * 4000).collect();
        let read = |text: &str| {
            let stream = frame(kind, text);
            right(kind, Pieces::of(&stream, &cuts[..=stream.len() / 4000]))
        };
        assert_eq!(read(&fits).unwrap(), std::slice::from_ref(&fits));
        assert_eq!(read(&(fits.clone() + "x")).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
    let endless = "x".repeat(MAX_MESSAGE + 1);
    let mut lines = Lines::default();
    lines.feed(endless.as_bytes());
    assert!(lines.next().unwrap().is_err(), "no newline ever comes");
}

#[test]
fn a_length_in_the_wrong_order_is_refused_before_a_byte_of_it_comes() {
    let mut counted = Counted::default();
    counted.feed(&5_u32.to_le_bytes());
    assert!(counted.next().unwrap().is_err());
}

#[test]
fn how_much_waits_is_told_after_every_recv() {
    let mut pieces = Pieces::of(&stream(FramingKind::Length, &["hello", "bye"]), &[2, 6, 13]);
    let mut told = Vec::new();
    let mut messages = messages_of(FramingKind::Length);
    read_right(&mut pieces, &mut *messages, |found, held| told.push((found.len(), held))).unwrap();
    assert_eq!(told, [(0, 2), (0, 6), (1, 4), (1, 0)]);
}

#[test]
fn the_naive_reader_is_right_as_long_as_every_recv_is_a_message() {
    for kind in FRAMED {
        let frames = MESSAGES.map(|message| frame(kind, message));
        let taken = naive(kind, Pieces(frames.into()));
        let texts = taken.into_iter().map(|taken| match taken {
            Taken::Text(text) | Taken::Counted { text, .. } => text,
            other => panic!("{other:?}"),
        });
        assert_eq!(texts.collect::<Vec<_>>(), MESSAGES);
    }
}

#[test]
fn the_naive_reader_takes_the_middle_of_a_message_for_a_header() {
    let piece = [b"\xa5\xbd, caf\xc3\xa9", &frame(FramingKind::Length, "bye")[..]].concat();
    let Taken::Counted { text, announced, thrown_away } = decode_alone(FramingKind::Length, &piece)
    else {
        panic!("there are four bytes to take for a header");
    };
    assert_eq!((text.as_str(), announced), ("café\0\0\0\x03bye", 0xa5bd_2c20));
    assert!(thrown_away.is_empty());
}

#[test]
fn the_naive_reader_never_sees_the_second_of_two() {
    let both = stream(FramingKind::Length, &["see you", "bye"]);
    let thrown_away = frame(FramingKind::Length, "bye");
    let taken = Taken::Counted { text: "see you".to_owned(), announced: 7, thrown_away };
    assert_eq!(decode_alone(FramingKind::Length, &both), taken);
    assert_eq!(decode_alone(FramingKind::Length, &both[..3]), Taken::NoHeader);
}

#[test]
fn half_a_character_decoded_alone_is_a_replacement_character() {
    let taken = naive(FramingKind::None, Pieces::of("好".as_bytes(), &[1]));
    assert_eq!(taken, ["\u{fffd}", "\u{fffd}\u{fffd}"].map(|text| Taken::Text(text.to_owned())));
}
