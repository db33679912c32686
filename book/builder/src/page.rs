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

impl<'a> Page<'a> {
    /// A page among `pages`. Recordings are in the folder `runs`.
    pub fn new(path: &'a Path, runs: &'a Path, pages: &'a HashSet<PathBuf>) -> Self {
        Self { path, runs, pages, pictures: Cell::new(0) }
    }

    /// The page as mdBook is to render it, and what is wrong with it.
    pub fn expand(&self, content: &str) -> (String, Vec<String>) {
        let mut expansion = Expansion::new(self);
        for line in content.lines() {
            expansion.take(line);
        }
        expansion.end()
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
            "run" => run::html(&self.recording(rest)?, self),
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

/// A page on its way from Markdown to Markdown.
struct Expansion<'a> {
    page: &'a Page<'a>,
    terminals: Terminals<'a>,
    text: String,
    problems: Vec<String>,
    /// The code fence that is open.
    fence: Option<Fence>,
    /// A picture has begun and not ended.
    in_picture: bool,
}

impl<'a> Expansion<'a> {
    fn new(page: &'a Page<'a>) -> Self {
        let (text, problems, fence, in_picture) = Default::default();
        Self { page, terminals: Terminals::new(page), text, problems, fence, in_picture }
    }

    fn take(&mut self, line: &str) {
        if let Some(fence) = self.fence.take() {
            self.code(fence, line);
        } else if let Some(opened) = Fence::opened(line) {
            if opened.console.is_none() {
                push(&mut self.text, line);
            }
            self.fence = Some(opened);
        } else if self.in_picture || line.starts_with("<svg class=\"picture\"") {
            self.picture(line);
        } else if !self.terminals.steered(line) {
            match self.page.line(line) {
                Ok(expanded) => push(&mut self.text, &expanded),
                Err(error) => self.problems.push(format!("{}: {error:#}", line.trim())),
            }
        }
    }

    /// A line in a code fence.
    fn code(&mut self, mut fence: Fence, line: &str) {
        let ends = fence.is_closed_by(line);
        match (&mut fence.console, ends) {
            (None, _) => push(&mut self.text, line),
            (Some(lines), false) => push(lines, line),
            (Some(lines), true) => push(&mut self.text, &self.terminals.show(lines)),
        }
        self.fence = (!ends).then_some(fence);
    }

    /// A line of a picture, which gets a box of its own: on a phone it scrolls.
    fn picture(&mut self, line: &str) {
        if !self.in_picture {
            push(&mut self.text, "<div class=\"figure\">");
        }
        if line.trim().is_empty() {
            self.problems.push("a picture ends at its blank line".to_owned());
        }
        push(&mut self.text, line);
        self.in_picture = !line.contains("</svg>");
        if !self.in_picture {
            push(&mut self.text, "</div>");
        }
    }

    fn end(mut self) -> (String, Vec<String>) {
        if self.fence.is_some() {
            self.problems.push("a code fence is not closed".to_owned());
        }
        if self.in_picture {
            self.problems.push("a picture is not closed".to_owned());
        }
        (self.text, self.problems)
    }
}

/// A code fence that is open.
struct Fence {
    mark: String,
    /// The lines of a console block.
    console: Option<String>,
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

    /// As many marks as opened it, or more, and nothing else.
    fn is_closed_by(&self, line: &str) -> bool {
        let line = line.trim();
        line.starts_with(&self.mark)
            && line.chars().all(|character| self.mark.starts_with(character))
    }
}

fn push(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(content: &str) -> (String, Vec<String>) {
        let (runs, pages) = (Path::new("."), HashSet::new());
        Page::new(Path::new("page.md"), runs, &pages).expand(content)
    }

    /// What is wrong with the page, if one thing is.
    fn problem(content: &str) -> String {
        let (_, mut problems) = expanded(content);
        assert_eq!(problems.len(), 1, "{problems:?}");
        problems.remove(0)
    }

    #[test]
    fn a_directive_is_replaced_and_the_rest_stays() {
        let (text, problems) = expanded("before\n{{#mistake short-send summary}}\nafter\n");
        assert_eq!(problems, Vec::<String>::new());
        assert!(text.starts_with("before\n\n") && text.ends_with("\n\nafter\n"), "{text}");
        assert!(!text.contains("{{#"), "{text}");
    }

    #[test]
    fn in_code_nothing_is_a_directive() {
        for code in
            ["```\n{{#run x}}\n```\n", "~~~~text\n```\n{{#run x}}\n~~~~\n", "say `{{#run x}}`\n"]
        {
            assert_eq!(expanded(code), (code.to_owned(), vec![]));
        }
    }

    #[test]
    fn what_is_unknown_or_out_of_place_is_refused() {
        assert!(problem("{{#dance socklab tour}}").contains("no directive \"dance\""));
        assert!(problem("{{#mistake no-such why}}").contains("no mistake \"no-such\""));
        assert!(problem("{{#mistake short-send poem}}").contains("\"poem\""));
        assert!(problem("{{#reference poems}}").contains("\"poems\""));
        assert!(problem("{{#run socklab no-such-run}}").contains("SNAPSHOTS=overwrite"));
        assert!(problem("see {{#mistakes}} here").contains("a line of its own"));
        assert!(problem("```console\n$ ls").contains("not closed"));
    }

    #[test]
    fn a_picture_gets_a_box() {
        let picture = "<svg class=\"picture\" viewBox=\"0 0 1 1\">\n<title>x</title>\n</svg>\n";
        let (text, problems) = expanded(picture);
        assert_eq!(text, format!("<div class=\"figure\">\n{picture}</div>\n"));
        assert_eq!(problems, Vec::<String>::new());
        assert!(problem(&picture.replace("<title>", "\n<title>")).contains("blank line"));
    }

    #[test]
    fn terminals_are_told_apart_and_comments_for_the_replay_vanish() {
        let page = "<!-- run: background until \"ready on\" -->\n```console\n$ server\n```\n\n\
                    ```console\n$ client\n```\n\n## Next\n\n```console\n$ alone\n```\n";
        let (text, problems) = expanded(page);
        assert_eq!(problems, Vec::<String>::new());
        assert!(!text.contains("<!--"), "{text}");
        let (first, rest) = text.split_once("terminal 1").expect("the first terminal");
        assert!(!first.contains("server</span>") && rest.contains("server</span>"), "{text}");
        let (_, second) = rest.split_once("terminal 2").expect("the second terminal");
        let (client, alone) = second.split_once("## Next").expect("the heading stays");
        assert!(client.contains("client</span>"), "{text}");
        assert!(!alone.contains("console-caption"), "{text}");
    }
}
