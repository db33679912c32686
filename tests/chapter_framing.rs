//! Chapter 4: the same bytes reach both readers, the right one finds every message in them, the naive one does not, and
//! what is said about it is what happened.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Output, Stdio};

use socklab::narrate::event::{Call, Ended, Event, Kind, Value};
use socklab::reference;

/// What is sent, written here once more: the demo is held to it.
const MESSAGES: [&str; 5] = ["hello", "你好, café", "two\nlines", "see you", "bye"];

const FRAMINGS: [&str; 4] = ["none", "newline", "length", "json"];

fn socklab(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_socklab"));
    command.arg("framing").args(args).stdin(Stdio::null());
    command
}

fn finished(args: &[&str]) -> Output {
    let output = socklab(args).output().expect("the program runs");
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

fn events(args: &[&str]) -> Vec<Event> {
    let output = finished(&[args, &["--format", "json"]].concat());
    let lines = String::from_utf8(output.stdout).expect("JSON is UTF-8");
    lines.lines().map(|line| serde_json::from_str(line).expect("an event")).collect()
}

/// The calls of that name that an actor made.
fn calls<'a>(events: &'a [Event], actor: &str, name: &str) -> Vec<&'a Ended> {
    let calls = events.iter().filter(|event| &*event.actor == actor).filter_map(ended);
    calls.filter(|ended| ended.call.call == name).collect()
}

fn ended(event: &Event) -> Option<&Ended> {
    match &event.kind {
        Kind::Call(ended) => Some(ended),
        _ => None,
    }
}

/// The bytes that went through the socket in this call.
fn bytes(call: &Call) -> &[u8] {
    call.data.as_ref().map_or(&[], |data| &data.bytes)
}

/// The notes that an actor made: the name without `framing.`, and the blanks.
fn notes<'a>(events: &'a [Event], actor: &'a str) -> impl Iterator<Item = (&'a str, Blanks)> {
    events.iter().filter(move |event| &*event.actor == actor).filter_map(|event| {
        match &event.kind {
            Kind::Note(note) => {
                let blanks =
                    note.args.iter().map(|(name, value)| (name.to_owned(), value.to_string()));
                Some((note.note.strip_prefix("framing.")?, blanks.collect()))
            }
            _ => None,
        }
    })
}

type Blanks = BTreeMap<String, String>;

/// The blanks of the only note of that name.
fn the_note(events: &[Event], actor: &str, name: &str) -> Blanks {
    let mut found = notes(events, actor).filter(|(note, _)| *note == name);
    let blanks = found.next().unwrap_or_else(|| panic!("{actor} never says {name}")).1;
    assert!(found.next().is_none(), "{actor} says {name} twice");
    blanks
}

/// The messages in the notes of that name, as bytes made visible.
fn said(events: &[Event], actor: &str, name: &str) -> Vec<String> {
    notes(events, actor)
        .filter(|(note, _)| *note == name)
        .map(|(_, blanks)| blanks["text"].clone())
        .collect()
}

fn visible(messages: &[&str]) -> Vec<String> {
    messages.iter().map(|message| message.replace('\n', "\\n")).collect()
}

