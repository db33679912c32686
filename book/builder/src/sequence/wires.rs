//! The arrows of the diagram: which call's bytes another call received, as far as the events tell.
//!
//! In a stream bytes arrive in the order in which they were sent: counting them tells which `send` fed which `recv`.
//! Datagrams are known by what is in them.

mod ends;
#[cfg(test)]
mod tests;

use socklab::narrate::event::Event;

use super::rows::Rows;
use ends::{End, Ends, Piece};

/// From one row to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrow {
    /// Where it starts.
    pub from: usize,
    /// Where it ends.
    pub to: usize,
    /// What is on the way.
    pub what: What,
}

/// What an arrow carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A connection, from connect to accept.
    Connection,
    /// So many bytes.
    Bytes(usize),
    /// The end of what is sent.
    Fin,
    /// The end of everything.
    Reset,
}

/// All arrows.
pub fn arrows(events: &[Event], rows: &Rows) -> Vec<Arrow> {
    let ends = Ends::of(events, rows);
    let mut arrows = datagrams(&ends);
    for &(client, server) in &ends.pairs {
        let (client, server) = (&ends.ends[client], &ends.ends[server]);
        arrows.extend(connection(client, server));
        arrows.extend(stream(client, server));
        arrows.extend(stream(server, client));
    }
    arrows.sort_by_key(|arrow| (arrow.to, arrow.from));
    arrows
}

fn connection(client: &End, server: &End) -> Option<Arrow> {
    Some(Arrow { from: client.born?, to: server.born?, what: What::Connection })
}

/// One direction of a connection.
fn stream(from: &End, to: &End) -> Vec<Arrow> {
    let mut arrows = Vec::new();
    let mut sent = from.sent.iter().map(|piece| (piece.row, piece.bytes));
    let mut current = sent.next();
    for received in &to.received {
        let mut wanted = received.bytes;
        while wanted > 0
            && let Some((row, left)) = current
        {
            let bytes = wanted.min(left);
            arrows.push(Arrow { from: row, to: received.row, what: What::Bytes(bytes) });
            wanted -= bytes;
            current = if left > bytes { Some((row, left - bytes)) } else { sent.next() };
        }
    }
    if let (Some(from), Some(to)) = (from.finished, to.end_of_file) {
        arrows.push(Arrow { from, to, what: What::Fin });
    }
    if let (Some(from), Some(to)) = (from.closed, to.reset) {
        arrows.push(Arrow { from, to, what: What::Reset });
    }
    arrows
}

/// Each datagram that was received, from the first like it that was sent and not yet received.
fn datagrams(ends: &Ends) -> Vec<Arrow> {
    let mut sent: Vec<&Piece> = ends.datagrams_sent.iter().collect();
    let mut arrows = Vec::new();
    for received in &ends.datagrams_received {
        if let Some(index) = sent.iter().position(|sent| is_same(sent, received)) {
            let from = sent.remove(index);
            arrows.push(Arrow {
                from: from.row,
                to: received.row,
                what: What::Bytes(received.bytes),
            });
        }
    }
    arrows
}

/// What is received may be cut, or have a header before it. One without bytes is like no other.
fn is_same(sent: &Piece, received: &Piece) -> bool {
    match (sent.data.is_empty(), received.data.is_empty()) {
        (false, false) => {
            sent.data.starts_with(&received.data) || received.data.ends_with(&sent.data)
        }
        (true, true) => sent.bytes == 0 && received.bytes == 0,
        _ => false,
    }
}
