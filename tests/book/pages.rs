//! The pages of the book as their source has them.

use std::fs;
use std::path::{Path, PathBuf};

/// One page.
pub struct Page {
    /// Where it lies.
    pub path: PathBuf,
    /// Its name below `book/src`: `mistakes/short-send.md`.
    pub name: String,
    /// Its Markdown.
    pub text: String,
}

/// The folder of the project.
pub fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folder of the pages.
pub fn source() -> PathBuf {
    project().join("book/src")
}

/// Every page, the table of contents too, in the order of their names.
pub fn pages() -> Vec<Page> {
    let mut pages: Vec<Page> =
        files(&source(), "md").into_iter().map(|path| Page::read(&path)).collect();
    pages.sort_by(|one, other| one.name.cmp(&other.name));
    pages
}

/// Every file of that kind in a folder and the folders in it.
pub fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|why| panic!("{}: {why}", folder.display()));
    let paths = entries.map(|entry| entry.expect("an entry of a folder").path());
    let found = paths.flat_map(|path| match path.is_dir() {
        true => files(&path, extension),
        false => vec![path],
    });
    found.filter(|path| path.extension().is_some_and(|it| it == extension)).collect()
}

impl Page {
    /// Reads the page that lies at `path`.
    pub fn read(path: &Path) -> Self {
        let name = path.strip_prefix(source()).expect("a page").to_string_lossy().into_owned();
        let text =
            fs::read_to_string(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        Self { path: path.to_owned(), name, text }
    }

    /// The directives of that name, `{{#name …}}`: what stands between the name and the braces.
    pub fn directives(&self, name: &str) -> Vec<&str> {
        let beginning = format!("{{{{#{name} ");
        let found = self.text.match_indices(&beginning).map(|(start, _)| {
            let rest = &self.text[start + beginning.len()..];
            rest.split_once("}}").map_or(rest, |(inside, _)| inside).trim()
        });
        found.collect()
    }

    /// The headings of the second level.
    pub fn sections(&self) -> Vec<&str> {
        self.text.lines().filter_map(|line| line.strip_prefix("## ")).map(str::trim).collect()
    }
}
