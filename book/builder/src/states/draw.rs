//! The diagram as SVG: all states and ways faint, and over them the steps of each end in its colour, numbered.

use std::fmt::Write;

use super::diagram::{BEGINNING, BOX, PLACES, Place, SIZE, WAYS, Way, place, way_between};
use super::walk::{Step, Walk};
use crate::html::escape;

/// How far the ways of two ends are apart.
const APART: i32 = 9;

/// The whole figure.
pub fn svg(command: &str, id: &str, walk: &Walk) -> String {
    let (width, height) = SIZE;
    let command = escape(command);
    let description = escape(&description(walk));
    let mut svg = format!(
        "<div class=\"figure states\" tabindex=\"0\" role=\"group\" aria-label=\"TCP states in {command}\">\n\
         <svg class=\"picture\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" aria-labelledby=\"{id}-title {id}-desc\" xmlns=\"http://www.w3.org/2000/svg\">\n\
         <title id=\"{id}-title\">The states of a TCP connection, and the way of each end in {command}</title>\n\
         <desc id=\"{id}-desc\">{description}</desc>\n"
    );
    markers(&mut svg, id, walk.actors.len());
    for way in &WAYS {
        self::way(&mut svg, id, way);
    }
    for step in &walk.steps {
        self::step(&mut svg, id, step);
    }
    state(&mut svg, &BEGINNING, false);
    for place in &PLACES {
        state(&mut svg, place, walk.steps.iter().any(|step| step.to.name == place.name));
    }
    badges(&mut svg, walk);
    legend(&mut svg, walk);
    svg.push_str("</svg>\n</div>");
    svg
}

fn markers(svg: &mut String, id: &str, actors: usize) {
    let classes = std::iter::once("arrow-head faint".to_owned());
    for (index, class) in
        classes.chain((1..=actors).map(|actor| format!("arrow-head end-{actor}"))).enumerate()
    {
        _ = writeln!(
            svg,
            "<defs><marker id=\"{id}-{index}\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerUnits=\"userSpaceOnUse\" markerWidth=\"11\" markerHeight=\"11\" orient=\"auto\"><path class=\"{class}\" d=\"M0 0L10 5L0 10z\"/></marker></defs>"
        );
    }
}

/// The line from the edge of one box to the edge of another, moved to the right of its direction.
fn line(from: &Place, to: &Place, right: i32) -> [i32; 4] {
    let (dx, dy) = (f64::from(to.x - from.x), f64::from(to.y - from.y));
    let length = dx.hypot(dy).max(1.0);
    let side = f64::from(right);
    let (mx, my) = (-dy / length * side, dx / length * side);
    // How much of the way is inside a box.
    let inside =
        (f64::from(BOX.0 + 2) / dx.abs().max(0.1)).min(f64::from(BOX.1 + 2) / dy.abs().max(0.1));
    let at = |place: &Place, share: f64| {
        let (x, y) = (f64::from(place.x), f64::from(place.y));
        [(x + mx + dx * share).round() as i32, (y + my + dy * share).round() as i32]
    };
    let ([x1, y1], [x2, y2]) = (at(from, inside), at(to, -inside));
    [x1, y1, x2, y2]
}

fn way(svg: &mut String, id: &str, way: &Way) {
    let (Some(from), Some(to)) = (way.from.map_or(Some(&BEGINNING), place), place(way.to)) else {
        return;
    };
    let [x1, y1, x2, y2] = line(from, to, 0);
    let (x, y) = ((from.x + to.x) / 2 + way.aside.0, (from.y + to.y) / 2 + way.aside.1);
    _ = writeln!(
        svg,
        "<line class=\"faint\" x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\" marker-end=\"url(#{id}-0)\"/>"
    );
    _ = writeln!(
        svg,
        "<text class=\"way\" x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">{}</text>",
        way.why
    );
}

/// A way of the diagram, or a leap where it has none: a reset, or states that did not last until somebody asked.
fn step(svg: &mut String, id: &str, step: &Step) {
    let Some(from) = step.from else { return };
    let marker = format!("{id}-{}", step.actor + 1);
    let class = format!("step end-{}", step.actor + 1);
    let side = if step.actor.is_multiple_of(2) { APART } else { -APART };
    if way_between(from.name, step.to.name).is_some() {
        let [x1, y1, x2, y2] = line(from, step.to, side / 2);
        _ = writeln!(
            svg,
            "<line class=\"{class}\" x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\" marker-end=\"url(#{marker})\"/>"
        );
    } else {
        let [x1, y1, x2, y2] = line(from, step.to, side);
        // Around what stands between.
        let bend = if from.x == step.to.x { 2 * BOX.0 + 50 + side } else { side };
        let (cx, cy) = ((x1 + x2) / 2 + bend, (y1 + y2) / 2 - bend / 4);
        _ = writeln!(
            svg,
            "<path class=\"{class} leap\" d=\"M{x1} {y1}Q{cx} {cy} {x2} {y2}\" marker-end=\"url(#{marker})\"/>"
        );
    }
}

fn state(svg: &mut String, place: &Place, walked: bool) {
    let (x, y, width, height) = (place.x - BOX.0, place.y - BOX.1, 2 * BOX.0, 2 * BOX.1);
    let class = if walked { "tcp-state walked" } else { "tcp-state" };
    _ = writeln!(
        svg,
        "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"6\"/>"
    );
    _ = writeln!(
        svg,
        "<text class=\"{class}\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
        place.x,
        place.y + 5,
        place.name
    );
}

/// The numbers of the steps, side by side on the upper edge of the state they lead to.
fn badges(svg: &mut String, walk: &Walk) {
    for place in &PLACES {
        let here = walk.steps.iter().enumerate().filter(|(_, step)| step.to.name == place.name);
        for (position, (index, step)) in here.enumerate() {
            let x = place.x - BOX.0 + 8 + i32::try_from(position).unwrap_or_default() * 23;
            badge(svg, step.actor, index + 1, x, place.y - BOX.1);
        }
    }
}

fn badge(svg: &mut String, actor: usize, number: usize, x: i32, y: i32) {
    let class = format!("badge end-{}", actor + 1);
    _ = writeln!(svg, "<circle class=\"{class}\" cx=\"{x}\" cy=\"{y}\" r=\"11\"/>");
    _ = writeln!(
        svg,
        "<text class=\"badge\" x=\"{x}\" y=\"{}\" text-anchor=\"middle\">{number}</text>",
        y + 5
    );
}

fn legend(svg: &mut String, walk: &Walk) {
    for (index, actor) in walk.actors.iter().enumerate() {
        let y = 640 + i32::try_from(index).unwrap_or_default() * 24;
        _ = writeln!(
            svg,
            "<line class=\"step end-{}\" x1=\"20\" y1=\"{y}\" x2=\"60\" y2=\"{y}\"/>",
            index + 1
        );
        _ = writeln!(
            svg,
            "<text class=\"label\" x=\"70\" y=\"{}\">{}</text>",
            y + 5,
            escape(actor)
        );
    }
}

/// The steps in words.
fn description(walk: &Walk) -> String {
    let mut text = String::from("In the order in which they were seen:");
    for (index, step) in walk.steps.iter().enumerate() {
        _ = write!(text, " {}. {}: {}", index + 1, walk.actors[step.actor], step.to.name);
        match step.from {
            Some(from) => _ = write!(text, ", after {}.", from.name),
            None => text.push('.'),
        }
    }
    text
}
