//! Reports: what came of the checks, for people and for other programs. One shape a file.

pub mod text;

use super::verdict::Report;

/// The report in socklab's own shape, `socklab/check/1`: one JSON object.
pub fn json(report: &Report) -> String {
    serde_json::to_string_pretty(report).expect("texts and numbers are JSON") + "\n"
}
