//! Reports: what came of the checks, for people and for other programs. One shape a file, all from one result.

pub mod exercism;
pub mod github;
pub mod gradescope;
pub mod junit;
pub mod text;

use serde::Serialize;

use super::verdict::{Report, Result, Verdict, Words};
use crate::reference;

/// The report in socklab's own shape, `socklab/check/1`: one JSON object.
pub fn json(report: &Report) -> String {
    pretty(report)
}

fn pretty(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).expect("texts and numbers are JSON") + "\n"
}

/// The check with which the checker could not do its work, if it could not: to whom reads a report alone, that is no success.
fn troubled(report: &Report) -> Option<&Result> {
    let why = report.trouble.as_deref()?;
    report.checks.iter().find(|check| check.verdict == Verdict::Skip && check.cause.contains(why))
}

/// What there is to say of a check that did not pass, as plain lines: the story, what differed, the cause, the mistake.
fn explanation(check: &Result) -> String {
    let mut lines = check.story.clone();
    if !check.expected.is_empty() || !check.actual.is_empty() {
        lines.push(format!("{} {}", word("expected", &[]), check.expected));
        lines.push(format!("{} {}", word("actual", &[]), check.actual));
    }
    lines.push(check.cause.clone());
    lines.extend(check.mistake.map(|id| to_read("mistake", id)));
    lines.extend(check.or_else.iter().map(|id| to_read("or-else", id)));
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}

/// A mistake, and where to read about it.
fn to_read(words: &str, id: &str) -> String {
    format!("{} {}", mistake(words, id), word("read", &[("id", &id)]))
}

/// A mistake by its title.
fn mistake(words: &str, id: &str) -> String {
    let title = reference::mistake(id).map_or("", |mistake| mistake.title.as_str());
    word(words, &[("title", &title), ("id", &id)])
}

/// The command as it is to be typed.
fn typed(command: &[String]) -> String {
    let plain = |it: char| it.is_alphanumeric() || "_-+=./:,@%{}".contains(it);
    let quoted = |word: &String| match !word.is_empty() && word.chars().all(plain) {
        true => word.clone(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    };
    command.iter().map(quoted).collect::<Vec<_>>().join(" ")
}

fn word(id: &str, blanks: &[(&str, &dyn std::fmt::Display)]) -> String {
    Words::new(&format!("check.report.{id}"), blanks).to_string()
}

#[cfg(test)]
mod tests;
