//! What came of a check: passed, failed with a finding, skipped with a reason, or not done because of the checker.

use std::fmt;
use std::io;

use serde::Serialize;

use crate::reference;

/// How a check ended before it could pass.
#[derive(Debug)]
pub enum Stop {
    /// The program did something else than it should.
    Failed(Box<Finding>),
    /// The check cannot be run here.
    Skipped(Words),
    /// The checker could not do its work.
    Trouble(String),
}

/// What a check returns.
pub type Checked<T = ()> = std::result::Result<T, Stop>;

/// Words from `reference/en/checks`, with their blanks filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words(String);

impl Words {
    /// The words named `id`: `check.sent`, `tcp-echo.changed`.
    pub fn new(id: &str, blanks: &[(&str, &dyn fmt::Display)]) -> Self {
        let text = reference::check_words(id).unwrap_or(id);
        let value = |name: &str| {
            blanks.iter().find(|(blank, _)| *blank == name).map(|(_, value)| value.to_string())
        };
        Self(reference::fill(text, value))
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What was seen of a program that fails, and which mistake that is evidence for.
#[derive(Debug)]
pub struct Finding {
    /// The most likely cause, in a sentence.
    pub cause: Words,
    /// The mistakes that the evidence fits, the likelier first; none where it fits none.
    pub mistakes: Vec<&'static str>,
    /// What should have been seen.
    pub expected: String,
    /// What was.
    pub actual: String,
}

impl Finding {
    /// With the words named `id` for the cause.
    pub fn new(id: &str, blanks: &[(&str, &dyn fmt::Display)]) -> Self {
        let (expected, actual) = Default::default();
        Self { cause: Words::new(id, blanks), mistakes: Vec::new(), expected, actual }
    }

    /// The evidence is for this mistake; called again, for a less likely one too.
    pub fn mistake(mut self, id: &'static str) -> Self {
        debug_assert!(reference::mistake(id).is_some(), "{id} is none of the twenty-four");
        self.mistakes.push(id);
        self
    }

    /// With another cause.
    pub fn because(mut self, id: &str, blanks: &[(&str, &dyn fmt::Display)]) -> Self {
        self.cause = Words::new(id, blanks);
        self
    }

    /// What should have been seen, and what was.
    pub fn but(mut self, expected: impl Into<String>, actual: impl Into<String>) -> Self {
        (self.expected, self.actual) = (expected.into(), actual.into());
        self
    }
}

impl From<Finding> for Stop {
    fn from(finding: Finding) -> Self {
        Self::Failed(Box::new(finding))
    }
}

/// For `map_err`: the checker itself could not do `what`.
pub fn trouble(what: &str) -> impl FnOnce(io::Error) -> Stop {
    let what = what.to_owned();
    move |error| Stop::Trouble(format!("{what}: {error}"))
}

/// Passed, failed, or skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The program does what this check asks for.
    Pass,
    /// It does not.
    Fail,
    /// It could not be run.
    Skip,
}

/// What came of one check.
#[derive(Clone, Debug, Serialize)]
pub struct Result {
    /// The check's name.
    pub id: &'static str,
    /// What it looks for, in words that a student understands.
    pub title: String,
    /// How it ended.
    pub verdict: Verdict,
    /// Points earned.
    pub score: u32,
    /// Points to be earned.
    pub max_score: u32,
    /// The likeliest mistake, if the evidence is for one.
    pub mistake: Option<&'static str>,
    /// Others that the evidence fits.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub or_else: Vec<&'static str>,
    /// What should have been seen.
    pub expected: String,
    /// What was.
    pub actual: String,
    /// Why it failed or was skipped, in a sentence; empty when it passed.
    pub cause: String,
    /// What happened, line by line, with times.
    pub story: Vec<String>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

/// What came of them all.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// `socklab/check/1`.
    pub schema: &'static str,
    /// The exercise's name.
    pub exercise: &'static str,
    /// The command that was run.
    pub command: Vec<String>,
    /// Whether all checks passed; `error` when the checker could not do its work.
    pub verdict: Overall,
    /// Points earned.
    pub score: u32,
    /// Points to be earned.
    pub max_score: u32,
    /// Why the checker could not do its work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// Each check, in causal order.
    pub checks: Vec<Result>,
}

/// The verdict on a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Overall {
    /// Every check that could be run passed.
    Pass,
    /// At least one failed.
    Fail,
    /// The checker could not do its work.
    Error,
}
