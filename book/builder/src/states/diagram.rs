//! The diagram itself, after figure 5 of RFC 9293: where each state stands, and which ways lead from it.
//!
//! Left out are the ways back to CLOSED from LISTEN and SYN_SENT and what few programs meet (a LISTEN that becomes
//! SYN_SENT). CLOSED stands twice: at the beginning and at the end.

/// A state's name, and the middle of its box.
pub struct Place {
    /// As the kernel and the reference write it.
    pub name: &'static str,
    /// From the left.
    pub x: i32,
    /// From the top.
    pub y: i32,
}

/// The width and height of the drawing.
pub const SIZE: (i32, i32) = (820, 690);
/// Half the width and height of a state's box.
pub const BOX: (i32, i32) = (68, 18);

/// The beginning; it is no state that a run is seen in.
pub const BEGINNING: Place = Place { name: "CLOSED", x: 410, y: 40 };

/// Where each state stands.
pub const PLACES: [Place; 11] = [
    Place { name: "LISTEN", x: 170, y: 110 },
    Place { name: "SYN_SENT", x: 650, y: 160 },
    Place { name: "SYN_RECV", x: 170, y: 220 },
    Place { name: "ESTABLISHED", x: 410, y: 290 },
    Place { name: "FIN_WAIT1", x: 170, y: 390 },
    Place { name: "CLOSE_WAIT", x: 650, y: 390 },
    Place { name: "FIN_WAIT2", x: 170, y: 520 },
    Place { name: "CLOSING", x: 440, y: 480 },
    Place { name: "LAST_ACK", x: 650, y: 510 },
    Place { name: "TIME_WAIT", x: 440, y: 620 },
    Place { name: "CLOSED", x: 650, y: 620 },
];

/// A way from one state to another: what happens, and what is sent.
pub struct Way {
    /// Where it begins; `None` is the beginning.
    pub from: Option<&'static str>,
    /// Where it leads.
    pub to: &'static str,
    /// What makes the end go it.
    pub why: &'static str,
    /// How far the words stand from the middle of the way.
    pub aside: (i32, i32),
}

const fn way(from: &'static str, to: &'static str, why: &'static str, aside: (i32, i32)) -> Way {
    Way { from: Some(from), to, why, aside }
}

/// All ways.
pub const WAYS: [Way; 17] = [
    Way { from: None, to: "LISTEN", why: "listen", aside: (-10, -8) },
    Way { from: None, to: "SYN_SENT", why: "connect: SYN", aside: (40, -8) },
    way("LISTEN", "SYN_RECV", "SYN comes: SYN-ACK", (-84, 4)),
    way("SYN_SENT", "SYN_RECV", "SYN comes: SYN-ACK", (0, -8)),
    way("SYN_SENT", "ESTABLISHED", "SYN-ACK comes: ACK", (74, 14)),
    way("SYN_RECV", "ESTABLISHED", "ACK comes", (34, -8)),
    way("SYN_RECV", "FIN_WAIT1", "close: FIN", (-46, 4)),
    way("ESTABLISHED", "FIN_WAIT1", "close: FIN", (-44, -8)),
    way("ESTABLISHED", "CLOSE_WAIT", "FIN comes: ACK", (66, -4)),
    way("FIN_WAIT1", "FIN_WAIT2", "ACK comes", (-46, 4)),
    way("FIN_WAIT1", "CLOSING", "FIN comes: ACK", (66, -6)),
    way("FIN_WAIT1", "TIME_WAIT", "FIN+ACK: ACK", (80, 26)),
    way("FIN_WAIT2", "TIME_WAIT", "FIN comes: ACK", (-66, 14)),
    way("CLOSING", "TIME_WAIT", "ACK comes", (46, 4)),
    way("CLOSE_WAIT", "LAST_ACK", "close: FIN", (-42, 4)),
    way("LAST_ACK", "CLOSED", "ACK comes", (-44, 4)),
    way("TIME_WAIT", "CLOSED", "time passes", (0, 18)),
];

/// Where a state stands.
pub fn place(name: &str) -> Option<&'static Place> {
    PLACES.iter().find(|place| place.name == name)
}

/// The way that leads from one state directly to another, if there is one.
pub fn way_between(from: &str, to: &str) -> Option<&'static Way> {
    WAYS.iter().find(|way| way.from == Some(from) && way.to == to)
}

#[cfg(test)]
mod tests {
    use socklab::reference::{Kind, entries};

    use super::*;

    #[test]
    fn every_state_of_the_reference_has_its_place_and_is_on_a_way() {
        for entry in entries(Kind::States) {
            assert!(place(&entry.name).is_some(), "{}", entry.name);
            let led_to = WAYS.iter().any(|way| way.to == entry.name);
            assert!(led_to, "{}", entry.name);
        }
    }

    #[test]
    fn every_way_leads_from_a_place_to_a_place() {
        for way in &WAYS {
            assert!(way.from.is_none_or(|from| place(from).is_some()), "{:?}", way.from);
            assert!(place(way.to).is_some(), "{}", way.to);
        }
    }
}
