//! Console blocks: what somebody typed and what came of it, coloured as the terminal is, and which terminal it was.
//!
//! The comment above a block, `<!-- run: … -->`, is for the test that replays it. Here it says which blocks belong to a
//! second terminal: one that starts something in the background, and those after it up to the next heading.

use std::sync::LazyLock;

use regex::Regex;

use crate::html::escape;
use crate::narration::Narration;
use crate::page::Page;
use crate::run::spans;

static COMMENT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\s*<!-- run: (?<how>.*) -->\s*$").expect("a test uses it"));

/// The terminals of a page, in order.
pub struct Terminals<'a> {
    page: &'a Page<'a>,
    /// How many programs run in the background.
    running: usize,
    /// The next block starts one more.
    starts: bool,
}

impl<'a> Terminals<'a> {
    /// Nothing runs yet.
    pub fn new(page: &'a Page<'a>) -> Self {
        Self { page, running: 0, starts: false }
    }

    /// Takes note of a line outside code. Whether it was meant for the replay only.
    pub fn steered(&mut self, line: &str) -> bool {
        // The replay ends what runs in the background at a heading.
        if line.starts_with("## ") || line.starts_with("### ") {
            self.running = 0;
        }
        let Some(comment) = COMMENT.captures(line) else { return false };
        self.starts = comment["how"].contains("background");
        true
    }

    /// The block as HTML.
    pub fn show(&mut self, lines: &str) -> String {
        let caption = self.caption();
        let mut narration = Narration::default();
        let shown: Vec<String> =
            lines.lines().map(|line| self.line(line, &mut narration)).collect();
        let text = shown.join("&#10;");
        // Closed first: Markdown would else take the rest of the page for its content.
        format!(
            "\n<div class=\"console\">{caption}<pre class=\"terminal\"><code class=\"nohighlight\">{text}</code></pre></div>\n"
        )
    }

    fn caption(&mut self) -> String {
        let terminal = self.running + 1;
        if std::mem::take(&mut self.starts) {
            self.running += 1;
        } else if self.running == 0 {
            return String::new();
        }
        format!("<p class=\"console-caption\">terminal {terminal}</p>")
    }

    fn line(&self, line: &str, narration: &mut Narration) -> String {
        match line.strip_prefix("$ ") {
            Some(command) => {
                *narration = Narration::default();
                let command = escape(command);
                format!("<span class=\"prompt\">$</span> <span class=\"command\">{command}</span>")
            }
            None => spans(&narration.line(line), self.page),
        }
    }
}