fn framed(framing: &str, message: &str) -> Vec<u8> {
    match framing {
        "none" => message.into(),
        "newline" => [&message.replace('\n', "\\n"), "\n"].concat().into(),
        "length" => [&[0, 0, 0, message.len() as u8], message.as_bytes()].concat(),
        _ => format!(r#"{{"text":"{}"}}"#, message.replace('\n', "\\n")).into(),
    }
}

fn stream(framing: &str) -> Vec<u8> {
    MESSAGES.iter().flat_map(|message| framed(framing, message)).collect()
}

/// Fails if bytes differ between what was framed, sent and received, or between the two readers.
#[test]
fn both_readers_get_the_same_bytes_over_connections_of_their_own() {
    for framing in FRAMINGS {
        let events = events(&[framing]);
        let mut sent: BTreeMap<i64, Vec<u8>> = BTreeMap::new();
        for send in calls(&events, "sender", "send") {
            sent.entry(send.call.fd.unwrap()).or_default().extend(bytes(&send.call));
        }
        let expected = stream(framing);
        assert_eq!(sent.into_values().collect::<Vec<_>>(), [&expected[..], &expected[..]]);
        for reader in ["naive", "right"] {
            let recvs = calls(&events, reader, "recv");
            let received: Vec<u8> =
                recvs.iter().flat_map(|recv| bytes(&recv.call)).copied().collect();
            assert_eq!(received, expected, "{framing}, {reader}");
            assert_eq!(recvs.last().unwrap().result, 0, "{reader} reads to the end of file");
        }
    }
}

/// Fails if the right reader misses, adds or garbles a message, or the narration says so without it being so.
#[test]
fn the_right_reader_finds_all_messages_however_they_are_cut() {
    for framing in FRAMINGS.into_iter().skip(1) {
        for cut in [&[][..], &["--cut", "1"], &["--cut", "5"], &["--cut", "65535"]] {
            let events = events(&[&[framing][..], cut].concat());
            assert_eq!(said(&events, "right", "found"), visible(&MESSAGES), "{framing} {cut:?}");
            assert_eq!(said(&events, "right", "found-wrong"), [""; 0]);
            let tally = the_note(&events, "socklab", "tally");
            assert_eq!(
                (&*tally["framing"], &*tally["right"], &*tally["sent"]),
                (framing, "5", "5")
            );
        }
    }
}

/// Fails if somebody teaches the right reader to guess.
#[test]
fn without_framing_the_right_reader_says_that_it_cannot_know() {
    let events = events(&["none"]);
    let all = the_note(&events, "right", "end-of-file");
    assert_eq!(all["text"], visible(&MESSAGES).concat());
    assert_eq!(all["count"], stream("none").len().to_string());
    assert_eq!(the_note(&events, "socklab", "tally")["right"], "0");
    assert_eq!(notes(&events, "right").filter(|(note, _)| *note == "found").count(), 0);
    the_note(&events, "socklab", "none-tally");
}

/// Fails if the naive reader is counted too high or too low, or what it took is not what the bytes make.
#[test]
fn the_naive_reader_takes_every_recv_for_a_message() {
    let none = events(&["none"]);
    assert_eq!(said(&none, "naive", "took-garbled"), ["你\u{fffd}"]);
    assert_eq!(said(&none, "naive", "took-joined-garbled"), ["\u{fffd}\u{fffd}, cafétwo\\nlines"]);
    for framing in FRAMINGS {
        let events = events(&[framing]);
        let took = said(&events, "naive", "took");
        assert_eq!(the_note(&events, "socklab", "tally")["naive"], took.len().to_string());
        // Usually one recv brings both of two sends, and with the end of file there are five. Nobody promises it.
        let expected = match framing {
            _ if calls(&events, "naive", "recv").len() > 5 => &["hello", "see you", "bye"][..],
            "length" => &["hello", "see you"],
            _ => &["hello"],
        };
        assert_eq!(took, expected, "{framing}");
    }
}

/// Fails if bytes that make no message are not told as lost.
#[test]
fn what_the_naive_reader_does_not_understand_is_lost() {
    let json = events(&["json"]);
    let lost: usize = notes(&json, "naive")
        .filter(|(note, _)| *note == "not-json")
        .map(|(_, blanks)| blanks["count"].parse::<usize>().unwrap())
        .sum();
    let took = said(&json, "naive", "took");
    let understood: usize = took.iter().map(|message| framed("json", message).len()).sum();
    assert_eq!(lost + understood, stream("json").len());
}

/// Fails if the header is written or read in the wrong order, or misnamed.
#[test]
fn the_length_is_named_and_what_the_wrong_order_makes_of_it() {
    let events = events(&["length"]);
    let header = the_note(&events, "socklab", "header");
    let named = ["header", "length", "wrong"].map(|blank| &*header[blank]);
    assert_eq!(named, ["00 00 00 05", "5", "83886080"]);
    let took: Vec<Blanks> = notes(&events, "naive")
        .filter_map(|(note, blanks)| (note == "announced").then_some(blanks))
        .collect();
    assert_eq!(
        took.iter().map(|took| &*took["header"]).collect::<Vec<_>>(),
        ["00 00 00 0d", "a5 bd 2c 20"]
    );
    assert_eq!(took[1]["length"], 0xa5bd_2c20_u32.to_string());
}

/// Fails if the pieces no longer hurt: alone, inside a character, two messages in one send, two sends before a recv.
#[test]
fn the_pieces_are_cut_where_it_hurts() {
    for framing in FRAMINGS {
        let events = events(&[framing]);
        let sends = calls(&events, "sender", "send");
        let fd = sends[0].call.fd;
        let of_one: Vec<&[u8]> =
            sends.iter().filter(|send| send.call.fd == fd).map(|send| bytes(&send.call)).collect();
        let frames = MESSAGES.map(|message| framed(framing, message));
        assert_eq!(of_one[0], frames[0]);
        assert!(std::str::from_utf8(of_one[1]).unwrap_err().error_len().is_none());
        assert_eq!([of_one[1], of_one[2]].concat(), [&frames[1][..], &frames[2]].concat());
        assert_eq!(of_one[3..], frames[3..]);
    }
}

/// Fails if what is said of two sends and how many recv is not what was counted.
#[test]
fn two_sends_are_one_recv_and_if_they_are_not_it_says_so() {
    let events = events(&["newline"]);
    let recvs = ["naive", "right"].map(|reader| {
        let (mut seen, mut count) = (0, 0);
        let before: usize =
            MESSAGES[..3].iter().map(|message| framed("newline", message).len()).sum();
        for recv in calls(&events, reader, "recv").iter().filter(|recv| recv.result > 0) {
            count += usize::from(seen >= before);
            seen += bytes(&recv.call).len();
        }
        count.to_string()
    });
    let words = if recvs == ["1", "1"] { "joined" } else { "apart" };
    let note = the_note(&events, "socklab", words);
    assert_eq!([&note["sends"], &note["naive"], &note["right"]], ["2", &recvs[0], &recvs[1]]);
}

/// Fails if a recv is made before everything of its turn was sent: then the kernel, not the story, decides what it brings.
#[test]
fn the_ends_take_turns() {
    let events = events(&["json", "--cut", "7"]);
    let (mut sent, mut received) = ([0, 0], [0, 0]);
    let sender_fds: Vec<i64> =
        calls(&events, "sender", "send")[..2].iter().map(|send| send.call.fd.unwrap()).collect();
    for (actor, ended) in events.iter().filter_map(|event| Some((&*event.actor, ended(event)?))) {
        let reader = usize::from(actor == "right" || ended.call.fd == Some(sender_fds[1]));
        match ended.call.call.as_ref() {
            "send" => {
                assert_eq!(sent[reader], received[reader], "sent before the reader had its turn");
                sent[reader] += ended.result;
            }
            "recv" => received[reader] += ended.result,
            _ => {}
        }
    }
    assert_eq!(sent, received);
}

/// Fails if `--cut` cuts otherwise than asked.
#[test]
fn cut_sends_pieces_of_that_many_bytes() {
    for (cut, framing) in [(1, "length"), (3, "none"), (7, "json")] {
        let events = events(&[framing, "--cut", &cut.to_string()]);
        let all = stream(framing).len();
        let sends = calls(&events, "sender", "send");
        assert_eq!(sends.len(), 2 * all.div_ceil(cut));
        let whole = sends.iter().filter(|send| bytes(&send.call).len() == cut).count();
        assert_eq!(whole, 2 * (all / cut));
    }
    let refused = socklab(&["--cut", "0"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2), "pieces of nothing");
}

/// Fails if a framing is left out or shown out of order, or the summary says other numbers than the chapters did.
#[test]
fn without_an_argument_all_four_are_shown_and_summed_up() {
    let events = events(&[]);
    let all: Vec<(&str, Blanks)> = notes(&events, "socklab").collect();
    let of = |name: &str| -> Vec<&Blanks> {
        all.iter().filter(|(note, _)| *note == name).map(|(_, blanks)| blanks).collect()
    };
    let shown: Vec<&str> = of("tally").iter().map(|tally| &*tally["framing"]).collect();
    assert_eq!(shown, FRAMINGS);
    assert_eq!(of("tally"), of("recap-line"));
    for (tally, framing) in of("tally").iter().zip(FRAMINGS) {
        assert_eq!(tally["bytes"], stream(framing).len().to_string());
    }
}

/// Fails if a socket is forgotten, or a call fails that should not.
#[test]
fn every_socket_is_closed_and_no_call_fails() {
    let events = events(&[]);
    let mut open = BTreeSet::new();
    for ended in events.iter().filter_map(ended) {
        assert!(ended.error.is_none(), "{ended:?}");
        match ended.call.call.as_ref() {
            "socket" | "accept" => assert!(open.insert(ended.result)),
            "close" => assert!(open.remove(&ended.call.fd.unwrap())),
            _ => assert!(open.contains(&ended.call.fd.unwrap())),
        }
    }
    assert!(open.is_empty(), "{open:?} stay open");
}

/// Fails if a note has no words, or a blank in them is not filled in.
#[test]
fn every_note_has_words_and_all_blanks() {
    let runs = [&[][..], &["--cut", "1"], &["length", "--cut", "6"], &["json", "--cut", "400"]];
    for note in runs.iter().flat_map(|args| events(args)).filter_map(|event| match event.kind {
        Kind::Note(note) => Some(note),
        _ => None,
    }) {
        let words = reference::note(&note.note).unwrap_or_else(|| panic!("{}", note.note));
        let filled =
            reference::fill(&words.text, |blank| note.args.get(blank).map(|_| String::new()));
        assert!(!filled.contains('{'), "{}: {filled}", note.note);
        let empty = |value: &Value| value.to_string().is_empty();
        let may_be_empty = note.note == "framing.took-part";
        assert!(may_be_empty || !note.args.iter().any(|(_, value)| empty(value)), "{note:?}");
    }
}

/// Fails if quiet says less than the outcome, or more.
#[test]
fn quiet_says_who_got_how_many_right() {
    let output = finished(&["--quiet"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), FRAMINGS.len(), "{text}");
    assert!(text.lines().zip(FRAMINGS).all(|(line, framing)| line.contains(framing)), "{text}");
}

/// Fails if Ctrl-C leaves a thread waiting, or the exit status does not tell.
#[cfg(unix)]
#[test]
fn ctrl_c_ends_it() {
    use std::io::{BufRead, BufReader, Read};

    let mut child = socklab(&["--format", "json", "--pace", "200ms"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains(r#""call":"accept""#) {
        line.clear();
        assert!(output.read_line(&mut line).unwrap() > 0, "it ended before anything was accepted");
    }
    let interrupt = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(interrupt.unwrap().success());
    output.read_to_string(&mut line).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(!line.contains("tally"), "it went on to the end");
}
