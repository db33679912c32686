//! Who is up, and what each datagram says about it. No sockets and no clock in here: bytes and times come in, news goes out.
//!
//! A client counts its beats, so a gap in the numbers tells of beats that did not come. UDP itself would not say.

use std::collections::HashMap;
use std::time::Duration;

#[cfg(test)]
mod tests;

/// The longest name, in bytes.
pub const LONGEST_NAME: usize = 64;

/// Of how many beats before the newest the roll remembers whether they came.
const REMEMBERED: u64 = u64::BITS as u64;

// ANCHOR: beat
/// One datagram: `beat NAME SEQ`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beat<'a> {
    /// Who: 1 to 64 bytes without a space, and without any other promise.
    pub name: &'a [u8],
    /// Which beat of this client: each is one more than the one before.
    pub seq: u64,
}

impl<'a> Beat<'a> {
    /// Takes the datagram apart; `None` when it is no beat, to the last byte.
    pub fn parse(datagram: &'a [u8]) -> Option<Self> {
        let rest = datagram.strip_prefix(b"beat ")?;
        let space = rest.iter().position(|&byte| byte == b' ')?;
        let (name, seq) = (&rest[..space], &rest[space + 1..]);
        let named = (1..=LONGEST_NAME).contains(&name.len());
        // Rust's own parser would take a plus sign.
        let digits = seq.iter().all(u8::is_ascii_digit);
        let seq = std::str::from_utf8(seq).ok()?.parse().ok()?;
        (named && digits).then_some(Self { name, seq })
    }

    /// The datagram.
    pub fn to_bytes(&self) -> Vec<u8> {
        [b"beat ", self.name, b" ", self.seq.to_string().as_bytes()].concat()
    }
}
// ANCHOR_END: beat

/// What a beat tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// The first of this name.
    Up,
    /// The one that was due.
    Next,
    /// The newest so far, but `count` before it have not come (yet): `newest` was the one before.
    Lost { count: u64, newest: u64 },
    /// One that was missing, overtaken by `newest`.
    Late { newest: u64 },
    /// One that has come before.
    Again { newest: u64 },
    /// One so old that nobody remembers whether it has come before.
    Old { newest: u64 },
    /// A new name, and no room for it.
    NoRoom,
}

/// The clients that are up.
pub struct Roll {
    limit: Duration,
    most: usize,
    clients: HashMap<Vec<u8>, Client>,
}

struct Client {
    newest: u64,
    /// Bit N: the beat N before the newest has come.
    came: u64,
    last_news: Duration,
}

// ANCHOR: roll
impl Roll {
    /// Nobody yet. Who gives no news for `limit` is down; at most `most` names are kept.
    pub fn new(limit: Duration, most: usize) -> Self {
        Self { limit, most, clients: HashMap::new() }
    }

    /// A beat came. Only one that is newer than all before it is news.
    pub fn heard(&mut self, beat: &Beat, now: Duration) -> News {
        if let Some(client) = self.clients.get_mut(beat.name) {
            return client.heard(beat.seq, now);
        }
        if self.clients.len() >= self.most {
            return News::NoRoom;
        }
        let client = Client { newest: beat.seq, came: 1, last_news: now };
        self.clients.insert(beat.name.to_owned(), client);
        News::Up
    }

    /// Takes out those who are down by now, the longest silent first.
    pub fn take_silent(&mut self, now: Duration) -> Vec<Vec<u8>> {
        let limit = self.limit;
        let is_silent = |client: &Client| now.saturating_sub(client.last_news) >= limit;
        let silent = self.clients.extract_if(|_, client| is_silent(client));
        let mut silent: Vec<_> = silent.map(|(name, client)| (client.last_news, name)).collect();
        silent.sort();
        silent.into_iter().map(|(_, name)| name).collect()
    }

    /// When the next one will be down, if no news comes.
    pub fn next_due(&self) -> Option<Duration> {
        let oldest = self.clients.values().map(|client| client.last_news).min()?;
        Some(oldest.saturating_add(self.limit))
    }
}

impl Client {
    fn heard(&mut self, seq: u64, now: Duration) -> News {
        if seq <= self.newest {
            return self.heard_older(seq);
        }
        let newest = self.newest;
        let step = seq - newest;
        self.came = if step < REMEMBERED { (self.came << step) | 1 } else { 1 };
        (self.newest, self.last_news) = (seq, now);
        if step == 1 { News::Next } else { News::Lost { count: step - 1, newest } }
    }

    /// It changes nothing but the memory of which beats have come.
    fn heard_older(&mut self, seq: u64) -> News {
        let newest = self.newest;
        let age = newest - seq;
        if age >= REMEMBERED {
            return News::Old { newest };
        }
        let bit = 1 << age;
        let came_before = self.came & bit != 0;
        self.came |= bit;
        if came_before { News::Again { newest } } else { News::Late { newest } }
    }
}
// ANCHOR_END: roll
