//! Exercism's `results.json`, version 3: <https://exercism.org/docs/building/tooling/test-runners/interface>.

use serde::Serialize;

use super::{explanation, pretty, typed};
use crate::check::verdict::{Overall, Report, Result, Verdict};

/// How long a test's output may be, and the message of all.
const OUTPUT: usize = 500;
const MESSAGE: usize = 65_535;

#[derive(Serialize)]
struct Results {
    version: u32,
    status: &'static str,
    message: Option<String>,
    tests: Vec<Test>,
}

#[derive(Serialize)]
struct Test {
    name: String,
    status: &'static str,
    message: Option<String>,
    output: Option<String>,
    test_code: String,
}

/// The report for Exercism.
pub fn write(report: &Report) -> String {
    let skipped = report.checks.iter().any(|check| check.verdict == Verdict::Skip);
    let status = match report.verdict {
        Overall::Pass if !skipped => "pass",
        Overall::Pass | Overall::Fail => "fail",
        Overall::Error => "error",
    };
    let message = report.trouble.as_deref().map(|trouble| cut(trouble, MESSAGE));
    let tests = report.checks.iter().map(|check| test(report, check)).collect();
    pretty(&Results { version: 3, status, message, tests })
}

fn test(report: &Report, check: &Result) -> Test {
    let (status, message) = match check.verdict {
        Verdict::Pass => ("pass", None),
        Verdict::Fail => ("fail", Some(cut(&explanation(check), MESSAGE))),
        Verdict::Skip => ("error", Some(check.cause.clone())),
    };
    Test {
        name: check.title.clone(),
        status,
        message,
        output: (!check.actual.is_empty()).then(|| cut(&check.actual, OUTPUT)),
        test_code: format!(
            "socklab check {} --only {} -- {}",
            report.exercise,
            check.id,
            typed(&report.command)
        ),
    }
}

/// At most so many characters.
fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}
