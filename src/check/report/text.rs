//! For the learner: a line for each check, and the story of the first that failed.

use colored::{ColoredString, Colorize};
use textwrap::WordSplitter;

use super::{mistake, typed, word};
use crate::check::verdict::{Overall, Report, Result, Verdict};

/// The room for a check's title.
const TITLE: usize = 60;

/// How much of a long story is told: its beginning and its end.
const BEGINNING: usize = 8;
const END: usize = 12;

/// A check's line.
pub fn line(check: &Result) -> String {
    let points = format!("{}/{}", check.score, check.max_score);
    let mut title = textwrap::wrap(&check.title, TITLE);
    let last = title.pop().unwrap_or_default();
    let before: String = title.iter().map(|row| format!("{row}\n    ")).collect();
    let line = format!("  {} {before}{last:<TITLE$} {points:>6}\n", mark(check.verdict));
    match check.verdict {
        Verdict::Skip => {
            line + &format!("    {}\n", word("skipped", &[("why", &check.cause)]).dimmed())
        }
        _ => line,
    }
}

fn mark(verdict: Verdict) -> ColoredString {
    match verdict {
        Verdict::Pass => "✓".green(),
        Verdict::Fail => "✗".red(),
        Verdict::Skip => "-".yellow(),
    }
}

/// What stands before the lines, when others have to be waited for.
pub fn waits() -> String {
    format!("{}\n", word("waits", &[]).dimmed())
}

/// What follows the lines: the first failure as a story, or what to try next.
pub fn conclusion(report: &Report, width: usize) -> String {
    if report.verdict == Overall::Error {
        return format!("\n{}\n", word("not-checked", &[]));
    }
    let first = report.checks.iter().find(|check| check.verdict == Verdict::Fail);
    let story = first.map_or_else(|| praise(report), |check| story(report, check, width));
    let points = word("points", &[("score", &report.score), ("max", &report.max_score)]);
    format!("\n{story}\n{}\n", points.bold())
}

fn praise(report: &Report) -> String {
    let skipped = report.checks.iter().filter(|check| check.verdict == Verdict::Skip).count();
    match skipped {
        0 => word("all-passed", &[]) + "\n",
        count => word("some-skipped", &[("count", &count)]) + "\n",
    }
}

/// What was done, what came of it, what it means, and what to do next.
fn story(report: &Report, check: &Result, width: usize) -> String {
    let mut page = format!("{}\n\n", word("first", &[("title", &check.title)]).bold());
    page.extend(
        shortened(&check.story).iter().map(|line| indented(line, width, "  ", "               ")),
    );
    if !check.expected.is_empty() || !check.actual.is_empty() {
        let (expected, actual) = (word("expected", &[]), word("actual", &[]));
        page += "\n";
        page += &indented(&format!("{expected} {}", check.expected), width, "  ", "             ");
        page += &indented(&format!("{actual} {}", check.actual), width, "  ", "             ");
    }
    page += "\n";
    page += &indented(&check.cause, width, "  ", "  ");
    page += "\n";
    page.extend(check.mistake.iter().chain(&check.or_else).enumerate().map(mistake_lines));
    let command = typed(&report.command);
    let blanks: [(&str, &dyn std::fmt::Display); 3] =
        [("exercise", &report.exercise), ("check", &check.id), ("command", &command)];
    page + &format!("  {}\n    {}\n", word("again", &[]), word("command", &blanks))
}

/// A long story without its middle.
fn shortened(story: &[String]) -> Vec<String> {
    if story.len() <= BEGINNING + END + 1 {
        return story.to_vec();
    }
    let (left_out, end) = (story.len() - BEGINNING - END, &story[story.len() - END..]);
    let gap = format!("           {}", word("gap", &[("count", &left_out)]));
    story[..BEGINNING].iter().cloned().chain([gap]).chain(end.iter().cloned()).collect()
}

/// A mistake, and the commands that explain it, each on a line to be copied; those after the first are less likely.
fn mistake_lines((index, id): (usize, &&'static str)) -> String {
    let mistake = mistake(if index == 0 { "mistake" } else { "or-else" }, id).bold();
    let [explain, book] = ["explain", "book"].map(|command| word(command, &[("id", id)]));
    format!("  {mistake}\n    {explain}\n    {book}\n\n")
}

fn indented(text: &str, width: usize, first: &str, rest: &str) -> String {
    let options = textwrap::Options::new(width).initial_indent(first).subsequent_indent(rest);
    textwrap::fill(text, options.word_splitter(WordSplitter::NoHyphenation)) + "\n"
}
