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

/// Servers make an actor of every client: no more than this many are remembered.
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
        if let Some((_, place)) = self.known.iter().find(|(known, _)| known == name) {
            return *place;
        }
        let place = self.appeared;
        self.appeared += 1;
        self.known.push_back((name.to_owned(), place));
        if self.known.len() > REMEMBERED {
            self.known.pop_front();
        }
        place
    }
}
