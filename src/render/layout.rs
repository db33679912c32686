//! Lines that fit: widths, breaks, columns, and how long something took. Nothing in here knows of colour.

use std::borrow::Cow;
use std::time::Duration;

use textwrap::WordSplitter;
use unicode_width::UnicodeWidthStr;

/// The narrowest and the widest that lines are laid out for.
pub const NARROWEST: usize = 40;
/// Longer lines are harder to read.
pub const WIDEST: usize = 120;

/// How far the second line of a call is indented.
const HANGING: usize = 4;

/// How many columns `text` takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// `text` in exactly `columns`, padded or cut.
pub fn column(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return format!("{text}{}", " ".repeat(columns - width(text)));
    }
    let cut = fill(text, columns.saturating_sub(1)).swap_remove(0);
    let padding = columns.saturating_sub(width(&cut) + 1);
    format!("{cut}…{}", " ".repeat(padding))
}

/// Breaks `pieces` into lines of at most `room` columns, between pieces where possible. `right` ends the last line; the
/// last piece goes to a line of its own when there is no other way for it.
pub fn call(pieces: Vec<String>, right: &str, room: usize) -> Vec<String> {
    let mut lines = flow(pieces, room);
    let Some(mut last) = lines.pop() else {
        return Vec::new();
    };
    if !right.is_empty() && line_width(&last) + 1 + width(right) > room {
        let moved = if last.len() > 1 { last.pop() } else { None };
        lines.push(last);
        last = vec![format!("{}{}", " ".repeat(HANGING), moved.unwrap_or_default())];
    }
    let mut lines: Vec<String> = lines.iter().map(|line| line.join(" ")).collect();
    let last = last.join(" ");
    if right.is_empty() {
        lines.push(last);
    } else {
        let gap = room.saturating_sub(width(&last) + width(right)).max(1);
        lines.push(format!("{last}{}{right}", " ".repeat(gap)));
    }
    lines
}

/// Greedily: each line takes as many pieces as fit.
fn flow(pieces: Vec<String>, room: usize) -> Vec<Vec<String>> {
    let mut lines: Vec<Vec<String>> = vec![Vec::new()];
    let wide = pieces.into_iter().flat_map(|piece| fill(&piece, room.saturating_sub(HANGING)));
    for piece in wide {
        let line = lines.last_mut().expect("there is always a line");
        if line.is_empty() || line_width(line) + 1 + width(&piece) <= room {
            line.push(piece);
        } else {
            lines.push(vec![format!("{}{piece}", " ".repeat(HANGING))]);
        }
    }
    lines
}

fn line_width(pieces: &[String]) -> usize {
    pieces.iter().map(|piece| width(piece) + 1).sum::<usize>().saturating_sub(1)
}

/// Words, wrapped.
pub fn words(text: &str, room: usize) -> Vec<String> {
    // A command's hyphens are no places to break it.
    let options = textwrap::Options::new(room).word_splitter(WordSplitter::NoHyphenation);
    textwrap::wrap(text, options).into_iter().map(Cow::into_owned).collect()
}

/// A sentence, wrapped so that its lines are about equally long: no single word is left over.
pub fn sentence(text: &str, room: usize) -> Vec<String> {
    let lines = words(text, room);
    let narrower = (room / 2..room).map(|narrow| words(text, narrow));
    narrower
        .filter(|other| other.len() == lines.len())
        .find(|other| fits(other, room))
        .unwrap_or(lines)
}

fn fits(lines: &[String], room: usize) -> bool {
    lines.iter().all(|line| width(line) <= room)
}

/// Bytes made visible: broken anywhere but inside an escape, and cut after `most` lines with `cut` at the end.
pub fn data(text: &str, room: usize, most: usize, cut: &str) -> Vec<String> {
    let mut lines = fill(text, room);
    if lines.len() <= most {
        return lines;
    }
    lines.truncate(most);
    if let Some(last) = lines.last_mut() {
        *last = fill(last, room.saturating_sub(width(cut) + 1)).swap_remove(0);
        last.push(' ');
        last.push_str(cut);
    }
    lines
}

/// Breaks `text` anywhere but inside an escape. At least one line, and each at most `room` columns.
fn fill(text: &str, room: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for unit in units(text) {
        let before = line.len();
        line.push_str(unit);
        // Marks that take no column could go on for ever in one line.
        let endless = line.len() > 16 * room.max(1);
        if before > 0 && (width(&line) > room || endless) {
            let next = line.split_off(before);
            lines.push(std::mem::replace(&mut line, next));
        }
    }
    lines.push(line);
    lines
}

/// Characters, and escapes as `event::visible` writes them.
fn units(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let length = unit_length(rest)?;
        let (unit, after) = rest.split_at(length);
        rest = after;
        Some(unit)
    })
}

fn unit_length(text: &str) -> Option<usize> {
    let first = text.chars().next()?;
    let escape = match (first, text.as_bytes().get(1)) {
        ('\\', Some(b'x')) => 4,
        ('\\', Some(b'u')) => text.find('}').map_or(2, |brace| brace + 1).min(10),
        ('\\', Some(b'\\' | b'n' | b'r' | b't')) => 2,
        _ => first.len_utf8(),
    };
    let whole = text.is_char_boundary(escape) && escape <= text.len();
    Some(if whole { escape } else { first.len_utf8() })
}

/// `11 µs`, `2.1 ms`, `3.4 s`, `2 min 5 s`: two figures where they say something.
pub fn elapsed(time: Duration) -> String {
    let micros = time.as_micros();
    let seconds = time.as_secs();
    match micros {
        0 => "<1 µs".to_owned(),
        1..1_000 => format!("{micros} µs"),
        1_000..9_950 => format!("{:.1} ms", time.as_secs_f64() * 1e3),
        9_950..999_500 => format!("{:.0} ms", time.as_secs_f64() * 1e3),
        999_500..9_950_000 => format!("{:.1} s", time.as_secs_f64()),
        9_950_000..60_000_000 => format!("{:.0} s", time.as_secs_f64()),
        60_000_000..3_600_000_000 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_at_a_glance() {
        let shown = |micros| elapsed(Duration::from_micros(micros));
        assert_eq!(shown(0), "<1 µs");
        assert_eq!(shown(940), "940 µs");
        assert_eq!(shown(2_149), "2.1 ms");
        assert_eq!(shown(9_960), "10 ms");
        assert_eq!(shown(999_600), "1.0 s");
        assert_eq!(shown(12_400_000), "12 s");
        assert_eq!(shown(60_000_000), "1 min 0 s");
        assert_eq!(shown(125_000_000), "2 min 5 s");
        assert_eq!(shown(7_260_000_000), "2 h 1 min");
    }
}
