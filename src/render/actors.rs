//! Who is who: a mark and a colour for each actor, so that several are told apart at a glance, and without colour too.

use std::collections::VecDeque;

use colored::Color;

use super::{harmless, layout};

/// In the order of appearance; every second one is hollow.
const MARKS: [&str; 8] = ["●", "○", "◆", "◇", "■", "□", "▲", "△"];

/// Red is left to errors. Seven, so that mark and colour together repeat late.
const COLORS: [Color; 7] = [
    Color::Cyan,
    Color::Yellow,
    Color::Green,
    Color::Magenta,
    Color::BrightBlue,
    Color::BrightCyan,
    Color::BrightYellow,
];

/// Servers make actors of every client: no more than this many are remembered, those seen last.
const REMEMBERED: usize = 64;

/// How wide the column of names is at first, and at most.
const NARROW: usize = 8;
const WIDE: usize = 15;

/// Everybody who has appeared.
pub struct Actors {
    known: VecDeque<(String, usize)>,
    appeared: usize,
    column: usize,
}

/// How one actor is shown.
pub struct Shown {
    /// Its mark.
    pub mark: &'static str,
    /// Its colour.
    pub color: Color,
    /// Its name, padded or cut to the width of the column.
    pub name: String,
}

impl Actors {
    /// Nobody yet.
    pub fn new() -> Self {
        Self { known: VecDeque::new(), appeared: 0, column: NARROW }
    }

    /// How `name` is shown. The column of names grows with the longest so far.
    pub fn show(&mut self, name: &str) -> Shown {
        let place = self.place(name);
        let name = harmless(name);
        self.column = self.column.max(layout::width(&name).min(WIDE));
        Shown {
            mark: MARKS[place % MARKS.len()],
            color: COLORS[place % COLORS.len()],
            name: layout::column(&name, self.column),
        }
    }

    fn place(&mut self, name: &str) -> usize {
        if let Some(index) = self.known.iter().position(|(known, _)| known == name) {
            return self.known.remove(index).map_or(0, |actor| self.remember(actor));
        }
        let place = self.appeared;
        self.appeared += 1;
        self.remember((name.to_owned(), place))
    }

    /// As the last who was seen: who was not seen for longest is forgotten first.
    fn remember(&mut self, actor: (String, usize)) -> usize {
        let place = actor.1;
        self.known.push_back(actor);
        if self.known.len() > REMEMBERED {
            self.known.pop_front();
        }
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_keeps_acting_keeps_its_mark() {
        let mut actors = Actors::new();
        actors.show("client");
        let (mark, color) = (actors.show("server").mark, actors.show("server").color);
        for client in 0..2 * REMEMBERED {
            actors.show(&format!("server/{client}"));
            let server = actors.show("server");
            assert_eq!((server.mark, server.color), (mark, color), "client {client}");
        }
    }
}
