//! The diagram as SVG: all states and ways faint, and over them the steps of each end in its colour, numbered.

use std::fmt::Write;

use super::diagram::{BEGINNING, BOX, PLACES, Place, SIZE, WAYS, Way, place};
use super::walk::{Step, Walk};
use crate::html::escape;

/// How far the ways of two ends are apart.
const APART: i32 = 9;

/// How far two badges are apart.
const BADGE: i32 = 23;

/// What is being drawn, and where.
struct Drawing<'a> {
    id: &'a str,
    walk: &'a Walk,
    svg: String,
}

/// The whole figure.
pub fn svg(command: &str, id: &str, walk: &Walk) -> String {
    let (width, height) = SIZE;
    let command = escape(command);
    let description = escape(&description(walk));
    let svg = format!(
        "<div class=\"figure states\" tabindex=\"0\" role=\"group\" aria-label=\"TCP states in {command}\">\n\
         <svg class=\"picture\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\" aria-labelledby=\"{id}-title {id}-desc\" xmlns=\"http://www.w3.org/2000/svg\">\n\
         <title id=\"{id}-title\">The states of a TCP connection, and the way of each end in {command}</title>\n\
         <desc id=\"{id}-desc\">{description}</desc>\n"
    );
    let mut drawing = Drawing { id, walk, svg };
    drawing.diagram();
    drawing.steps();
    drawing.states();
    drawing.legend();
    drawing.svg + "</svg>\n</div>"
}

