//! The diagram as SVG. Colours are the style sheet's: here are only classes.

use std::fmt::Write;

use super::rows::{Row, RowKind, Rows, Span};
use super::wires::{Arrow, What};
use crate::actors;
use crate::html::escape;

/// The height of a row, and of what is above the first.
const ROW: usize = 24;
const HEAD: usize = 52;

/// Where there are more than two lanes, they are so far apart.
const LANE: usize = 330;

/// A character of a state's name is this wide.
const LETTER: usize = 8;

/// Where a lane is, and on which side of it its text.
#[derive(Clone, Copy)]
struct Column {
    x: usize,
    text_is_left: bool,
}

/// What is being drawn, and where.
struct Drawing<'a> {
    id: &'a str,
    rows: &'a Rows,
    arrows: &'a [Arrow],
    columns: Vec<Column>,
    svg: String,
}

/// The whole figure.
pub fn svg(command: &str, id: &str, rows: &Rows, arrows: &[Arrow]) -> String {
    let (width, columns) = columns(rows.lanes.len());
    let height = bottom(rows) + 8;
    let command = escape(command);
    let description = escape(&description(rows, arrows));
    let svg = format!(
        "<div class=\"figure sequence\" tabindex=\"0\" role=\"group\" aria-label=\"Sequence diagram of {command}\">\n\
         <svg class=\"picture\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\" aria-labelledby=\"{id}-title {id}-desc\" xmlns=\"http://www.w3.org/2000/svg\">\n\
         <title id=\"{id}-title\">{command}: who called what, and when</title>\n\
         <desc id=\"{id}-desc\">{description}</desc>\n"
    );
    let mut drawing = Drawing { id, rows, arrows, columns, svg };
    drawing.lanes();
    drawing.bars();
    drawing.wires();
    for (index, row) in rows.rows.iter().enumerate() {
        drawing.row(index, row);
    }
    drawing.svg + "</svg>\n</div>"
}

/// Two lanes have their text outside and the arrows between; more have it to their right.
fn columns(lanes: usize) -> (usize, Vec<Column>) {
    let right = |x| Column { x, text_is_left: false };
    match lanes {
        1 => (400, vec![right(30)]),
        2 => (776, vec![Column { x: 308, text_is_left: true }, right(468)]),
        _ => (lanes * LANE, (0..lanes).map(|lane| right(30 + lane * LANE)).collect()),
    }
}

/// The middle of a row.
fn y(row: usize) -> usize {
    HEAD + row * ROW + ROW / 2
}

fn bottom(rows: &Rows) -> usize {
    HEAD + rows.rows.len() * ROW + 8
}

