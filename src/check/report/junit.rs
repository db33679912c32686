//! JUnit XML, as most systems for continuous integration read it.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report as Document, TestCase, TestCaseStatus, TestSuite};

use super::{explanation, troubled};
use crate::check::verdict::{Report, Result, Verdict};

/// The report as JUnit XML: one suite, a case for each check.
///
/// # Errors
/// What the XML writer says; it writes to memory, so none is to be expected.
pub fn write(report: &Report) -> std::result::Result<String, String> {
    let mut suite = TestSuite::new(report.exercise);
    suite.add_test_cases(report.checks.iter().map(|check| case(report, check)));
    let mut document = Document::new("socklab");
    document.add_test_suite(suite);
    document.to_string().map_err(|error| error.to_string())
}

fn case(report: &Report, check: &Result) -> TestCase {
    let status = match check.verdict {
        Verdict::Pass => TestCaseStatus::success(),
        Verdict::Skip if troubled(report).is_some_and(|own| own.id == check.id) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_message(check.cause.clone());
            status
        }
        Verdict::Skip => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(check.cause.clone());
            status
        }
        Verdict::Fail => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(check.cause.clone()).set_description(explanation(check));
            if let Some(mistake) = check.mistake {
                status.set_type(mistake);
            }
            status
        }
    };
    let mut case = TestCase::new(check.title.clone(), status);
    case.set_classname(format!("{}.{}", report.exercise, check.id));
    case.set_time(Duration::from_millis(check.duration_ms));
    case
}
