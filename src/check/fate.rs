//! What became of a program that nobody asked to end: it is the cause, whatever else was seen.

use std::sync::{Arc, Mutex, PoisonError};

use super::program::Ended;
use super::story::Story;
use super::verdict::{Finding, Words};

/// Told by those who see it, asked when a check has failed. Clones are the same one.
#[derive(Clone)]
pub struct Fate {
    story: Story,
    known: Arc<Mutex<Known>>,
}

#[derive(Default)]
struct Known {
    /// It used more than it may, and the checker ended it.
    exceeded: Option<Words>,
    /// It ended by itself.
    ended: Option<Words>,
}

impl Fate {
    /// Nothing is known yet; what comes to be known is told in the story, too.
    pub fn new(story: Story) -> Self {
        Self { story, known: Arc::default() }
    }

    /// It used `used` of something of which it may use `limit`; it is going to be killed.
    pub fn exceeded(&self, what: &str, used: u64, limit: u64) {
        let blanks: [(&str, &dyn std::fmt::Display); 2] = [("used", &used), ("limit", &limit)];
        self.story.tell(&format!("check.too-much-{what}"), &blanks);
        let cause = Words::new(&format!("check.exceeded-{what}"), &blanks);
        self.known.lock().unwrap_or_else(PoisonError::into_inner).exceeded = Some(cause);
    }

    /// It ended when it should have gone on.
    pub fn ended(&self, how: Ended, last: &str) {
        self.story.tell("check.exited", &[("how", &how)]);
        if !last.is_empty() {
            self.story.tell("check.said", &[("text", &last)]);
        }
        let cause = Words::new("check.died", &[("how", &how)]);
        self.known.lock().unwrap_or_else(PoisonError::into_inner).ended = Some(cause);
    }

    /// The finding, with its cause put right. A mistake that was seen is the reason why it ended; that it was killed by
    /// the checker is none.
    pub fn correct(&self, mut finding: Finding) -> Finding {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cause) = &known.exceeded {
            finding.cause = cause.clone();
            finding.mistakes.clear();
        } else if let Some(cause) = known.ended.as_ref().filter(|_| finding.mistakes.is_empty()) {
            finding.cause = cause.clone();
        }
        finding
    }
}
