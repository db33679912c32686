//! Builds the book, and refuses one in which something is missing.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use mdbook_driver::MDBook;

use crate::links;
use crate::preprocess::Socklab;

/// The folder of the book, wherever in the repository the command is given.
pub fn root() -> PathBuf {
    let builder = Path::new(env!("CARGO_MANIFEST_DIR"));
    builder.parent().unwrap_or(builder).to_owned()
}

/// Builds the book in the folder `root` into `dest`, or where its `book.toml` says. Returns where its first page is.
///
/// # Errors
/// Something that the book needs is missing, or a link in it leads nowhere.
pub fn build(root: &Path, dest: Option<&Path>) -> Result<PathBuf> {
    let mut book = MDBook::load(root).context("the book cannot be read")?;
    if let Some(dest) = dest {
        // mdBook would take it from its own folder.
        book.config.build.build_dir = std::path::absolute(dest)?;
    }
    // In this process, instead of the command that book.toml has for the stock mdBook.
    book.with_preprocessor(Socklab);
    book.build()?;
    let built = book.build_dir_for("html");
    links::check(&built)?;
    Ok(fs::canonicalize(built.join("index.html"))?)
}
