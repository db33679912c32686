//! Whatever way a stream of bytes is cut, the same messages are read from it; and no stream does harm.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value};
use socklab::chat::{Frame, Framer, Reply, Request};

/// Text that is hard on a framer: braces, quotes, escapes, and characters of one to four bytes.
fn text() -> impl Strategy<Value = String> {
    let characters: Vec<char> = "{}[]\"\\/:, \n\u{1}\u{7f}aé好🦀".chars().collect();
    vec(select(characters), 0..12).prop_map(String::from_iter)
}

fn object() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![text().prop_map(Value::from), any::<i64>().prop_map(Value::from)];
    let value = leaf.prop_recursive(4, 24, 4, |inner| {
        let object = vec((text(), inner.clone()), 0..4).prop_map(object_of);
        prop_oneof![vec(inner, 0..4).prop_map(Value::from), object]
    });
    vec((text(), value), 0..4).prop_map(object_of)
}

fn object_of(members: Vec<(String, Value)>) -> Value {
    Value::Object(Map::from_iter(members))
}

/// One object as it may be sent: on one line or on many, with non-ASCII characters as they are.
fn sent() -> impl Strategy<Value = String> {
    (object(), any::<bool>()).prop_map(|(object, on_many_lines)| {
        if on_many_lines { format!("{object:#}") } else { object.to_string() }
    })
}

/// Bytes of which many mean something to a framer.
fn hostile_bytes() -> impl Strategy<Value = Vec<u8>> {
    let telling = select(b"{{{}}}\"\"\\\\\n\n x".to_vec());
    vec(prop_oneof![4 => telling, 1 => any::<u8>()], 0..200)
}

fn request() -> impl Strategy<Value = Request> {
    let username = || proptest::option::of(text());
    prop_oneof![
        (text(), text()).prop_map(|(username, password)| Request::Login { username, password }),
        (username(), text()).prop_map(|(username, content)| Request::Chat { username, content }),
        username().prop_map(|username| Request::Logout { username }),
    ]
}

/// `stream` in the pieces that the cuts make of it.
fn pieces<'a>(stream: &'a [u8], cuts: &[Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
    places.extend([0, stream.len()]);
    places.sort_unstable();
    places.windows(2).map(|ends| &stream[ends[0]..ends[1]]).collect()
}

/// All frames of a stream that comes in pieces. Between the pieces less is held than the bound allows.
fn frames<'a>(max_message: usize, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Frame> {
    let mut framer = Framer::new(max_message);
    let mut frames = Vec::new();
    for piece in pieces {
        framer.feed(piece);
        frames.extend(framer.by_ref());
        assert!(framer.held() < max_message, "{} bytes are held", framer.held());
    }
    frames
}

proptest! {
    #[test]
    fn any_cut_of_any_messages_is_read_as_the_same_messages(
        messages in vec((sent(), select(vec!["", " ", "\n", "\r\n", " \t\n\n"])), 0..8),
        cuts in vec(any::<Index>(), 0..12),
    ) {
        let stream: String = messages.iter().flat_map(|(object, gap)| [object, *gap]).collect();
        let expected: Vec<Frame> =
            messages.into_iter().map(|(object, _)| Frame::Object(object.into())).collect();
        let bytes = stream.as_bytes();
        prop_assert_eq!(&frames(bytes.len() + 1, pieces(bytes, &cuts)), &expected);
        prop_assert_eq!(&frames(bytes.len() + 1, bytes.chunks(1)), &expected);
    }

    #[test]
    fn any_cut_of_any_bytes_is_read_as_the_same_frames(
        bytes in hostile_bytes(),
        cuts in vec(any::<Index>(), 0..12),
        max_message in 1..40_usize,
    ) {
        let whole = frames(max_message, [bytes.as_slice()]);
        prop_assert_eq!(&frames(max_message, pieces(&bytes, &cuts)), &whole);
        prop_assert_eq!(&frames(max_message, bytes.chunks(1)), &whole);
        let end = whole.iter().position(|frame| *frame == Frame::TooLong);
        prop_assert!(end.is_none_or(|end| end + 1 == whole.len()), "frames after the end: {whole:?}");
        for frame in whole {
            if let Frame::Object(object) = frame {
                prop_assert!(object.len() <= max_message);
                prop_assert_eq!((object[0], object[object.len() - 1]), (b'{', b'}'));
                // Whatever it is, parsing it does not panic.
                let _ = (Request::parse(&object), Reply::parse(&object));
            }
        }
    }

    #[test]
    fn any_request_is_read_as_it_was_written(
        requests in vec(request(), 1..5),
        cuts in vec(any::<Index>(), 0..12),
    ) {
        let stream: Vec<u8> = requests.iter().flat_map(Request::to_line).collect();
        let read: Vec<Request> = frames(stream.len(), pieces(&stream, &cuts))
            .into_iter()
            .map(|frame| match frame {
                Frame::Object(object) => Request::parse(&object).unwrap(),
                other => panic!("{other:?}"),
            })
            .collect();
        prop_assert_eq!(read, requests);
    }
}

/// Looking at every byte again whenever one more has come would take hours here.
#[test]
fn a_message_that_comes_byte_by_byte_takes_linear_time() {
    let message = format!(r#"{{"content":"{}"}}"#, "x".repeat(1 << 20));
    let expected = [Frame::Object(message.clone().into())];
    assert_eq!(frames(message.len(), message.as_bytes().chunks(1)), expected);
}

/// Moving what is left to the front after every object would take minutes here.
#[test]
fn many_messages_that_come_at_once_take_linear_time() {
    let mut framer = Framer::new(2);
    framer.feed("{}".repeat(1 << 20).as_bytes());
    assert_eq!(framer.count(), 1 << 20);
}
