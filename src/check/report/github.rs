//! For GitHub Actions: a summary of the step in Markdown, and `::error::` lines, which work on standard output only.
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>

use super::{explanation, to_read, troubled};
use crate::check::verdict::{Report, Result, Verdict};

/// The summary, for the file that `GITHUB_STEP_SUMMARY` names.
pub fn summary(report: &Report) -> String {
    let mut page = format!(
        "## {}: {}/{}\n\n| | | |\n| --- | --- | --- |\n",
        report.exercise, report.score, report.max_score
    );
    page.extend(report.checks.iter().map(row));
    let failed = report.checks.iter().filter(|check| check.verdict == Verdict::Fail);
    page.extend(failed.chain(troubled(report)).map(story));
    page
}

fn row(check: &Result) -> String {
    let mark = match check.verdict {
        Verdict::Pass => "✅",
        Verdict::Fail => "❌",
        Verdict::Skip => "⏭️",
    };
    format!("| {mark} | {} | {}/{} |\n", in_cell(&check.title), check.score, check.max_score)
}

/// A bar would end the cell.
fn in_cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// A fence longer than any in the text cannot be closed by it.
fn story(check: &Result) -> String {
    let text = explanation(check);
    let longest = text.split(|it| it != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("\n### {}\n\n{fence}text\n{text}\n{fence}\n", check.title)
}

/// A line for each check that failed, and for what the checker could not do, which GitHub shows beside the job.
pub fn errors(report: &Report) -> String {
    let failed = report.checks.iter().filter(|check| check.verdict == Verdict::Fail);
    let line = |check: &Result| {
        let named = check.mistake.map(|id| format!(" {}", to_read("mistake", id)));
        let message = format!("{}{}", check.cause, named.unwrap_or_default());
        error(&check.title, &message)
    };
    let trouble = troubled(report).map(|check| error(report.exercise, &check.cause));
    failed.map(line).chain(trouble).collect()
}

fn error(title: &str, message: &str) -> String {
    format!("::error title={}::{}\n", property(title), data(message))
}

/// As a command's message is written.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// As a command's property is written.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
