//! Gradescope's `results.json`: <https://gradescope-autograders.readthedocs.io/en/latest/specs/>.

use serde::Serialize;

use super::{explanation, pretty};
use crate::check::verdict::{Report, Result, Verdict};

#[derive(Serialize)]
struct Results {
    output: String,
    output_format: &'static str,
    visibility: &'static str,
    tests: Vec<Test>,
}

#[derive(Serialize)]
struct Test {
    score: u32,
    max_score: u32,
    status: &'static str,
    name: String,
    number: String,
    output: String,
    output_format: &'static str,
    visibility: &'static str,
}

/// The report for Gradescope: a test for each check.
pub fn write(report: &Report) -> String {
    let tests = report.checks.iter().zip(1..).map(test).collect();
    let output = report.trouble.clone().unwrap_or_default();
    pretty(&Results { output, output_format: "text", visibility: "visible", tests })
}

fn test((check, number): (&Result, usize)) -> Test {
    let passed = check.verdict == Verdict::Pass;
    Test {
        score: check.score,
        max_score: check.max_score,
        // Gradescope knows no other: what was skipped did not pass, and its output says why.
        status: if passed { "passed" } else { "failed" },
        name: check.title.clone(),
        number: number.to_string(),
        output: if passed { String::new() } else { explanation(check) },
        output_format: "text",
        visibility: "visible",
    }
}