impl Drawing<'_> {
    fn add(&mut self, element: &str) {
        self.svg.push_str(element);
        self.svg.push('\n');
    }

    fn actor(&self, lane: usize) -> String {
        actors::class(self.rows.lanes[lane].place)
    }

    fn lanes(&mut self) {
        let bottom = bottom(self.rows);
        let anchor = if self.columns.len() == 2 { "middle" } else { "start" };
        for (lane, who) in self.rows.lanes.iter().enumerate() {
            let (x, class, name) = (self.columns[lane].x, self.actor(lane), escape(&who.name));
            self.add(&format!(
                "<line class=\"lane {class}\" x1=\"{x}\" y1=\"36\" x2=\"{x}\" y2=\"{bottom}\"/>\
                 <text class=\"lane-name {class}\" x=\"{x}\" y=\"24\" text-anchor=\"{anchor}\">{name}</text>"
            ));
        }
    }

    /// Calls during which something else was over.
    fn bars(&mut self) {
        let mut spans: Vec<Span> = self.rows.spans.values().copied().collect();
        spans.retain(|span| span.to > span.from);
        spans.sort_by_key(|span| (span.from, span.to));
        for span in spans {
            let lane = self.rows.rows[span.to].lane;
            let (x, class) = (self.columns[lane].x - 4, self.actor(lane));
            let top = HEAD + span.from * ROW + 4;
            let height = y(span.to) - top;
            self.add(&format!(
                "<rect class=\"wait {class}\" x=\"{x}\" y=\"{top}\" width=\"8\" height=\"{height}\" rx=\"3\"/>"
            ));
        }
    }

    fn wires(&mut self) {
        for class in ["arrow-head", "arrow-head lost"] {
            let marker = self.marker(class.contains("lost"));
            self.add(&format!(
                "<defs><marker id=\"{marker}\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"8\" \
                 markerHeight=\"8\" orient=\"auto\"><path class=\"{class}\" d=\"M0 0L10 5L0 10z\"/></marker></defs>"
            ));
        }
        for arrow in self.arrows {
            self.wire(arrow);
        }
    }

    fn marker(&self, lost: bool) -> String {
        format!("{}-{}", self.id, if lost { "lost" } else { "arrow" })
    }

    fn wire(&mut self, arrow: &Arrow) {
        let x = |row: usize| self.columns[self.rows.rows[row].lane].x;
        let (x1, x2, y2) = (x(arrow.from), x(arrow.to), y(arrow.to));
        // Who received may be told before who sent. No arrow points up.
        let y1 = y(arrow.from).min(y2);
        let lost = arrow.what == What::Reset;
        let (class, marker) = (if lost { "arrow lost" } else { "arrow" }, self.marker(lost));
        let path = match x1.cmp(&x2) {
            std::cmp::Ordering::Less => format!("M{} {y1}L{} {y2}", x1 + 5, x2 - 6),
            std::cmp::Ordering::Greater => format!("M{} {y1}L{} {y2}", x1 - 5, x2 + 6),
            // A program that talks to itself.
            std::cmp::Ordering::Equal => {
                format!(
                    "M{0} {y1}C{1} {y1} {1} {y2} {2} {y2}",
                    x1 - 5,
                    x1.saturating_sub(26),
                    x1 - 6
                )
            }
        };
        self.add(&format!("<path class=\"{class}\" d=\"{path}\" marker-end=\"url(#{marker})\"/>"));
        if self.columns.len() == 2 && x1 != x2 {
            self.wire_label(arrow, (x1, y1), (x2, y2));
        }
    }

    /// Near the end that no other arrow shares.
    fn wire_label(&mut self, arrow: &Arrow, from: (usize, usize), to: (usize, usize)) {
        let shared = self.arrows.iter().filter(|other| other.to == arrow.to).count() > 1;
        let (near, far) = if shared { (from, to) } else { (to, from) };
        let (x, y) = ((near.0 * 2 + far.0) / 3, (near.1 * 2 + far.1) / 3 - 4);
        let text = carried(arrow.what);
        self.add(&format!(
            "<text class=\"wire-label\" x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">{text}</text>"
        ));
    }

    fn row(&mut self, index: usize, row: &Row) {
        match row.kind {
            RowKind::State => self.state(index, row),
            RowKind::Call => self.call(index, row, "call"),
            RowKind::Failed => self.call(index, row, "call failed"),
            RowKind::Limited => self.call(index, row, "call limited"),
        }
    }

    fn state(&mut self, index: usize, row: &Row) {
        let column = self.columns[row.lane];
        let (class, text) = (self.actor(row.lane), escape(&row.text));
        let width = row.text.len() * LETTER + 16;
        let x = if column.text_is_left { column.x + 4 - width } else { column.x - 4 };
        let (top, line, middle) = (y(index) - 10, y(index) + 5, x + width / 2);
        self.add(&format!(
            "<rect class=\"state-box {class}\" x=\"{x}\" y=\"{top}\" width=\"{width}\" height=\"20\" rx=\"10\"/>\
             <text class=\"state-name\" x=\"{middle}\" y=\"{line}\" text-anchor=\"middle\">{text}</text>"
        ));
    }

    fn call(&mut self, index: usize, row: &Row, kind: &str) {
        let column = self.columns[row.lane];
        let (class, text, lane, middle) =
            (self.actor(row.lane), escape(&row.text), column.x, y(index));
        let (x, line, anchor) = match (column.text_is_left, self.columns.len()) {
            (true, _) => (lane - 12, middle + 5, "end"),
            (false, 1 | 2) => (lane + 12, middle + 5, "start"),
            // Above the arrows that come and go.
            (false, _) => (lane + 14, middle - 2, "start"),
        };
        let thread = match row.thread.as_str() {
            "" => String::new(),
            thread => format!("<tspan class=\"thread\">/{} </tspan>", escape(thread)),
        };
        self.add(&format!(
            "<circle class=\"dot {class}\" cx=\"{lane}\" cy=\"{middle}\" r=\"4\"/>\
             <text class=\"{kind}\" x=\"{x}\" y=\"{line}\" text-anchor=\"{anchor}\">{thread}{text}</text>"
        ));
    }
}

fn carried(what: What) -> String {
    match what {
        What::Connection => "connection".to_owned(),
        What::Bytes(bytes) => format!("{bytes} B"),
        What::Fin => "FIN".to_owned(),
        What::Reset => "RST".to_owned(),
    }
}

/// The diagram in words: how much there is, the states, and what went from whom to whom.
fn description(rows: &Rows, arrows: &[Arrow]) -> String {
    let names: Vec<&str> = rows.lanes.iter().map(|lane| lane.name.as_str()).collect();
    let calls = rows.rows.iter().filter(|row| row.kind != RowKind::State).count();
    let mut text = format!("Time runs downwards. {calls} calls of {}.", names.join(", "));
    for (index, row) in rows.rows.iter().enumerate() {
        let name = names[row.lane];
        for arrow in arrows.iter().filter(|arrow| arrow.to == index) {
            let sender = names[rows.rows[arrow.from].lane];
            _ = write!(text, " {}, from {sender} to {name}.", carried(arrow.what));
        }
        match row.kind {
            RowKind::State => _ = write!(text, " {name} is now {}.", row.text),
            RowKind::Failed => _ = write!(text, " {name}: {} fails.", row.text),
            _ => {}
        }
    }
    text
}
