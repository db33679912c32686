//! What the tour asks with `--ask`, before the call that answers it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::parse;

/// A question, and the call that it stands before.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The C function: `connect`.
    pub before: String,
    /// Who makes the call, if that matters.
    pub actor: Option<String>,
    /// What must stand among its arguments, if that matters: `SO_REUSEADDR`.
    pub with: Option<String>,
    /// Which of the calls that fit it stands before, counted from 1.
    #[serde(default = "first")]
    pub nth: usize,
    /// The question.
    pub ask: String,
    /// What to take from what was then seen.
    pub answer: String,
}

fn first() -> usize {
    1
}

static QUESTIONS: LazyLock<BTreeMap<String, Vec<Question>>> =
    LazyLock::new(|| parse(include_str!("en/questions.toml")));

/// The questions of a chapter, in order.
pub fn questions(chapter: &str) -> &'static [Question] {
    QUESTIONS.get(chapter).map_or(&[], Vec::as_slice)
}
