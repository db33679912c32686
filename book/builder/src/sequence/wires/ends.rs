//! The ends of all connections in a run: followed by their descriptors from `socket` or `accept` to `close`.

use std::collections::HashMap;

use socklab::narrate::event::{Ended, Event, Kind, Value};

use crate::sequence::rows::Rows;

/// Bytes that one call sent or received.
pub struct Piece {
    /// The call's row.
    pub row: usize,
    /// How many they were.
    pub bytes: usize,
    /// The first of them.
    pub data: Vec<u8>,
}

/// One end of a connection; or a socket that has none.
#[derive(Default)]
pub struct End {
    is_stream: bool,
    port: Option<u16>,
    /// The row of connect, or of accept.
    pub born: Option<usize>,
    /// What went out of it, in order.
    pub sent: Vec<Piece>,
    /// What came in, in order.
    pub received: Vec<Piece>,
    /// Where it ended its sending: by shutdown, or by close.
    pub finished: Option<usize>,
    /// Where it was closed.
    pub closed: Option<usize>,
    /// Where it learnt that the other end has ended its sending.
    pub end_of_file: Option<usize>,
    /// Where it learnt that the other end has reset the connection.
    pub reset: Option<usize>,
}

/// All of them.
#[derive(Default)]
pub struct Ends {
    /// In the order in which they were made.
    pub ends: Vec<End>,
    /// Which belong together: who connected, who accepted.
    pub pairs: Vec<(usize, usize)>,
    /// What was sent without a connection.
    pub datagrams_sent: Vec<Piece>,
    /// What was received without one.
    pub datagrams_received: Vec<Piece>,
    open: HashMap<i64, usize>,
    /// Who has connected to which port, and was not yet accepted.
    waiting: Vec<(usize, u16)>,
    /// Who was accepted: on which port, from which.
    accepted: Vec<(usize, Option<u16>, Option<u16>)>,
}

impl Ends {
    /// Follows all that the calls of `events` tell.
    pub fn of(events: &[Event], rows: &Rows) -> Self {
        let mut ends = Self::default();
        for event in events {
            if let Kind::Call(ended) = &event.kind
                && let Some(&span) = rows.spans.get(&event.seq)
            {
                ends.follow(ended, span.to);
            }
        }
        ends.pair();
        ends
    }

    fn follow(&mut self, ended: &Ended, row: usize) {
        let name = ended.call.call.as_ref();
        if name == "socket" && ended.result >= 0 {
            let kind = ended.call.args.get("type").map(Value::to_string).unwrap_or_default();
            self.make(
                ended.result,
                End { is_stream: kind.starts_with("SOCK_STREAM"), ..End::default() },
            );
        }
        let fd = ended.call.fd.unwrap_or(-1);
        let Some(&end) = self.open.get(&fd) else { return };
        match name {
            "bind" | "getsockname" => self.ends[end].port = port(ended).or(self.ends[end].port),
            "connect" => self.connect(end, ended, row),
            "accept" if ended.result >= 0 => self.accept(end, ended, row),
            "getsockopt" => self.given_up(end, ended),
            "send" | "sendto" | "recv" | "recvfrom" => self.move_bytes(end, ended, row),
            "shutdown" if ended.result == 0 && !is(ended, "how", "SHUT_RD") => {
                self.finish(end, row)
            }
            "close" => {
                self.finish(end, row);
                self.ends[end].closed = Some(row);
                self.open.remove(&fd);
            }
            _ => {}
        }
    }

    fn make(&mut self, fd: i64, end: End) {
        self.open.insert(fd, self.ends.len());
        self.ends.push(end);
    }

    fn connect(&mut self, end: usize, ended: &Ended, row: usize) {
        let under_way = ended.result == 0 || ended.circumstance.is_some();
        if let Some(port) = port(ended).filter(|_| under_way && self.ends[end].is_stream) {
            self.ends[end].born = Some(row);
            self.waiting.push((end, port));
        }
    }

    fn accept(&mut self, listener: usize, ended: &Ended, row: usize) {
        let on = self.ends[listener].port;
        self.accepted.push((self.ends.len(), on, port(ended)));
        self.make(ended.result, End { is_stream: true, born: Some(row), ..End::default() });
    }

    /// A connect that was under way has failed after all.
    fn given_up(&mut self, end: usize, ended: &Ended) {
        if is(ended, "optname", "SO_ERROR") && !is(ended, "optval", "0") {
            self.waiting.retain(|(waiting, _)| *waiting != end);
        }
    }

    fn move_bytes(&mut self, end: usize, ended: &Ended, row: usize) {
        let sends = ended.call.call.starts_with("send");
        let is_stream = self.ends[end].is_stream;
        let failed = ended.error.as_ref().is_some_and(|error| error.name == "ECONNRESET");
        let end = &mut self.ends[end];
        if !sends && failed {
            end.reset.get_or_insert(row);
        }
        let Ok(bytes) = usize::try_from(ended.result) else { return };
        if is_stream && !sends && bytes == 0 {
            end.end_of_file.get_or_insert(row);
        }
        let data = ended.call.data.as_ref().map(|data| data.bytes.clone()).unwrap_or_default();
        let pieces = match (is_stream, sends) {
            (true, true) => &mut end.sent,
            (true, false) => &mut end.received,
            (false, true) => &mut self.datagrams_sent,
            (false, false) => &mut self.datagrams_received,
        };
        pieces.push(Piece { row, bytes, data });
    }

    fn finish(&mut self, end: usize, row: usize) {
        self.ends[end].finished.get_or_insert(row);
    }

    /// Who connected, and who accepted it: by the port where that is known, else first come, first served.
    fn pair(&mut self) {
        for (server, on, from) in std::mem::take(&mut self.accepted) {
            let to =
                |&(client, port): &(usize, u16)| on.is_none_or(|on| on == port) && client != server;
            let by_port = self.waiting.iter().position(|waiting| {
                to(waiting) && from.is_some() && self.ends[waiting.0].port == from
            });
            let index = by_port.or_else(|| self.waiting.iter().position(to));
            if let Some(index) = index {
                let (client, _) = self.waiting.remove(index);
                self.pairs.push((client, server));
            }
        }
    }
}

/// The port of the address that was given or filled in; 0 is none.
fn port(ended: &Ended) -> Option<u16> {
    let address = ended.call.args.get("addr")?.to_string();
    address.rsplit(':').next()?.parse().ok().filter(|&port| port != 0)
}

fn is(ended: &Ended, arg: &str, value: &str) -> bool {
    ended.call.args.get(arg).is_some_and(|known| known.to_string() == value)
}