impl Drawing<'_> {
    fn add(&mut self, element: &str) {
        self.svg.push_str(element);
        self.svg.push('\n');
    }

    /// All ways, whether or not they were taken.
    fn diagram(&mut self) {
        self.marker("faint", "faint");
        for way in &WAYS {
            self.way(way);
        }
    }

    fn marker(&mut self, name: &str, class: &str) {
        let id = self.id;
        self.add(&format!(
            "<defs><marker id=\"{id}-{name}\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerUnits=\"userSpaceOnUse\" \
             markerWidth=\"11\" markerHeight=\"11\" orient=\"auto\">\
             <path class=\"arrow-head {class}\" d=\"M0 0L10 5L0 10z\"/></marker></defs>"
        ));
    }

    fn way(&mut self, way: &Way) {
        let from = way.from.map_or(Some(&BEGINNING), place);
        let (Some(from), Some(to)) = (from, place(way.to)) else { return };
        let [x1, y1, x2, y2] = line(from, to, 0);
        let (x, y) = ((from.x + to.x) / 2 + way.aside.0, (from.y + to.y) / 2 + way.aside.1);
        let (id, why) = (self.id, way.why);
        self.add(&format!(
            "<line class=\"faint\" x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\" marker-end=\"url(#{id}-faint)\"/>\
             <text class=\"way\" x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">{why}</text>"
        ));
    }

    fn steps(&mut self) {
        for (index, actor) in self.walk.actors.iter().enumerate() {
            self.marker(&index.to_string(), &actor.class);
        }
        for step in &self.walk.steps {
            self.step(step);
        }
    }

    /// A way of the diagram, or a leap where it has none: a reset, or states that did not last until somebody asked.
    fn step(&mut self, step: &Step) {
        let Some(from) = step.from else { return };
        let (id, class) = (self.id, &self.walk.actors[step.actor].class);
        let side = if step.actor.is_multiple_of(2) { APART } else { -APART };
        let is_leap = step.is_leap();
        let [x1, y1, x2, y2] = line(from, step.to, if is_leap { side } else { side / 2 });
        let bend = match (is_leap, from.x == step.to.x) {
            (false, _) => 0,
            (true, false) => side,
            // Around what stands between.
            (true, true) => 2 * BOX.0 + 50 + side,
        };
        let (cx, cy) = ((x1 + x2) / 2 + bend, (y1 + y2) / 2 - bend / 4);
        let leap = if is_leap { " leap" } else { "" };
        self.add(&format!(
            "<path class=\"step {class}{leap}\" d=\"M{x1} {y1}Q{cx} {cy} {x2} {y2}\" marker-end=\"url(#{id}-{})\"/>",
            step.actor
        ));
    }

    fn states(&mut self) {
        self.state(&BEGINNING, false);
        for place in &PLACES {
            let numbers: Vec<(usize, &Step)> = (1..)
                .zip(&self.walk.steps)
                .filter(|(_, step)| step.to.name == place.name)
                .collect();
            self.state(place, !numbers.is_empty());
            let left = place.x - BOX.0 + 8;
            for (x, (number, step)) in (left..).step_by(BADGE as usize).zip(numbers) {
                self.badge(number, &self.walk.actors[step.actor].class, x, place.y - BOX.1);
            }
        }
    }

    fn state(&mut self, place: &Place, walked: bool) {
        let (x, y, width, height) = (place.x - BOX.0, place.y - BOX.1, 2 * BOX.0, 2 * BOX.1);
        let class = if walked { "tcp-state walked" } else { "tcp-state" };
        let (middle, line, name) = (place.x, place.y + 5, place.name);
        self.add(&format!(
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"6\"/>\
             <text class=\"{class}\" x=\"{middle}\" y=\"{line}\" text-anchor=\"middle\">{name}</text>"
        ));
    }

    /// The number of a step, on the upper edge of the state it leads to.
    fn badge(&mut self, number: usize, class: &str, x: i32, y: i32) {
        let line = y + 5;
        self.add(&format!(
            "<circle class=\"badge {class}\" cx=\"{x}\" cy=\"{y}\" r=\"11\"/>\
             <text class=\"badge\" x=\"{x}\" y=\"{line}\" text-anchor=\"middle\">{number}</text>"
        ));
    }

    fn legend(&mut self) {
        for (y, actor) in (600..).step_by(24).zip(&self.walk.actors) {
            let (class, name, line) = (&actor.class, escape(&actor.name), y + 5);
            self.add(&format!(
                "<line class=\"step {class}\" x1=\"20\" y1=\"{y}\" x2=\"60\" y2=\"{y}\"/>\
                 <text class=\"label\" x=\"70\" y=\"{line}\">{name}</text>"
            ));
        }
        let leaps = self.walk.steps.iter().any(Step::is_leap);
        if leaps {
            self.add("<text class=\"way\" x=\"20\" y=\"672\">dashed: a reset, or states too short to be seen</text>");
        }
    }
}

/// The line from the edge of one box to the edge of another, moved to the right of its direction.
fn line(from: &Place, to: &Place, right: i32) -> [i32; 4] {
    let (dx, dy) = (f64::from(to.x - from.x), f64::from(to.y - from.y));
    let length = dx.hypot(dy).max(1.0);
    let (mx, my) = (-dy / length * f64::from(right), dx / length * f64::from(right));
    // How much of the way is inside a box.
    let across = f64::from(BOX.0 + 2) / dx.abs().max(0.1);
    let down = f64::from(BOX.1 + 2) / dy.abs().max(0.1);
    let inside = across.min(down);
    let at = |place: &Place, share: f64| {
        let (x, y) = (f64::from(place.x), f64::from(place.y));
        [(x + mx + dx * share).round() as i32, (y + my + dy * share).round() as i32]
    };
    let ([x1, y1], [x2, y2]) = (at(from, inside), at(to, -inside));
    [x1, y1, x2, y2]
}

/// The steps in words.
fn description(walk: &Walk) -> String {
    let mut text = String::from("In the order in which they were seen:");
    for (number, step) in (1..).zip(&walk.steps) {
        let (name, state) = (&walk.actors[step.actor].name, step.to.name);
        _ = write!(text, " {number}. {name}: {state}");
        match step.from {
            Some(from) => _ = write!(text, ", after {}.", from.name),
            None => text.push('.'),
        }
    }
    text
}
