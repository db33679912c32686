//! The diagram as SVG. Colours are the style sheet's: here are only classes.

use std::fmt::Write;

use super::rows::{Row, RowKind, Rows};
use super::wires::{Arrow, What};
use crate::html::escape;

/// The height of a row, and of what is above the first.
const ROW: usize = 24;
const HEAD: usize = 52;

/// Where the lanes are and how the text beside them is set.
struct Columns {
    width: usize,
    /// For each lane: where it is, and whether its text is to the left of it.
    lanes: Vec<(usize, bool)>,
}

impl Columns {
    /// Two lanes have their text outside and the arrows between; more have it to their right.
    fn of(lanes: usize) -> Self {
        match lanes {
            1 => Self { width: 400, lanes: vec![(30, false)] },
            2 => Self { width: 820, lanes: vec![(330, true), (490, false)] },
            _ => {
                let lanes: Vec<_> = (0..lanes).map(|lane| (30 + lane * 300, false)).collect();
                Self { width: lanes.len() * 300, lanes }
            }
        }
    }
}

/// The whole figure.
pub fn svg(command: &str, id: &str, rows: &Rows, arrows: &[Arrow]) -> String {
    let columns = Columns::of(rows.lanes.len());
    let height = HEAD + rows.rows.len() * ROW + 16;
    let width = columns.width;
    let command = escape(command);
    let description = escape(&description(rows, arrows));
    let mut svg = format!(
        "<div class=\"figure sequence\" tabindex=\"0\" role=\"group\" aria-label=\"Sequence diagram of {command}\">\n\
         <svg class=\"picture\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" aria-labelledby=\"{id}-title {id}-desc\" xmlns=\"http://www.w3.org/2000/svg\">\n\
         <title id=\"{id}-title\">{command}: who called what, and when</title>\n<desc id=\"{id}-desc\">{description}</desc>\n"
    );
    for kind in ["arrow-head", "arrow-head lost"] {
        let marker = marker_id(id, kind.contains("lost"));
        _ = writeln!(
            svg,
            "<defs><marker id=\"{marker}\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto-start-reverse\"><path class=\"{kind}\" d=\"M0 0L10 5L0 10z\"/></marker></defs>"
        );
    }
    lanes(&mut svg, rows, &columns, height);
    bars(&mut svg, rows, &columns);
    for arrow in arrows {
        self::arrow(&mut svg, rows, &columns, arrow, id);
    }
    for (index, row) in rows.rows.iter().enumerate() {
        self::row(&mut svg, rows, &columns, index, row);
    }
    svg.push_str("</svg>\n</div>");
    svg
}

fn marker_id(id: &str, lost: bool) -> String {
    format!("{id}-arrow{}", if lost { "-lost" } else { "" })
}

fn y(row: usize) -> usize {
    HEAD + row * ROW + ROW / 2
}

fn actor(rows: &Rows, lane: usize) -> String {
    format!("actor-{}", rows.lanes[lane].place % 8 + 1)
}

fn lanes(svg: &mut String, rows: &Rows, columns: &Columns, height: usize) {
    for (lane, (who, (x, left))) in rows.lanes.iter().zip(&columns.lanes).enumerate() {
        let anchor = if rows.lanes.len() == 2 {
            "middle"
        } else if *left {
            "end"
        } else {
            "start"
        };
        let (class, name, bottom) = (actor(rows, lane), escape(&who.name), height - 8);
        _ = writeln!(
            svg,
            "<line class=\"lane {class}\" x1=\"{x}\" y1=\"36\" x2=\"{x}\" y2=\"{bottom}\"/>"
        );
        _ = writeln!(
            svg,
            "<text class=\"lane-name {class}\" x=\"{x}\" y=\"24\" text-anchor=\"{anchor}\">{name}</text>"
        );
    }
}

/// Calls during which something else was over.
fn bars(svg: &mut String, rows: &Rows, columns: &Columns) {
    let mut spans: Vec<_> = rows.spans.values().filter(|span| span.to > span.from).collect();
    spans.sort_by_key(|span| (span.from, span.to));
    for span in spans {
        let lane = rows.rows[span.to].lane;
        let (x, class) = (columns.lanes[lane].0 - 4, actor(rows, lane));
        let (top, height) = (HEAD + span.from * ROW + 4, y(span.to) - (HEAD + span.from * ROW + 4));
        _ = writeln!(
            svg,
            "<rect class=\"wait {class}\" x=\"{x}\" y=\"{top}\" width=\"8\" height=\"{height}\" rx=\"3\"/>"
        );
    }
}

fn row(svg: &mut String, rows: &Rows, columns: &Columns, index: usize, row: &Row) {
    let (x, left) = columns.lanes[row.lane];
    let (cy, class) = (y(index), actor(rows, row.lane));
    let text = escape(&row.text);
    if row.kind == RowKind::State {
        let width = row.text.len() * 8 + 16;
        let start = if left { x + 4 - width } else { x - 4 };
        let (top, middle) = (cy - 10, start + width / 2);
        _ = writeln!(
            svg,
            "<rect class=\"state-box {class}\" x=\"{start}\" y=\"{top}\" width=\"{width}\" height=\"20\" rx=\"10\"/>"
        );
        _ = writeln!(
            svg,
            "<text class=\"state-name\" x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">{text}</text>",
            cy + 5
        );
        return;
    }
    let (tx, anchor) = if left { (x - 12, "end") } else { (x + 12, "start") };
    let kind = match row.kind {
        RowKind::Failed => " failed",
        RowKind::Limited => " limited",
        _ => "",
    };
    let thread = match row.thread.as_str() {
        "" => String::new(),
        thread => format!("<tspan class=\"thread\">/{} </tspan>", escape(thread)),
    };
    _ = writeln!(svg, "<circle class=\"dot {class}\" cx=\"{x}\" cy=\"{cy}\" r=\"4\"/>");
    _ = writeln!(
        svg,
        "<text class=\"call{kind}\" x=\"{tx}\" y=\"{}\" text-anchor=\"{anchor}\">{thread}{text}</text>",
        cy + 5
    );
}

fn arrow(svg: &mut String, rows: &Rows, columns: &Columns, arrow: &Arrow, id: &str) {
    let (from, to) = (rows.rows[arrow.from].lane, rows.rows[arrow.to].lane);
    let (x1, x2) = (columns.lanes[from].0, columns.lanes[to].0);
    let (y1, y2) = (y(arrow.from), y(arrow.to));
    let lost = arrow.what == What::Reset;
    let marker = marker_id(id, lost);
    let class = if lost { "arrow lost" } else { "arrow" };
    if from == to {
        _ = writeln!(
            svg,
            "<path class=\"{class}\" d=\"M{} {y1}C{} {y1} {} {y2} {} {y2}\" marker-end=\"url(#{marker})\"/>",
            x1 - 5,
            x1 - 24,
            x1 - 24,
            x2 - 6
        );
        return;
    }
    let (x1, x2) = if x1 < x2 { (x1 + 5, x2 - 6) } else { (x1 - 5, x2 + 6) };
    _ = writeln!(
        svg,
        "<line class=\"{class}\" x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\" marker-end=\"url(#{marker})\"/>"
    );
    if rows.lanes.len() == 2 {
        let (x, y) = ((x1 + x2) / 2, (y1 + y2) / 2 - 5);
        _ = writeln!(
            svg,
            "<text class=\"wire-label\" x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">{}</text>",
            carried(arrow.what)
        );
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
