//! mdBook's side of the builder: a preprocessor, called in this process or by the stock mdBook through pipes.

use std::collections::HashSet;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use mdbook_preprocessor::book::{Book, BookItem, Chapter};
use mdbook_preprocessor::{Preprocessor, PreprocessorContext};

use crate::includes;
use crate::page::Page;

/// Its name in `book.toml`.
pub const NAME: &str = "socklab";

/// Replaces the directives and console blocks of every page, and refuses a book in which something is missing.
pub struct Socklab;

impl Preprocessor for Socklab {
    fn name(&self) -> &str {
        NAME
    }

    fn run(&self, ctx: &PreprocessorContext, mut book: Book) -> Result<Book> {
        let source = ctx.root.join(&ctx.config.book.src);
        let runs = ctx.root.join("runs");
        let pages: HashSet<PathBuf> = book.iter().filter_map(path_of).collect();
        let mut problems = Vec::new();
        book.for_each_mut(|item| {
            if let BookItem::Chapter(chapter) = item
                && let Some(path) = chapter.source_path.clone()
            {
                problems.extend(includes::problems(&source, &path));
                problems.extend(expand(chapter, &Page::new(&path, &runs, &pages)));
            }
        });
        if !problems.is_empty() {
            bail!("the book is not whole:\n  {}", problems.join("\n  "));
        }
        Ok(book)
    }

    fn supports_renderer(&self, renderer: &str) -> Result<bool> {
        Ok(supports(renderer))
    }
}

/// What this preprocessor makes is HTML.
pub fn supports(renderer: &str) -> bool {
    renderer == "html"
}

/// Reads the book from `input`, and writes it to `output` with everything expanded.
///
/// # Errors
/// What comes is no book, or something is missing in it.
pub fn pipe(input: impl Read, output: impl Write) -> Result<()> {
    let (ctx, book) = mdbook_preprocessor::parse_input(input)?;
    let book = Socklab.run(&ctx, book)?;
    Ok(serde_json::to_writer(output, &book)?)
}

fn path_of(item: &BookItem) -> Option<PathBuf> {
    match item {
        BookItem::Chapter(chapter) => chapter.source_path.clone(),
        _ => None,
    }
}

/// Replaces the chapter's text; says what was wrong with it.
fn expand(chapter: &mut Chapter, page: &Page) -> Vec<String> {
    let (content, problems) = page.expand(&chapter.content);
    chapter.content = content;
    problems.into_iter().map(|problem| named(page.path, &problem)).collect()
}

/// A problem, and whose it is.
pub(crate) fn named(page: &Path, problem: &str) -> String {
    format!("{}: {problem}", page.display())
}
