//! The roll against the rules, written down a second time as simply as can be.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

const LIMIT: Duration = Duration::from_secs(3);

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// What comes in: a beat, or the question who is silent.
#[derive(Clone, Debug)]
enum Step {
    Beat { name: &'static str, seq: u64 },
    Judge,
}

fn step() -> impl Strategy<Value = Step> {
    let beat = (select(vec!["a", "b", "c"]), prop_oneof![0..8u64, 0..200u64, Just(u64::MAX)])
        .prop_map(|(name, seq)| Step::Beat { name, seq });
    prop_oneof![4 => beat, 1 => Just(Step::Judge)]
}

/// The rules once more, with every number that came kept for ever.
#[derive(Default)]
struct Rules {
    clients: BTreeMap<&'static str, (Vec<u64>, u64)>,
}

impl Rules {
    fn heard(&mut self, name: &'static str, seq: u64, now: u64) -> News {
        let Some((came, last_news)) = self.clients.get_mut(name) else {
            self.clients.insert(name, (vec![seq], now));
            return News::Up;
        };
        let newest = came.iter().copied().max().unwrap();
        let came_before = came.contains(&seq);
        came.push(seq);
        if seq > newest {
            *last_news = now;
        }
        match seq {
            next if Some(next) == newest.checked_add(1) => News::Next,
            newer if newer > newest => News::Lost { count: newer - newest - 1, newest },
            older if newest - older >= 64 => News::Old { newest },
            _ if came_before => News::Again { newest },
            _ => News::Late { newest },
        }
    }

    fn take_silent(&mut self, now: u64) -> Vec<Vec<u8>> {
        let silent = self.clients.iter().filter(|(_, (_, last_news))| now - last_news >= 3);
        let mut silent: Vec<_> = silent.map(|(name, (_, last_news))| (*last_news, *name)).collect();
        silent.sort();
        self.clients.retain(|_, (_, last_news)| now - *last_news < 3);
        silent.into_iter().map(|(_, name)| name.as_bytes().to_vec()).collect()
    }
}

proptest! {
    #[test]
    fn the_roll_keeps_the_rules(steps in vec((0..3u64, step()), 0..120)) {
        let (mut roll, mut rules, mut now) = (Roll::new(LIMIT, 10), Rules::default(), 0);
        for (pause, step) in steps {
            now += pause;
            match step {
                Step::Beat { name, seq } => {
                    let beat = Beat { name: name.as_bytes(), seq };
                    prop_assert_eq!(roll.heard(&beat, seconds(now)), rules.heard(name, seq, now));
                }
                Step::Judge => {
                    prop_assert_eq!(roll.take_silent(seconds(now)), rules.take_silent(now));
                }
            }
            let oldest = rules.clients.values().map(|(_, last_news)| last_news + 3).min();
            prop_assert_eq!(roll.next_due(), oldest.map(seconds));
        }
    }

    #[test]
    fn a_beat_that_is_written_is_read(
        name in vec(any::<u8>().prop_filter("no space", |&byte| byte != b' '), 1..=LONGEST_NAME),
        seq: u64,
    ) {
        let beat = Beat { name: &name, seq };
        let written = beat.to_bytes();
        prop_assert_eq!(Beat::parse(&written), Some(beat));
    }

    #[test]
    fn what_is_read_is_what_was_written(datagram in hostile_datagram()) {
        if let Some(beat) = Beat::parse(&datagram) {
            prop_assert!((1..=LONGEST_NAME).contains(&beat.name.len()));
            prop_assert!(!beat.name.contains(&b' '));
            // But for zeros in front of the number.
            let written = beat.to_bytes();
            prop_assert_eq!(Beat::parse(&written), Some(beat.clone()));
            prop_assert!(datagram.ends_with(beat.seq.to_string().as_bytes()));
        }
    }
}

fn hostile_datagram() -> impl Strategy<Value = Vec<u8>> {
    let pieces: Vec<&[u8]> =
        vec![b"beat ", b"beat", b" ", b"mei", b"1", b"+", b"-", b"\n", b"\xff", b"\0"];
    vec(select(pieces), 0..8).prop_map(|pieces| pieces.concat())
}

#[test]
fn what_is_no_beat_is_not_taken_for_one() {
    let long_name = format!("beat {} 1", "x".repeat(LONGEST_NAME + 1));
    let hostile = [
        "",
        "beat",
        "beat ",
        "beat mei",
        "beat mei ",
        "beat  1",
        "beat mei  1",
        "beat mei 1 ",
        "beat mei 1\n",
        "beat mei +1",
        "beat mei -1",
        "beat mei 1.0",
        "beat mei 0x1",
        "beat mei ١",
        "beat mei li 1",
        "Beat mei 1",
        " beat mei 1",
        "beat mei 18446744073709551616",
        &long_name,
    ];
    for datagram in hostile {
        assert_eq!(Beat::parse(datagram.as_bytes()), None, "{datagram:?}");
    }
    assert_eq!(Beat::parse(b"beat mei 18446744073709551615").unwrap().seq, u64::MAX);
}

#[test]
fn old_beats_keep_nobody_up() {
    let mut roll = Roll::new(LIMIT, 10);
    let mut heard = |seq, now| roll.heard(&Beat { name: b"mei", seq }, seconds(now));
    assert_eq!(heard(1, 0), News::Up);
    assert_eq!(heard(4, 1), News::Lost { count: 2, newest: 1 });
    assert_eq!(heard(3, 2), News::Late { newest: 4 });
    assert_eq!(heard(3, 3), News::Again { newest: 4 });
    assert_eq!(roll.take_silent(seconds(3)), Vec::<Vec<u8>>::new());
    assert_eq!(roll.take_silent(seconds(4)), [b"mei"]);
    assert_eq!(roll.next_due(), None);
}

#[test]
fn who_is_down_is_forgotten_and_leaves_room() {
    let mut roll = Roll::new(LIMIT, 2);
    let beat = |name| Beat { name, seq: 9 };
    assert_eq!(roll.heard(&beat(b"a"), seconds(0)), News::Up);
    assert_eq!(roll.heard(&beat(b"b"), seconds(1)), News::Up);
    assert_eq!(roll.heard(&beat(b"c"), seconds(2)), News::NoRoom);
    assert_eq!(roll.heard(&beat(b"a"), seconds(2)), News::Again { newest: 9 });
    assert_eq!(roll.take_silent(seconds(3)), [b"a"]);
    assert_eq!(roll.heard(&beat(b"c"), seconds(3)), News::Up);
    assert_eq!(roll.heard(&Beat { name: b"b", seq: 1 }, seconds(3)), News::Late { newest: 9 });
    assert_eq!(roll.take_silent(seconds(9)), [b"b", b"c"]);
}
