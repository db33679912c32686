//! One page's Markdown: finds the directives and the console blocks in it, and puts HTML in their place.
//!
//! A directive stands on a line of its own, `{{#name arguments}}`. In a code fence nothing is one.

use std::cell::Cell;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::console::Terminals;
use crate::recording::Recording;
use crate::{mistakes, reference, run, sequence, states};

/// A page of the book, and what there is around it.
pub struct Page<'a> {
    /// Where it is, from the folder of all pages.
    pub path: &'a Path,
    runs: &'a Path,
    pages: &'a HashSet<PathBuf>,
    pictures: Cell<usize>,
}

/// A code fence that is open.
struct Fence {
    mark: String,
    console: Option<String>,
}

impl<'a> Page<'a> {
    /// A page among `pages`. Recordings are in the folder `runs`.
    pub fn new(path: &'a Path, runs: &'a Path, pages: &'a HashSet<PathBuf>) -> Self {
        Self { path, runs, pages, pictures: Cell::new(0) }
    }

    /// The page as mdBook is to render it, and what is wrong with it.
    pub fn expand(&self, content: &str) -> (String, Vec<String>) {
        let (mut text, mut problems) = (String::with_capacity(content.len()), Vec::new());
        let mut terminals = Terminals::new(self);
        let mut fence: Option<Fence> = None;
        for line in content.lines() {
            if let Some(open) = &mut fence {
                match open.takes(line) {
                    Taken::Console => {}
                    Taken::Line => push(&mut text, line),
                    Taken::End => {
                        match open.console.take() {
                            Some(lines) => push(&mut text, &terminals.show(&lines)),
                            None => push(&mut text, line),
                        }
                        fence = None;
                    }
                }
            } else if let Some(opened) = Fence::opened(line) {
                if opened.console.is_none() {
                    push(&mut text, line);
                }
                fence = Some(opened);
            } else if !terminals.steered(line) {
                match self.line(line) {
                    Ok(expanded) => push(&mut text, &expanded),
                    Err(error) => problems.push(format!("{}: {error:#}", line.trim())),
                }
            }
        }
        (text, problems)
    }

    /// A line outside code.
    fn line(&self, line: &str) -> Result<String> {
        let trimmed = line.trim();
        let directive = trimmed.strip_prefix("{{#").and_then(|rest| rest.strip_suffix("}}"));
        match directive {
            Some(directive) if !directive.contains("}}") => self.directive(directive),
            _ if line.contains("{{#") && !line.contains('`') => {
                bail!("a directive stands on a line of its own")
            }
            _ => Ok(line.to_owned()),
        }
    }

    fn directive(&self, directive: &str) -> Result<String> {
        let (name, rest) = directive.split_once(char::is_whitespace).unwrap_or((directive, ""));
        let rest = rest.trim();
        let html = match name {
            "run" => run::html(&self.recording(rest)?, self)?,
            "sequence" => sequence::html(&self.recording(rest)?, &self.picture("sequence"))?,
            "states" => states::html(&self.recording(rest)?, &self.picture("states"))?,
            "reference" => reference::markdown(rest)?,
            "mistake" => mistakes::part(rest)?,
            "mistakes" => mistakes::table(self)?,
            "include" => bail!("mdBook could not include that"),
            other => bail!("there is no directive {other:?}"),
        };
        Ok(format!("\n{html}\n"))
    }

    fn recording(&self, command: &str) -> Result<Recording> {
        Recording::read(self.runs, command)
    }

    /// A name that no other picture of this page has.
    fn picture(&self, kind: &str) -> String {
        self.pictures.set(self.pictures.get() + 1);
        let page = self.path.file_stem().unwrap_or_default().to_string_lossy();
        format!("{kind}-{page}-{}", self.pictures.get())
    }

    /// Whether the book has that page.
    pub fn knows(&self, page: &str) -> bool {
        self.pages.contains(Path::new(page))
    }

    /// A link from here to another page of the book, as mdBook takes it.
    pub fn link(&self, page: &str) -> String {
        format!("{}{page}", crate::html::way_up(self.path))
    }

    /// The pages of the book that are directly in the folder of all pages.
    pub fn chapters(&self) -> impl Iterator<Item = &str> {
        self.pages.iter().filter_map(|page| page.to_str()).filter(|page| !page.contains('/'))
    }
}

/// What becomes of a line in a fence.
enum Taken {
    Line,
    Console,
    End,
}

impl Fence {
    fn opened(line: &str) -> Option<Self> {
        let trimmed = line.trim_start();
        let kind = trimmed.chars().next().filter(|first| ['`', '~'].contains(first))?;
        let info = trimmed.trim_start_matches(kind);
        let length = trimmed.len() - info.len();
        // Three or more, and no backtick after them: else it is code in a line.
        if length < 3 || info.contains('`') {
            return None;
        }
        let console = (info.trim() == "console").then(String::new);
        Some(Self { mark: kind.to_string().repeat(length), console })
    }

    fn takes(&mut self, line: &str) -> Taken {
        let rest = line.trim().strip_prefix(&self.mark);
        if rest.is_some_and(|rest| {
            self.mark.starts_with(rest) || rest.chars().all(|c| self.mark.starts_with(c))
        }) {
            return Taken::End;
        }
        match &mut self.console {
            None => Taken::Line,
            Some(lines) => {
                push(lines, line);
                Taken::Console
            }
        }
    }
}

fn push(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}
